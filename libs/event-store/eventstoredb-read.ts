import type { AllStreamResolvedEvent, ResolvedEvent } from '@eventstore/db-client';
import type { Clock } from '#contracts';
import type { Connection } from './eventstoredb-connection.ts';
import type { StreamNames } from './eventstoredb-events.ts';
import { isStreamNotFound, readFailure } from './eventstoredb-failures.ts';
import { Incoming, type ClientStream } from './eventstoredb-incoming.ts';
import { furthest, isSomewhere, positionText } from './eventstoredb-position.ts';
import { IN_STEPS, Subscription } from './eventstoredb-subscription.ts';
import type { PageOptions, Position, Recorded } from './port.ts';

/** Reads streams, and pages of `$all`. A read that fails is `Unavailable`, also when the server says nothing for the deadline. */
export class EventStoreDbReader {
  constructor(
    private readonly connection: Connection,
    private readonly names: StreamNames,
    private readonly clock: Clock,
  ) {}

  /** In order of revision; nothing for a stream that doesn't exist or was deleted softly. */
  async *stream(stream: string, from: bigint, limit: number): AsyncGenerator<Recorded, void, undefined> {
    const { client, call } = this.connection;
    const maxCount = Math.min(limit, Number.MAX_SAFE_INTEGER);
    if (maxCount <= 0) return;
    const events = client.readStream(this.names.onServer(stream), { ...call, fromRevision: from, maxCount });
    for await (const { event } of this.all<ResolvedEvent>(events)) {
      const recorded = event ? this.names.recorded(event) : null;
      if (recorded) yield recorded;
    }
  }

  /** The revision of the stream's last event; null where there is none. */
  async lastRevision(stream: string): Promise<bigint | null> {
    const { client, call } = this.connection;
    const events = client.readStream(this.names.onServer(stream), { ...call, direction: 'backwards', fromRevision: 'end', maxCount: 1 });
    for await (const { event } of this.all<ResolvedEvent>(events)) return event?.revision ?? null;
    return null;
  }

  /** A page as the port has it. The client can't read `$all` through a filter, so this is a subscription that is ended at the
   *  limit, or at the log's end. */
  async page(after: Position | null, { prefixes, limit }: PageOptions): Promise<{ events: Recorded[]; next: Position | null }> {
    if (limit <= 0) return { events: [], next: after };
    // Looked at first: at the end of the subscription all streams were seen at least up to there.
    const head = prefixes && (await this.head());
    const events: Recorded[] = [];
    const subscription = new Subscription(this.connection, this.names, this.clock, { after, prefixes, window: IN_STEPS });
    try {
      for (;;) {
        const item = await this.unlessFailed(() => subscription.next(this.connection.deadlineMs));
        if ('end' in item) break;
        if ('event' in item && events.push(item.event) === limit) return { events, next: item.event.position };
      }
    } finally {
      subscription.close();
    }
    return { events, next: await this.endOf(after, events.at(-1)?.position ?? null, head) };
  }

  /** How far someone has come who was at the log's end, after `last`: `head` was it, or a position before. Without a filter that
   *  is our own last event, whatever the server writes for itself; null as long as there is none.
   *  @param head `undefined` without a filter */
  async endOf(after: Position | null, last: Position | null, head: Position | null | undefined): Promise<Position | null> {
    const seen = furthest(after, last);
    if (head === undefined || head === null) return seen;
    if (seen !== null) return furthest(seen, head);
    const { next } = await this.page(null, { limit: 1 });
    return next === null ? null : head;
  }

  /** Where the last event of the whole log stands, the server's own included; null for an empty one. */
  async head(): Promise<Position | null> {
    const { client, call } = this.connection;
    const events = client.readAll({ ...call, direction: 'backwards', fromPosition: 'end', maxCount: 1 });
    for await (const { event, link } of this.all<AllStreamResolvedEvent>(events)) {
      const position = (link ?? event)?.position;
      return isSomewhere(position) ? positionText(position) : null;
    }
    return null;
  }

  private async *all<T>(stream: ClientStream): AsyncGenerator<T, void, undefined> {
    const incoming = new Incoming<T>(stream, this.clock);
    try {
      for (;;) {
        const item = await this.unlessFailed(() => incoming.next(this.connection.deadlineMs));
        if (item === null) return;
        yield item;
      }
    } catch (error) {
      if (!isStreamNotFound(error)) throw error;
    } finally {
      incoming.close();
    }
  }

  private async unlessFailed<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      throw isStreamNotFound(error) ? error : readFailure(error);
    }
  }
}
