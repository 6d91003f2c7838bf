import { Metadata, status, type ServiceError } from '@grpc/grpc-js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { Expected } from '#event-store';
import type { Proposed, Stored } from './log.ts';

/** Bytes of the log that an event takes here: real positions are byte offsets, so they have gaps, and the end of one event is
 *  where the next one begins. */
const BYTES = 100;

/** A place in the log, as the wire has it. */
export interface Place {
  readonly commit: number;
  readonly prepare: number;
}

export const placeOf = (number: number): Place => ({ commit: number * BYTES, prepare: number * BYTES });

/** Behind an event, and before whatever will begin there. */
export const placeBehind = (number: number): Place => ({ commit: (number + 1) * BYTES, prepare: 0 });

/** How many events begin at or before a place. @throws a status for a place where nothing can begin */
export function numberAt(commit: string, prepare: string): number {
  const number = Number(commit) / BYTES;
  if (!Number.isInteger(number)) throw refusal(status.INVALID_ARGUMENT, 'Invalid position');
  return Number(prepare) >= Number(commit) ? number : number - 1;
}

/** An error that ends a call, with the headers from which the client makes its own. */
export function refusal(code: status, details: string, headers: Readonly<Record<string, string>> = {}): ServiceError {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return Object.assign(new Error(details), { code, details, metadata });
}

export const streamDeleted = (stream: string): ServiceError =>
  refusal(status.FAILED_PRECONDITION, `Event stream '${stream}' is deleted.`, { exception: 'stream-deleted', 'stream-name': stream });

export const streamName = (identifier: shared.StreamIdentifier | undefined): string => Buffer.from(identifier!.getStreamName_asU8()).toString('utf8');

export function streamIdentifier(name: string): shared.StreamIdentifier {
  const identifier = new shared.StreamIdentifier();
  identifier.setStreamName(Buffer.from(name, 'utf8'));
  return identifier;
}

/** What the options of `Append`, `Delete` and `Tombstone` have in common. */
interface ExpectedOptions {
  hasAny(): boolean;
  hasNoStream(): boolean;
  hasStreamExists(): boolean;
  getRevision(): string;
}

export function expectedOf(options: ExpectedOptions): Expected {
  if (options.hasAny()) return 'any';
  if (options.hasNoStream()) return 'no-stream';
  return options.hasStreamExists() ? 'exists' : BigInt(options.getRevision());
}

interface WireEvent {
  getId(): shared.UUID | undefined;
  getMetadataMap(): { get(key: string): string | undefined };
  getData_asU8(): Uint8Array;
  getCustomMetadata_asU8(): Uint8Array;
}

/** @throws a status for an event that isn't JSON, or has no type */
export function proposed(message: WireEvent): Proposed {
  const type = message.getMetadataMap().get('type');
  if (type === undefined) throw refusal(status.INVALID_ARGUMENT, 'type', { exception: 'missing-required-metadata-property', 'required-metadata-properties': 'type' });
  if (message.getMetadataMap().get('content-type') !== 'application/json') throw refusal(status.UNIMPLEMENTED, 'this server takes JSON events only');
  return { id: message.getId()!.getString(), type, data: json(message.getData_asU8()), metadata: json(message.getCustomMetadata_asU8()) };
}

const json = (bytes: Uint8Array): unknown => (bytes.length === 0 ? {} : JSON.parse(Buffer.from(bytes).toString('utf8')));

const bytes = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value), 'utf8');

/** .NET's unit of time. */
const TICKS_PER_MS = 10_000n;

export function eventResponse(event: Stored): streams.ReadResp {
  const id = new shared.UUID();
  id.setString(event.id);
  const place = placeOf(event.number);
  const recorded = new streams.ReadResp.ReadEvent.RecordedEvent();
  recorded.setId(id);
  recorded.setStreamIdentifier(streamIdentifier(event.stream));
  recorded.setStreamRevision(String(event.revision));
  recorded.setCommitPosition(String(place.commit));
  recorded.setPreparePosition(String(place.prepare));
  recorded.getMetadataMap().set('type', event.type).set('content-type', 'application/json').set('created', String(BigInt(event.created) * TICKS_PER_MS));
  recorded.setData(bytes(event.data));
  recorded.setCustomMetadata(bytes(event.metadata));
  const read = new streams.ReadResp.ReadEvent();
  read.setEvent(recorded);
  read.setCommitPosition(String(place.commit));
  const response = new streams.ReadResp();
  response.setEvent(read);
  return response;
}

export function checkpointResponse({ commit, prepare }: Place): streams.ReadResp {
  const checkpoint = new streams.ReadResp.Checkpoint();
  checkpoint.setCommitPosition(String(commit));
  checkpoint.setPreparePosition(String(prepare));
  const response = new streams.ReadResp();
  response.setCheckpoint(checkpoint);
  return response;
}
