import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { followLog, type EventStore } from '#event-store';
import { systemClock } from '#platform';
import { ServerProcess } from '../eventstoredb-server/process.ts';
import { median, perSecond, timed, type Figure, type Part } from './figure.ts';
import { history, type Written } from './history.ts';
import { fill, openStore } from './log-store.ts';

const EVENTS = 100_000;
const SINGLE = 500;
const BATCHES = 100;
const BATCH = 100;
const AT_ONCE = 32;
const REPLAYS = 5;

/** Durable appends and replay of each event store. What is behind EventStoreDB's protocol here is a server for tests, on SQLite too:
 *  its figures say what client and protocol cost, not what EventStoreDB does. */
export const part: Part = { title: 'Event stores', run };

async function run(scale: number): Promise<readonly Figure[]> {
  await using cleanUp = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'waybill-bench-'));
  cleanUp.defer(() => rm(folder, { recursive: true, force: true }));
  const server = await ServerProcess.start(join(folder, 'eventstoredb.db'));
  cleanUp.defer(() => server.kill());
  return [
    ...(await measure('SQLite', `sqlite:${join(folder, 'events.db')}`, scale, { atLeast: 200_000 })),
    ...(await measure("EventStoreDB's protocol", server.url, scale)),
  ];
}

async function measure(name: string, url: string, scale: number, aim?: Figure['aim']): Promise<Figure[]> {
  const store = await openStore(url);
  try {
    const written = await measureAppends(name, store, [...history(BATCH)], scale);
    await fill(store, history(EVENTS * scale));
    const rates: number[] = [];
    for (let round = 0; round < Math.max(2, REPLAYS * scale); round += 1) rates.push(await replayRate(store));
    return [...written, { what: `${name}: replayed events`, value: median(rates), unit: '/s', aim }];
  } finally {
    await store.close();
  }
}

/** The same events as in the history, in streams of their own. */
async function measureAppends(name: string, store: EventStore, appends: readonly Written[], scale: number): Promise<Figure[]> {
  const events = appends.flatMap((append) => append.events).slice(0, BATCH);
  let made = 0;
  const append = (count: number): Promise<unknown> => {
    const stream = `job-bench${(made += 1)}`;
    return store.append(stream, 'no-stream', events.slice(0, count).map((event) => ({ ...event, id: crypto.randomUUID() })));
  };
  const single = Math.round(SINGLE * scale);
  const batches = Math.round(BATCHES * scale);
  await append(1);
  const oneByOne = await timed(() => times(single, () => append(1)));
  const together = await timed(() => Promise.all(Array.from({ length: AT_ONCE }, () => times(Math.ceil(single / 8), () => append(1)))));
  const batched = await timed(() => times(batches, () => append(BATCH)));
  return [
    { what: `${name}: appends of one event, one after the other`, value: perSecond(single, oneByOne), unit: '/s' },
    { what: `${name}: appends of one event, ${AT_ONCE} at once`, value: perSecond(Math.ceil(single / 8) * AT_ONCE, together), unit: '/s' },
    { what: `${name}: events in appends of ${BATCH}, one after the other`, value: perSecond(batches * BATCH, batched), unit: '/s' },
  ];
}

async function times(count: number, work: () => Promise<unknown>): Promise<void> {
  for (let done = 0; done < count; done += 1) await work();
}

/** As an app reads the log when it starts: followed to its end. */
async function replayRate(store: EventStore): Promise<number> {
  const atEnd = new AbortController();
  let events = 0;
  const took = await timed(() =>
    followLog({ store, after: null, signal: atEnd.signal, clock: systemClock, onEvent: () => void (events += 1), onCaughtUp: () => atEnd.abort(), onDegraded: (error) => Promise.reject(error) }),
  );
  return perSecond(events, took);
}
