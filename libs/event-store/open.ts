import type { Clock, Logger, Random } from '#contracts';
import { Unavailable, type EventStore, type Wake } from './port.ts';
import { openSqliteEventStore } from './sqlite.ts';

export interface OpenOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Tells of appends by other processes, where the store itself doesn't: EventStoreDB pushes events to its followers. */
  readonly wake?: Wake;
}

/** The store that `EVENT_STORE_URL` names: `sqlite:<file>`, `esdb://…` or `esdb+discover://…`. An EventStoreDB server that is
 *  away is waited for. @throws Error for any other URL, or one that can't be used; Unavailable when the file can't be opened or
 *  the server turns the credentials down */
export async function openEventStore(url: string, options: OpenOptions): Promise<EventStore> {
  if (url.startsWith('sqlite:')) return openSqliteEventStore({ ...options, file: url.slice('sqlite:'.length) });
  if (!/^esdb(\+discover)?:/.test(url)) throw new Error('EVENT_STORE_URL names no known store: write sqlite:<path of a file> or esdb://<host>:2113');
  // Loaded only where it is used: gRPC is much to load for a process that reads a file.
  const { openEventStoreDb } = await import('./eventstoredb.ts');
  return openEventStoreDb({ ...options, url });
}

/** For `/readyz`: whether the store can be read now, in a sentence. */
export async function storeReadiness(store: EventStore): Promise<{ ok: boolean; detail: string }> {
  try {
    await store.readAll(null, { limit: 1 });
    return { ok: true, detail: 'it can be read' };
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    return { ok: false, detail: `degraded: ${error.message}` };
  }
}
