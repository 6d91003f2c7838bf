import { scheduler } from 'node:timers/promises';
import type { Clock, Logger, Random } from '#contracts';
import { followByPolling } from './follow.ts';
import {
  Unavailable,
  type Appended,
  type EventStore,
  type Expected,
  type Followed,
  type NewEvent,
  type PageOptions,
  type Position,
  type Raw,
  type Recorded,
  type Wake,
} from './port.ts';
import { SqliteAppender } from './sqlite-append.ts';
import { openSqliteFile, whileBusy, type SqliteFile } from './sqlite-file.ts';
import { RAW, RECORDED, SqliteReader } from './sqlite-read.ts';

export interface SqliteEventStoreOptions {
  /** Path of the database; several processes may share it, on one machine. */
  readonly file: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Tells of appends by other processes; own appends wake own followers without it. */
  readonly wake?: Wake;
  /** Milliseconds between two looks for new events when nothing woke a follower; 500. */
  readonly pollMs?: number;
}

/** Opens the event store in one SQLite file, and makes the file when it is lacking. An answered append is on the disk.
 *  @throws Unavailable when the file can't be opened or stays locked; Error when a newer version of Waybill wrote it. */
export async function openSqliteEventStore(options: SqliteEventStoreOptions): Promise<EventStore> {
  const file = await openSqliteFile(options.file, options.clock, options.random);
  options.logger.debug('event store opened', { file: options.file, store_id: file.storeId });
  return new SqliteEventStore(file, options);
}

const STREAM_PAGE = 500;

class SqliteEventStore implements EventStore {
  readonly storeId: string;
  private readonly appender: SqliteAppender;
  private readonly reader: SqliteReader<Recorded, string>;
  private readonly rawReader: SqliteReader<Raw, Uint8Array>;
  private readonly followers = new Set<() => void>();
  private readonly closing = new AbortController();

  constructor(
    private readonly file: SqliteFile,
    private readonly options: SqliteEventStoreOptions,
  ) {
    this.storeId = file.storeId;
    this.reader = new SqliteReader(file.db, RECORDED);
    this.rawReader = new SqliteReader(file.db, RAW);
    this.appender = new SqliteAppender(file.db, options.clock, options.random, () => this.wakeFollowers());
  }

  async append(stream: string, expected: Expected, events: readonly NewEvent[]): Promise<Appended> {
    if (this.closing.signal.aborted) throw new Unavailable('the event store is closed');
    return this.appender.append(stream, expected, events);
  }

  async *readStream(stream: string, { from = 0n, limit = Infinity }: { from?: bigint; limit?: number } = {}): AsyncGenerator<Recorded> {
    let left = limit;
    for (let next = from; left > 0; ) {
      const asked = Math.min(left, STREAM_PAGE);
      const page = await this.read(() => this.reader.streamPage(stream, next, asked));
      yield* page;
      if (page.length < asked) return;
      left -= page.length;
      next += BigInt(page.length);
    }
  }

  readAll(after: Position | null, options: PageOptions): Promise<{ events: Recorded[]; next: Position | null }> {
    return this.page(this.reader, after, options);
  }

  readRaw(after: Position | null, options: PageOptions): Promise<{ events: Raw[]; next: Position | null }> {
    return this.page(this.rawReader, after, options);
  }

  private async page<Event, Text>(reader: SqliteReader<Event, Text>, after: Position | null, { prefixes, limit }: PageOptions): Promise<{ events: Event[]; next: Position | null }> {
    const page = await this.read(() => reader.page(after, prefixes, limit));
    // More follows, and is probably read next: nothing waits for the disk here, so whoever reads a long log would let nobody else run.
    if (page.events.length >= limit) await scheduler.yield();
    return page;
  }

  follow(after: Position | null, prefixes: readonly string[] | undefined, signal: AbortSignal): AsyncIterable<Followed> {
    const { clock, random, pollMs = 500 } = this.options;
    const polling = { readAll: this.readAll.bind(this), wake: (callback: () => void) => this.onWake(callback), pollMs, clock, random };
    return followByPolling(polling, after, prefixes, AbortSignal.any([signal, this.closing.signal]));
  }

  /** Appends on their way are answered first; followers end. Closing twice is the same as once. */
  async close(): Promise<void> {
    if (this.closing.signal.aborted) return;
    this.closing.abort();
    await this.appender.drained();
    this.file.db.close();
  }

  private read<T>(look: () => T): Promise<T> {
    return whileBusy(this.options.clock, this.options.random, look);
  }

  private onWake(callback: () => void): () => void {
    this.followers.add(callback);
    const sleepIn = this.options.wake?.(callback);
    return () => {
      this.followers.delete(callback);
      sleepIn?.();
    };
  }

  private wakeFollowers(): void {
    for (const wake of this.followers) wake();
  }
}
