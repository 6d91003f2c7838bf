import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from '#contracts';
import { Conflict, OutcomeUnknown, PreconditionFailed, Unavailable } from '#event-store';
import { problem, problemOf, type Problem } from '#platform';
import { TooManyRequests } from '../access/request-limits.ts';
import { Unauthenticated } from './gate.ts';
import { InvalidRequest } from './invalid-request.ts';

/** Answers every error, from wherever it comes, as RFC 9457 problem+json. What isn't an error of the request is logged here, once. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly logger: Logger) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const answer = ofTheEdge(error) ?? problemOf(error);
    if (answer.status >= 500) this.logger.error('request failed', { method: request.method, path: request.url.split('?')[0], code: answer.code, error });
    // A stream that has begun can't become a problem any more.
    if (reply.sent || reply.raw.headersSent) return void reply.raw.destroy();
    if (error instanceof TooManyRequests) reply.header('retry-after', String(Math.max(1, Math.ceil(error.retryAfterMs / 1_000))));
    sendProblem(reply, answer);
  }
}

/** For the few errors that never reach the filter, too. */
export function sendProblem(reply: FastifyReply, answer: Problem): void {
  if (answer.status === 401) reply.header('www-authenticate', 'Bearer realm="waybill"');
  if (answer.status === 503) reply.header('retry-after', '1');
  // A connection that is closed under what is still being sent is reset, and the client never reads why: the rest is taken, and thrown away.
  if (answer.status === 413) reply.removeHeader('connection');
  reply.code(answer.status).type('application/problem+json').send(answer);
}

/** What the platform's table can't know, since it belongs to HTTP or to the event store. null: look there. */
function ofTheEdge(error: unknown): Problem | null {
  if (error instanceof InvalidRequest) return problem(422, error.code, error.message, { errors: error.errors });
  if (error instanceof TooManyRequests) return problem(429, error.code, error.message, { facts: { retry_after_ms: error.retryAfterMs } });
  if (error instanceof Unauthenticated) return problem(401, 'request.unauthenticated', error.message);
  return error instanceof HttpException ? ofTheFramework(error) : ofTheEventStore(error);
}

function ofTheEventStore(error: unknown): Problem | null {
  if (error instanceof PreconditionFailed) {
    const facts = { revision: error.actual === null ? null : Number(error.actual) };
    const wayOut = error.actual === null ? 'what is to be made has no revision yet: leave If-Match out' : 'somebody changed it since: read it again and send its new ETag as If-Match';
    return problem(412, 'request.precondition_failed', wayOut, { facts });
  }
  if (error instanceof Conflict) return problem(409, 'event_store.conflict', 'somebody changed it at the same time: read it again and try again');
  if (!(error instanceof Unavailable || error instanceof OutcomeUnknown)) return null;
  return problem(503, 'event_store.unavailable', 'the event store does not answer: try again with the same Idempotency-Key');
}

function ofTheFramework(error: HttpException): Problem {
  const status = error.getStatus();
  switch (status) {
    case 400:
      return problem(400, 'request.malformed', 'the body is no JSON: send one JSON object with content-type application/json');
    case 404:
      return problem(404, 'route.not_found', 'no such path or method: /openapi.json lists what there is');
    case 413:
      return problem(413, 'request.too_large', 'the body is larger than 1 MiB');
    case 415:
      return problem(415, 'request.media_type', 'send JSON with content-type application/json');
    default:
      return problem(status, 'request.refused', error.message);
  }
}
