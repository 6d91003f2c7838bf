import { Conflict, DuplicateEvent, OutcomeUnknown, Unavailable, type Appended, type EventStore, type Expected, type Followed, type NewEvent, type Position, type Raw, type Recorded } from '#event-store';

/** What an append does instead of succeeding: nothing written; written but its answer lost; or lost before it was written. */
export type AppendFault = 'unavailable' | 'answer_lost' | 'request_lost';

/** What all handles on one history share. */
class History {
  readonly log: Recorded[] = [];
  readonly streams = new Map<string, Recorded[]>();
  readonly byId = new Map<string, Recorded>();
  /** Followers that wait for the log to grow. */
  readonly waiting = new Set<() => void>();

  /** The same ids in the same order in every run of a test. */
  static #made = 0;

  constructor(readonly storeId = `store_memory_${(History.#made += 1)}`) {}

  take(event: Recorded): void {
    const stream = this.streams.get(event.stream) ?? [];
    stream.push(event);
    this.streams.set(event.stream, stream);
    this.log.push(event);
    this.byId.set(event.id, event);
  }

  wake(): void {
    for (const done of [...this.waiting]) done();
  }
}

/** The event store's port in memory. Events pass through JSON and come back frozen, as strict as any real store; followers
 *  are woken by every append. Faults are of one handle: each process of a test gets its own by `reopen`. */
export class MemoryEventStore implements EventStore {
  readonly #history: History;
  readonly #faults: AppendFault[] = [];
  #closed = false;

  /** @param storeId default: another one for each history of this process. */
  constructor(storeId?: string, history: History = new History(storeId)) {
    this.#history = history;
  }

  get storeId(): string {
    return this.#history.storeId;
  }

