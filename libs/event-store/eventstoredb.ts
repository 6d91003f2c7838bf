import { v4 } from 'uuid';
import type { Clock, Logger, Random } from '#contracts';
import { EventStoreDbAppender } from './eventstoredb-append.ts';
import { connect, type Connection } from './eventstoredb-connection.ts';
import { rawOf, StreamNames } from './eventstoredb-events.ts';
import { followEventStoreDb } from './eventstoredb-follow.ts';
import { identify } from './eventstoredb-identity.ts';
import { EventStoreDbReader } from './eventstoredb-read.ts';
import { Unavailable, type Appended, type EventStore, type Expected, type Followed, type NewEvent, type PageOptions, type Position, type Raw, type Recorded } from './port.ts';

export interface EventStoreDbOptions {
  /** `esdb://…` or `esdb+discover://…`, with TLS and credentials as the client's documentation has them. */
  readonly url: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Keeps several histories apart on one server: streams are called `<namespace>.<stream>` there. */
  readonly namespace?: string;
}

/** Opens the event store on an EventStoreDB server or cluster, 23.10 or newer. Waits, with a warning in the log each time, as
 *  long as there is none that answers.
 *  @throws Error for a URL that can't be used; Unavailable when the server turns the credentials down */
export async function openEventStoreDb(options: EventStoreDbOptions): Promise<EventStore> {
  const { clock, random, logger } = options;
  const connection = connect(options.url);
  const names = new StreamNames(options.namespace);
  try {
    const newId = v4({ random: Uint8Array.from({ length: 16 }, () => Math.floor(random() * 256)) });
    const storeId = await identify({ connection, names, clock, random, logger }, newId);
    logger.debug('event store opened', { store_id: storeId });
    return new EventStoreDb(storeId, connection, names, options);
  } catch (error) {
    await connection.close();
    throw error;
  }
}

class EventStoreDb implements EventStore {
  private readonly reader: EventStoreDbReader;
  private readonly appender: EventStoreDbAppender;
  private readonly closing = new AbortController();

  constructor(
    readonly storeId: string,
    private readonly connection: Connection,
    private readonly names: StreamNames,
    private readonly options: EventStoreDbOptions,
  ) {
    const { clock, random } = options;
    this.reader = new EventStoreDbReader(connection, names, clock);
    this.appender = new EventStoreDbAppender(connection, names, this.reader, clock, random);
  }

  async append(stream: string, expected: Expected, events: readonly NewEvent[]): Promise<Appended> {
    this.refuseWhenClosed();
    return this.appender.append(stream, expected, events);
  }

  async *readStream(stream: string, { from = 0n, limit = Infinity }: { from?: bigint; limit?: number } = {}): AsyncGenerator<Recorded> {
    this.refuseWhenClosed();
    yield* this.reader.stream(stream, from, limit);
  }

  async readAll(after: Position | null, options: PageOptions): Promise<{ events: Recorded[]; next: Position | null }> {
    this.refuseWhenClosed();
    return this.reader.page(after, options);
  }

  async readRaw(after: Position | null, options: PageOptions): Promise<{ events: Raw[]; next: Position | null }> {
    const { events, next } = await this.readAll(after, options);
    return { events: events.map(rawOf), next };
  }

  follow(after: Position | null, prefixes: readonly string[] | undefined, signal: AbortSignal): AsyncIterable<Followed> {
    const { connection, names, reader } = this;
    const { clock, random } = this.options;
    return followEventStoreDb({ connection, names, reader, clock, random }, after, prefixes, AbortSignal.any([signal, this.closing.signal]));
  }

  /** Appends on their way are answered first; followers end. Closing twice is the same as once. */
  async close(): Promise<void> {
    if (this.closing.signal.aborted) return;
    this.closing.abort();
    await this.appender.drained();
    await this.connection.close();
  }

  private refuseWhenClosed(): void {
    if (this.closing.signal.aborted) throw new Unavailable('the event store is closed');
  }
}
