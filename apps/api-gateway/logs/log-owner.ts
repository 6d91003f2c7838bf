import type { TenantContext } from '#contracts';
import { Rejection } from '#domain';
import { getReplica, latestReplicas, listReplicas, type ReplicaAnswer } from '#read-models';
import type { Gateway } from '../gateway.ts';
import type { FollowedOwner } from './follow-logs.ts';
import { placeKey, type LogCursor } from './log-cursor.ts';
import type { LogReading } from './read-logs.ts';
import type { ReadReplica } from './replica-reader.ts';

/** Whose output is asked for. */
export interface Owned {
  readonly tenant: TenantContext;
  readonly ownerId: string;
  /** This one only. */
  readonly replicaId?: string;
  /** Those that are gone are read like the others: attempts of a job. */
  readonly gone: boolean;
  /** Nothing will ever run for it any more. */
  readonly isOver: () => Promise<boolean>;
}

/** Of a service that has nothing left: the output of so many of its latest replicas says why. */
const LATEST_GONE = 10;

/** A service or job as its output is read: which replicas, at first and later on. */
export class LogOwner implements FollowedOwner {
  /** Those that were made at the instant of `knownUntil` or later, and are read already or known not to be. */
  readonly #known = new Set<string>();

  constructor(
    private readonly gateway: Gateway,
    private readonly of: Owned,
  ) {}

  /** @param cursor of a reading that is gone on with; null: a new one */
  async begin(cursor: LogCursor | null): Promise<{ replicas: readonly ReplicaAnswer[]; knownUntil: string | null }> {
    const { tenant, ownerId, replicaId, gone } = this.of;
    if (replicaId !== undefined) return { replicas: [await this.#one(replicaId)], knownUntil: null };
    if (cursor) return { replicas: this.#goneOnWith(cursor, await this.#list({ gone: true })), knownUntil: cursor.knownUntil };
    const latest = await latestReplicas(this.gateway.reads, tenant, ownerId, LATEST_GONE);
    const knownUntil = latest[0]?.created_at ?? null;
    for (const { replica_id, created_at } of latest) if (created_at === knownUntil) this.#known.add(replica_id);
    const found = await this.#list({ gone });
    for (const { replica_id } of found) this.#known.add(replica_id);
    return { replicas: gone || found.length > 0 ? found : latest, knownUntil };
  }

  async look(reading: LogReading): ReturnType<FollowedOwner['look']> {
    const { replicaId } = this.of;
    if (replicaId !== undefined) {
      const replica = await this.#one(replicaId);
      return { known: new Map([[replicaId, replica]]), joined: [], isOver: replica.final };
    }
    // Before anything of it is looked at: what came before its end is seen then.
    const isOver = await this.of.isOver();
    const living = await this.#list({});
    const recent = await this.#list({ gone: true, ...(reading.knownUntil === null ? {} : { created_from: reading.knownUntil }) });
    const joined = recent.filter(({ replica_id }) => !this.#known.has(replica_id));
    for (const { replica_id } of joined) this.#known.add(replica_id);
    const known = new Map<string, ReadReplica>([...recent, ...living].map((replica) => [replica.replica_id, replica]));
    // One that lives no longer is gone.
    for (const { replica } of reading.readers) if (!known.has(replica.replica_id)) known.set(replica.replica_id, { ...replica, final: true });
    return { known, joined, isOver };
  }

  /** Those that the cursor names, and those that came after what was known when its reading began: but for the ones that another
   *  in their slot has followed, which were read to their end. */
  #goneOnWith({ knownUntil, places }: LogCursor, all: readonly ReplicaAnswer[]): readonly ReplicaAnswer[] {
    const latest = new Map<number, number>();
    for (const key of places.keys()) {
      const [slot, generation] = key.split('.').map(Number);
      latest.set(slot!, Math.max(latest.get(slot!) ?? 0, generation!));
    }
    for (const { replica_id } of all) this.#known.add(replica_id);
    return all.filter((replica) => {
      if (places.has(placeKey(replica))) return true;
      return (knownUntil === null || replica.created_at > knownUntil) && replica.generation > (latest.get(replica.slot) ?? 0);
    });
  }

  async #one(replicaId: string): Promise<ReplicaAnswer> {
    const replica = await getReplica(this.gateway.reads, this.of.tenant, replicaId);
    if (replica?.owner.id === this.of.ownerId) return replica;
    throw new Rejection('not_found', 'replica.not_found', 'there is no such replica here: GET …/replicas?gone=true lists them', { pointer: '?replica_id' });
  }

  async #list(which: { gone?: boolean; created_from?: string }): Promise<readonly ReplicaAnswer[]> {
    const { tenant, ownerId } = this.of;
    const found: ReplicaAnswer[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof listReplicas>> = await listReplicas(this.gateway.reads, tenant, ownerId, { ...which, cursor, limit: 500 });
      found.push(...page.items);
      cursor = page.next;
    } while (cursor !== null);
    return found;
  }
}
