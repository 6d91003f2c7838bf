import {
  isGone,
  job as jobRules,
  node as nodeRules,
  type Node,
  type NodeEntry,
  type NodeId,
  type PresentReplica,
  type Reason,
  replica as replicaRules,
  type ReplicaId,
  streamOf,
  whyUnwanted,
} from '#domain';
import { commandIdOf } from '#platform';
import { causedBy } from '../cause.ts';
import type { LogIndex } from '../log-index.ts';
import { settleClaim } from '../placement/settle-claim.ts';
import type { SchedulerPorts } from '../ports.ts';

/** Gives a node's room back, where the engine's word or the node's removal allows it, and takes down what jobs don't want any more. */
export class ReleaseReplicas {
  constructor(
    private readonly ports: Pick<SchedulerPorts, 'aggregates' | 'clock'>,
    private readonly index: LogIndex,
  ) {}

  /** One look at a node. Repeating it changes nothing. */
  async reconcile(nodeId: NodeId): Promise<void> {
    const { state } = await this.ports.aggregates.load(nodeRules, streamOf('node', nodeId));
    for (const entry of state.entries.values()) {
      if (state.status === 'removed') await this.releaseLost(nodeId, entry);
      else if (this.mayBeGone(entry)) await this.releaseGone(nodeId, entry);
      if (state.status !== 'removed') await this.stopUnwanted(nodeId, state, entry);
    }
  }

  /** A look at memory before reading a stream: a node holds hundreds, of which few are over. */
  private mayBeGone({ placement }: NodeEntry): boolean {
    return this.index.replicas.get(placement.replicaId)?.gone ?? true;
  }

  private async releaseGone(nodeId: NodeId, { placement }: NodeEntry): Promise<void> {
    const { state } = await this.ports.aggregates.load(replicaRules, streamOf('replica', placement.replicaId));
    if (state.status === 'present' && isGone(state)) await this.release(nodeId, placement, state.last?.reason ?? { code: 'gone', message: 'its container is gone' });
  }

  /** Nobody will report of it any more: what ran there is recorded as gone, so that it is made good elsewhere. */
  private async releaseLost(nodeId: NodeId, { placement }: NodeEntry): Promise<void> {
    const reason: Reason = { code: 'node_removed', message: 'its node was removed' };
    const replica = await this.settled(placement.replicaId);
    if (replica && !isGone(replica)) await this.recordLost(nodeId, replica, reason);
    await this.release(nodeId, placement, reason);
  }

  /** The node's word may not be copied yet; an observation needs it. */
  private async settled(replicaId: ReplicaId): Promise<PresentReplica | null> {
    const { state } = await this.ports.aggregates.load(replicaRules, streamOf('replica', replicaId));
    if (state.status !== 'present') return null;
    const settled = (await settleClaim(this.ports, state, this.index.causeOf(replicaId), null))?.replica ?? state;
    return settled.status === 'present' ? settled : null;
  }

  private async recordLost(nodeId: NodeId, replica: PresentReplica, reason: Reason): Promise<void> {
    const { replicaId, projectId, last } = replica;
    const now = this.ports.clock.now();
    const observation = {
      replicaId,
      run: last?.run ?? 1,
      state: 'GONE',
      final: true,
      containerId: last?.containerId ?? null,
      address: null,
      imageId: last?.imageId ?? null,
      exitCode: last?.exitCode ?? null,
      oomKilled: last?.oomKilled ?? false,
      health: 'unknown',
      reason,
      at: new Date(now).toISOString(),
    } as const;
    const metadata = causedBy(this.index.causeOf(nodeId), commandIdOf('lost', replicaId), projectId, now);
    await this.ports.aggregates.handle(replicaRules, streamOf('replica', replicaId), { type: 'RecordObservation', data: { nodeId, observation } }, metadata);
  }

  private async release(nodeId: NodeId, { replicaId, projectId }: NodeEntry['placement'], reason: Reason): Promise<void> {
    const metadata = causedBy(this.index.causeOf(replicaId), commandIdOf('release', replicaId), projectId, this.ports.clock.now());
    await this.ports.aggregates.handle(nodeRules, streamOf('node', nodeId), { type: 'ReleaseReplica', data: { replicaId, reason } }, metadata);
  }

  private async stopUnwanted(nodeId: NodeId, node: Node, { placement, wanted }: NodeEntry): Promise<void> {
    const { owner, replicaId, projectId } = placement;
    if (owner.type !== 'job' || wanted === 'gone' || !node.entries.has(replicaId) || !this.index.endingJobs.has(owner.id)) return;
    const { state } = await this.ports.aggregates.load(jobRules, streamOf('job', owner.id));
    const reason = whyUnwanted(state, replicaId);
    if (!reason) return;
    const metadata = causedBy(this.index.causeOf(owner.id), commandIdOf('gone', replicaId), projectId, this.ports.clock.now());
    await this.ports.aggregates.handle(nodeRules, streamOf('node', nodeId), { type: 'ChangeWanted', data: { replicaId, to: 'gone', reason } }, metadata);
  }
}
