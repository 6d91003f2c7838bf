import type { FastifyReply } from 'fastify';
import { streamText, type TextStream } from './stream-text.ts';

/** One message of a stream: `id` is where a client goes on after a break (`Last-Event-ID`). */
export interface ServerEvent {
  readonly id: string;
  readonly event: string;
  readonly data: unknown;
}

/** https://html.spec.whatwg.org/multipage/server-sent-events.html */
export const EVENT_STREAM: TextStream = { contentType: 'text/event-stream; charset=utf-8', opening: ': connected\n\n', beat: ': still here\n\n', resumes: true };

/** Answers with a stream of events, as `streamText` does. */
export function streamEvents(reply: FastifyReply, source: (signal: AbortSignal) => AsyncIterable<ServerEvent>, parts: Parameters<typeof streamText>[3]): Promise<void> {
  return streamText(reply, EVENT_STREAM, (signal) => texts(source(signal)), parts);
}

async function* texts(events: AsyncIterable<ServerEvent>): AsyncGenerator<string> {
  for await (const { id, event, data } of events) yield `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
