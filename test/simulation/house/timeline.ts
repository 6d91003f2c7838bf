import type { Random } from '#contracts';
import { seededRandom } from '#testing';
import type { Life } from './life.ts';

/** Something that is to happen. */
export interface Task {
  readonly due: number;
  /** Of two that are due at once the seed says which comes first. */
  readonly lot: number;
  /** Whose it is: it waits while its process is frozen, and never comes once that is dead. null: the world's own. */
  readonly owner: Life | null;
  readonly label: string;
  readonly run: () => void;
  cancelled: boolean;
}

/** Wall time of the beginning, since the epoch. */
export const BEGINNING = Date.UTC(2026, 0, 1);

/** The one place where it is decided what happens next. Whatever waits in the house (timers, messages, appends, the engine's answers)
 *  waits here, and all randomness comes from one seed: a seed repeats a run to the last step. */
export class Timeline {
  /** Milliseconds since the beginning. */
  now = 0;
  /** Tasks that were done. */
  count = 0;
  readonly random: Random;
  #hash = 0x811c9dc5;
  readonly #heap: Task[] = [];

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  /** @returns a function that takes it back. */
  schedule(owner: Life | null, ms: number, label: string, run: () => void): () => void {
    const task: Task = { due: this.now + Math.max(0, Math.round(ms)), lot: this.random(), owner, label, run, cancelled: false };
    this.#push(task);
    return () => void (task.cancelled = true);
  }

  /** Lets `ms` pass, and in it everything that is due: each with all that it sets off before the next. */
  async pass(ms: number): Promise<void> {
    const until = this.now + ms;
    // Only from within a microtask does a tick come after the others: whoever calls may be the callback of a timer or a message.
    await null;
    await settled();
    for (let task = this.#pop(until); task; task = this.#pop(until)) {
      if (task.cancelled || task.owner?.state === 'dead') continue;
      this.now = Math.max(this.now, task.due);
      if (task.owner?.state === 'frozen') task.owner.hold(task);
      else await this.#do(task);
    }
    this.now = until;
  }

  /** Puts a task that was held back where it belongs. */
  resume(task: Task): void {
    this.#push({ ...task, due: Math.max(task.due, this.now) });
  }

  /** Makes something part of what the run's name stands for. */
  mark(text: string): void {
    let hash = this.#hash;
    for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
    this.#hash = hash >>> 0;
  }

  /** Everything that happened so far, in one number: the same for the same seed and steps. */
  get trace(): string {
    return `${this.count}:${this.#hash.toString(16).padStart(8, '0')}`;
  }

  // Whole numbers, both ends included.
  between(low: number, high: number): number {
    return low + Math.floor(this.random() * (high - low + 1));
  }

  chance(probability: number): boolean {
    return this.random() < probability;
  }

  async #do(task: Task): Promise<void> {
    this.count += 1;
    this.mark(`${this.now}|${task.owner?.name ?? ''}|${task.label}`);
    task.run();
    await settled();
  }

  #push(task: Task): void {
    const heap = this.#heap;
    let at = heap.push(task) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(task, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = task;
  }

  #pop(until: number): Task | null {
    const heap = this.#heap;
    const first = heap[0];
    if (!first || first.due > until) return null;
    const last = heap.pop()!;
    if (heap.length > 0) this.#sink(last);
    return first;
  }

  #sink(task: Task): void {
    const heap = this.#heap;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (!isBefore(heap[child]!, task)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = task;
  }
}

const isBefore = (a: Task, b: Task): boolean => a.due < b.due || (a.due === b.due && a.lot < b.lot);

/** A tick comes after every queued microtask, however many of them queue more, and costs no turn of the event loop. Nothing in the house
 *  waits for anything else: no file, no socket, no thread. */
const settled = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));
