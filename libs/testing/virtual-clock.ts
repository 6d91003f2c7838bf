import type { Clock } from '#contracts';

interface Timer {
  readonly due: number;
  readonly order: number;
  readonly callback: () => void;
}

/** Time that moves only when told to. Timers fire in the order that they are due, and whatever they set off (promises,
 *  further timers) is done before the next one fires: the same test takes the same steps every time. */
export class VirtualClock implements Clock {
  #elapsed = 0;
  #order = 0;
  #wall: number;
  readonly #timers = new Set<Timer>();

  /** @param startMs wall time at the beginning, since the epoch. */
  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#wall = startMs;
  }

  now(): number {
    return this.#wall + this.#elapsed;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  after(ms: number, callback: () => void): () => void {
    const timer: Timer = { due: this.#elapsed + Math.max(ms, 0), order: (this.#order += 1), callback };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const cancel = this.after(ms, done);
      signal?.addEventListener('abort', done, { once: true });
    });
  }

  /** Lets `ms` pass. */
  async advance(ms: number): Promise<void> {
    const until = this.#elapsed + ms;
    await this.settle();
    for (let timer = this.#next(until); timer; timer = this.#next(until)) {
      this.#timers.delete(timer);
      this.#elapsed = timer.due;
      timer.callback();
      await this.settle();
    }
    this.#elapsed = until;
  }

  /** Lets time pass until `condition` holds. @throws Error when it doesn't within `limitMs`. */
  async advanceUntil(condition: () => boolean | Promise<boolean>, limitMs = 600_000, stepMs = 100): Promise<void> {
    const limit = this.#elapsed + limitMs;
    await this.settle();
    while (!(await condition())) {
      if (this.#elapsed >= limit) throw new Error(`not so within ${limitMs} ms of virtual time`);
      await this.advance(stepMs);
    }
  }

  /** Lets everything run that waits for no timer. */
  async settle(): Promise<void> {
    // The check phase comes after every queued microtask, however many of them queue more.
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** An operator sets the wall clock, or NTP does; durations don't notice. */
  shiftWall(ms: number): void {
    this.#wall += ms;
  }

  /** How many timers are set: none should be left when everything was stopped. */
  get pending(): number {
    return this.#timers.size;
  }

  #next(until: number): Timer | null {
    let first: Timer | null = null;
    for (const timer of this.#timers) {
      if (timer.due > until) continue;
      if (!first || timer.due < first.due || (timer.due === first.due && timer.order < first.order)) first = timer;
    }
    return first;
  }
}
