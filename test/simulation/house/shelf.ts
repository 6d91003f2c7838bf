import { OutcomeUnknown, Unavailable, type Appended, type EventStore, type Expected, type Followed, type NewEvent, type PageOptions, type Position, type Raw, type Recorded } from '#event-store';
import { MemoryEventStore } from '#testing';
import type { Life } from './life.ts';
import type { Timeline } from './timeline.ts';
import { Values } from './values.ts';

/** What is wrong with the way to the store. Probabilities of an append. */
export interface StoreTroubles {
  /** Refused, nothing written. */
  refused: number;
  /** The answer doesn't come, or comes wrong: written or not, and perhaps written later. */
  unanswered: number;
  /** Nothing answers at all. */
  down: boolean;
}

export const SOUND: StoreTroubles = { refused: 0, unanswered: 0, down: false };

/** The one log that all parts share. It can be put back to an earlier state. */
export class Shelf {
  readonly troubles: StoreTroubles = { ...SOUND };
  readonly values = new Values(() => this.log.length);
  store: MemoryEventStore;
  readonly #waiting = new Map<() => void, { readonly store: SimulatedStore; readonly prefixes: readonly string[] }>();
  /** Hints on their way: whom of a process they wake. */
  readonly #hints = new Map<SimulatedStore, Set<() => void>>();

  /** @param onEvent told of each event as it is written, and by whom. */
  constructor(
    readonly timeline: Timeline,
    private readonly onEvent: (event: Recorded, writer: Life | null) => void,
  ) {
    this.store = new MemoryEventStore('store_first');
  }

  get log(): readonly Recorded[] {
    return this.store.log;
  }

  /** A process's way to it. @param hintMs how long a hint that the log has grown may take to it, unless it gets lost */
  open(life: Life, hintMs: number): SimulatedStore {
    return new SimulatedStore(this, this.store, life, hintMs);
  }

  /** Writes at once. @throws what the store throws. */
  write(store: MemoryEventStore, life: Life | null, stream: string, expected: Expected, events: readonly NewEvent[]): ReturnType<EventStore['append']> {
    const before = store.log.length;
    const outcome = store.append(stream, expected, events);
    if (store === this.store) {
      for (const event of store.log.slice(before)) this.onEvent(event, life);
      if (store.log.length > before) this.#wake(stream);
    }
    return outcome;
  }

  /** Puts an older state of the log in its place: its first `length` events. Whoever had the old one open has to be dead. */
  restore(length: number, storeId = this.store.storeId): void {
    this.store = this.store.copy(length, storeId);
  }

  /** Calls back once, when the log has grown by what is of these streams. */
  whenGrown(store: SimulatedStore, prefixes: readonly string[], callback: () => void): () => void {
    this.#waiting.set(callback, { store, prefixes });
    return () => {
      this.#waiting.delete(callback);
      this.#hints.get(store)?.delete(callback);
    };
  }

  /** As a poll does: whoever of a process waits for its own streams comes to the end of the log soon, whatever it holds. */
  poll(store: SimulatedStore): void {
    for (const [callback, waiting] of this.#waiting) {
      if (waiting.store !== store) continue;
      this.#waiting.delete(callback);
      this.#hint(store, callback);
    }
  }

  #wake(stream: string): void {
    for (const [callback, { store, prefixes }] of this.#waiting) {
      if (!prefixes.some((prefix) => stream.startsWith(prefix))) continue;
      this.#waiting.delete(callback);
      if (store.life.state !== 'dead') this.#hint(store, callback);
    }
  }

  /** Reaches each process in its own time, with all that it has to read by then; where it got lost, the poll underneath does. */
  #hint(store: SimulatedStore, callback: () => void): void {
    const underWay = this.#hints.get(store);
    if (underWay) return void underWay.add(callback);
    const hint = new Set([callback]);
    this.#hints.set(store, hint);
    const ms = this.timeline.chance(0.02) ? this.timeline.between(500, 5_000) : this.timeline.between(0, store.hintMs);
    this.timeline.schedule(store.life, ms, 'log grew', () => {
      this.#hints.delete(store);
      for (const wake of hint) wake();
    });
  }
}

