import type { ReplicaSample } from '#contracts';
import type { FigureFacts } from '#read-models';
import type { Family } from './exposition.ts';

type Figure = readonly [name: string, type: Family['type'], help: string, value: (sample: ReplicaSample, facts: FigureFacts) => number | null];

/** Named as cAdvisor names them, so that dashboards that are there fit.
 *  https://github.com/google/cadvisor/blob/master/docs/storage/prometheus.md */
const FIGURES: readonly Figure[] = [
  ['container_cpu_usage_seconds_total', 'counter', 'CPU time of the present run.', ({ cpuSeconds }) => cpuSeconds],
  ['container_memory_usage_bytes', 'gauge', 'Memory charged to the container, the page cache too.', ({ memoryBytes }) => memoryBytes],
  ['container_memory_working_set_bytes', 'gauge', 'Memory charged to the container without inactive page cache.', ({ workingSetBytes }) => workingSetBytes],
  ['container_spec_memory_limit_bytes', 'gauge', 'Memory limit.', ({ memoryLimitBytes }) => memoryLimitBytes],
  ['container_spec_cpu_limit_cores', 'gauge', 'CPU limit.', ({ cpuLimitMillis }) => cpuLimitMillis / 1000],
  ['container_network_receive_bytes_total', 'counter', 'Bytes received in the present run.', ({ receivedBytes }) => receivedBytes],
  ['container_network_transmit_bytes_total', 'counter', 'Bytes sent in the present run.', ({ sentBytes }) => sentBytes],
  ['container_last_seen_timestamp_seconds', 'gauge', 'When its node looked last.', ({ at }) => Date.parse(at) / 1000],
  ['container_oom_events_total', 'counter', 'Runs that were ended for want of memory.', (_, { oom_kills }) => oom_kills],
  ['waybill_replica_restarts_total', 'counter', 'Restarts of the replica.', (_, { restarts }) => restarts],
];

/** The figures of containers, by project, environment, service (or job) and replica. @param facts by replica */
export function containerFamilies(samples: readonly ReplicaSample[], facts: ReadonlyMap<string, FigureFacts>): readonly Family[] {
  const known = samples.flatMap((sample) => {
    const fact = facts.get(sample.replicaId);
    return sample.exported && fact ? [{ sample, fact, labels: labelsOf(sample, fact) }] : [];
  });
  return FIGURES.map(([name, type, help, value]) => ({
    name,
    help,
    type,
    samples: known.flatMap(({ sample, fact, labels }) => {
      const figure = value(sample, fact);
      return figure === null ? [] : [{ labels, value: figure }];
    }),
  }));
}

const labelsOf = ({ replicaId, owner, image }: ReplicaSample, { project, environment, name, slot, node }: FigureFacts) => ({
  project, environment, [owner.type]: name, replica: replicaId, slot: String(slot), node, image,
});
