import { once } from 'node:events';
import type { FastifyReply } from 'fastify';
import type { Clock } from '#contracts';

/** One message of a stream: `id` is where a client goes on after a break (`Last-Event-ID`). */
export interface ServerEvent {
  readonly id: string;
  readonly event: string;
  readonly data: unknown;
}

/** A comment this often keeps proxies from closing a silent stream, and finds out clients that went away. */
const BEAT_MS = 15_000;

/** Answers with a stream of events until the client leaves, the source ends or `stopping` fires. A slow client slows its own
 *  source only: nothing is taken from it while the socket is full. */
export async function streamEvents(
  reply: FastifyReply,
  source: (signal: AbortSignal) => AsyncIterable<ServerEvent>,
  parts: { readonly clock: Clock; readonly stopping: AbortSignal; readonly onBroken: (error: unknown) => void },
): Promise<void> {
  const left = new AbortController();
  const { raw } = reply;
  raw.once('close', () => left.abort());
  const signal = AbortSignal.any([left.signal, parts.stopping]);
  for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) raw.setHeader(name, value);
  reply.hijack();
  raw.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store', 'x-accel-buffering': 'no' });
  raw.write(': connected\n\n');
  void beat(raw, signal, parts.clock);
  try {
    for await (const message of source(signal)) {
      if (signal.aborted) break;
      const text = `id: ${message.id}\nevent: ${message.event}\ndata: ${JSON.stringify(message.data)}\n\n`;
      if (!raw.write(text)) await once(raw, 'drain', { signal });
    }
  } catch (error) {
    // The answer has begun: nothing but its end can be said any more. The client comes back with its Last-Event-ID.
    if (!signal.aborted) parts.onBroken(error);
  } finally {
    left.abort();
    raw.end();
  }
}

async function beat(raw: FastifyReply['raw'], signal: AbortSignal, clock: Clock): Promise<void> {
  for (;;) {
    await clock.sleep(BEAT_MS, signal);
    if (signal.aborted) return;
    if (!raw.writableNeedDrain) raw.write(': still here\n\n');
  }
}
