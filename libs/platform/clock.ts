import type { Clock } from '#contracts';

/** Node's `setTimeout` fires at once for longer waits than this (2³¹ − 1 ms, 24.8 days). */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The machine's own time. Its timers never keep the process alive: an app lives by its connections. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, callback) {
    let timer: NodeJS.Timeout;
    const arm = (left: number): void => {
      const part = Math.min(Math.max(left, 0), LONGEST_TIMER_MS);
      timer = setTimeout(() => (left > part ? arm(left - part) : callback()), part).unref();
    };
    arm(ms);
    return () => clearTimeout(timer);
  },
  sleep(ms, signal) {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const cancel = systemClock.after(ms, done);
      signal?.addEventListener('abort', done, { once: true });
    });
  },
};
