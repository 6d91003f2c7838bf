import type { Clock, Random } from '#contracts';
import type { Connection } from './eventstoredb-connection.ts';
import type { StreamNames } from './eventstoredb-events.ts';
import { failureOf, readFailure } from './eventstoredb-failures.ts';
import { furthest } from './eventstoredb-position.ts';
import type { EventStoreDbReader } from './eventstoredb-read.ts';
import { EACH, IN_STEPS, Subscription, type Brought } from './eventstoredb-subscription.ts';
import type { Followed, Position, Recorded } from './port.ts';

const FIRST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 5_000;

/** What following is made of. */
export interface Following {
  readonly connection: Connection;
  readonly names: StreamNames;
  readonly reader: EventStoreDbReader;
  readonly clock: Clock;
  readonly random: Random;
}

/** An event, or how far everything was given that stands in the log (`upTo`, null: nothing stands in it). */
type Step = { readonly event: Recorded } | { readonly upTo: Position | null };

/** `EventStore.follow`: subscribes from after the last event that was given, and again whenever the subscription breaks, at once
 *  where another member has become the leader, else with a pause that doubles up to 5 s, with jitter; that is said as `degraded`
 *  until it is back, and then `caughtUp` is said anew. Ends quietly when aborted. */
export async function* followEventStoreDb(
  following: Following,
  after: Position | null,
  prefixes: readonly string[] | undefined,
  signal: AbortSignal,
): AsyncGenerator<Followed, void, undefined> {
  const { clock, random } = following;
  let last = after;
  let said: Position | null | undefined;
  let backoff = FIRST_BACKOFF_MS;
  let moved = false;
  while (!signal.aborted) {
    try {
      for await (const step of subscribed(following, last, prefixes, signal)) {
        if (signal.aborted) return;
        [backoff, moved] = [FIRST_BACKOFF_MS, false];
        last = furthest(last, 'event' in step ? step.event.position : step.upTo);
        if ('event' in step) yield step;
        else if (said !== last) yield { caughtUp: (said = last) };
      }
    } catch (error) {
      if (signal.aborted) return;
      // A new leader is no trouble, unless it isn't one either.
      if (moved || failureOf(error) !== 'not-leader') yield { degraded: asError(readFailure(error)) };
      moved = failureOf(error) === 'not-leader';
      said = undefined;
    }
    await clock.sleep(backoff * (0.5 + random() / 2), signal);
    backoff = Math.min(backoff * 2, LONGEST_BACKOFF_MS);
  }
}

/** All there is after a position, and then what comes, until the connection breaks.
 *  The way to the end is one subscription and the life there is another, since only for the latter it is worth to be told of each
 *  event that the filter left out. @throws the client's error when it breaks */
async function* subscribed(following: Following, after: Position | null, prefixes: readonly string[] | undefined, signal: AbortSignal): AsyncGenerator<Step, void, undefined> {
  const { reader, connection } = following;
  const head = prefixes && (await reader.head());
  let last = after;
  for await (const item of broughtBy(following, { after, prefixes, window: IN_STEPS }, signal, connection.deadlineMs)) {
    if (item === 'drained') continue;
    if ('end' in item) break;
    if ('event' in item) yield item;
    last = furthest(last, positionOf(item, prefixes));
  }
  if (signal.aborted) return;
  last = await reader.endOf(after, last === after ? null : last, head);
  yield { upTo: last };

  let moved = false;
  for await (const item of broughtBy(following, { after: last, prefixes, window: prefixes ? EACH : IN_STEPS }, signal)) {
    if (item === 'drained') {
      if (moved) yield { upTo: last };
      moved = false;
    } else {
      if ('event' in item) yield item;
      const position = positionOf(item, prefixes);
      moved ||= position !== null;
      last = furthest(last, position);
    }
  }
}

/** How far an item says that one has come. Without a filter only our own events count, whatever the server writes for itself. */
function positionOf(item: Brought, prefixes: readonly string[] | undefined): Position | null {
  if ('event' in item) return item.event.position;
  return 'reached' in item && prefixes ? item.reached : null;
}

/** What one subscription brings until it breaks or is aborted; `drained` whenever nothing more has arrived yet. */
async function* broughtBy(
  { connection, names, clock }: Following,
  options: ConstructorParameters<typeof Subscription>[3],
  signal: AbortSignal,
  silenceMs?: number,
) {
  const subscription = new Subscription(connection, names, clock, options);
  const close = (): void => subscription.close();
  signal.addEventListener('abort', close);
  try {
    while (!signal.aborted) {
      yield await subscription.next(silenceMs);
      if (await subscription.isDrained()) yield 'drained' as const;
    }
  } finally {
    signal.removeEventListener('abort', close);
    close();
  }
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
