import type { EventStore, Position, Raw } from '../port.ts';
import { headIn, type FoundHead } from './head.ts';
import { CHAIN_STREAMS } from './link.ts';

/** The log as it lies in its store. */
export type RawLog = Pick<EventStore, 'storeId' | 'readRaw'>;

const PAGE = 500;

/** Every event of the log, or of those of its streams that begin so, in order and page by page. */
export async function* rawPages(log: RawLog, after: Position | null, prefixes?: readonly string[]): AsyncGenerator<{ readonly events: readonly Raw[]; readonly next: Position | null }> {
  for (let from = after; ; ) {
    const page = await log.readRaw(from, { prefixes, limit: PAGE });
    if (page.next === from) return;
    yield page;
    from = page.next;
  }
}

/** Every head that stands in the store, in the order of the log; what can't be read as one comes as the event that it is. */
export async function* readHeads(log: RawLog, after: Position | null = null): AsyncGenerator<FoundHead | Raw> {
  for await (const { events } of rawPages(log, after, [CHAIN_STREAMS])) for (const event of events) yield headIn(event) ?? event;
}