/** How one process sees the store. */
export class SimulatedStore implements EventStore {
  constructor(
    private readonly shelf: Shelf,
    private readonly store: MemoryEventStore,
    readonly life: Life,
    readonly hintMs: number,
  ) {}

  get storeId(): string {
    return this.store.storeId;
  }

  async append(stream: string, expected: Expected, events: readonly NewEvent[]): Promise<Appended> {
    const { life, shelf } = this;
    const { timeline, troubles } = shelf;
    life.aboutToAppend();
    await life.hop('append', timeline.between(0, 8));
    this.#refuseWhenDown();
    const lot = timeline.random();
    if (lot < troubles.refused) throw new Unavailable('the store refuses');
    const write = () => shelf.write(this.store, life, stream, expected, events);
    if (lot < troubles.refused + troubles.unanswered) return this.#unanswered(write);
    const outcome = write();
    outcome.catch(() => undefined);
    await life.hop('append answered', timeline.between(0, 8));
    return outcome;
  }

  /** By hand: streams are read more often than anything else is done, and a generator costs three turns for each event. */
  readStream(stream: string, options?: { from?: bigint; limit?: number }): AsyncIterable<Recorded> {
    let events: Iterator<Recorded> | null = null;
    const begin = (): IteratorResult<Recorded> => {
      this.#refuseWhenDown();
      events = this.store.eventsOf(stream, options).values();
      return events.next();
    };
    const next = (): Promise<IteratorResult<Recorded>> => (events === null ? this.#late().then(begin) : Promise.resolve(events.next()));
    return { [Symbol.asyncIterator]: () => ({ next }) };
  }

  async readAll(after: Position | null, options: PageOptions): Promise<{ events: Recorded[]; next: Position | null }> {
    await this.#late();
    this.#refuseWhenDown();
    return this.store.readAll(after, options);
  }

  async readRaw(after: Position | null, options: PageOptions): Promise<{ events: Raw[]; next: Position | null }> {
    await this.#late();
    this.#refuseWhenDown();
    return this.store.readRaw(after, options);
  }

  async *follow(after: Position | null, prefixes: readonly string[] | undefined, signal: AbortSignal): AsyncIterable<Followed> {
    const { log } = this.store;
    let at = after === null ? 0 : Number(after);
    let saidCaughtUp = false;
    while (!signal.aborted) {
      this.#refuseWhenDown();
      for (; at < log.length && !signal.aborted; at += 1) {
        saidCaughtUp = false;
        const event = log[at]!;
        if (!prefixes || prefixes.some((prefix) => event.stream.startsWith(prefix))) yield { event };
      }
      if (!saidCaughtUp && !signal.aborted) {
        saidCaughtUp = true;
        yield { caughtUp: at === 0 ? null : log[at - 1]!.position };
      } else {
        await this.#grown(at, prefixes ?? [''], signal);
      }
    }
  }

  /** For who waits for a follower to know all of the log. A poll without end for each would cost a run most, and tell it nothing. */
  poll(): void {
    this.shelf.poll(this);
  }

  async close(): Promise<void> {}

  /** Written and not said; never written; or written later, when nobody waits for it any more. */
  async #unanswered(write: () => Promise<unknown>): Promise<never> {
    const { timeline } = this.shelf;
    const fate = timeline.between(1, 3);
    if (fate === 1) write().catch(() => undefined);
    if (fate === 2) timeline.schedule(null, timeline.between(1, 3_000), 'late append', () => void write().catch(() => undefined));
    await this.life.hop('append unanswered', timeline.between(10, 1_000));
    throw new OutcomeUnknown('the answer got lost');
  }

  /** Most reads are answered at once. */
  #late(): Promise<void> {
    return this.shelf.timeline.chance(0.05) ? this.life.hop('read', this.shelf.timeline.between(0, 15)) : Promise.resolve();
  }

  #grown(at: number, prefixes: readonly string[], signal: AbortSignal): Promise<void> {
    if (this.store.log.length > at || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        forget();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const forget = this.shelf.whenGrown(this, prefixes, done);
      signal.addEventListener('abort', done);
    });
  }

  #refuseWhenDown(): void {
    if (this.shelf.troubles.down) throw new Unavailable('the store is down');
  }
}
