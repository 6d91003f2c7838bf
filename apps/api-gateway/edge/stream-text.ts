import { once } from 'node:events';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '#contracts';

/** What a body of text looks like, beside the text itself. */
export interface TextStream {
  readonly contentType: string;
  /** Written before anything else. */
  readonly opening?: string;
  /** Means nothing; written now and then, so that proxies don't close a silent stream and clients that went away are found out. */
  readonly beat?: string;
  /** A client comes back by itself where the source broke off; any other must see that its answer is no whole one. */
  readonly resumes: boolean;
}

const BEAT_MS = 15_000;
/** So often a stream looks whether whoever reads it still may. */
const STANDING_MS = 5_000;

/** Answers with a body that is made while it is sent, until the client leaves, the source ends or `stopping` fires. A slow client
 *  slows its own source only: nothing is taken from it while the socket is full. */
export async function streamText(
  reply: FastifyReply,
  kind: TextStream,
  source: (signal: AbortSignal) => AsyncIterable<string>,
  parts: { readonly clock: Clock; readonly stopping: AbortSignal; readonly onBroken: (error: unknown) => void },
): Promise<void> {
  const left = new AbortController();
  const { raw } = reply;
  raw.once('close', () => left.abort());
  const signal = AbortSignal.any([left.signal, parts.stopping]);
  for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) raw.setHeader(name, value);
  reply.hijack();
  raw.writeHead(200, { 'content-type': kind.contentType, 'cache-control': 'no-store', 'x-accel-buffering': 'no' });
  if (kind.opening) raw.write(kind.opening);
  if (kind.beat) void beat(raw, kind.beat, signal, parts.clock);
  let hasFallen = false;
  void endWithStanding(reply.request, signal, parts.clock, () => {
    hasFallen = true;
    left.abort();
  });
  let isBroken = false;
  try {
    for await (const text of source(signal)) {
      if (signal.aborted) break;
      if (!raw.write(text)) await once(raw, 'drain', { signal });
    }
  } catch (error) {
    // The answer has begun: nothing but its end can be said any more.
    isBroken = !signal.aborted;
    if (isBroken) parts.onBroken(error);
  } finally {
    isBroken ||= parts.stopping.aborted || hasFallen;
    left.abort();
    if (isBroken && !kind.resumes) raw.destroy();
    else raw.end();
  }
}

/** A token that is revoked, a member who is removed: what was open to them is closed, and whatever they still may they ask for anew. */
async function endWithStanding({ stillStands }: FastifyRequest, signal: AbortSignal, clock: Clock, end: () => void): Promise<void> {
  for (;;) {
    await clock.sleep(STANDING_MS, signal);
    if (signal.aborted) return;
    // Where it can't be asked it stands until it can.
    if (!(await stillStands?.().catch(() => true) ?? true)) return end();
  }
}

async function beat(raw: FastifyReply['raw'], text: string, signal: AbortSignal, clock: Clock): Promise<void> {
  for (;;) {
    await clock.sleep(BEAT_MS, signal);
    if (signal.aborted) return;
    if (!raw.writableNeedDrain) raw.write(text);
  }
}
