import { Conflict, OutcomeUnknown, Unavailable, type EventStore, type Expected, type Followed, type NewEvent, type Position, type Recorded } from '#event-store';

/** What an append does instead of succeeding: nothing written; written but its answer lost; or lost before it was written. */
export type AppendFault = 'unavailable' | 'answer_lost' | 'request_lost';

/** The event store's port in memory. Events pass through JSON and come back frozen, as strict as any real store. */
export class MemoryEventStore implements EventStore {
  readonly #log: Recorded[] = [];
  readonly #streams = new Map<string, Recorded[]>();
  readonly #waiting = new Set<() => void>();
  readonly #faults: AppendFault[] = [];
  #closed = false;

  constructor(readonly storeId: string = 'store_memory') {}

  /** The next appends fail so, one after another. */
  failAppends(...faults: AppendFault[]): void {
    this.#faults.push(...faults);
  }

  async append(stream: string, expected: Expected, events: readonly NewEvent[]): Promise<{ revision: bigint; position: Position }> {
    this.#refuseWhenClosed();
    if (events.length === 0) throw new Error(`nothing to append to ${stream}`);
    const fault = this.#faults.shift();
    if (fault === 'unavailable') throw new Unavailable('the store was told to fail');
    if (fault === 'request_lost') throw new OutcomeUnknown('the store was told to lose the request');
    const last = this.#known(stream, events) ?? this.#write(stream, expected, events);
    if (fault === 'answer_lost') throw new OutcomeUnknown('the store was told to lose the answer');
    return { revision: last.revision, position: last.position };
  }

  async *readStream(stream: string, options: { from?: bigint; limit?: number } = {}): AsyncIterable<Recorded> {
    this.#refuseWhenClosed();
    const from = Number(options.from ?? 0n);
    yield* (this.#streams.get(stream) ?? []).slice(from, from + (options.limit ?? Number.MAX_SAFE_INTEGER));
  }

  async readAll(after: Position | null, options: { prefixes?: readonly string[]; limit: number }): Promise<{ events: Recorded[]; next: Position | null }> {
    this.#refuseWhenClosed();
    const events: Recorded[] = [];
    let at = indexAfter(after);
    for (; at < this.#log.length && events.length < options.limit; at += 1) {
      const event = this.#log[at]!;
      if (matches(event.stream, options.prefixes)) events.push(event);
    }
    return { events, next: at === 0 ? null : positionAt(at - 1) };
  }

  async *follow(after: Position | null, prefixes: readonly string[] | undefined, signal: AbortSignal): AsyncIterable<Followed> {
    let at = indexAfter(after);
    let saidCaughtUp = false;
    while (!signal.aborted && !this.#closed) {
      while (at < this.#log.length && !signal.aborted) {
        const event = this.#log[at]!;
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
    this.#wake();
  }

  /** All that was appended, in order: for a spec to look at. */
  get log(): readonly Recorded[] {
    return this.#log;
  }

  /** Where these events stand, when the stream has them already: an append whose answer was lost, tried again. */
  #known(stream: string, events: readonly NewEvent[]): Recorded | null {
    const history = this.#streams.get(stream) ?? [];
    const found = events.map((event) => history.find((recorded) => recorded.id === event.id));
    if (found.every((event) => event === undefined)) return null;
    if (found.some((event) => event === undefined)) throw new Error(`some but not all of these events are in ${stream}`);
    return found.at(-1)!;
  }

  #write(stream: string, expected: Expected, events: readonly NewEvent[]): Recorded {
    const history = this.#streams.get(stream) ?? [];
    const actual = history.at(-1)?.revision ?? null;
    if (!isAt(actual, expected)) throw new Conflict(stream, expected, actual);
    for (const event of events) {
      const recorded = frozen({
        ...(JSON.parse(JSON.stringify(event)) as NewEvent),
        stream,
        revision: BigInt(history.length),
        position: positionAt(this.#log.length),
      });
      history.push(recorded);
      this.#log.push(recorded);
    }
    this.#streams.set(stream, history);
    this.#wake();
    return history.at(-1)!;
  }

  #grown(at: number, signal: AbortSignal): Promise<void> {
    if (this.#log.length > at || signal.aborted || this.#closed) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#waiting.add(done);
      signal.addEventListener('abort', done);
    });
  }

  #wake(): void {
    for (const done of [...this.#waiting]) done();
  }

  #refuseWhenClosed(): void {
    if (this.#closed) throw new Unavailable('the store is closed');
  }
}

const positionAt = (index: number): Position => String(index + 1).padStart(16, '0');
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