  /** A further handle on the same history; open even after this one was closed. */
  reopen(): MemoryEventStore {
    return new MemoryEventStore(undefined, this.#history);
  }

  /** A history of its own that begins with the first `length` events of this one: what a backup of that moment gives back. */
  copy(length: number, storeId = this.storeId): MemoryEventStore {
    const history = new History(storeId);
    for (const event of this.log.slice(0, length)) history.take(event);
    return new MemoryEventStore(undefined, history);
  }

  /** The next appends fail so, one after another. */
  failAppends(...faults: AppendFault[]): void {
    this.#faults.push(...faults);
  }

  async append(stream: string, expected: Expected, events: readonly NewEvent[]): Promise<Appended> {
    this.#refuseWhenClosed();
    if (events.length === 0 || new Set(events.map(({ id }) => id)).size < events.length) throw new RangeError(`an append to ${stream} needs events, each with its own id`);
    const fault = this.#faults.shift();
    if (fault === 'unavailable') throw new Unavailable('the store was told to fail');
    if (fault === 'request_lost') throw new OutcomeUnknown('the store was told to lose the request');
    const known = this.#known(stream, expected, events);
    const standing = known ?? this.#write(stream, expected, events);
    if (fault === 'answer_lost') throw new OutcomeUnknown('the store was told to lose the answer');
    const { revision, position } = standing.at(-1)!;
    return { revision, position, ...(known ? {} : { written: standing.map((event) => event.position) }) };
  }

  async *readStream(stream: string, options: { from?: bigint; limit?: number } = {}): AsyncIterable<Recorded> {
    yield* this.eventsOf(stream, options);
  }

  /** What `readStream` gives, at once. */
  eventsOf(stream: string, options: { from?: bigint; limit?: number } = {}): readonly Recorded[] {
    this.#refuseWhenClosed();
    const from = Number(options.from ?? 0n);
    return (this.#history.streams.get(stream) ?? []).slice(from, from + (options.limit ?? Number.MAX_SAFE_INTEGER));
  }

  async readAll(after: Position | null, options: { prefixes?: readonly string[]; limit: number }): Promise<{ events: Recorded[]; next: Position | null }> {
    this.#refuseWhenClosed();
    const events: Recorded[] = [];
    let at = indexAfter(after);
    for (; at < this.#history.log.length && events.length < options.limit; at += 1) {
      const event = this.#history.log[at]!;
      if (matches(event.stream, options.prefixes)) events.push(event);
    }
    return { events, next: at === 0 ? null : positionAt(at - 1) };
  }

  async readRaw(after: Position | null, options: { prefixes?: readonly string[]; limit: number }): Promise<{ events: Raw[]; next: Position | null }> {
    const { events, next } = await this.readAll(after, options);
    return { events: events.map((event) => ({ ...event, data: Buffer.from(JSON.stringify(event.data)), metadata: Buffer.from(JSON.stringify(event.metadata)) })), next };
  }

  async *follow(after: Position | null, prefixes: readonly string[] | undefined, signal: AbortSignal): AsyncIterable<Followed> {
    let at = indexAfter(after);
    let saidCaughtUp = false;
    while (!signal.aborted && !this.#closed) {
      while (at < this.#history.log.length && !signal.aborted) {
        const event = this.#history.log[at]!;
        at += 1;
        saidCaughtUp = false;
        if (matches(event.stream, prefixes)) yield { event };
      }
      if (!saidCaughtUp && !signal.aborted) {
        saidCaughtUp = true;
        yield { caughtUp: at === 0 ? null : positionAt(at - 1) };
      } else {
        await this.#grown(at, signal);
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#history.wake();
  }

  /** All that was appended, in order: for a spec to look at. */
  get log(): readonly Recorded[] {
    return this.#history.log;
  }

  /** These events, when they all stand where `expected` says: an append whose answer was lost, tried again. */
  #known(stream: string, expected: Expected, events: readonly NewEvent[]): readonly Recorded[] | null {
    const found = events.map(({ id }) => this.#history.byId.get(id)).filter((event) => event !== undefined);
    const first = found[0];
    const same = first && found.length === events.length && found.every((event, index) => event.stream === stream && event.revision === first.revision + BigInt(index));
    return same && isAt(first.revision === 0n ? null : first.revision - 1n, expected) ? found : null;
  }

  #write(stream: string, expected: Expected, events: readonly NewEvent[]): readonly Recorded[] {
    const history = this.#history.streams.get(stream) ?? [];
    const actual = history.at(-1)?.revision ?? null;
    if (!isAt(actual, expected)) throw new Conflict(stream, expected, actual);
    const taken = events.map(({ id }) => this.#history.byId.get(id)).find((event) => event !== undefined);
    if (taken) throw new DuplicateEvent(taken.id, taken.stream, taken.revision);
    const encoded = events.map((event) => JSON.stringify(event));
    for (const event of encoded) {
      const recorded = frozen({
        ...(JSON.parse(event) as NewEvent),
        stream,
        revision: BigInt(history.length),
        position: positionAt(this.#history.log.length),
      });
      history.push(recorded);
      this.#history.log.push(recorded);
      this.#history.byId.set(recorded.id, recorded);
    }
    this.#history.streams.set(stream, history);
    this.#history.wake();
    return history.slice(-events.length);
  }

  #grown(at: number, signal: AbortSignal): Promise<void> {
    if (this.#history.log.length > at || signal.aborted || this.#closed) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        this.#history.waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#history.waiting.add(done);
      signal.addEventListener('abort', done);
    });
  }

  #refuseWhenClosed(): void {
    if (this.#closed) throw new Unavailable('the store is closed');
  }
}

const positionAt = (index: number): Position => String(index + 1).padStart(20, '0');
const indexAfter = (position: Position | null): number => (position === null ? 0 : Number(position));
const matches = (stream: string, prefixes: readonly string[] | undefined): boolean => !prefixes || prefixes.some((prefix) => stream.startsWith(prefix));

function isAt(actual: bigint | null, expected: Expected): boolean {
  if (expected === 'any') return true;
  if (expected === 'no-stream') return actual === null;
  if (expected === 'exists') return actual !== null;
  return actual === expected;
}

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(frozen);
  }
  return value;
}
