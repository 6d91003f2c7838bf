import { replica as replicaRules, RUN_STATES, type NodeId, type Reason, type ReplicaEvent } from '#domain';
import type { Recorded } from '#event-store';
import { type AttemptEnd, endIn } from './outcome.ts';

/** What the stream of an attempt's replica says. */
export interface AttemptHistory {
  /** Wall time of its order. */
  readonly orderedAt: number;
  /** Its container has run, if only for a moment. */
  readonly started: boolean;
  /** The node that holds it. */
  readonly nodeId: NodeId | null;
  /** What it waits for, as was last said. */
  readonly waitsFor: Reason | null;
  /** The first end that stands there: every runner, whenever it looks, finds the same. */
  readonly end: AttemptEnd | null;
}

/** How long an attempt may take until its container starts: placement, pull and all. From there on its timeout counts, which
 *  the agent enforces. As long as a service's deployment goes without progress, unless it is told otherwise. Milliseconds. */
export const START_DEADLINE_MS = 600_000;

/** @param recorded all of the stream: at least its beginning */
export function historyOf(recorded: readonly Recorded[]): AttemptHistory {
  const events = recorded as unknown as readonly ReplicaEvent[];
  const replica = events.reduce(replicaRules.evolve, replicaRules.initial);
  const { placement, deferred, last } = replica.status === 'present' ? replica : NOTHING;
  return {
    orderedAt: Date.parse(recorded[0]!.metadata.at),
    started: events.some((event) => event.type === 'ReplicaObserved' && RAN.includes(event.data.state)),
    nodeId: placement?.nodeId ?? null,
    waitsFor: last?.reason ?? deferred?.reason ?? null,
    end: events.map(endIn).find((end) => end !== null) ?? null,
  };
}

/** The end of an attempt that didn't start in time.
 *  @param unreachable its node isn't heard from: what became of it there, nobody knows */
export function overdue({ nodeId, waitsFor }: AttemptHistory, unreachable: boolean): AttemptEnd {
  const within = `within ${START_DEADLINE_MS / 1000} s`;
  const why = waitsFor ? `: ${waitsFor.message}` : '';
  const failed = (code: string, message: string): AttemptEnd => ({ outcome: 'FAILED', exitCode: null, oomKilled: false, reason: { code, message } });
  if (nodeId === null) return failed('not_placed', `no node took it ${within}${why}`);
  if (unreachable) return failed('node_unreachable', `it wasn't seen to start ${within}, and its node isn't heard from; outcome: unknown`);
  return failed('not_started', `its container didn't start ${within}${why}`);
}

const RAN: readonly string[] = RUN_STATES.slice(RUN_STATES.indexOf('RUNNING'));
const NOTHING = { placement: null, deferred: null, last: null } as const;
