import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { upcast } from '#domain';
import type { EventStore } from '#event-store';
import { createLogger, systemClock, systemRandom } from '#platform';
import { everyView, openReadModelStore, rebuild, type ReadModelStore } from '#read-models';
import { mongoForTests } from '../mongodb-server/mongo-for-tests.ts';
import { perSecond, type Figure, type Part } from './figure.ts';
import { history, openStore, write } from './history.ts';

const EVENTS = 50_000;
/** The server that stands in for MongoDB is slow. */
const EVENTS_OF_MONGODB = 5_000;

/** Every view, built anew from a log in SQLite. What speaks MongoDB's protocol here is a server for tests: its figures say that the
 *  adapter works, not what MongoDB does. */
export const part: Part = { title: 'Views rebuilt', run };

const parts = { clock: systemClock, random: systemRandom, logger: createLogger('bench', { level: 'error' }) };

async function run(scale: number): Promise<readonly Figure[]> {
  await using cleanUp = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'waybill-bench-'));
  cleanUp.defer(() => rm(folder, { recursive: true, force: true }));
  const appends = await history(EVENTS * scale);
  const stores = await Promise.all([EVENTS, EVENTS_OF_MONGODB].map(async (events) => {
    const store = await openStore(`sqlite:${join(folder, `${events}.db`)}`);
    cleanUp.defer(() => store.close());
    let left = events * scale;
    await write(store, appends.filter((append) => (left -= append.events.length) > 0));
    return store;
  }));
  const figures = await measure('SQLite', `sqlite:${join(folder, 'views.db')}`, stores[0]!, { atLeast: 50_000 });

  const mongo = await mongoForTests();
  if ('missing' in mongo) return figures;
  cleanUp.defer(() => mongo.close());
  const database = mongo.database();
  cleanUp.defer(() => database.drop());
  return [...figures, ...(await measure("MongoDB's protocol", database.url, stores[1]!))];
}

async function measure(name: string, url: string, store: EventStore, aim?: Figure['aim']): Promise<Figure[]> {
  const models = await openReadModelStore(url, parts);
  try {
    const views: { view: string; events: number; ms: number }[] = [];
    for (const view of everyView) views.push({ view: view.schema.view, ...(await build(models, store, view)) });
    const total = { events: views.reduce((sum, { events }) => sum + events, 0), ms: views.reduce((sum, { ms }) => sum + ms, 0) };
    return [
      ...views.filter(({ events }) => events > 1_000).map(({ view, events, ms }): Figure => ({ what: `${name}: ${view}`, value: perSecond(events, ms), unit: '/s' })),
      { what: `${name}: all views, events folded`, value: perSecond(total.events, total.ms), unit: '/s', aim },
    ];
  } finally {
    await models.close();
  }
}

/** Twice, since code is compiled by the first. */
async function build(models: ReadModelStore, store: EventStore, view: (typeof everyView)[number]): Promise<{ events: number; ms: number }> {
  await rebuild({ store, models, view, upcast, logger: parts.logger });
  const begun = performance.now();
  const { events } = await rebuild({ store, models, view, upcast, logger: parts.logger });
  return { events, ms: performance.now() - begun };
}
