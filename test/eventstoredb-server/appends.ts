import { status, type sendUnaryData, type ServerDuplexStream, type ServerReadableStream, type ServerUnaryCall } from '@grpc/grpc-js';
import anyPb from 'google-protobuf/google/protobuf/any_pb.js';
import emptyPb from 'google-protobuf/google/protobuf/empty_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import statusPb from '@eventstore/db-client/generated/status_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { Expected } from '#event-store';
import type { Faults } from './faults.ts';
import type { Log, Outcome, Proposed } from './log.ts';
import { expectedOf, placeOf, proposed, refusal, streamDeleted, streamIdentifier, streamName } from './wire.ts';

/** A write's limit on a real server is a setting; this is its default. */
const MAX_APPEND_BYTES = 1024 * 1024;

/** `Append`: one call for one append, first its options and then its events. */
export async function append(
  log: Log,
  faults: Faults,
  call: ServerReadableStream<streams.AppendReq, streams.AppendResp>,
  answer: sendUnaryData<streams.AppendResp>,
): Promise<void> {
  try {
    const refused = faults.followerRefusal(call.metadata);
    if (refused) throw refused;
    let options: streams.AppendReq.Options | undefined;
    const events: Proposed[] = [];
    let size = 0;
    for await (const request of call as AsyncIterable<streams.AppendReq>) {
      options ??= request.getOptions();
      const message = request.getProposedMessage();
      if (!message) continue;
      size += message.getData_asU8().length + message.getCustomMetadata_asU8().length;
      if (size > MAX_APPEND_BYTES) throw tooLarge();
      events.push(proposed(message));
    }
    // A connection that is cut ends the request as well: what came of it then isn't all.
    if (call.cancelled) return;
    const stream = streamName(options!.getStreamIdentifier());
    const expected = expectedOf(options!);
    const outcome = await faults.append(() => log.append(stream, expected, events));
    if (outcome !== null) answer(null, appendResponse(stream, expected, outcome));
  } catch (error) {
    answer(error as Error);
  }
}

const tooLarge = (): Error =>
  refusal(status.INVALID_ARGUMENT, 'Maximum Append Size Exceeded.', {
    exception: 'maximum-append-size-exceeded',
    'maximum-append-size': String(MAX_APPEND_BYTES),
  });

function appendResponse(stream: string, expected: Expected, outcome: Outcome): streams.AppendResp {
  if (outcome === 'deleted') throw streamDeleted(stream);
  const response = new streams.AppendResp();
  if ('wrong' in outcome) return response.setWrongExpectedVersion(wrongVersion(expected, outcome.wrong));
  const place = placeOf(outcome.number);
  const position = new streams.AppendResp.Position();
  position.setCommitPosition(String(place.commit)).setPreparePosition(String(place.prepare));
  const success = new streams.AppendResp.Success();
  success.setCurrentRevision(String(outcome.revision)).setPosition(position);
  return response.setSuccess(success);
}

function wrongVersion(expected: Expected, current: bigint | null): streams.AppendResp.WrongExpectedVersion {
  const wrong = new streams.AppendResp.WrongExpectedVersion();
  if (expected === 'any') wrong.setExpectedAny(new shared.Empty());
  else if (expected === 'exists') wrong.setExpectedStreamExists(new shared.Empty());
  else if (expected === 'no-stream') wrong.setExpectedNoStream(new shared.Empty());
  else wrong.setExpectedRevision(String(expected));
  if (current === null) wrong.setCurrentNoStream(new shared.Empty());
  else wrong.setCurrentRevision(String(current));
  return wrong;
}

interface Batch {
  readonly stream: string;
  readonly expected: Expected;
  readonly events: Proposed[];
}

