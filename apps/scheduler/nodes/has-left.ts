import { isGone, node as nodeRules, replica as replicaRules, type ReplicaId, streamOf } from '#domain';
import type { SchedulerPorts } from '../ports.ts';

/** Whether nothing of a replica is, or comes to be, on a node: its node has given its room free, or never had it. By the streams: an index may not have heard of
 *  it yet. */
export async function hasLeft(aggregates: SchedulerPorts['aggregates'], replicaId: ReplicaId): Promise<boolean> {
  const { state } = await aggregates.load(replicaRules, streamOf('replica', replicaId));
  if (state.status !== 'present') return true;
  if (!state.placement) return state.claim === null;
  const { state: node } = await aggregates.load(nodeRules, streamOf('node', state.placement.nodeId));
  return isGone(state) && !node.entries.has(replicaId);
}
