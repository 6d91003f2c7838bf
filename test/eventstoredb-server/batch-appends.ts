import type { ServerDuplexStream } from '@grpc/grpc-js';
import anyPb from 'google-protobuf/google/protobuf/any_pb.js';
import emptyPb from 'google-protobuf/google/protobuf/empty_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import statusPb from '@eventstore/db-client/generated/status_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { Expected } from '#event-store';
import type { Faults } from './faults.ts';
import type { Log, Outcome, Proposed } from './log.ts';
import { placeOf, proposed, streamIdentifier, streamName } from './wire.ts';

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
