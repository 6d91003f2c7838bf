import { status, type sendUnaryData, type ServerUnaryCall } from '@grpc/grpc-js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { Expected } from '#event-store';
import type { Faults } from './faults.ts';
import type { Log } from './log.ts';
import { expectedOf, placeOf, refusal, streamDeleted, streamName } from './wire.ts';

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
    const expected = expectedOf(options);
    const outcome = await log.remove(stream, expected, tombstone);
    if (outcome === 'deleted') throw streamDeleted(stream);
    if ('wrong' in outcome) throw wrongVersion(stream, expected, outcome.wrong);
    const place = placeOf(outcome.number);
    const Response = tombstone ? streams.TombstoneResp : streams.DeleteResp;
    const position = new Response.Position();
    position.setCommitPosition(String(place.commit)).setPreparePosition(String(place.prepare));
    answer(null, new Response().setPosition(position) as Answer);
  } catch (error) {
    answer(error as Error);
  }
}

function wrongVersion(stream: string, expected: Expected, actual: bigint | null): Error {
  const headers = { exception: 'wrong-expected-version', 'stream-name': stream, 'expected-version': String(NUMBERS.get(expected) ?? expected) };
  return refusal(status.FAILED_PRECONDITION, 'Wrong expected version.', actual === null ? headers : { ...headers, 'actual-version': String(actual) });
}

/** How the server numbers what isn't a revision. */
const NUMBERS = new Map<Expected, number>([['no-stream', -1], ['any', -2], ['exists', -4]]);
