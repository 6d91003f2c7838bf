import type { Recorded } from '#event-store';
import type { Document, Op, ReadModelStore, ViewRef } from './port.ts';
import { foldInto, type View } from './view.ts';

/** What a batch of events makes of the documents that they belong to: each document is read once, folded in memory and written once. */
export async function foldBatch<Doc extends Document>(models: ReadModelStore, ref: ViewRef, view: View<Doc>, events: readonly Recorded[]): Promise<Op[]> {
  const keyed = events.flatMap((event) => view.keys(event).map((id) => ({ event, id })));
  if (keyed.length === 0) return [];
  const documents = new Map<string, Doc | null>(await models.getMany<Doc>(ref.view, [...new Set(keyed.map(({ id }) => id))], ref.version));
  const ops = new Map<string, Op>();
  for (const { event, id } of keyed) {
    const before = documents.get(id) ?? null;
    const after = foldInto(view, before, event, id);
    documents.set(id, after);
    if (after === before) continue;
    ops.set(id, after ? { put: after } : { remove: { id, position: event.position } });
  }
  return [...ops.values()];
}
