import { status, type sendUnaryData, type ServerReadableStream } from '@grpc/grpc-js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { Expected } from '#event-store';
import type { Faults } from './faults.ts';
import type { Log, Outcome, Proposed } from './log.ts';
import { expectedOf, placeOf, proposed, refusal, streamDeleted, streamName } from './wire.ts';

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
