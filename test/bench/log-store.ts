import { openEventStore, type EventStore } from '#event-store';
import { createLogger, systemClock, systemRandom } from '#platform';
import type { Written } from './history.ts';

/** What every part opens its stores with. */
export const parts = { clock: systemClock, random: systemRandom, logger: createLogger('bench', { level: 'error' }) };

export const openStore = (url: string): Promise<EventStore> => openEventStore(url, parts);

/** Appends a history in its order, so many at once: a store may write these together. */
export async function fill(store: EventStore, history: Iterable<Written>, atOnce = 200): Promise<void> {
  const last = new Map<string, Promise<unknown>>();
  for (const { stream, events } of history) {
    const append = (last.get(stream) ?? Promise.resolve()).then(() => store.append(stream, 'any', events));
    last.set(stream, append);
    if (last.size < atOnce) continue;
    await Promise.all(last.values());
    last.clear();
  }
  await Promise.all(last.values());
}
