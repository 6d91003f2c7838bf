import type { Clock, Logger, Random } from '#contracts';

export interface WorkQueueOptions<Key extends string> {
  /** Says in the log whose queue it is. */
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** How many keys are worked on at once. */
  readonly concurrency: number;
  /** How long at most a key rests after it was worked on, however often it is called meanwhile; 0. What comes in bursts then costs
   *  one look for each rest. The first look comes at once, and rests begin short and double while it is called in each of them: what
   *  takes a few looks one after the other (claimed, then settled) isn't held up. */
  readonly restMs?: number;
  /** Brings the world of one key nearer to what is wanted, from what stands now: it may be called at any time and any number
   *  of times. `againInMs`: look again then, though nothing calls. Throwing means "try again", with backoff. */
  readonly reconcile: (key: Key) => Promise<void | { againInMs: number }>;
  /** Told of each one that is over, and how long it took. */
  readonly onReconciled?: (queue: string, ms: number, failed: boolean) => void;
}

const FIRST_REST_MS = 10;
const FIRST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 30_000;

/** Keys that need a look. A key waits once however often it is added, and is never worked on twice at the same time;
 *  added while it is worked on, it is worked on once more afterwards, for what was seen may have been too old. */
export class WorkQueue<Key extends string> {
  private readonly waiting = new Set<Key>();
  private readonly running = new Map<Key, Promise<void>>();
  private readonly resting = new Map<Key, () => void>();
  /** Of keys that were called in their last rest: how long the next one is. */
  private readonly nextRest = new Map<Key, number>();
  /** While they are worked on or rest. */
  private readonly calledMeanwhile = new Set<Key>();
  private readonly later = new Map<Key, { due: number; cancel: () => void }>();
  private readonly failures = new Map<Key, number>();
  private readonly idlers = new Set<() => void>();
  private phase: 'new' | 'started' | 'stopped' = 'new';
  private filling = false;

  constructor(private readonly options: WorkQueueOptions<Key>) {}

  /** Look at the key as soon as possible, even if it failed lately. Ignored once stopped. */
  add(key: Key): void {
    if (this.phase === 'stopped') return;
    if (this.running.has(key) || this.resting.has(key)) this.calledMeanwhile.add(key);
    else this.waiting.add(key);
    this.fill();
  }

  /** Look at the key in `ms`; of several such times the earliest stays. */
  addAfter(key: Key, ms: number): void {
    if (this.phase === 'stopped') return;
    const due = this.options.clock.monotonic() + ms;
    const known = this.later.get(key);
    if (known && known.due <= due) return;
    known?.cancel();
    const cancel = this.options.clock.after(ms, () => {
      this.later.delete(key);
      this.add(key);
    });
    this.later.set(key, { due, cancel });
  }

  /** Keys added before are waiting until this. */
  start(): void {
    if (this.phase === 'new') this.phase = 'started';
    this.fill();
  }

  /** Begins nothing more. @returns when those that run have ended. */
  async stop(): Promise<void> {
    this.phase = 'stopped';
    for (const { cancel } of this.later.values()) cancel();
    for (const cancel of this.resting.values()) cancel();
    this.later.clear();
    this.resting.clear();
    this.nextRest.clear();
    this.waiting.clear();
    this.calledMeanwhile.clear();
    await Promise.all(this.running.values());
    this.tellIdlers();
  }

  /** Resolves when nothing waits or runs; keys that are to be looked at later don't count. */
  idle(): Promise<void> {
    if (this.isIdle) return Promise.resolve();
    return new Promise((resolve) => this.idlers.add(resolve));
  }

  private get isIdle(): boolean {
    return this.waiting.size === 0 && this.running.size === 0 && this.calledMeanwhile.size === 0;
  }

  /** Deferred, so that a key added several times in one go is worked on once. */
  private fill(): void {
    if (this.filling) return;
    this.filling = true;
    queueMicrotask(() => {
      this.filling = false;
      this.beginWhatFits();
      this.tellIdlers();
    });
  }

  private beginWhatFits(): void {
    if (this.phase !== 'started') return;
    for (const key of this.waiting) {
      if (this.running.size >= this.options.concurrency) return;
      this.waiting.delete(key);
      this.running.set(key, this.run(key));
    }
  }

  private async run(key: Key): Promise<void> {
    const again = await this.attempt(key);
    this.running.delete(key);
    if (again !== null) this.addAfter(key, again);
    this.rest(key);
    this.fill();
  }

  private rest(key: Key): void {
    const { clock, restMs = 0 } = this.options;
    const ms = Math.min(this.nextRest.get(key) ?? FIRST_REST_MS, restMs);
    const end = (): void => {
      this.resting.delete(key);
      const wasCalled = this.calledMeanwhile.delete(key);
      if (wasCalled && ms > 0) this.nextRest.set(key, 2 * ms);
      else this.nextRest.delete(key);
      if (wasCalled) this.add(key);
    };
    if (ms > 0 && this.phase === 'started') this.resting.set(key, clock.after(ms, end));
    else end();
  }

  /** @returns in how many milliseconds to look again; null: when called. */
  private async attempt(key: Key): Promise<number | null> {
    const begun = this.options.clock.monotonic();
    const over = (failed: boolean): void => this.options.onReconciled?.(this.options.name, this.options.clock.monotonic() - begun, failed);
    try {
      const wish = await this.options.reconcile(key);
      over(false);
      this.failures.delete(key);
      return wish ? wish.againInMs : null;
    } catch (error) {
      over(true);
      const failures = this.failuresWith(key);
      this.failures.set(key, failures);
      const backoff = this.backoff(failures);
      const { name, logger } = this.options;
      logger.warn('reconcile failed', { queue: name, key, failures, retry_in_ms: Math.round(backoff), error });
      return backoff;
    }
  }

  /** How often it has failed at its own time, this one included. One that was called before its time and fails again changes
   *  nothing: however many call while the trouble lasts, it isn't looked at any later for that. */
  private failuresWith(key: Key): number {
    const before = this.failures.get(key) ?? 0;
    return before > 0 && this.later.has(key) ? before : before + 1;
  }

  /** Doubles from 100 ms to 30 s; the jitter takes up to half of it away, so that keys that failed together part. */
  private backoff(failures: number): number {
    const full = Math.min(FIRST_BACKOFF_MS * 2 ** (failures - 1), LONGEST_BACKOFF_MS);
    return full * (1 - this.options.random() / 2);
  }

  private tellIdlers(): void {
    if (!this.isIdle) return;
    for (const resolve of this.idlers) resolve();
    this.idlers.clear();
  }
}
