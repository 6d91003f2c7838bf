import { LONG_RUN_MS, restartDelayMs, restartWindowMs, type Reason, type RestartPolicy } from '#domain';

/** How a run ended. */
export interface RunEnd {
  readonly state: 'COMPLETED' | 'FAILED';
  readonly reason: Reason;
  /** Somebody else told the engine to stop it. */
  readonly byHand: boolean;
}

/** What is remembered of the restarts before. Times are `Clock.monotonic()`. */
export interface RestartHistory {
  /** Ends in a row, this one included, without a long run between them. */
  readonly ends: number;
  /** When the last restarts were begun; `keptRestarts` says how many are worth keeping. */
  readonly restarts: readonly number[];
}

/** Another run, so much later, or the end for good with what is told of it. */
export type RestartPlan = { readonly again: true; readonly inMs: number } | { readonly again: false; readonly state: 'COMPLETED' | 'FAILED' | 'STOPPED'; readonly reason: Reason };

/** What the policy makes of an end. Pure.
 *  @param jitter uniform in [0, 1) */
export function planRestart(policy: RestartPolicy, end: RunEnd, { ends, restarts }: RestartHistory, { now, jitter }: { now: number; jitter: number }): RestartPlan {
  const { state, reason } = end;
  if (policy.name === 'no') return { again: false, state, reason };
  if (policy.name === 'on-failure' && state === 'COMPLETED') return { again: false, state, reason };
  if (policy.name === 'unless-stopped' && end.byHand) {
    return { again: false, state: 'STOPPED', reason: { code: 'stopped_by_hand', message: `somebody stopped it on its engine, and its restart policy is "unless-stopped": ${reason.message}` } };
  }
  const windowMs = restartWindowMs(policy);
  const spent = restarts.filter((at) => at > now - windowMs).length;
  if (policy.maxRetries > 0 && spent >= policy.maxRetries) {
    const message = `it was restarted ${times(spent)} within ${duration(windowMs)}, all that its restart policy allows, and ended again: ${reason.message}`;
    return { again: false, state: 'FAILED', reason: { code: 'retries_spent', message } };
  }
  return { again: true, inMs: restartDelayMs(policy, ends, jitter) };
}

/** The restarts to remember, with the one that is begun now. */
export function keptRestarts(policy: RestartPolicy, restarts: readonly number[], now: number): readonly number[] {
  const since = now - Math.max(restartWindowMs(policy), TOLD_IN_MS);
  return [...restarts, now].filter((at) => at > since).slice(-Math.max(policy.maxRetries, TOLD + 1));
}

/** So many restarts in so long are told one by one; also how often the rest is summed up. */
const TOLD = 10;
export const TOLD_IN_MS = LONG_RUN_MS;

/** Whether there were too many restarts lately, those in `restarts`, to tell the last of them one by one. */
export const isCrowded = (restarts: readonly number[], now: number): boolean => restarts.filter((at) => at > now - TOLD_IN_MS).length > TOLD;

/** Restarts that were not told one by one. Times are `Clock.monotonic()`. */
export interface Untold {
  readonly count: number;
  readonly firstAt: number;
  readonly lastAt: number;
  /** Codes of the reasons why the runs before them had ended. */
  readonly causes: Readonly<Record<string, number>>;
}

/** One more of them. */
export const countUntold = (untold: Untold | null, cause: string, now: number): Untold => ({
  count: (untold?.count ?? 0) + 1,
  firstAt: untold?.firstAt ?? now,
  lastAt: now,
  causes: { ...untold?.causes, [cause]: (untold?.causes[cause] ?? 0) + 1 },
});

const times = (count: number): string => (count === 1 ? 'once' : `${count} times`);

const duration = (ms: number): string => (ms % 60_000 === 0 ? `${ms / 60_000} min` : `${Math.round(ms / 1_000)} s`);
