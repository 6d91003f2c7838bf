import type { FastifyReply, FastifyRequest } from 'fastify';
import type { TenantContext } from '#contracts';
import { Rejection } from '#domain';
import { getReplica, listReplicas, type ReplicaAnswer } from '#read-models';
import type { Gateway } from '../gateway.ts';
import type { LogsDto } from './logs.dto.ts';
import { readLogs } from './read-logs.ts';

const DEFAULT_TAIL = 100;
/** Of a service that has nothing left: the output of so many of its latest replicas says why. */
const LATEST_GONE = 10;

/** Answers with the latest lines of an owner's replicas: `{items, cut, missing}`, or with `Accept: application/x-ndjson` one line
 *  of JSON for each. `gone`: also of those that are gone while others are there. */
export async function answerLogs(
  gateway: Gateway,
  http: { readonly request: FastifyRequest; readonly reply: FastifyReply },
  of: { readonly tenant: TenantContext; readonly ownerId: string; readonly gone: boolean },
  { tail = DEFAULT_TAIL, replica_id, stream, min_position }: LogsDto,
): Promise<void> {
  await gateway.fresh(['replicas'], min_position);
  const replicas = replica_id === undefined ? await replicasOf(gateway, of) : [await oneReplica(gateway, of, replica_id)];
  const { lines, cut, missing } = await readLogs(gateway.parts.bus, replicas, tail);
  const items = stream === undefined ? lines : lines.filter((line) => line.stream === stream);
  if (!(http.request.headers.accept ?? '').includes('application/x-ndjson')) return void http.reply.send({ items, cut, missing });
  http.reply.type('application/x-ndjson').send(items.map((line) => `${JSON.stringify(line)}\n`).join(''));
}

/** Those that are there; with none, or where all are asked for, those that are gone. */
async function replicasOf(gateway: Gateway, of: { tenant: TenantContext; ownerId: string; gone: boolean }): Promise<readonly ReplicaAnswer[]> {
  const found = await everyReplica(gateway, of);
  if (of.gone || found.length > 0) return found;
  const gone = await everyReplica(gateway, { ...of, gone: true });
  return gone.toSorted((a, b) => (a.created_at < b.created_at ? 1 : -1)).slice(0, LATEST_GONE);
}

async function everyReplica(gateway: Gateway, { tenant, ownerId, gone }: { tenant: TenantContext; ownerId: string; gone: boolean }): Promise<readonly ReplicaAnswer[]> {
  const found: ReplicaAnswer[] = [];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof listReplicas>> = await listReplicas(gateway.reads, tenant, ownerId, { gone, cursor, limit: 500 });
    found.push(...page.items);
    cursor = page.next;
  } while (cursor !== null);
  return found;
}

async function oneReplica(gateway: Gateway, { tenant, ownerId }: { tenant: TenantContext; ownerId: string }, id: string): Promise<ReplicaAnswer> {
  const replica = await getReplica(gateway.reads, tenant, id);
  if (replica?.owner.id === ownerId) return replica;
  throw new Rejection('not_found', 'replica.not_found', 'there is no such replica here: GET …/replicas?gone=true lists them', { pointer: '?replica_id' });
}
