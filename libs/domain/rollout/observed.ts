import type { ReplicaOrder } from '../docker-service/events.ts';
import type { NodeId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';
import type { Health, RunState } from '../replica/events.ts';

/** What the log knows of an ordered replica, from its own stream and that of its node. */
export interface ObservedReplica {
  readonly order: ReplicaOrder;
  /** Its stream was begun, by `ReplicaCreated` or `ReplicaAbandoned`. */
  readonly exists: boolean;
  readonly abandoned: boolean;
  /** PENDING where it wasn't placed yet or doesn't exist. */
  readonly state: RunState;
  readonly run: number;
  /** Its agent tries nothing more. */
  readonly final: boolean;
  /** Some run of it has failed. */
  readonly everFailed: boolean;
  /** Its present run has lasted for `minHealthyMs`. */
  readonly settled: boolean;
  /** That was so at some time. */
  readonly everSettled: boolean;
  readonly health: Health;
  /** Its work is done, or it was stopped by hand: its slot wants nobody else. */
  readonly finished: 'COMPLETED' | 'STOPPED' | null;
  readonly gone: boolean;
  /** Its node has given its room free: nothing more will be heard of it. */
  readonly released: boolean;
  /** Where it was placed. */
  readonly nodeId: NodeId | null;
  readonly nodeUnreachable: boolean;
  readonly nodeDrained: boolean;
  /** What its container was made from; null where nothing was said of that. `digest`: the registry's. */
  readonly image: { readonly imageId: string; readonly digest: string | null } | null;
  /** Why its last failed run ended. */
  readonly failure: Reason | null;
  readonly reason: Reason | null;
  /** What the last probe of its present run found to be wrong, as its agent said when it was asked before a deadline is judged; null where
   *  nothing was wrong, or nobody was asked. */
  readonly lastProbe: string | null;
}

/** No container of it is there, and none will be: its slot may have the next generation. */
export const isEnded = (seen: ObservedReplica): boolean => seen.gone || seen.abandoned;

/** Ended, and its room is free: it can be forgotten. */
export const isOver = (seen: ObservedReplica): boolean => seen.abandoned || (seen.gone && seen.released);

/** Its agent has given it up. It stays as it is until somebody stops it. */
export const isGivenUp = (seen: ObservedReplica): boolean => seen.final && !seen.finished && (seen.state === 'FAILED' || seen.state === 'COMPLETED' || seen.state === 'STOPPED');

const PREPARED: readonly RunState[] = ['PREPARED', 'STARTING', 'RUNNING', 'SETTLED'];

/** Its image is on its node, and its container can be started at once, or was. */
export const isPrepared = (seen: ObservedReplica): boolean => PREPARED.includes(seen.state) || seen.finished !== null;

/** An order of which nothing was seen yet. */
export const unseen = (order: ReplicaOrder): ObservedReplica => ({
  order,
  exists: false,
  abandoned: false,
  state: 'PENDING',
  run: 0,
  final: false,
  everFailed: false,
  settled: false,
  everSettled: false,
  health: 'unknown',
  finished: null,
  gone: false,
  released: false,
  nodeId: null,
  nodeUnreachable: false,
  nodeDrained: false,
  image: null,
  failure: null,
  reason: null,
  lastProbe: null,
});
