import type { Logger } from '#contracts';
import type { EventStore, Position, Recorded } from '#event-store';
import { foldBatch } from './fold-batch.ts';
import { foreignHistory } from './foreign-history.ts';
import type { Document, ReadModelStore, ViewRef } from './port.ts';
import { nextBuild, prepareBuild } from './versions.ts';
import type { View } from './view.ts';

export interface Rebuild<Doc extends Document> {
  readonly store: EventStore;
  readonly models: ReadModelStore;
  readonly view: View<Doc>;
  readonly upcast: (event: Recorded) => Recorded;
  readonly logger: Logger;
  /** Gives it up between two batches: the half-built version goes, the live one stays. */
  readonly signal?: AbortSignal;
  /** Events read at once. Default 500. */
  readonly batch?: number;
}

export interface Rebuilt {
  readonly version: number;
  readonly position: Position | null;
  /** How many events of the view's streams were folded by this process. */
  readonly events: number;
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
  const { store, models, view, upcast, signal, batch = 500 } = parts;
  const ref = await begin(parts, version);
  let position = await models.checkpoint(ref);
  let events = 0;
  let behind = false;
  for (;;) {
    signal?.throwIfAborted();
    const { events: read, next } = await store.readAll(position, { prefixes: view.prefixes, limit: batch });
    if (next === null || next === position) {
      if (behind) throw new Error(`the live view ${ref.view} is ahead of the log`);
      const evenBehind = await isLiveForeign(parts);
      if ((await models.activate(ref.view, version, { evenBehind })) === 'activated') return { version, position, events };
      behind = true;
      continue;
    }
    behind = false;
    const ops = await foldBatch(models, ref, view, read.map(upcast));
    if ((await models.apply(ref, position, next, ops)) === 'applied') {
      position = next;
      events += read.length;
      continue;
    }
    // Another process builds it too, or has flipped and dropped it: see where it stands.
    await prepareBuild(models, view.schema, version, store.storeId);
    position = await models.checkpoint(ref);
  }
}

/** One of another history can't be caught up with. */
async function isLiveForeign<Doc extends Document>({ store, models, view: { schema } }: Rebuild<Doc>): Promise<boolean> {
  const version = await models.active(schema.view);
  return version !== null && (await foreignHistory(store, models, { view: schema.view, version })) !== null;
}

/** Goes on with a build that was begun, unless that was of another history. */
async function begin<Doc extends Document>({ store, models, view, logger }: Rebuild<Doc>, version: number): Promise<ViewRef> {
  const ref = await prepareBuild(models, view.schema, version, store.storeId);
  const why = await foreignHistory(store, models, ref);
  if (why === null) return ref;
  logger.warn('a view build of another history is dropped', { ...ref, reason: why });
  await models.drop(ref);
  return prepareBuild(models, view.schema, version, store.storeId);
}
