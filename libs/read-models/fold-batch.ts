import type { Recorded } from '#event-store';
import type { Document, Op, ReadModelStore, ViewRef } from './port.ts';
import { foldInto, type View } from './view.ts';

/** What a batch of events makes of the documents that they belong to: each document is read once, folded in memory and written once. */
export async function foldBatch<Doc extends Document>(models: ReadModelStore, ref: ViewRef, view: View<Doc>, events: readonly Recorded[]): Promise<Op[]> {
  const documents = new Map<string, Doc | null>();
  const ops = new Map<string, Op>();
  for (const event of events) {
    for (const id of view.keys(event)) {
      const before = documents.has(id) ? documents.get(id)! : await models.get<Doc>(ref.view, id, ref.version);
      const after = foldInto(view, before, event, id);
      documents.set(id, after);
      if (after === before) continue;
      ops.set(id, after ? { put: after } : { remove: { id, position: event.position } });
    }
  }
  return [...ops.values()];
}
