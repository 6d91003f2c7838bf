import type { RestartPolicy } from './restart-policy.ts';

/** What a run has to last for its end to count as the first again. */
export const LONG_RUN_MS = 600_000;

const FIRST_MS = 1_000;
const LONGEST_MS = 60_000;

type Delays = Pick<RestartPolicy, 'delayMs' | 'backoff'>;

/** How long to wait after the `ends`-th end in a row (from 1). Growing: not at all, then `delayMs` (1 s) doubling to 60 s, of which the
 *  jitter takes up to a fifth away, so that what fell together doesn't come back together. A constant delay is what it is, always.
 *  @param jitter uniform in [0, 1). */
export function restartDelayMs({ delayMs, backoff }: Delays, ends: number, jitter: number): number {
  if (delayMs !== null && backoff === 'constant') return delayMs;
  if (ends <= 1) return 0;
  const first = delayMs ?? FIRST_MS;
  return Math.min(first * 2 ** Math.min(ends - 2, 30), Math.max(first, LONGEST_MS)) * (1 - jitter / 5);
}

/** All the waiting that comes with `maxRetries` restarts in a row: a window that is shorter can never be spent. */
export const retriesTakeMs = (policy: Delays & Pick<RestartPolicy, 'maxRetries'>): number =>
  Array.from({ length: policy.maxRetries }, (_, i) => restartDelayMs(policy, i + 1, 0)).reduce((sum, delay) => sum + delay, 0);

/** The time within which `maxRetries` counts: as given, else 10 minutes beside all that the waiting takes. */
export const restartWindowMs = (policy: RestartPolicy): number => policy.windowMs ?? LONG_RUN_MS + retriesTakeMs(policy);
