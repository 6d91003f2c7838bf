import { randomUUID } from 'node:crypto';
import { Conflict, type EventStore, type Expected, type NewEvent, type Position, type Recorded } from '#event-store';
import { RecentIds } from './recent-ids.ts';

/** An event as the wire has it. */
export interface Proposed {
  readonly id: string;
  readonly type: string;
  readonly data: unknown;
  readonly metadata: unknown;
}

export interface Stored extends Proposed {
  readonly stream: string;
  readonly revision: bigint;
  /** 1, 2, 3, … without gaps. */
  readonly number: number;
  /** Milliseconds since the epoch. */
  readonly created: number;
}

/** How an append or a deletion went. */
export type Outcome = { readonly revision: bigint; readonly number: number } | { readonly wrong: bigint | null } | 'deleted';

interface StreamState {
  /** Of the last event that counts; null where the stream doesn't exist or was deleted softly. */
  readonly last: bigint | null;
  /** Events before it were deleted softly. */
  readonly truncated: bigint;
  readonly tombstone: boolean;
  /** Of the last event in the file, whatever was deleted. */
  readonly written: bigint | null;
}

const PAGE = 500;
const NOTHING: StreamState = { last: null, truncated: 0n, tombstone: false, written: null };

/** The server's rules for streams, over the event store in one SQLite file. The file's own ids are this server's: on the wire an
 *  id may stand twice, as on a real server. Only one process may write to a file. */
export class Log {
  private readonly states = new Map<string, StreamState>();
  private readonly turns = new Map<string, Promise<unknown>>();
  private readonly recent = new RecentIds();

  constructor(private readonly store: EventStore) {}

  /** @returns where the last of the events stands: of these, or of the same that stood before */
  append(stream: string, expected: Expected, events: readonly Proposed[]): Promise<Outcome> {
    return this.inTurn(stream, async () => {
      const state = await this.stateOf(stream);
      if (state.tombstone || (expected === 'exists' && state.last === null && state.written !== null)) return 'deleted';
      const standing = await this.standing(stream, expected, events, state);
      if (standing) return standing;
      if (!fits(expected, state.last)) return { wrong: state.last };
      const outcome = await this.write(stream, state, events);
      // The first event after a soft deletion ends it: what was deleted stays so.
      if (state.written !== null && state.last === null) await this.truncate(stream, state.written + 1n);
      return outcome;
    });
  }

  /** Soft: the stream reads as none, and may begin again, at a higher revision. Tombstone: never again. */
  remove(stream: string, expected: Expected, tombstone: boolean): Promise<Outcome> {
    return this.inTurn(stream, async () => {
      const state = await this.stateOf(stream);
      if (state.tombstone) return 'deleted';
      if (!fits(expected, state.last)) return { wrong: state.last };
      if (tombstone) return this.write(stream, state, [{ id: randomUUID(), type: '$streamDeleted', data: {}, metadata: {} }]);
      return this.truncate(stream, (state.written ?? -1n) + 1n);
    });
  }

  /** In order of revision, from `from` on. @returns 'deleted' for a tombstone, null for no stream */
  async readStream(stream: string, from: bigint, limit: number, backwards: boolean): Promise<AsyncIterable<Stored> | 'deleted' | null> {
    const { tombstone, last, truncated } = await this.stateOf(stream);
    if (tombstone || last === null) return tombstone ? 'deleted' : null;
    const [first, end] = backwards ? [truncated, from < last ? from : last] : [from > truncated ? from : truncated, last];
    return backwards ? this.backwards(stream, first, end, limit) : this.forwards(stream, first, limit);
  }

  /** Events of all streams from a number on (forwards) or down from one (backwards), inclusive. */
  async *readAll(from: number, limit: number, backwards: boolean): AsyncGenerator<Stored> {
    const head = await this.head();
    const [low, high] = backwards ? [1, Math.min(from, head)] : [Math.max(from, 1), head];
    let left = Math.min(limit, high - low + 1);
    for (let at = backwards ? high : low; left > 0; ) {
      const size = Math.min(left, PAGE);
      const begin = backwards ? at - size + 1 : at;
      const { events } = await this.store.readAll(positionOf(begin - 1), { limit: size });
      const page = events.map(stored);
      yield* backwards ? page.reverse() : page;
      at += backwards ? -size : size;
      left -= size;
    }
  }

  /** The number of the last event; 0 for an empty log. */
  async head(): Promise<number> {
    const { next } = await this.store.readAll(null, { prefixes: [], limit: 1 });
    return next === null ? 0 : Number(next);
  }

