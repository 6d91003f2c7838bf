import type { ObservationBatch, ObservationReply } from '#contracts';
import { RUN_STATES, type NodeId, type Observation, type RestartTally } from '#domain';
import type { MonitorPorts } from './ports.ts';
import type { ObservationRecorder } from './record-observation.ts';

/** Takes in what agents saw, from their journals. */
export class Observations {
  constructor(
    private readonly ports: Pick<MonitorPorts, 'logger'>,
    private readonly recorder: ObservationRecorder,
  ) {}

  /** Acknowledges what is durable; the rest stays in the agent's journal and comes again. Never throws.
   *  @param nodeId whom the subject says it comes from */
  async take(nodeId: NodeId, batch: ObservationBatch): Promise<ObservationReply> {
    if (batch?.nodeId !== nodeId || !Array.isArray(batch.observations)) {
      this.ports.logger.warn('observations of another node refused', { node_id: nodeId, claimed_node_id: batch?.nodeId });
      return { acknowledged: [] };
    }
    const byReplica = Map.groupBy(batch.observations, ({ replicaId }) => replicaId);
    const acknowledged = await Promise.all([...byReplica.values()].map((observations) => this.takeInOrder(nodeId, observations)));
    return { acknowledged: acknowledged.flat() };
  }

  /** Of one replica each waits for the one before: recorded out of order, the earlier would be refused for good. */
  private async takeInOrder(nodeId: NodeId, observations: ObservationBatch['observations']): Promise<number[]> {
    const acknowledged: number[] = [];
    for (const entry of observations.toSorted((a, b) => a.seq - b.seq)) {
      if (!isObservation(entry)) this.ports.logger.warn('malformed observation dropped', { node_id: nodeId, seq: entry.seq });
      else if ((await this.recorder.record(nodeId, plain(entry))) === 'later') return acknowledged;
      acknowledged.push(entry.seq);
    }
    return acknowledged;
  }
}

/** The parts that are recorded, and no others: what an agent sends beside them must not get into the log. */
export const plain = (it: Observation): Observation => ({
  replicaId: it.replicaId,
  run: it.run,
  state: it.state,
  final: it.final,
  containerId: it.containerId ?? null,
  address: it.address ?? null,
  imageId: it.imageId ?? null,
  exitCode: it.exitCode ?? null,
  oomKilled: it.oomKilled === true,
  health: HEALTHS.find((health) => health === it.health) ?? 'unknown',
  reason: it.reason ? { code: String(it.reason.code), message: String(it.reason.message) } : null,
  ...(typeof it.subnet === 'string' ? { subnet: it.subnet } : {}),
  ...(isCount(it.healthChange) ? { healthChange: it.healthChange } : {}),
  ...(typeof it.imageDigest === 'string' && DIGEST.test(it.imageDigest) ? { imageDigest: it.imageDigest } : {}),
  ...(isCount(it.pull?.doneBytes) && isCount(it.pull.totalBytes) ? { pull: { doneBytes: it.pull.doneBytes, totalBytes: it.pull.totalBytes } } : {}),
  ...(isCount(it.restarts?.count) ? { restarts: tallyOf(it.restarts) } : {}),
  at: String(it.at),
});

const DIGEST = /^sha256:[0-9a-f]{64}$/;
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > -1;

/** Codes that a tally may tell apart: it goes into the log whole. */
const MAX_CAUSES = 20;

const tallyOf = ({ count, firstAt, lastAt, causes }: RestartTally): RestartTally => ({
  count,
  firstAt: String(firstAt),
  lastAt: String(lastAt),
  causes: Object.fromEntries(Object.entries(causes ?? {}).filter(([, times]) => isCount(times)).slice(0, MAX_CAUSES)),
});

const HEALTHS = ['unknown', 'starting', 'healthy', 'unhealthy'] as const;

/** Whether it can be judged at all. */
export function isObservation(it: Observation): boolean {
  const seen: readonly string[] = RUN_STATES.slice(RUN_STATES.indexOf('PREPARING'));
  return typeof it?.replicaId === 'string' && it.replicaId.startsWith('rep_') && Number.isInteger(it.run) && seen.includes(it.state) && typeof it.final === 'boolean';
}
