import type { FastifyReply, FastifyRequest } from 'fastify';
import { InvalidRequest } from '../edge/invalid-request.ts';
import { streamText } from '../edge/stream-text.ts';
import type { Gateway } from '../gateway.ts';
import { followLogs } from './follow-logs.ts';
import { parseCursor } from './log-cursor.ts';
import { logFormats } from './log-formats.ts';
import { LogOwner, type Owned } from './log-owner.ts';
import { nanoInstant, type FORMATS, type LogsDto } from './logs.dto.ts';
import { LogReading, type LogItem, type Wanted } from './read-logs.ts';

const DEFAULT_TAIL = 100;

/** Answers with the output of an owner's replicas: the latest lines as they are kept by the agents, and with `follow` what is written
 *  from then on. Lines are never in events or views.
 *  @throws InvalidRequest for wishes that contradict each other; Rejection `logs.cursor_invalid`; Transient `logs.unreachable` when no
 *  node answers and nothing is followed. */
export async function answerLogs(gateway: Gateway, http: { readonly request: FastifyRequest; readonly reply: FastifyReply }, of: Owned, query: LogsDto): Promise<void> {
  const format = query.format ?? acceptedFormat(http.request, query.follow);
  const follow = query.follow ?? format === 'sse';
  refuseContradictions(query, format, follow);
  const wanted = wantedBy(query, http.request);
  await gateway.fresh(['replicas'], query.min_position);
  const owner = new LogOwner(gateway, of);
  const { replicas, knownUntil } = await owner.begin(wanted.cursor);
  const { bus, clock, stopping, logger } = gateway.parts;
  const reading = new LogReading(bus, replicas, wanted, knownUntil);
  const past = reading.past(follow);
  // What is wrong from the start is answered as a problem: the body hasn't begun yet.
  const first = await past.next();
  const batches = async function* (signal: AbortSignal): AsyncGenerator<readonly LogItem[]> {
    if (!first.done) yield first.value;
    yield* past;
    if (follow) yield* followLogs(reading, owner, clock, signal);
  };
  const { write, ...kind } = logFormats[format];
  await streamText(http.reply, kind, (signal) => write(batches(signal), clock), { clock, stopping, onBroken: (error) => logger.warn('output broke off', { owner_id: of.ownerId, error }) });
}

function acceptedFormat({ headers: { accept = '' } }: FastifyRequest, follow = false): (typeof FORMATS)[number] {
  if (accept.includes('text/event-stream')) return 'sse';
  return accept.includes('application/x-ndjson') || accept.includes('application/jsonl') || follow ? 'jsonl' : 'json';
}

function refuseContradictions({ until }: LogsDto, format: (typeof FORMATS)[number], follow: boolean): void {
  const refuse = (pointer: string, detail: string) => new InvalidRequest([{ pointer, code: 'exclusive', detail }]);
  if (follow && format === 'json') throw refuse('?follow', 'one JSON object has an end: ask for format=jsonl or format=sse');
  if (follow && until !== undefined) throw refuse('?until', 'what is written from now on has no end: leave out until, or say follow=false');
}

function wantedBy({ tail, since, until, stream, after }: LogsDto, { headers }: FastifyRequest): Wanted {
  const header = headers['last-event-id'];
  const cursor = typeof header === 'string' && header !== '' ? header : after;
  const isNarrowed = since !== undefined || until !== undefined;
  return {
    ...(since === undefined ? {} : { since: nanoInstant(since) }),
    ...(until === undefined ? {} : { until: nanoInstant(until) }),
    ...(stream === undefined ? {} : { stream }),
    tail: tail === 'all' || (tail === undefined && isNarrowed) ? null : (tail ?? DEFAULT_TAIL),
    cursor: cursor === undefined ? null : parseCursor(cursor),
  };
}
