import { randomUUID } from 'node:crypto';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { Log, Stored } from './log.ts';
import { checkpointResponse, eventResponse, numberAt, placeBehind, placeOf, type Place } from './wire.ts';

/** Events that fit a page, besides the window; a real server's constant. */
const PAGE = 32;

/** A subscription to `$all`: first page by page to the end, then live. What it says of its way is as in EventStoreDB 24.2 and
 *  newer: see the header of `server.ts`. Ends when aborted. */
export async function* subscription(log: Log, options: streams.ReadReq.Options, signal: AbortSignal): AsyncGenerator<streams.ReadResp> {
  const after = await beginOf(log, options.getAll()!);
  const filter = filterOf(options);
  const way = options.hasFilter() ? new Way(after, options.getFilter()!) : null;
  yield confirmation();
  let live = false;
  for await (const item of log.follow(after, signal)) {
    if (item === 'end') {
      const place = live ? null : (way?.atEnd() ?? null);
      if (place) yield checkpointResponse(place);
      if (!live) yield new streams.ReadResp().setCaughtUp(new streams.ReadResp.CaughtUp());
      live = true;
      continue;
    }
    const passes = filter(item);
    if (passes) yield eventResponse(item);
    const place = way && (live ? way.lookedAtLive(item.number) : way.lookedAt(item.number, passes));
    if (place) yield checkpointResponse(place);
  }
}

async function beginOf(log: Log, all: streams.ReadReq.Options.AllOptions): Promise<number> {
  if (all.hasStart()) return 0;
  if (all.hasEnd()) return log.head();
  return numberAt(all.getPosition()!.getCommitPosition(), all.getPosition()!.getPreparePosition());
}

/** When a filtered subscription says how far it has come. */
class Way {
  private readonly window: number;
  private readonly interval: number;
  /** Of the last event that was passed on, or that a checkpoint told of. */
  private told: Place | null = null;
  private pageBegin: Place | null = null;
  private inPage = { looked: 0, passed: 0 };
  private sinceCheckpoint = 0;
  private moved = false;

  constructor(after: number, filter: streams.ReadReq.Options.FilterOptions) {
    this.window = filter.hasMax() ? filter.getMax() : PAGE;
    this.interval = this.window * filter.getCheckpointintervalmultiplier();
    if (after > 0) this.told = placeOf(after);
  }

  /** Catching up: a checkpoint is due at the end of a page, once the interval is over; it is where that page began, or the last
   *  event that it passed on. */
  lookedAt(number: number, passed: boolean): Place | null {
    this.moved = true;
    this.inPage = { looked: this.inPage.looked + 1, passed: this.inPage.passed + (passed ? 1 : 0) };
    if (passed) this.told = placeOf(number);
    if (this.inPage.looked < this.window && this.inPage.passed < PAGE) return null;
    this.sinceCheckpoint += this.inPage.looked;
    this.inPage = { looked: 0, passed: 0 };
    const begin = this.pageBegin;
    this.pageBegin = placeBehind(number);
    if (this.sinceCheckpoint < this.interval) return null;
    this.sinceCheckpoint %= this.interval;
    return this.further(begin);
  }

  /** At the end of catching up; nothing where there was nothing to catch up with. */
  atEnd(): Place | null {
    this.sinceCheckpoint = 0;
    return this.moved ? this.further(this.pageBegin) : null;
  }

  /** Live: exactly after each interval, at the event that ended it. */
  lookedAtLive(number: number): Place | null {
    this.sinceCheckpoint += 1;
    if (this.sinceCheckpoint < this.interval) return null;
    this.sinceCheckpoint = 0;
    return placeOf(number);
  }

  private further(place: Place | null): Place | null {
    if (place && (!this.told || place.commit > this.told.commit)) this.told = place;
    return this.told;
  }
}

function filterOf(options: streams.ReadReq.Options): (event: Stored) => boolean {
  const filter = options.getFilter();
  if (!filter) return () => true;
  const subject = filter.hasEventType() ? 'type' : 'stream';
  const expression = filter.hasEventType() ? filter.getEventType()! : filter.getStreamIdentifier()!;
  const prefixes = expression.getPrefixList();
  if (expression.getRegex() === '') return (event) => prefixes.some((prefix) => event[subject].startsWith(prefix));
  const regex = new RegExp(expression.getRegex(), 'u');
  return (event) => regex.test(event[subject]);
}

function confirmation(): streams.ReadResp {
  const confirmed = new streams.ReadResp.SubscriptionConfirmation();
  confirmed.setSubscriptionId(randomUUID());
  return new streams.ReadResp().setConfirmation(confirmed);
}
