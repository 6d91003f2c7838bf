import { queues, subjects, type Bus, type EventReadReply, type LoggedEvent } from '#contracts';
import { registry, upcast, type AnyEvent } from '#domain';
import { logReaches, type EventStore, type Recorded } from '#event-store';
import { projectOf } from '#read-models';
import { InvalidRead, readRequest, type ReadRequest } from './read-request.ts';

/** Most that a page's events take as JSON, so that a message with its envelope passes the least generous broker in use (512 KiB). */
const MAX_BYTES = 384 * 1024;
/** UTF-16 units of a piece of a larger event. In a JSON string a unit of JSON text takes 3 bytes at most: it has no control
 *  characters any more. */
const PIECE_UNITS = MAX_BYTES / 3;

/** Answers `subjects.readEvents` from the log, to whoever is on the bus: all projects' events. Any number of gateways share the
 *  requests. Reading changes nothing, so a request may be repeated, here or elsewhere.
 *  @returns a function that ends it. */
export function answerEventReads(bus: Bus, store: EventStore): () => void {
  return bus.subscribe<unknown>(subjects.readEvents, (payload) => answer(store, payload), { queue: queues.gateway });
}

async function answer(store: EventStore, payload: unknown): Promise<EventReadReply> {
  try {
    return await read(store, readRequest(payload));
  } catch (error) {
    if (error instanceof InvalidRead) return { refused: { code: 'events.request_invalid', message: error.message } };
    // A position that has the form of another kind of store's.
    if (error instanceof RangeError) return { refused: { code: 'events.other_history', message: error.message } };
    throw error;
  }
}

async function read(store: EventStore, request: ReadRequest): Promise<EventReadReply> {
  const { storeId } = store;
  const { after, limit, offset } = request;
  const { events, next } = await store.readAll(after, { prefixes: prefixesOf(request), limit });
  if (next === after && after !== null && !(await logReaches(store, after))) {
    return { refused: { code: 'events.other_history', message: `the log ends before ${after}: it is another one, or was put back to an earlier state` } };
  }
  const fitting: LoggedEvent[] = [];
  let bytes = 0;
  for (const recorded of events) {
    if (!isWanted(recorded, request)) continue;
    const event = logged(recorded);
    const text = JSON.stringify(event);
    bytes += Buffer.byteLength(text);
    if (bytes > MAX_BYTES && fitting.length === 0) return { storeId, piece: text.slice(offset, offset + PIECE_UNITS), of: text.length };
    if (bytes > MAX_BYTES) return { storeId, events: fitting, next: fitting.at(-1)!.position };
    fitting.push(event);
  }
  return { storeId, events: fitting, next };
}

/** The categories that events of these types stand in: the store finds them without looking at the rest. */
const prefixesOf = ({ types }: ReadRequest): string[] | undefined => types && [...new Set(types.map((type) => `${registry[type].category}-`))];

const isWanted = (event: Recorded, { types, projects }: ReadRequest): boolean =>
  (!types || types.some((type) => type === event.type)) && (!projects || projects.some((project) => project === projectOf(event)));

function logged(recorded: Recorded): LoggedEvent {
  const { position, id, stream, revision, type, data, metadata } = upcast(recorded);
  const { at, actor, correlationId, causationId } = metadata;
  const event = { type, data } as AnyEvent;
  return { position, id, stream, revision: Number(revision), ...event, at, actor, projectId: projectOf(recorded), correlationId, causationId } as LoggedEvent;
}
