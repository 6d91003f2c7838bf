import { ALWAYS, restartDelayMs } from '#domain';

/** How long to wait after what was refused `times` times in a row (from 1): 1 s doubling to 60 s, less up to a fifth by chance.
 *  @param jitter uniform in [0, 1). */
export const retryDelayMs = (times: number, jitter: number): number => restartDelayMs(ALWAYS, times + 1, jitter);
