import { logReaches, type EventStore } from '#event-store';
import type { ReadModelStore, ViewRef } from './port.ts';

/** Why a version of a view can't go on from this log, in a sentence: it was folded from another event store, or from more than
 *  this one has. Null where it can. One that was folded from a copy of this very store, which has gone another way and further
 *  since, isn't told. */
export async function foreignHistory(store: EventStore, models: ReadModelStore, ref: ViewRef): Promise<string | null> {
  const storeId = await models.storeOf(ref);
  if (storeId === null) return `which event store it was folded from isn't known; this one is ${store.storeId}`;
  if (storeId !== store.storeId) return `it was folded from the event store ${storeId}, this one is ${store.storeId}`;
  const checkpoint = await models.checkpoint(ref);
  if (checkpoint === null || (await logReaches(store, checkpoint))) return null;
  return `it was folded up to ${checkpoint}, and the log ends before that: the event store was put back to an earlier state`;
}
