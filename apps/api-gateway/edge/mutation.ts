import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { mayIn, type Clock, type Role, type TenantContext } from '#contracts';
import { PLATFORM, Rejection, type CommandMetadata, type OriginId } from '#domain';
import { commandIdOf, randomCommandId } from '#platform';
import type { Origins } from '../access/origins.ts';
import { refuseBeyondBounds } from './body-bounds.ts';

const KEY = /^[\x21-\x7e]{1,255}$/;
const CHANGING = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

/** One request to change something: its name (the same for every retry under one `Idempotency-Key`), its fingerprint, and the
 *  revision that the client saw. */
export class Mutation {
  /** The role that the gate found to be enough; until it has spoken, none is. */
  #allowed: Role = 'operator';

  constructor(
    readonly tenant: TenantContext,
    readonly commandId: string,
    /** null without an `Idempotency-Key`: nobody can repeat this request. */
    readonly bodyHash: string | null,
    readonly ifMatch: bigint | undefined,
    private readonly now: number,
    private readonly originId: OriginId | null,
  ) {}

  /** The gate's word: whoever has this role in a project may make the change there. */
  allow(role: Role): void {
    this.#allowed = role;
  }

  /** When it came, milliseconds since the epoch. */
  get at(): number {
    return this.now;
  }

  /** What the command carries; `tenantId`: the project that the fact belongs to, or `platform`. Every change comes through here, and none that isn't
   *  allowed in that project goes on. @throws Rejection `role.too_low` */
  metadata(tenantId: string): CommandMetadata {
    if (!mayIn(this.tenant, tenantId, this.#allowed)) throw new Rejection('forbidden', 'role.too_low', `this takes the role ${this.#allowed} there: ask an owner`, { needed: this.#allowed });
    return this.#carried(tenantId);
  }

  /** The same with the fingerprint of only a part of the body, so that nobody can try guesses of the rest on the log. Whether a request that is sent again
   *  says the same in the rest, too, is for the caller to find out. */
  telling(tenantId: string, part: object): CommandMetadata {
    return this.#told(this.metadata(tenantId), part);
  }

  /** Of what somebody changes of themselves, which belongs to no project. */
  ofThemselves(part: object): CommandMetadata {
    return this.#told(this.#carried(PLATFORM), part);
  }

  #told(metadata: CommandMetadata, part: object): CommandMetadata {
    return this.bodyHash === null ? metadata : { ...metadata, bodyHash: fingerprint(part) };
  }

  #carried(tenantId: string): CommandMetadata {
    return {
      commandId: this.commandId,
      tenantId,
      actor: this.tenant.principal,
      originId: this.originId,
      now: this.now,
      correlationId: this.commandId,
      causationId: null,
      ...(this.bodyHash === null ? {} : { bodyHash: this.bodyHash }),
    };
  }
}

/** Reads the headers of a changing request, and where it comes from.
 *  @throws InvalidRequest; Rejection `idempotency.key_invalid`, `request.if_match_invalid` */
export const mutationHook = (clock: Clock, origins: Origins) => (request: FastifyRequest, _: FastifyReply, done: (error?: Error) => void): void => {
  refuseBeyondBounds(request.body);
  if (!request.tenant || !CHANGING.has(request.method)) return done();
  read(request, request.tenant, clock, origins).then((mutation) => {
    request.mutation = mutation;
    done();
  }, done);
};

async function read(request: FastifyRequest, tenant: TenantContext, clock: Clock, origins: Origins): Promise<Mutation> {
  const key = keyOf(request);
  const path = request.url.split('?')[0]!;
  const { principal } = tenant;
  const commandId = key === null ? randomCommandId() : commandIdOf('request', principal.type, principal.id, request.method, path, key);
  const bodyHash = key === null ? null : fingerprint([request.body ?? null, request.query ?? null]);
  return new Mutation(tenant, commandId, bodyHash, ifMatchOf(request), clock.now(), await origins.of(request.ip));
}

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
