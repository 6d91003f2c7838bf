import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { upcast } from '#domain';
import type { EventStore } from '#event-store';
import { everyView, LogPages, openReadModelStore, rebuild } from '#read-models';
import { mongoForTests } from '../mongodb-server/mongo-for-tests.ts';
import { median, perSecond, timed, type Figure, type Part } from './figure.ts';
import { history } from './history.ts';
import { fill, openStore, parts } from './log-store.ts';

const EVENTS = 50_000;
/** The server that stands in for MongoDB is slow. */
const EVENTS_OF_MONGODB = 5_000;
const ROUNDS = 3;

/** All views, built anew side by side from a log in SQLite. What speaks MongoDB's protocol here is a server for tests: its figures say
 *  what adapter and protocol cost, not what MongoDB does. */
export const part: Part = { title: 'Views rebuilt', run };

async function run(scale: number): Promise<readonly Figure[]> {
  await using cleanUp = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'waybill-bench-'));
  cleanUp.defer(() => rm(folder, { recursive: true, force: true }));
  const logOf = async (events: number): Promise<EventStore> => {
    const store = await openStore(`sqlite:${join(folder, `${events}.db`)}`);
    cleanUp.defer(() => store.close());
    await fill(store, history(events * scale));
    return store;
  };
  const figures = await measure('SQLite', `sqlite:${join(folder, 'views.db')}`, await logOf(EVENTS), { atLeast: 50_000 });

  const mongo = await mongoForTests();
  if ('missing' in mongo) return figures;
  cleanUp.defer(() => mongo.close());
  const database = mongo.database();
  cleanUp.defer(() => database.drop());
  return [...figures, ...(await measure("MongoDB's protocol", database.url, await logOf(EVENTS_OF_MONGODB)))];
}

async function measure(name: string, url: string, store: EventStore, aim?: Figure['aim']): Promise<Figure[]> {
  const models = await openReadModelStore(url, parts);
  try {
    const rates: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const pages = new LogPages(store, upcast);
      const folded: number[] = [];
      const build = async (view: (typeof everyView)[number]): Promise<void> => {
        const { events } = await rebuild({ store, models, view, upcast, pages, logger: parts.logger });
        folded.push(events);
      };
      const took = await timed(() => Promise.all(everyView.map(build)));
      rates.push(perSecond(folded.reduce((sum, events) => sum + events, 0), took));
    }
    return [{ what: `${name}: events folded, all ${everyView.length} views side by side`, value: median(rates), unit: '/s', aim }];
  } finally {
    await models.close();
  }
}
