import type { FastifyReply, FastifyRequest } from 'fastify';
import { type TenantContext } from '#contracts';
import { Rejection } from '#domain';
import { type EventStore, POSITION, type Position, type Recorded } from '#event-store';
import { eventAnswer, reachesDocument } from '#read-models';
import { streamEvents, type ServerEvent } from '../edge/sse.ts';
import type { Gateway } from '../gateway.ts';

/** Which events a stream shows. */
export interface Selection {
  readonly prefixes?: readonly string[];
  readonly wanted?: (event: Recorded) => boolean;
}

/** Answers with the log itself, from `Last-Event-ID` (or `after`, or the beginning) on and then live: in order, without gap or double,
 *  and only what the context reaches. `id:` is the position, `event:` the type, `data:` the event. */
export function streamLog(gateway: Gateway, request: FastifyRequest, reply: FastifyReply, tenant: TenantContext, { after, ...selection }: Selection & { after?: string }): Promise<void> {
  const { clock, stopping, store, logger } = gateway.parts;
  const from = startOf(request, after);
  const source = (signal: AbortSignal) => reachedEvents(store, from, tenant, selection, signal);
  return streamEvents(reply, source, { clock, stopping, onBroken: (error) => logger.warn('event stream broke off', { error }) });
}

async function* reachedEvents(
  store: EventStore,
  from: Position | null,
  tenant: TenantContext,
  { prefixes, wanted = () => true }: Selection,
  signal: AbortSignal,
): AsyncGenerator<ServerEvent> {
  for await (const followed of store.follow(from, prefixes, signal)) {
    if (!('event' in followed) || !wanted(followed.event)) continue;
    const data = eventAnswer(followed.event);
    if (reachesDocument(tenant, data)) yield { id: data.position, event: data.type, data };
  }
}

/** @throws Rejection `request.position_invalid` */
function startOf(request: FastifyRequest, after: string | undefined): Position | null {
  const header = request.headers['last-event-id'];
  const position = typeof header === 'string' && header !== '' ? header : after;
  if (position === undefined) return null;
  if (!POSITION.test(position)) throw new Rejection('invalid', 'request.position_invalid', 'Last-Event-ID and after take the id of an event of such a stream', { pointer: '?after' });
  return position;
}

/** Whether the client asks for a stream rather than a page. */
export const wantsStream = (request: FastifyRequest): boolean => (request.headers.accept ?? '').includes('text/event-stream');
