import type { Cases, Decider } from '../kernel/decider.ts';
import type { DeploymentId, NodeId, Owner, ReplicaId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';
import { Rejection } from '../kernel/rejection.ts';
import { WAITING } from '../resource/waits.ts';
import type { NodeVerdict } from '../scheduling/verdict.ts';
import type { Observation, Placeable, ReplicaEvent, ReplicaRef } from './events.ts';
import { judgeObservation, withKnownHealth } from './judge-observation.ts';
import { evolve, initial, type PresentReplica, refusalKey, type Replica } from './replica.ts';

export type ReplicaCommand =
  | { type: 'CreateReplica'; data: ReplicaRef & Placeable & { deploymentId: DeploymentId | null } }
  /** Before any node settled it; also the first word on a replica that was ordered and is no longer wanted. */
  | { type: 'AbandonReplica'; data: { replicaId: ReplicaId; owner: Owner; reason: Reason } }
  | { type: 'DeferPlacement'; data: { reason: Reason; nodes: readonly NodeVerdict[] } }
  /** `attempt`: the one after the highest settled. */
  | { type: 'ClaimPlacement'; data: { attempt: number; nodeId: NodeId; reason: Reason; nodes: readonly NodeVerdict[]; inVain?: true } }
  /** `eventId`: of the event on the node's stream. */
  | { type: 'CopySettlement'; data: { attempt: number; nodeId: NodeId; outcome: 'placed' | 'refused' | 'revoked'; reason: Reason; eventId: string } }
  /** `nodeId`: whose agent says so. */
  | { type: 'RecordObservation'; data: { nodeId: NodeId; observation: Observation } };

const decisions: Cases<ReplicaCommand, Replica, readonly ReplicaEvent[]> = {
  CreateReplica(replica, { data }) {
    if (replica.status === 'abandoned') throw new Rejection('conflict', 'replica.abandoned', 'it was given up before it began; order the next generation of its slot');
    return replica.status === 'present' ? [] : [{ type: 'ReplicaCreated', data }];
  },

  AbandonReplica(replica, { data }) {
    if (replica.status === 'abandoned') return [];
    if (replica.status === 'present') {
      refuseOpenClaim(replica);
      refusePlaced(replica);
    }
    return [{ type: 'ReplicaAbandoned', data }];
  },

  /** Figures change all the time; it is worth an event only when the refusals change in kind. */
  DeferPlacement(replica, { data }) {
    const state = unplaced(replica);
    refuseOpenClaim(state);
    return state.deferred && kindOf(state.deferred) === kindOf(data) ? [] : [{ type: 'PlacementDeferred', data: { ...refOf(state), ...data } }];
  },

  ClaimPlacement(replica, { data }) {
    const state = unplaced(replica);
    if (state.claim?.attempt === data.attempt && state.claim.nodeId === data.nodeId) return [];
    refuseOpenClaim(state);
    const next = state.attempts + 1;
    if (data.attempt !== next) throw new Rejection('conflict', 'replica.attempt_out_of_order', `the next attempt is ${next}`, { next });
    return [{ type: 'PlacementClaimed', data: { ...refOf(state), ...data } }];
  },

  CopySettlement(replica, { data }) {
    const state = present(replica);
    const { claim } = state;
    if (claim?.attempt === data.attempt && claim.nodeId === data.nodeId) return [{ type: 'PlacementSettled', data: { ...refOf(state), ...data } }];
    const settledBefore = data.attempt <= state.attempts && data.attempt !== claim?.attempt;
    if (settledBefore) return [];
    throw new Rejection('conflict', 'replica.not_claimed', 'no such claim is open', { attempt: data.attempt, nodeId: data.nodeId });
  },

  /** Silent when known. A claim of this very node that is still open may be settled already: copy the settlement, then say it again. */
  RecordObservation(replica, { data: { nodeId, observation } }) {
    if (replica.status === 'absent') throw notFound();
    const claimedHere = replica.status === 'present' && replica.claim?.nodeId === nodeId;
    if (claimedHere) refuseOpenClaim(replica);

    const verdict = judgeObservation(replica, nodeId, observation);
    if (verdict === 'known') return [];
    if (verdict === 'new') return [{ type: 'ReplicaObserved', data: { ...asRecorded(replica, observation), ...refOf(replica), nodeId } }];
    if (replica.refused.has(refusalKey(observation))) return [];
    return [{ type: 'ObservationRefused', data: { ...refOf(replica), nodeId, run: observation.run, state: observation.state, reason: verdict.refused } }];
  },
};

/** Whatever run it was said of, GONE ends the latest one, for good. */
function asRecorded(replica: Replica, observation: Observation): Observation {
  if (observation.state !== 'GONE') return withKnownHealth(replica, observation);
  const last = replica.status === 'present' ? (replica.last?.run ?? 0) : 0;
  return { ...observation, final: true, run: Math.max(observation.run, last) };
}

const notFound = () => new Rejection('not_found', 'replica.not_found', 'it was never ordered');

const refOf = ({ replicaId, owner }: ReplicaRef): ReplicaRef => ({ replicaId, owner });

function present(replica: Replica): PresentReplica {
  if (replica.status === 'absent') throw notFound();
  if (replica.status === 'abandoned') throw new Rejection('conflict', 'replica.abandoned', 'it is not wanted any more');
  return replica;
}

function unplaced(replica: Replica): PresentReplica {
  const state = present(replica);
  refusePlaced(state);
  return state;
}

function refusePlaced({ placement }: PresentReplica): void {
  if (placement) throw new Rejection('conflict', 'replica.placed', 'a node holds it; stop it there', { nodeId: placement.nodeId });
}

function refuseOpenClaim({ claim }: PresentReplica): void {
  if (claim) throw new Rejection('conflict', 'replica.claim_open', 'settle the open claim first', { attempt: claim.attempt, nodeId: claim.nodeId });
}

function kindOf({ reason, nodes }: { reason: Reason; nodes: readonly NodeVerdict[] }): string {
  const refusals = nodes.map((node) => `${node.nodeId}:${node.reasons.map(({ filter }) => filter).sort().join(',')}`);
  // Of a wait it is news which one it is.
  return [reason.code === WAITING ? reason.message : reason.code, ...refusals.sort()].join('|');
}

/** The rules of one replica: placed at most once at a time, seen only ever moving forward. */
export const replica: Decider<Replica, ReplicaCommand, ReplicaEvent> = {
  initial,
  evolve,
  decide: (state, command) => decisions[command.type](state, command as never),
};
