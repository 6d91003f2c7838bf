import type { AppendExpectedRevision, AppendResult } from '@eventstore/db-client';
import type { Clock, Random } from '#contracts';
import type { Connection } from './eventstoredb-connection.ts';
import { eventData, type StreamNames } from './eventstoredb-events.ts';
import { appendFailure, conflictOf, failureOf } from './eventstoredb-failures.ts';
import { isSomewhere, positionText } from './eventstoredb-position.ts';
import type { EventStoreDbReader } from './eventstoredb-read.ts';
import { Conflict, OutcomeUnknown, type Appended, type Expected, type NewEvent } from './port.ts';

/** Members that name each other as the leader while one is elected; then the caller hears `Unavailable`. */
const LEADERS_ASKED = 5;
/** An append at `any` may stand this far from the stream's end, once its outcome is looked for. */
const LOOKED_THROUGH = 500;

/** Appends with the server's own check of the revision.
 *
 *  What it relies on (EventStoreDB's documentation, "Appending events", "Idempotence"): an append is written whole or not at all,
 *  at consecutive revisions; at a numbered revision, or `no_stream`, that the stream has left, the server compares the ids of the
 *  events that stand there and answers as before if they are the same, however long ago that was. So the same append, sent again
 *  after its answer was lost, stands once. It compares nothing where the revision is the stream's present one, and for `any` and
 *  `stream_exists` only remembers recent ids: who decides anew, at another revision, looks for the command in the stream first. */
export class EventStoreDbAppender {
  private readonly underWay = new Set<Promise<unknown>>();

  constructor(
    private readonly connection: Connection,
    private readonly names: StreamNames,
    private readonly reader: EventStoreDbReader,
    private readonly clock: Clock,
    private readonly random: Random,
  ) {}

  /** @throws as `EventStore.append`; RangeError for no events or an id given twice; the client's error for an append that is too
   *  large, or to a stream that an operator deleted. */
  async append(stream: string, expected: Expected, events: readonly NewEvent[]): Promise<Appended> {
    if (new Set(events.map((event) => event.id)).size !== events.length || events.length === 0)
      throw new RangeError(`an append to ${stream} needs events, each with its own id`);
    const appending = this.appendOrLook(stream, expected, events);
    this.underWay.add(appending);
    try {
      return await appending;
    } finally {
      this.underWay.delete(appending);
    }
  }

  /** Resolves once all appends so far are answered. */
  async drained(): Promise<void> {
    await Promise.allSettled(this.underWay);
  }

  private async appendOrLook(stream: string, expected: Expected, events: readonly NewEvent[]): Promise<Appended> {
    try {
      const result = await this.askLeader(stream, expected, events);
      return await this.appended(stream, result, events);
    } catch (error) {
      if (!(error instanceof OutcomeUnknown)) throw error;
      // What stands is the answer. What doesn't yet may still be on its way: the caller has to go on asking.
      const standing = await this.find(stream, expected, events).catch(() => null);
      if (standing === null) throw error;
      return standing;
    }
  }

  private async askLeader(stream: string, expected: Expected, events: readonly NewEvent[]): Promise<AppendResult> {
    const proposed = events.map(eventData);
    for (let asked = 1; ; asked += 1) {
      try {
        return await this.send(this.names.onServer(stream), expectedRevision(expected), proposed);
      } catch (error) {
        const conflict = conflictOf(error);
        if (conflict) throw new Conflict(stream, expected, conflict.actual);
        if (failureOf(error) !== 'not-leader' || asked === LEADERS_ASKED) throw appendFailure(stream, error);
      }
      // The client goes to the leader by itself, a moment later.
      await this.clock.sleep(20 * asked * (0.5 + this.random() / 2));
    }
  }

  /** The client's deadline isn't kept where a server takes the request and then says nothing at all on a shared stream. */
  private async send(stream: string, expected: AppendExpectedRevision, events: ReturnType<typeof eventData>[]): Promise<AppendResult> {
    const { client, call, deadlineMs } = this.connection;
    let cancel: () => void = () => undefined;
    const silence = new Promise<never>((_, reject) => {
      cancel = this.clock.after(deadlineMs + 500, () => reject(new OutcomeUnknown(`append to ${stream} had no answer`)));
    });
    const sent = client.appendToStream(stream, events, { ...call, deadline: deadlineMs, expectedRevision: expected });
    return Promise.race([sent, silence]).finally(cancel);
  }

  private async appended(stream: string, { nextExpectedRevision: revision, position }: AppendResult, events: readonly NewEvent[]): Promise<Appended> {
    if (isSomewhere(position)) return { revision, position: positionText(position) };
    // An append that the server knew already is answered without a position until it is indexed.
    const standing = await this.find(stream, revision - BigInt(events.length), events).catch(() => null);
    if (standing === null) throw new OutcomeUnknown(`append to ${stream}: it stands, but not yet where it can be read`);
    return standing;
  }

  /** Where these events stand: all, in this order, and where `expected` says; null when they don't (yet). */
  private async find(stream: string, expected: Expected, events: readonly NewEvent[]): Promise<Appended | null> {
    const from = typeof expected === 'bigint' ? expected + 1n : expected === 'no-stream' ? 0n : await this.tailOf(stream);
    if (from === null) return null;
    const wide = typeof expected === 'bigint' || expected === 'no-stream' ? events.length : LOOKED_THROUGH;
    let matched = 0;
    for await (const { id, revision, position } of this.reader.stream(stream, from, wide)) {
      matched = id === events[matched]!.id ? matched + 1 : 0;
      if (matched === events.length) return { revision, position };
    }
    return null;
  }

  private async tailOf(stream: string): Promise<bigint | null> {
    const last = await this.reader.lastRevision(stream);
    return last === null ? null : last < LOOKED_THROUGH ? 0n : last - BigInt(LOOKED_THROUGH - 1);
  }
}

function expectedRevision(expected: Expected): AppendExpectedRevision {
  if (expected === 'no-stream') return 'no_stream';
  return expected === 'exists' ? 'stream_exists' : expected;
}
