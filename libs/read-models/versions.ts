import type { ReadModelStore, ViewRef, ViewSchema } from './port.ts';

/** A stored version counts builds in ones and shapes of documents in thousands: 2003 is the fourth build of the second shape. */
const BUILDS = 1_000;

/** The first build of this shape. */
export const firstBuild = (schema: ViewSchema): number => schema.version * BUILDS;

/** -1: a stored version has an older shape of documents than this code folds; 0: the same; 1: a newer one. */
export const compareShape = (stored: number, schema: ViewSchema): number => Math.sign(Math.floor(stored / BUILDS) - schema.version);

/** The version that a rebuild of the view makes, beside what is live. */
export async function nextBuild(models: ReadModelStore, schema: ViewSchema): Promise<number> {
  const live = await models.active(schema.view);
  return live !== null && compareShape(live, schema) === 0 ? live + 1 : firstBuild(schema);
}

/** Makes place for a build of the view, out of the event store of that id; `indexed`: as for `ReadModelStore.prepare`. */
export async function prepareBuild(models: ReadModelStore, schema: ViewSchema, version: number, storeId?: string, indexed = true): Promise<ViewRef> {
  await models.prepare({ ...schema, version }, storeId, { indexed });
  return { view: schema.view, version };
}
