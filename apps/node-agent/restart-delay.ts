/** What a run has to last for its end to count as the first again. */
export const LONG_RUN_MS = 600_000;

const FIRST_MS = 1_000;
const LONGEST_MS = 60_000;

/** How long to wait after the `ends`-th end in a row (from 1): not at all, then 1 s doubling to 60 s. The jitter takes up to
 *  a fifth of it away, so that what fell together doesn't come back together.
 *  @param jitter uniform in [0, 1). */
export function restartDelayMs(ends: number, jitter: number): number {
  return ends <= 1 ? 0 : retryDelayMs(ends - 1, jitter);
}

/** The same without the free first attempt: for what the engine refused `times` times in a row (from 1). */
export function retryDelayMs(times: number, jitter: number): number {
  const full = Math.min(FIRST_MS * 2 ** Math.min(times - 1, 30), LONGEST_MS);
  return full * (1 - jitter / 5);
}
