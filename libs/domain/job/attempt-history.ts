import type { NodeId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';
import { replica as replicaRules } from '../replica/decide.ts';
import { RUN_STATES, type ReplicaEvent } from '../replica/events.ts';
import { isGone } from '../replica/replica.ts';
import { type AttemptEnd, endIn } from './attempt-end.ts';

/** What the stream of an attempt's replica says. Times are milliseconds since the epoch, of the log. */
export interface AttemptHistory {
  readonly orderedAt: number;
  /** When it was recorded that its container runs, or has run; null: not yet. */
  readonly startedAt: number | null;
  /** `claimed`: a node is to give its word. */
  readonly phase: 'waiting' | 'claimed' | 'placed' | 'abandoned';
  /** The node that holds it. */
  readonly nodeId: NodeId | null;
  /** What it waits for, as was last said. */
  readonly waitsFor: Reason | null;
  /** The first end that stands there: every runner, whenever it looks, finds the same. */
  readonly end: AttemptEnd | null;
  /** No container of it is left, or none will ever be: the next attempt may begin. */
  readonly gone: boolean;
}

/** @param recorded all of the stream, with when each event was recorded; null where the replica was never ordered */
export function attemptHistory(recorded: readonly { readonly event: ReplicaEvent; readonly at: number }[]): AttemptHistory | null {
  const [first] = recorded;
  if (!first) return null;
  const events = recorded.map(({ event }) => event);
  const replica = events.reduce(replicaRules.evolve, replicaRules.initial);
  const { placement, claim, deferred, last } = replica.status === 'present' ? replica : NOTHING;
  return {
    orderedAt: first.at,
    startedAt: recorded.find(({ event }) => event.type === 'ReplicaObserved' && RAN.includes(event.data.state))?.at ?? null,
    phase: replica.status === 'abandoned' ? 'abandoned' : placement ? 'placed' : claim ? 'claimed' : 'waiting',
    nodeId: placement?.nodeId ?? null,
    waitsFor: last?.reason ?? deferred?.reason ?? null,
    end: events.map(endIn).find((end) => end !== null) ?? null,
    gone: replica.status === 'abandoned' || isGone(replica),
  };
}

const RAN: readonly string[] = RUN_STATES.slice(RUN_STATES.indexOf('RUNNING'));
const NOTHING = { placement: null, claim: null, deferred: null, last: null } as const;