/** `BatchAppend`: many appends in one call, told apart by their correlation id, each answered as it is done. */
export function batchAppend(log: Log, faults: Faults, call: ServerDuplexStream<streams.BatchAppendReq, streams.BatchAppendResp>): void {
  const open = new Map<string, Batch>();
  const refused = faults.followerRefusal(call.metadata);
  if (refused) return void call.emit('error', refused);
  const write = async (correlation: shared.UUID, batch: Batch): Promise<void> => {
    const outcome = await faults.append(() => log.append(batch.stream, batch.expected, batch.events));
    if (outcome === null) return;
    const response = batchResponse(batch, outcome);
    response.setCorrelationId(correlation).setStreamIdentifier(streamIdentifier(batch.stream));
    call.write(response);
  };
  call.on('data', (request: streams.BatchAppendReq) => {
    const correlation = request.getCorrelationId()!;
    const options = request.getOptions();
    const batch = options ? { stream: streamName(options.getStreamIdentifier()), expected: batchExpected(options), events: [] } : open.get(correlation.getString());
    if (!batch) return;
    batch.events.push(...request.getProposedMessagesList().map(proposed));
    if (request.getIsFinal()) open.delete(correlation.getString());
    else open.set(correlation.getString(), batch);
    if (request.getIsFinal()) write(correlation, batch).catch((error) => call.emit('error', error));
  });
  call.on('end', () => call.end());
}

function batchExpected(options: streams.BatchAppendReq.Options): Expected {
  if (options.hasAny()) return 'any';
  if (options.hasNoStream()) return 'no-stream';
  return options.hasStreamExists() ? 'exists' : BigInt(options.getStreamPosition());
}

function batchResponse({ stream, expected }: Batch, outcome: Outcome): streams.BatchAppendResp {
  const response = new streams.BatchAppendResp();
  if (outcome === 'deleted') {
    const details = new shared.StreamDeleted();
    details.setStreamIdentifier(streamIdentifier(stream));
    return response.setError(batchError('StreamDeleted', details.serializeBinary()));
  }
  if ('wrong' in outcome) return response.setError(batchError('WrongExpectedVersion', batchWrongVersion(expected, outcome.wrong).serializeBinary()));
  const place = placeOf(outcome.number);
  const position = new shared.AllStreamPosition();
  position.setCommitPosition(String(place.commit)).setPreparePosition(String(place.prepare));
  const success = new streams.BatchAppendResp.Success();
  success.setCurrentRevision(String(outcome.revision)).setPosition(position);
  return response.setSuccess(success);
}

function batchWrongVersion(expected: Expected, current: bigint | null): shared.WrongExpectedVersion {
  const wrong = new shared.WrongExpectedVersion();
  if (expected === 'any') wrong.setExpectedAny(new emptyPb.Empty());
  else if (expected === 'exists') wrong.setExpectedStreamExists(new emptyPb.Empty());
  else if (expected === 'no-stream') wrong.setExpectedNoStream(new emptyPb.Empty());
  else wrong.setExpectedStreamPosition(String(expected));
  if (current === null) wrong.setCurrentNoStream(new emptyPb.Empty());
  else wrong.setCurrentStreamRevision(String(current));
  return wrong;
}

function batchError(name: string, details: Uint8Array): statusPb.Status {
  const packed = new anyPb.Any();
  packed.pack(details, `event_store.client.${name}`);
  const error = new statusPb.Status();
  error.setMessage(name);
  error.setDetails(packed);
  return error;
}

/** `Delete` and `Tombstone`. A deletion at the wrong revision ends with a status, unlike an append. */
export async function remove<Answer extends streams.DeleteResp | streams.TombstoneResp>(
  log: Log,
  faults: Faults,
  call: ServerUnaryCall<streams.DeleteReq | streams.TombstoneReq, Answer>,
  answer: sendUnaryData<Answer>,
): Promise<void> {
  try {
    const refused = faults.followerRefusal(call.metadata);
    if (refused) throw refused;
    const tombstone = call.request instanceof streams.TombstoneReq;
    const options = call.request.getOptions()!;
    const stream = streamName(options.getStreamIdentifier());
    const outcome = await log.remove(stream, expectedOf(options), tombstone);
    if (outcome === 'deleted') throw streamDeleted(stream);
    if ('wrong' in outcome) {
      const actual: Record<string, string> = outcome.wrong === null ? {} : { 'actual-version': String(outcome.wrong) };
      throw refusal(status.FAILED_PRECONDITION, 'Wrong expected version.', { exception: 'wrong-expected-version', 'stream-name': stream, ...actual });
    }
    const place = placeOf(outcome.number);
    const Response = tombstone ? streams.TombstoneResp : streams.DeleteResp;
    const position = new Response.Position();
    position.setCommitPosition(String(place.commit)).setPreparePosition(String(place.prepare));
    answer(null, new Response().setPosition(position) as Answer);
  } catch (error) {
    answer(error as Error);
  }
}
