import type { Logger } from '#contracts';
import type { EventStore, Position, Recorded } from '#event-store';
import { compareDocuments, type Compared, type DocumentDifference } from './compare-documents.ts';
import { foreignHistory } from './foreign-history.ts';
import { LogPages } from './log-pages.ts';
import type { Document, ReadModelStore, ViewRef } from './port.ts';
import { compareShape, nextBuild, prepareBuild } from './versions.ts';
import type { View } from './view.ts';
import { ViewFold } from './view-fold.ts';

export interface Rebuild<Doc extends Document> {
  readonly store: EventStore;
  readonly models: ReadModelStore;
  readonly view: View<Doc>;
  readonly upcast: (event: Recorded) => Recorded;
  readonly logger: Logger;
  /** Gives it up between two batches: the half-built version goes, the live one stays. */
  readonly signal?: AbortSignal;
  /** The log, where several views are built at once; by default it is read for this one alone. */
  readonly pages?: LogPages;
  /** Has the live documents compared with those built anew before it flips, and is told of every difference. */
  readonly onDifference?: (difference: DocumentDifference) => void;
}

export interface Rebuilt {
  readonly version: number;
  readonly position: Position | null;
  /** How many events of the view's streams were folded by this process. */
  readonly events: number;
  /** Null where nobody asked, and where the live documents were of another shape or history. */
  readonly compared: Compared | null;
}

/** Folds the whole log into a new version beside the live one, which goes on serving, and flips once nothing is missing.
 *  Two at once build the same version together; begun again after a crash it goes on where that one ended.
 *  @throws what the stores throw, and the signal's reason: then nothing was flipped. */
export async function rebuild<Doc extends Document>(parts: Rebuild<Doc>): Promise<Rebuilt> {
  const { models, view, logger } = parts;
  const version = await nextBuild(models, view.schema);
  logger.info('view rebuild begins', { view: view.schema.view, version });
  try {
    const built = await build(parts, version);
    logger.info('view rebuilt', { view: view.schema.view, version, events: built.events, position: built.position });
    return built;
  } catch (error) {
    // What another process has flipped to meanwhile stays.
    const givenUp = parts.signal?.aborted && (await models.active(view.schema.view)) !== version;
    if (givenUp) await models.drop({ view: view.schema.view, version });
    throw error;
  }
}

async function build<Doc extends Document>(parts: Rebuild<Doc>, version: number): Promise<Rebuilt> {
  const { store, models, view, pages = new LogPages(store, parts.upcast) } = parts;
  const ref = await begin(parts, version);
  const prepare = (indexed: boolean) => prepareBuild(models, view.schema, version, store.storeId, indexed);
  const fold = await ViewFold.begin<Doc>({ ...parts, pages, prepare: () => prepare(false) }, ref);
  const compared = await compareWithLive(parts, fold, version);
  for (let behindAt: Position | null | undefined; ; ) {
    await fold.to(null);
    await prepare(true);
    const { position, events } = fold;
    const evenBehind = await isLiveForeign(parts);
    if ((await models.activate(ref.view, version, { evenBehind })) === 'activated') return { version, position, events, compared };
    if (behindAt === position) throw new Error(`the live view ${ref.view} is ahead of the log`);
    behindAt = position;
  }
}

/** Before it flips, as the live documents go then: those that can be compared at all. */
async function compareWithLive<Doc extends Document>(parts: Rebuild<Doc>, fold: ViewFold<Doc>, version: number): Promise<Compared | null> {
  const { models, view, onDifference, signal } = parts;
  if (!onDifference) return null;
  const live = await models.active(view.schema.view);
  if (live === null || live === version || compareShape(live, view.schema) !== 0 || (await isLiveForeign(parts))) return null;
  return compareDocuments({ view: view as unknown as View, live: models, fold: fold as unknown as ViewFold, onDifference, signal });
}

/** One of another history can't be caught up with. */
async function isLiveForeign<Doc extends Document>({ store, models, view: { schema } }: Rebuild<Doc>): Promise<boolean> {
  const version = await models.active(schema.view);
  return version !== null && (await foreignHistory(store, models, { view: schema.view, version })) !== null;
}

/** Goes on with a build that was begun, unless that was of another history. */
async function begin<Doc extends Document>({ store, models, view, logger }: Rebuild<Doc>, version: number): Promise<ViewRef> {
  const ref = await prepareBuild(models, view.schema, version, store.storeId, false);
  const why = await foreignHistory(store, models, ref);
  if (why === null) return ref;
  logger.warn('a view build of another history is dropped', { ...ref, reason: why });
  await models.drop(ref);
  return prepareBuild(models, view.schema, version, store.storeId, false);
}
