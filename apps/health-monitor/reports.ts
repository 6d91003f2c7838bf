import { eventNameOf, type Passed, type Report, type ReportReply } from '#contracts';
import { isGone, judgeObservation, node as nodeRules, streamOf, type Node, type NodeEntry, type NodeId, type Observation, type PresentReplica, type Replica, type ReplicaId } from '#domain';
import { isObservation, plain } from './observations.ts';
import type { MonitorPorts } from './ports.ts';
import type { ObservationRecorder } from './record-observation.ts';

/** Compares an agent's full list with what its node was assigned. */
export class Reports {
  constructor(
    private readonly ports: Pick<MonitorPorts, 'aggregates' | 'store' | 'clock' | 'logger'>,
    private readonly recorder: ObservationRecorder,
  ) {}

  /** Records states that the log doesn't have yet, and as GONE whatever was assigned at the report's point and isn't in it.
   *  Repeating it changes nothing. Never throws. `taken: false`: it says nothing about this history, or not all could be
   *  recorded; the next report does.
   *  @param nodeId whom the subject says it comes from */
  async take(nodeId: NodeId, report: Report): Promise<ReportReply> {
    try {
      const applied = await this.appliedRevision(nodeId, report);
      if (applied === null) return { taken: false };
      const { state } = await this.ports.aggregates.load(nodeRules, streamOf('node', nodeId));
      const passed: Passed[] = [];
      const taken = await this.compare({ nodeId, node: state, applied, passed }, report);
      return { taken, ...(passed.length > 0 ? { passed } : {}) };
    } catch (error) {
      this.ports.logger.warn('report not taken', { node_id: nodeId, error });
      return { taken: false };
    }
  }

  private async compare({ nodeId, node, applied, passed }: Comparison, report: Report): Promise<boolean> {
    const known = report.replicas.filter(isObservation).map(plain);
    const listed = new Set<ReplicaId>(report.replicas.map(({ replicaId }) => replicaId));
    const absent = [...node.entries.values()].filter(({ placement, placedAt }) => BigInt(placedAt) <= applied && !listed.has(placement.replicaId));
    const recorded = await Promise.all([
      ...known.filter(({ replicaId }) => node.entries.has(replicaId)).map((observation) => this.recordAhead(nodeId, observation, passed)),
      ...absent.map((entry) => this.recordGone(nodeId, entry)),
    ]);
    return recorded.every(Boolean);
  }

  /** A list made before the log moved on is old, not wrong: nothing is refused for it. */
  private async recordAhead(nodeId: NodeId, observation: Observation, passed: Passed[]): Promise<boolean> {
    const replica = await this.recorder.load(observation.replicaId);
    const claimedHere = replica.status === 'present' && replica.claim?.nodeId === nodeId;
    const verdict = judgeObservation(replica, nodeId, observation);
    if (isPassed(replica, nodeId, observation)) passed.push({ replicaId: observation.replicaId, run: replica.last!.run });
    if (!claimedHere && verdict !== 'new') return true;
    return (await this.recorder.record(nodeId, observation)) === 'durable';
  }

  private async recordGone(nodeId: NodeId, { placement: { replicaId } }: NodeEntry): Promise<boolean> {
    const replica = await this.recorder.load(replicaId);
    if (replica.status !== 'present' || isGone(replica)) return true;
    const { last } = replica;
    const gone: Observation = {
      replicaId,
      run: last?.run ?? 1,
      state: 'GONE',
      final: true,
      containerId: last?.containerId ?? null,
      address: null,
      imageId: last?.imageId ?? null,
      exitCode: null,
      oomKilled: false,
      health: 'unknown',
      reason: { code: 'absent_from_report', message: 'its node knows nothing of it any more' },
      at: new Date(this.ports.clock.now()).toISOString(),
    };
    this.ports.logger.warn('assigned replica is absent from its node', { node_id: nodeId, replica_id: replicaId });
    return (await this.recorder.record(nodeId, gone)) === 'durable';
  }

  /** The revision of the node's stream that the agent has applied; null where it speaks of nothing that this store knows. */
  private async appliedRevision(nodeId: NodeId, { stand, replicas }: Report): Promise<bigint | null> {
    const { applied, storeId } = stand;
    if (stand.nodeId !== nodeId || !Array.isArray(replicas) || storeId !== this.ports.store.storeId || applied === null) return null;
    if (!/^\d{1,18}$/.test(applied.revision)) return null;
    const revision = BigInt(applied.revision);
    for await (const event of this.ports.store.readStream(streamOf('node', nodeId), { from: revision, limit: 1 })) {
      if (eventNameOf(event) === applied.eventId) return revision;
    }
    return null;
  }
}

interface Comparison {
  readonly nodeId: NodeId;
  readonly node: Node;
  /** The revision of the node's stream that the agent has applied. */
  readonly applied: bigint;
  /** Takes what the log has later words of. */
  readonly passed: Passed[];
}

/** It is said to be up, and the log has its end, or a run after it; or it is said to have ended, and the log has a run after it that hasn't. */
function isPassed(replica: Replica, nodeId: NodeId, told: Observation): replica is PresentReplica {
  if (replica.status !== 'present' || replica.placement?.nodeId !== nodeId || replica.last === null || replica.last.state === 'GONE') return false;
  const { run, state } = replica.last;
  if (isUp(told)) return run > told.run || (run === told.run && HAS_ENDED.has(state));
  return HAS_ENDED.has(told.state) && run > told.run && !HAS_ENDED.has(state);
}

const isUp = ({ state }: Observation): boolean => state === 'RUNNING' || state === 'SETTLED';
const HAS_ENDED: ReadonlySet<Observation['state']> = new Set(['COMPLETED', 'FAILED', 'STOPPED']);
