import type { Clock, Random } from '#contracts';
import { seededRandom } from '#testing';
import { BEGINNING, type Task, type Timeline } from './timeline.ts';

/** One life of a process, from its start to its death, and its clock. All that it waits for comes to it as a task of its own, so that
 *  it can be frozen (SIGSTOP) and thawed, and be dead (SIGKILL) at any point between two of its steps. */
export class Life implements Clock {
  state: 'running' | 'frozen' | 'dead' = 'running';
  readonly random: Random;
  readonly #held: Task[] = [];
  readonly #onDeath: (() => void)[] = [];
  #trap: { appends: number; readonly spring: () => void } | null = null;

  /** @param name tells this life from the others of the same part: `scheduler-1#3` */
  constructor(
    readonly timeline: Timeline,
    readonly name: string,
  ) {
    this.random = seededRandom(Math.floor(timeline.random() * 2 ** 32));
  }

  now(): number {
    return BEGINNING + this.timeline.now;
  }

  monotonic(): number {
    return this.timeline.now;
  }

  after(ms: number, callback: () => void): () => void {
    return this.timeline.schedule(this, ms, 'timer', callback);
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

  /** What the world answers reaches it after `ms`; never, when it dies before. */
  hop(label: string, ms: number): Promise<void> {
    return new Promise((resolve) => void this.timeline.schedule(this, ms, label, resolve));
  }

  /** Most answers are there at once; some take their time, and others overtake them. */
  async perhapsHop(label: string, probability: number, longestMs: number): Promise<void> {
    if (this.timeline.chance(probability)) await this.hop(label, this.timeline.between(0, longestMs));
  }

  freeze(): void {
    if (this.state === 'running') this.state = 'frozen';
  }

  /** Everything that was due meanwhile is due now, and no trap is set. */
  thaw(): void {
    this.#trap = null;
    if (this.state !== 'frozen') return;
    this.state = 'running';
    for (const task of this.#held.splice(0)) this.timeline.resume(task);
  }

  /** Something is to happen to it in the middle of what it does: just before its `appends`th append from now. */
  setTrap(appends: number, spring: () => void): void {
    this.#trap = { appends, spring };
  }

  aboutToAppend(): void {
    if (!this.#trap || (this.#trap.appends -= 1) > 0) return;
    const { spring } = this.#trap;
    this.#trap = null;
    spring();
  }

  kill(): void {
    if (this.state === 'dead') return;
    this.state = 'dead';
    this.#held.length = 0;
    for (const end of this.#onDeath.splice(0)) end();
  }

  /** Its sockets close with it. */
  onDeath(callback: () => void): void {
    this.#onDeath.push(callback);
  }

  hold(task: Task): void {
    this.#held.push(task);
  }
}
