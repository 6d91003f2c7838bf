import { fold, parseStream, type DomainEvent } from '#domain';
import type { AggregateStore } from '#event-store';
import { readWhole, type EventSource } from './related.ts';

/** Loads streams as they stood at an instant (RFC 3339), for what is decided and answered from them and from no view. The initial state of what wasn't
 *  yet. */
export const streamsAt = (source: EventSource, instant: string): Pick<AggregateStore, 'load'> => ({
  async load(decider, stream) {
    const { category, id } = parseStream(stream);
    const events = await readWhole(source, category, id, new Date(instant).toISOString());
    const last = events.at(-1);
    return { state: fold(decider, events as unknown as Iterable<DomainEvent & never>), revision: last?.revision ?? null, position: last?.position ?? null };
  },
});
