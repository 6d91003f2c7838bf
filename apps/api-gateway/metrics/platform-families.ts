import { RECONCILE_BOUNDS, type ProcessFigures } from '#contracts';
import { countUnplaced } from '#read-models';
import type { Gateway } from '../gateway.ts';
import type { Family } from './exposition.ts';

const OUTCOMES = ['SUCCEEDED', 'FAILED', 'ROLLED_BACK', 'CANCELLED', 'SUPERSEDED'] as const;

/** The platform's own figures, as this gateway knows them. @param silent nodes that didn't give their samples */
export async function platformFamilies(gateway: Gateway, silent: ReadonlyMap<string, string>): Promise<readonly Family[]> {
  const { figures, projections } = gateway.parts;
  const unplaced = await countUnplaced(gateway.reads);
  return [
    {
      name: 'waybill_deployments_total', type: 'counter', help: 'Deployments that ended, by result.',
      samples: OUTCOMES.map((result) => ({ labels: { result }, value: figures.deployments.get(result) ?? 0 })),
    },
    {
      name: 'waybill_unplaced_replicas', type: 'gauge', help: 'Replicas that wait for a node, by reason.',
      samples: [...unplaced].map(([reason, value]) => ({ labels: { reason }, value })),
    },
    {
      name: 'waybill_projection_lag_seconds', type: 'gauge', help: 'How far a view of this gateway is behind the log.',
      samples: projections.status().map(({ name: view, lagMs }) => ({ labels: { view }, value: lagMs / 1000 })),
    },
    {
      name: 'waybill_projection_ready', type: 'gauge', help: '1 where nothing stands in the way of a view.',
      samples: projections.status().map(({ name: view, ready }) => ({ labels: { view }, value: ready ? 1 : 0 })),
    },
    ...nodeFamilies(gateway, silent),
    ...reconcileFamilies(figures.processes),
  ];
}

function nodeFamilies({ parts: { nodes, heard } }: Gateway, silent: ReadonlyMap<string, string>): Family[] {
  const present = nodes.present.flatMap(({ nodeId, facts }) => (nodeId && facts ? [{ nodeId, labels: { node: facts.name } }] : []));
  return [
    {
      name: 'waybill_node_heartbeat_age_seconds', type: 'gauge', help: 'Time since this gateway heard the node.',
      samples: present.flatMap(({ nodeId, labels }) => {
        const age = heard.ageMs(nodeId);
        return age === null ? [] : [{ labels, value: age / 1000 }];
      }),
    },
    {
      name: 'waybill_node_up', type: 'gauge', help: '1 where the node was heard within 10 s and its engine answers.',
      samples: present.map(({ nodeId, labels }) => ({ labels, value: heard.silent(nodeId) ? 0 : 1 })),
    },
    {
      name: 'waybill_node_samples_missing', type: 'gauge', help: '1 where the node did not tell what its containers take.',
      samples: present.map(({ nodeId, labels }) => ({ labels, value: silent.has(nodeId) ? 1 : 0 })),
    },
  ];
}

function reconcileFamilies(processes: readonly ProcessFigures[]): Family[] {
  const queues = processes.flatMap(({ app, process, queues: own }) => own.map((figures) => ({ figures, labels: { app, process, queue: figures.queue } })));
  return [
    {
      name: 'waybill_reconcile_duration_seconds', type: 'histogram', help: 'How long reconciliations took, by process and queue.',
      samples: queues.flatMap(({ labels, figures: { buckets, count, seconds } }) => [
        ...RECONCILE_BOUNDS.map((bound, i) => ({ labels: { ...labels, le: String(bound) }, value: buckets[i] ?? 0, suffix: '_bucket' as const })),
        { labels: { ...labels, le: '+Inf' }, value: count, suffix: '_bucket' as const },
        { labels, value: seconds, suffix: '_sum' as const },
        { labels, value: count, suffix: '_count' as const },
      ]),
    },
    {
      name: 'waybill_reconcile_failures_total', type: 'counter', help: 'Reconciliations that failed and are tried again.',
      samples: queues.map(({ labels, figures: { failed } }) => ({ labels, value: failed })),
    },
  ];
}
