import type { Recorded } from '#event-store';
import { inOrderForGood } from './canonical-json.ts';
import type { Document, Op, ReadModelStore, ViewRef } from './port.ts';
import { completed, foldInto, type View } from './view.ts';

/** Documents as a store has them, by id; null where it has none. Only what is true of the store may be in it. */
export type Known<Doc extends Document> = Map<string, Doc | null>;

/** What a batch of events makes of the documents that they belong to: each document is read at most once, folded in memory and written
 *  once. `known` spares reading, and is brought to what the store has after the write. */
export async function foldBatch<Doc extends Document>(
  models: ReadModelStore,
  ref: ViewRef,
  view: View<Doc>,
  events: readonly Recorded[],
  known: Known<Doc> = new Map(),
): Promise<Op[]> {
  if (view.isOneEventEach) return events.flatMap((event) => view.keys(event).map((id) => ({ put: foldInto(view, null, event, id)! })));
  const keys = events.map((event) => view.keys(event));
  await readUnknown(models, ref, keys, known);
  const changed = new Map<string, Recorded>();
  for (const [index, event] of events.entries()) {
    for (const id of keys[index]!) {
      const before = known.get(id) ?? null;
      const after = foldInto(view, before, event, id);
      if (after === before) continue;
      known.set(id, after);
      changed.set(id, event);
    }
  }
  return [...changed].map(([id, { position }]) => {
    const doc = known.get(id) ?? null;
    if (!doc) return { remove: { id, position } };
    // In order as it is written: what doesn't change of it needn't be put in order the next time.
    const put = inOrderForGood(completed(view, doc));
    known.set(id, put);
    return { put };
  });
}

type Keys = readonly (readonly string[])[];

async function readUnknown<Doc extends Document>(models: ReadModelStore, { view, version }: ViewRef, keys: Keys, known: Known<Doc>): Promise<void> {
  const unknown = new Set<string>();
  for (const ids of keys) for (const id of ids) if (!known.has(id)) unknown.add(id);
  if (unknown.size === 0) return;
  const found = await models.getMany<Doc>(view, [...unknown], version);
  for (const id of unknown) known.set(id, found.get(id) ?? null);
}
