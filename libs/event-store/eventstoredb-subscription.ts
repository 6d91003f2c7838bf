import { streamNameFilter, type AllStreamResolvedEvent } from '@eventstore/db-client';
import type { Clock } from '#contracts';
import type { Connection } from './eventstoredb-connection.ts';
import type { StreamNames } from './eventstoredb-events.ts';
import { Incoming, type ClientStream } from './eventstoredb-incoming.ts';
import { logPosition, positionText } from './eventstoredb-position.ts';
import { Unavailable, type Position, type Recorded } from './port.ts';

/** What one subscription brings, in the order of the log. `reached`: everything up to there was given. `end`: there was nothing
 *  newer, and what comes now is live. */
export type Brought = { readonly event: Recorded } | { readonly reached: Position } | { readonly end: true };

/** How many events the server looks at before it says how far it is. */
export const IN_STEPS = 500;
/** It says so of each event: who lives at the log's end then always knows that its streams weren't concerned. */
export const EACH = 1;

/** One filtered subscription to `$all`, from after a position on.
 *
 *  What it relies on (EventStoreDB 23.10 and newer): the server filters by prefix of the stream's name; it says `caughtUp` when
 *  it has come to the end and goes over to live events; after every `maxSearchWindow` events that it looked at, passed on or not,
 *  it sends a checkpoint, and starting from one neither loses nor doubles an event. It neither says how far it has come at the
 *  end nor resumes anything after a broken connection: see `eventstoredb-follow.ts`. */
export class Subscription {
  private readonly incoming: Incoming<AllStreamResolvedEvent | Exclude<Brought, { event: Recorded }>>;

  constructor(
    connection: Connection,
    private readonly names: StreamNames,
    clock: Clock,
    options: { readonly after: Position | null; readonly prefixes: readonly string[] | undefined; readonly window: number },
  ) {
    const { after, prefixes, window } = options;
    const stream = connection.client.subscribeToAll({
      ...connection.call,
      fromPosition: logPosition(after),
      filter: streamNameFilter({
        ...(names.filter(prefixes) as { prefixes: string[] }),
        maxSearchWindow: window,
        // Put among the events, in their order: the client would call back before those that wait to be read.
        checkpointReached: (subscription, position) => void subscription.push({ reached: positionText(position) } satisfies Brought),
      }),
    });
    stream.on('caughtUp', () => void stream.push({ end: true } satisfies Brought));
    this.incoming = new Incoming(stream as unknown as ClientStream, clock);
  }

  /** The next one. @throws the client's error; Unavailable when the subscription is over, or after `silenceMs` of silence. */
  async next(silenceMs?: number): Promise<Brought> {
    for (;;) {
      const item = await this.incoming.next(silenceMs);
      if (item === null) throw new Unavailable('the event store ended the subscription');
      if ('reached' in item || 'end' in item) return item;
      const recorded = item.event ? this.names.recorded(item.event) : null;
      if (recorded) return { event: recorded };
    }
  }

  /** Whether nothing more has arrived by now. */
  isDrained(): Promise<boolean> {
    return this.incoming.isDrained();
  }

  close(): void {
    this.incoming.close();
  }
}
