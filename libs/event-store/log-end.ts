import type { EventStore, Position } from './port.ts';

/** How far a store's log was seen to reach. It only grows, so that one look through a long log does for all who ask. */
const seen = new WeakMap<EventStore, Position | null>();

/** Where the log ends at the moment, or a later end that was seen before; null: it is empty. Who has read up to there knows of everything that was
 *  written before this was asked. @throws Unavailable */
export async function logEnd(store: EventStore): Promise<Position | null> {
  for (;;) {
    const end = seen.get(store) ?? null;
    const { next } = await nextPage(store, end);
    if (next === end) return end;
    seen.set(store, next);
  }
}

/** Whether the log has got to a position. One that lies past its end is of another history: the store was emptied, or put back
 *  to an earlier state. @throws Unavailable; RangeError where the text is no position of this kind of store, if it is compared at all */
export async function logReaches(store: EventStore, position: Position): Promise<boolean> {
  for (;;) {
    const end = seen.get(store) ?? null;
    if (end !== null && end >= position) return true;
    const { next } = await nextPage(store, end);
    if (next === end) return false;
    seen.set(store, next);
  }
}

/** Hardly an event is of these streams: the store passes over all others by itself. */
const nextPage = (store: EventStore, after: Position | null) => store.readAll(after, { prefixes: [FEW], limit: 1_000 });

const FEW = 'network_pool-';
