import type { EventStore, Recorded } from '#event-store';
import { compareDocuments, type Compared, type DocumentDifference } from './compare-documents.ts';
import { LogPages } from './log-pages.ts';
import type { ReadModelStore } from './port.ts';
import { Scope, type ReplayRange } from './replay-range.ts';
import { prepareBuild } from './versions.ts';
import type { View } from './view.ts';
import { ViewFold } from './view-fold.ts';

export interface Replay {
  readonly store: EventStore;
  /** What clients are answered from. Only read. */
  readonly live: ReadModelStore;
  /** Empty, and used by nobody else; what is folded stays in it. */
  readonly fresh: ReadModelStore;
  readonly views: readonly View[];
  readonly upcast: (event: Recorded) => Recorded;
  /** Which documents are compared: those that an event of this part of the log belongs to. Default: all. */
  readonly range?: ReplayRange;
  readonly signal?: AbortSignal;
  readonly onDifference: (difference: DocumentDifference) => void;
  readonly onView?: (replayed: ReplayedView) => void;
}

export interface ReplayedView extends Compared {
  readonly view: string;
  /** Folded from the log's first event on, whatever the range: a document is made of all its events. */
  readonly events: number;
}

/** Folds the log into a fresh read model and compares it with the live one, document by document, each pair at the same position:
 *  the live one may move all the time. @throws Error where a live view can't be compared: it was never built, or has another shape. */
export async function replay(parts: Replay): Promise<ReplayedView[]> {
  const pages = new LogPages(parts.store, parts.upcast);
  const replayed: ReplayedView[] = [];
  for (const view of parts.views) {
    const outcome = await replayView(parts, pages, view);
    parts.onView?.(outcome);
    replayed.push(outcome);
  }
  return replayed;
}

async function replayView({ live, fresh, range, signal, onDifference }: Replay, pages: LogPages, view: View): Promise<ReplayedView> {
  const scope = new Scope(range, view);
  // Nothing but whole walks by id are made through it.
  const prepare = () => prepareBuild(fresh, { ...view.schema, indexes: [] }, 1);
  const fold = await ViewFold.begin({ pages, models: fresh, view, onEvent: (event) => scope.see(event), signal, prepare }, await prepare());
  const compared = await compareDocuments({ view, live, fold, holds: (id, position) => scope.holds(id, position), onDifference, signal });
  return { view: view.schema.view, events: fold.events, ...compared };
}
