import { once } from 'node:events';
import { status, type ServerWritableStream } from '@grpc/grpc-js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { Faults } from './faults.ts';
import type { Log, Stored } from './log.ts';
import { subscription } from './subscription.ts';
import { eventResponse, numberAt, refusal, streamDeleted, streamIdentifier, streamName } from './wire.ts';

type ReadCall = ServerWritableStream<streams.ReadReq, streams.ReadResp>;

/** `Read`: of a stream, of `$all`, or a subscription to `$all`, by its options. */
export async function read(log: Log, faults: Faults, call: ReadCall): Promise<void> {
  const abort = new AbortController();
  call.on('cancelled', () => abort.abort());
  call.on('close', () => abort.abort());
  try {
    const refused = faults.followerRefusal(call.metadata);
    if (refused) throw refused;
    for await (const response of responses(log, call.request.getOptions()!, abort.signal)) {
      if (abort.signal.aborted) return;
      if (!call.write(response)) await once(call, 'drain', { signal: abort.signal });
    }
    call.end();
  } catch (error) {
    if (!abort.signal.aborted) call.emit('error', error);
  }
}

function responses(log: Log, options: streams.ReadReq.Options, signal: AbortSignal): AsyncIterable<streams.ReadResp> {
  if (options.hasStream() && options.hasCount()) return ofStream(log, options);
  if (options.hasAll() && options.hasCount() && options.hasNoFilter()) return ofAll(log, options);
  if (options.hasAll() && options.hasSubscription()) return subscription(log, options, signal);
  throw refusal(status.UNIMPLEMENTED, 'this server has no filtered reads, and no subscriptions to single streams');
}

async function* ofStream(log: Log, options: streams.ReadReq.Options): AsyncGenerator<streams.ReadResp> {
  const which = options.getStream()!;
  const stream = streamName(which.getStreamIdentifier());
  const from = which.hasStart() ? 0n : which.hasEnd() ? 2n ** 63n - 1n : BigInt(which.getRevision());
  const events = await log.readStream(stream, from, Number(options.getCount()), isBackwards(options));
  if (events === 'deleted') throw streamDeleted(stream);
  if (events === null) yield streamNotFound(stream);
  else yield* converted(events);
}

async function* ofAll(log: Log, options: streams.ReadReq.Options): AsyncGenerator<streams.ReadResp> {
  const all = options.getAll()!;
  const backwards = isBackwards(options);
  const count = Number(options.getCount());
  if (all.hasEnd()) return yield* backwards ? converted(log.readAll(Infinity, count, true)) : [];
  if (all.hasStart()) return yield* backwards ? [] : converted(log.readAll(1, count, false));
  const { commit, prepare } = { commit: all.getPosition()!.getCommitPosition(), prepare: all.getPosition()!.getPreparePosition() };
  const before = numberAt(commit, prepare);
  // Forwards a position is inclusive, backwards it isn't.
  const isOne = Number(prepare) === Number(commit);
  yield* converted(backwards ? log.readAll(isOne ? before - 1 : before, count, true) : log.readAll(isOne ? before : before + 1, count, false));
}

async function* converted(events: AsyncIterable<Stored>): AsyncGenerator<streams.ReadResp> {
  for await (const event of events) yield eventResponse(event);
}

const isBackwards = (options: streams.ReadReq.Options): boolean => options.getReadDirection() === streams.ReadReq.Options.ReadDirection.BACKWARDS;

function streamNotFound(stream: string): streams.ReadResp {
  const notFound = new streams.ReadResp.StreamNotFound();
  notFound.setStreamIdentifier(streamIdentifier(stream));
  return new streams.ReadResp().setStreamNotFound(notFound);
}
