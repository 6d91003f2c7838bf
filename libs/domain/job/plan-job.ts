import type { NodeId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';
import { dependencyId } from '../resource/dependency.ts';
import { type AttemptEnd, failed } from './attempt-end.ts';
import type { AttemptHistory } from './attempt-history.ts';
import type { Ending } from './events.ts';
import type { JobAttempt, OpenJob } from './job.ts';

/** The one next thing to do about a job. Times are milliseconds since the epoch. */
export type JobStep =
  /** Nothing until then, unless something happens. */
  | { readonly do: 'rest'; readonly until: number }
  | { readonly do: 'start'; readonly attempt: number }
  /** The replica of the current attempt. */
  | { readonly do: 'order' }
  /** No node holds the attempt, and none shall. */
  | { readonly do: 'abandon'; readonly reason: Reason }
  /** What the node saw may still be on its way: ask it, and plan again with what came of that. */
  | { readonly do: 'hear'; readonly nodeId: NodeId }
  | { readonly do: 'fail_attempt'; readonly ending: Ending; readonly retryAt: number }
  | { readonly do: 'end'; readonly end: AttemptEnd };

export interface JobSituation {
  readonly job: OpenJob;
  /** Of the current attempt; null where its replica isn't ordered yet. */
  readonly attempt: AttemptHistory | null;
  readonly now: number;
  /** What came of asking the attempt's node: a report that stands in the log now, no answer, or the log says that it isn't heard
   *  from at all. Null: it wasn't asked. */
  readonly heard: 'reported' | 'silent' | 'unreachable' | null;
}

/** How long an attempt may take until its container starts: placement, pull and all. From there on its timeout counts, which
 *  the agent enforces. As long as a service's deployment goes without progress, unless it is told otherwise. Milliseconds. */
export const START_DEADLINE_MS = 600_000;
/** How long after its timeout, or after a cancel, the word of its end may take: a stop's grace, and a node that lags behind. */
export const END_SLACK_MS = 60_000;
/** A node that answers and hasn't come to the end is waited for this much longer. */
const PATIENCE_MS = 600_000;
/** A node that gives no answer is asked again for so long. */
const GIVE_UP_MS = 60_000;
const ASK_AGAIN_MS = 3_000;
const LOOK_AGAIN_MS = 30_000;

/** The pause after the nth failed attempt: 10 s doubling to 6 min. */
export const retryDelayMs = (failures: number): number => Math.min(10_000 * 2 ** (failures - 1), 360_000);

/** What is next for a job, from what stands in its own stream and in that of its attempt. Pure; every wait in it ends. */
export function planJob(situation: JobSituation): JobStep {
  const { job, attempt } = situation;
  const { current, cancel } = job;
  if (!current) return cancel ? { do: 'end', end: neverTried(cancel.reason) } : beginning(job);
  if (cancel) return planCancel(situation, current, cancel);
  if (!attempt) return { do: 'order' };
  if (current.failed) return planRetry(situation, current, attempt, current.failed);
  const end = attempt.end ?? judge(situation, attempt);
  if ('do' in end) return end;
  if (end.outcome !== 'FAILED' || current.attempt > job.definition.retries) return { do: 'end', end };
  const { outcome: _, ...ending } = end;
  return { do: 'fail_attempt', ending, retryAt: situation.now + retryDelayMs(current.attempt) };
}

/** What it uses was looked up when it was made. Without an address its container would run, and not find what it is there for. */
function beginning({ definition: { spec } }: OpenJob): JobStep {
  const lost = (spec.dependencies ?? []).find(({ target }) => target === null);
  if (!lost) return { do: 'start', attempt: 1 };
  const message = `it uses ${dependencyId(lost)}, which was deleted, or has no port any more: name another one in its dependencies`;
  return { do: 'end', end: failed({ code: 'dependency_gone', message }) };
}

/** It ends with the request to cancel it, in one append; a log that was put back to the middle of that has the request alone. */
const neverTried = (reason: Reason): AttemptEnd => ({ outcome: 'CANCELLED', exitCode: null, oomKilled: false, reason });

/** The container is stopped by its node; what it says then is the end. One that succeeded before that has succeeded. */
function planCancel(situation: JobSituation, current: JobAttempt, { reason, requestedAt }: NonNullable<OpenJob['cancel']>): JobStep {
  const { attempt } = situation;
  if (!attempt || attempt.phase === 'waiting') return { do: 'abandon', reason };
  const { end } = attempt;
  if (end) return { do: 'end', end: end.outcome === 'SUCCEEDED' && !current.failed ? end : { ...end, outcome: 'CANCELLED', reason } };
  const deadline = Date.parse(requestedAt) + END_SLACK_MS;
  return wait(situation, attempt, deadline, PATIENCE_MS) ?? { do: 'end', end: unknown(situation, 'it was cancelled') };
}

function planRetry(situation: JobSituation, current: JobAttempt, attempt: AttemptHistory, { retryAt, ...ending }: NonNullable<JobAttempt['failed']>): JobStep {
  const due = Date.parse(retryAt);
  if (attempt.gone) return situation.now >= due ? { do: 'start', attempt: current.attempt + 1 } : { do: 'rest', until: due };
  const waiting = wait(situation, attempt, due + START_DEADLINE_MS, PATIENCE_MS);
  if (waiting) return waiting;
  const message = `attempt ${current.attempt} failed (${ending.reason.message}), and no other may follow: its container isn't known to be gone`;
  return { do: 'end', end: { ...ending, outcome: 'FAILED', reason: { code: 'container_not_gone', message } } };
}

/** An attempt that no end is known of. @returns what to wait for, or its end where it was waited for long enough */
function judge(situation: JobSituation, attempt: AttemptHistory): JobStep | AttemptEnd {
  const { startedAt, orderedAt } = attempt;
  if (startedAt === null) return wait(situation, attempt, orderedAt + START_DEADLINE_MS, 0) ?? overdue(situation, attempt);
  const { timeoutMs } = situation.job.definition;
  return wait(situation, attempt, startedAt + timeoutMs + END_SLACK_MS, PATIENCE_MS) ?? unknown(situation, `its timeout of ${timeoutMs / 1000} s is over`);
}

/** @returns the step that goes on waiting; null where it is over. A deadline is judged after a fresh report of the node. */
function wait({ now, heard }: JobSituation, { nodeId }: AttemptHistory, deadline: number, patienceMs: number): JobStep | null {
  if (now < deadline) return { do: 'rest', until: deadline };
  if (nodeId === null) return now < deadline + patienceMs ? { do: 'rest', until: deadline + patienceMs } : null;
  if (heard === null) return { do: 'hear', nodeId };
  if (heard === 'silent' && now < deadline + GIVE_UP_MS) return { do: 'rest', until: now + ASK_AGAIN_MS };
  if (heard === 'reported' && now < deadline + patienceMs) return { do: 'rest', until: Math.min(now + LOOK_AGAIN_MS, deadline + patienceMs) };
  return null;
}

function overdue({ heard }: JobSituation, { nodeId, waitsFor }: AttemptHistory): AttemptEnd {
  const within = `within ${START_DEADLINE_MS / 1000} s`;
  const why = waitsFor ? `: ${waitsFor.message}` : '';
  if (nodeId === null) return failed({ code: 'not_placed', message: `no node took it ${within}${why}` });
  if (heard === 'unreachable') return failed({ code: 'node_unreachable', message: `it wasn't seen to start ${within}, and its node isn't heard from; outcome: unknown` });
  return failed({ code: 'not_started', message: `its container didn't start ${within}${why}` });
}

const unknown = ({ heard }: JobSituation, since: string): AttemptEnd =>
  heard === 'reported'
    ? failed({ code: 'not_stopped', message: `${since}, and its node can't stop its container; outcome: unknown` })
    : failed({ code: 'node_unreachable', message: `${since}, and its node isn't heard from; outcome: unknown` });
