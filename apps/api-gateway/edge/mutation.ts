import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock, TenantContext } from '#contracts';
import { Rejection, type CommandMetadata } from '#domain';
import { commandIdOf, randomCommandId } from '#platform';

const KEY = /^[\x21-\x7e]{1,255}$/;
const CHANGING = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

/** One request to change something: its name (the same for every retry under one `Idempotency-Key`), its fingerprint, and the
 *  revision that the client saw. */
export class Mutation {
  constructor(
    readonly tenant: TenantContext,
    readonly commandId: string,
    /** null without an `Idempotency-Key`: nobody can repeat this request. */
    readonly bodyHash: string | null,
    readonly ifMatch: bigint | undefined,
    private readonly now: number,
  ) {}

  /** What the command carries; `tenantId`: the project that the fact belongs to, or `platform`. */
  metadata(tenantId: string): CommandMetadata {
    return {
      commandId: this.commandId,
      tenantId,
      actor: this.tenant.principal,
      originId: null,
      now: this.now,
      correlationId: this.commandId,
      causationId: null,
      ...(this.bodyHash === null ? {} : { bodyHash: this.bodyHash }),
    };
  }
}

/** Reads the headers of a changing request.
 *  @throws Rejection `idempotency.key_invalid`, `request.if_match_invalid` */
export const mutationHook = (clock: Clock) => (request: FastifyRequest, _: FastifyReply, done: () => void): void => {
  if (!request.tenant || !CHANGING.has(request.method)) return done();
  const key = keyOf(request);
  const path = request.url.split('?')[0]!;
  const { principal } = request.tenant;
  const commandId = key === null ? randomCommandId() : commandIdOf('request', principal.type, principal.id, request.method, path, key);
  const bodyHash = key === null ? null : fingerprint([request.body ?? null, request.query ?? null]);
  request.mutation = new Mutation(request.tenant, commandId, bodyHash, ifMatchOf(request), clock.now());
  done();
};

/** What every answer to a change carries: the stream's revision to send back as `If-Match`, and the place in the log to wait for
 *  with `?min_position=`. */
export function stamp(reply: FastifyReply, at: { readonly revision: bigint; readonly position: string }): void {
  reply.header('etag', `"${at.revision}"`).header('waybill-position', at.position);
}

function keyOf(request: FastifyRequest): string | null {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return null;
  if (typeof key === 'string' && KEY.test(key)) return key;
  throw new Rejection('invalid', 'idempotency.key_invalid', 'send one Idempotency-Key of 1 to 255 visible ASCII characters');
}

/** `"41"`; `*` is any revision and so no condition. */
function ifMatchOf(request: FastifyRequest): bigint | undefined {
  const header = request.headers['if-match'];
  if (header === undefined || header === '*') return undefined;
  const match = /^"?(\d{1,18})"?$/.exec(header);
  if (!match) throw new Rejection('invalid', 'request.if_match_invalid', 'If-Match takes one revision as an ETag gave it, like "41"');
  return BigInt(match[1]!);
}

/** SHA-256 over the JSON of a value with its keys in order: the order in which a client wrote them means nothing. */
export function fingerprint(value: unknown): string {
  const ordered = (_: string, item: unknown): unknown =>
    item !== null && typeof item === 'object' && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item;
  return createHash('sha256').update(JSON.stringify(value, ordered)).digest('hex');
}
