import type { Cases } from '../kernel/decider.ts';
import type { DeploymentId, NodeId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';
import type { NodeVerdict } from '../scheduling/verdict.ts';
import type { Health, Observation, Placeable, PullProgress, ReplicaEvent, ReplicaRef, RunState } from './events.ts';

/** A claim on a node that hasn't given its word yet: no other may be made until it is settled. */
export interface OpenClaim {
  readonly attempt: number;
  readonly nodeId: NodeId;
  /** Why it can only be revoked; left out: the node may take it. */
  readonly inVain?: Reason;
}

/** Runs whose states are remembered one by one; anything from an older run counts as known. Bounds the state of a crash loop. */
export const REMEMBERED_RUNS = 20;

/** One that was ordered: what it needs, where its placement stands, and what was seen of it. */
export interface PresentReplica extends ReplicaRef, Placeable {
  readonly status: 'present';
  readonly deploymentId: DeploymentId | null;
  /** Claims made so far; the next one is this plus 1. */
  readonly attempts: number;
  readonly claim: OpenClaim | null;
  /** The node that holds it. Once placed it stays there: a replica never moves, its slot gets the next generation. */
  readonly placement: OpenClaim | null;
  /** The node's word on the latest attempt. */
  readonly settled: { readonly attempt: number; readonly nodeId: NodeId; readonly outcome: 'placed' | 'refused' | 'revoked'; readonly reason: Reason } | null;
  /** Why no node fits; null once one was claimed. */
  readonly deferred: { readonly reason: Reason; readonly nodes: readonly NodeVerdict[] } | null;
  readonly last: Observation | null;
  /** Why its last failed run ended, whatever came after; null where none has failed. */
  readonly failure: Reason | null;
  /** It has stayed up for `minHealthyMs` at some time. */
  readonly everSettled: boolean;
  /** Its work is done, or somebody stopped it by hand, for good: its slot wants nobody else, even when the container is removed. */
  readonly finished: 'COMPLETED' | 'STOPPED' | null;
  /** By run: the `observationKey`s that stand in the log. */
  readonly seen: ReadonlyMap<number, ReadonlySet<string>>;
  /** The (run, state) pairs whose refusal stands in the log. */
  readonly refused: ReadonlySet<string>;
}

export type Replica =
  | { readonly status: 'absent' }
  | (ReplicaRef & { readonly status: 'abandoned'; readonly reason: Reason; readonly refused: ReadonlySet<string> })
  | PresentReplica;

export const initial: Replica = { status: 'absent' };

/** Where it stands, as people are told: PENDING until a node took it, ASSIGNED until the first observation. null: never ordered, or abandoned. */
export function replicaState(replica: Replica): RunState | null {
  if (replica.status !== 'present') return null;
  return replica.last?.state ?? (replica.placement ? 'ASSIGNED' : 'PENDING');
}

/** Its container is gone for good. */
export const isGone = (replica: Replica): boolean => replica.status === 'present' && replica.last?.state === 'GONE';

/** What makes two observations of one run, between two changes of its health, the same: what was seen, the code of its reason, the subnet
 *  that it speaks of, its health, and which quarter of the image a pull is in. */
export const observationKey = (seen: Pick<Observation, 'reason' | 'subnet' | 'pull'> & { readonly state: RunState; readonly health?: Health }): string =>
  [
    seen.state,
    seen.reason?.code ?? '',
    ...(seen.subnet ? [seen.subnet] : []),
    ...(seen.health && seen.health !== 'unknown' ? [seen.health] : []),
    ...(seen.pull ? [`quarter ${quarterOf(seen.pull)}`] : []),
  ].join('|');

/** 0 to 4: more isn't worth a word in the log. */
export const quarterOf = ({ doneBytes, totalBytes }: PullProgress): number => (totalBytes > 0 ? Math.min(4, Math.floor((4 * doneBytes) / totalBytes)) : 0);

/** What an observation says, as a text: two of one replica with the same one say the same. */
export const observationWord = (seen: Observation): string => [seen.run, seen.final, seen.healthChange ?? 0, observationKey(seen)].join('|');

/** A refusal is said once for each of these. */
export const refusalKey = (seen: { readonly run: number; readonly state: RunState }): string => `${seen.run}|${seen.state}`;

const present = (replica: Replica): PresentReplica => {
  if (replica.status !== 'present') throw new Error(`history out of order: replica is ${replica.status}`);
  return replica;
};

const evolutions: Cases<ReplicaEvent, Replica, Replica> = {
  ReplicaCreated: (_, { data }) => ({
    ...data,
    status: 'present',
    attempts: 0,
    claim: null,
    placement: null,
    settled: null,
    deferred: null,
    last: null,
    failure: null,
    everSettled: false,
    finished: null,
    seen: new Map(),
    refused: new Set(),
  }),
  ReplicaAbandoned: (replica, { data }) => ({
    status: 'abandoned',
    replicaId: data.replicaId,
    owner: data.owner,
    reason: data.reason,
    refused: replica.status === 'absent' ? new Set() : replica.refused,
  }),
  PlacementDeferred: (replica, { data }) => ({ ...present(replica), deferred: { reason: data.reason, nodes: data.nodes } }),
  PlacementClaimed: (replica, { data }) => ({
    ...present(replica),
    attempts: data.attempt,
    claim: { attempt: data.attempt, nodeId: data.nodeId, ...(data.inVain ? { inVain: data.reason } : {}) },
    deferred: null,
  }),
  PlacementSettled: (replica, { data: { attempt, nodeId, outcome, reason } }) => ({
    ...present(replica),
    claim: null,
    placement: outcome === 'placed' ? { attempt, nodeId } : null,
    settled: { attempt, nodeId, outcome, reason },
  }),
  ReplicaObserved(replica, { data: { owner: _owner, nodeId: _nodeId, ...observation } }) {
    const state = present(replica);
    return {
      ...state,
      last: observation,
      failure: observation.state === 'FAILED' ? (observation.reason ?? { code: 'replica_failed', message: 'it failed' }) : state.failure,
      everSettled: state.everSettled || observation.state === 'SETTLED',
      finished: observation.state === 'GONE' ? state.finished : finishedBy(observation),
      seen: remember(state.seen, observation),
    };
  },
  ObservationRefused(replica, { data }) {
    if (replica.status === 'absent') throw new Error('history out of order: replica is absent');
    return { ...replica, refused: new Set([...replica.refused, refusalKey(data)]) };
  },
};

function finishedBy({ state, final, reason }: Observation): PresentReplica['finished'] {
  if (!final) return null;
  if (state === 'COMPLETED') return 'COMPLETED';
  return state === 'STOPPED' && reason?.code === STOPPED_BY_HAND ? 'STOPPED' : null;
}

/** Why a container that somebody stopped on its host isn't started again. */
export const STOPPED_BY_HAND = 'stopped_by_hand';

function remember(seen: PresentReplica['seen'], observation: Observation): PresentReplica['seen'] {
  const kept = new Map([...seen].filter(([run]) => run > observation.run - REMEMBERED_RUNS));
  return kept.set(observation.run, new Set([...(kept.get(observation.run) ?? []), observationKey(observation)]));
}

export const evolve = (replica: Replica, event: ReplicaEvent): Replica => evolutions[event.type](replica, event as never);
