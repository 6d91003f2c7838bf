import { jsonEvent, type EventData, type RecordedEvent } from '@eventstore/db-client';
import { isSomewhere, positionText } from './eventstoredb-position.ts';
import type { NewEvent, Raw, Recorded } from './port.ts';

/** Holds the id of the history in its first event. Its name has no `-`, so that it belongs to no category. */
export const STORE_STREAM = 'waybill_store';

/** How streams are called on the server: as they are or, in a namespace, `<namespace>.<stream>`. */
export class StreamNames {
  private readonly before: string;

  constructor(namespace: string | undefined) {
    this.before = namespace ? `${namespace}.` : '';
  }

  onServer(stream: string): string {
    return this.before + stream;
  }

  /** What to ask `$all` for: the streams that begin with any of `prefixes`; without those everything that isn't the server's own. */
  filter(prefixes: readonly string[] | undefined): { prefixes: string[] } | { regex: string } {
    if (prefixes) return { prefixes: prefixes.map((prefix) => this.onServer(prefix)) };
    return this.before ? { prefixes: [this.before] } : { regex: '^[^$]' };
  }

  /** The event in the port's form: type, data and metadata are the JSON that was written. Null for what isn't Waybill's:
   *  the stream of the store's id, and events of the server's own types (`$streamDeleted`, links), which stand among ours
   *  when an operator made them.
   *  @throws Error when the server doesn't say where the event stands */
  recorded(event: RecordedEvent): Recorded | null {
    const stream = event.streamId.slice(this.before.length);
    if (event.type.startsWith('$') || stream === STORE_STREAM) return null;
    if (!isSomewhere(event.position)) throw new Error('the EventStoreDB server is too old: it gives no positions (23.10 or newer is needed)');
    const { id, type, data, metadata, revision } = event;
    return { id, type, data: data as object, metadata: metadata as unknown as Recorded['metadata'], stream, revision, position: positionText(event.position) };
  }
}

/** The client gives parsed JSON only, and the text or bytes of what is none. So these are the bytes that this adapter would write of it: two spellings
 *  of one value (the case of a letter in `\u001f`) are the same here. */
export const rawOf = ({ stream, revision, position, id, type, data, metadata }: Recorded): Raw => ({ stream, revision, position, id, type, data: bytesOf(data), metadata: bytesOf(metadata) });

function bytesOf(given: unknown): Uint8Array {
  if (given instanceof Uint8Array) return given;
  return Buffer.from(typeof given === 'string' ? given : (JSON.stringify(given) ?? ''));
}

/** The event in the client's form. @throws TypeError for data that is no JSON; the client itself would never answer then. */
export function eventData({ id, type, data, metadata }: NewEvent): EventData {
  JSON.stringify([data, metadata]);
  return jsonEvent({ id, type, data: data as Record<string, unknown>, metadata: { ...metadata } });
}
