import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { v5 } from 'uuid';
import { openEventStore, type EventStore, type NewEvent, type Recorded } from '#event-store';
import { createLogger, systemClock, systemRandom } from '#platform';
import { Cluster } from './cluster.ts';

const parts = { clock: systemClock, random: systemRandom, logger: createLogger('bench', { level: 'error' }) };
const NODES = 10;
const SERVICES = 100;
const REPLICAS = 3;

/** One append as it was made: the events of one command on one stream. */
export interface Append {
  readonly stream: string;
  readonly events: readonly NewEvent[];
}

/** What scheduler and health-monitor really wrote for a hundred services of three replicas each, until all had settled, in the
 *  order of the log; then the same for as many others, until there are `events` of them. */
export async function history(events: number): Promise<Append[]> {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-bench-'));
  try {
    const first = await lived(folder);
    const length = first.reduce((sum, append) => sum + append.events.length, 0);
    const copies = Math.ceil(events / length);
    return Array.from({ length: copies }, (_, copy) => (copy === 0 ? first : first.map((append) => copyOf(append, copy)))).flat();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Writes it, as far as a batch takes them, stream by stream; many streams at once. @param batch events in one append */
export async function write(store: EventStore, appends: readonly Append[], batch = 500): Promise<void> {
  const streams = Map.groupBy(appends, ({ stream }) => stream);
  const waiting = [...streams];
  while (waiting.length > 0) {
    const now = waiting.splice(0, 64);
    await Promise.all(now.map(([stream, own]) => writeStream(store, stream, own.flatMap(({ events }) => events), batch)));
  }
}

export const openStore = (url: string): Promise<EventStore> => openEventStore(url, parts);

async function writeStream(store: EventStore, stream: string, events: readonly NewEvent[], batch: number): Promise<void> {
  for (let from = 0; from < events.length; from += batch) await store.append(stream, 'any', events.slice(from, from + batch));
}

async function lived(folder: string): Promise<Append[]> {
  const cluster = await Cluster.start({ folder, nodes: NODES, apps: ['health-monitor', 'scheduler'] });
  try {
    await cluster.createServices(SERVICES, REPLICAS);
    return appendsOf(await all(cluster.store));
  } finally {
    await cluster.stop();
  }
}

async function all(store: EventStore): Promise<Recorded[]> {
  const found: Recorded[] = [];
  for (let after: string | null = null; ; ) {
    const { events, next } = await store.readAll(after, { limit: 500 });
    found.push(...events);
    if (next === after) return found;
    after = next;
  }
}

function appendsOf(log: readonly Recorded[]): Append[] {
  const appends: { stream: string; commandId: string; events: NewEvent[] }[] = [];
  for (const { stream, id, type, data, metadata } of log) {
    const last = appends.at(-1);
    const event = { id, type, data, metadata };
    if (last?.stream === stream && last.commandId === metadata.commandId) last.events.push(event);
    else appends.push({ stream, commandId: metadata.commandId, events: [event] });
  }
  return appends;
}

/** Every id in it is another one, of the same length but for the number of the copy. */
function copyOf({ stream, events }: Append, copy: number): Append {
  const others = (text: string): string => text.replace(/\b(prj|env|svc|dep|rep|net|node)_[a-z2-7]{26}/g, (id) => `${id}${copy}`);
  return {
    stream: others(stream),
    events: events.map((event) => {
      const { id, ...rest } = JSON.parse(others(JSON.stringify(event))) as NewEvent;
      return { ...rest, id: v5(String(copy), id) };
    }),
  };
}