  /** All after a number, and then what comes; `end` each time that nothing newer is there. */
  async *follow(after: number, signal: AbortSignal): AsyncGenerator<Stored | 'end'> {
    for await (const followed of this.store.follow(positionOf(after), undefined, signal)) {
      if ('degraded' in followed) throw followed.degraded;
      yield 'event' in followed ? stored(followed.event) : 'end';
    }
  }

  /** The server's check for an append that was made before; see the header of `server.ts`. */
  private async standing(stream: string, expected: Expected, events: readonly Proposed[], state: StreamState): Promise<Outcome | null> {
    if (expected === 'any' || expected === 'exists') return this.recent.standing(stream, events);
    const before = expected === 'no-stream' ? -1n : expected;
    if (state.last === null || before >= state.last) return null;
    let last: Stored | null = null;
    let count = 0;
    for await (const event of this.forwards(stream, before + 1n, events.length)) {
      if (event.id !== events[count]!.id) return null;
      [last, count] = [event, count + 1];
    }
    return last !== null && count === events.length ? { revision: last.revision, number: last.number } : null;
  }

  private async write(stream: string, state: StreamState, events: readonly Proposed[]): Promise<Outcome> {
    const created = Date.now();
    const rows = events.map(({ id, type, data, metadata }) => ({ id: randomUUID(), type, data: { id, created, data }, metadata }) as unknown as NewEvent);
    try {
      const { revision, position } = await this.store.append(stream, state.written ?? 'no-stream', rows);
      const tombstone = events.at(-1)!.type === '$streamDeleted';
      this.states.set(stream, { ...state, last: revision, written: revision, tombstone });
      this.recent.add(stream, revision, Number(position), events);
      return { revision, number: Number(position) };
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
      // Another server on the same file, before this one took over: what is known of the stream is old.
      this.states.delete(stream);
      return { wrong: (await this.stateOf(stream)).last };
    }
  }

  private async truncate(stream: string, before: bigint): Promise<Outcome> {
    const state = await this.stateOf(stream);
    const metastream = `$$${stream}`;
    const event = { id: randomUUID(), type: '$metadata', data: { $tb: Number(before) }, metadata: {} };
    const outcome = await this.write(metastream, await this.stateOf(metastream), [event]);
    this.states.set(stream, truncatedAt(state, before));
    return outcome;
  }

  private async stateOf(stream: string): Promise<StreamState> {
    const known = this.states.get(stream);
    if (known) return known;
    let state = NOTHING;
    for await (const { type, revision } of this.forwards(stream, 0n, Infinity))
      state = { ...state, last: revision, written: revision, tombstone: type === '$streamDeleted' };
    if (!stream.startsWith('$$')) {
      for await (const { data } of this.forwards(`$$${stream}`, 0n, Infinity)) state = truncatedAt(state, BigInt((data as { $tb: number }).$tb));
    }
    this.states.set(stream, state);
    return state;
  }

  private async *forwards(stream: string, from: bigint, limit: number): AsyncGenerator<Stored> {
    for await (const event of this.store.readStream(stream, { from, limit })) yield stored(event);
  }

  private async *backwards(stream: string, first: bigint, end: bigint, limit: number): AsyncGenerator<Stored> {
    let left = limit;
    for (let high = end; high >= first && left > 0; high -= BigInt(PAGE)) {
      const low = high - BigInt(PAGE) + 1n > first ? high - BigInt(PAGE) + 1n : first;
      const page: Stored[] = [];
      for await (const event of this.forwards(stream, low, Number(high - low) + 1)) page.unshift(event);
      yield* page.slice(0, left);
      left -= page.length;
    }
  }

  /** One after the other for each stream: what was judged can't change before it is written. */
  private async inTurn<T>(stream: string, work: () => Promise<T>): Promise<T> {
    const before = this.turns.get(stream) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.turns.set(stream, mine);
    try {
      return await mine;
    } finally {
      if (this.turns.get(stream) === mine) this.turns.delete(stream);
    }
  }
}

const positionOf = (number: number): Position | null => (number <= 0 ? null : String(number).padStart(20, '0'));

const truncatedAt = (state: StreamState, truncated: bigint): StreamState => ({
  ...state,
  truncated,
  last: state.written !== null && state.written >= truncated ? state.written : null,
});

function stored({ stream, revision, position, type, data, metadata }: Recorded): Stored {
  const row = data as { id: string; created: number; data: unknown };
  return { id: row.id, type, data: row.data, metadata, stream, revision, number: Number(position), created: row.created };
}

function fits(expected: Expected, last: bigint | null): boolean {
  if (expected === 'any') return true;
  if (expected === 'no-stream') return last === null;
  return expected === 'exists' ? last !== null : last === expected;
}
