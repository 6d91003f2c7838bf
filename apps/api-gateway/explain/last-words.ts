import type { ReplicaId } from '#domain';
import { getReplica, type ChainEntry, type Explanation } from '#read-models';
import type { TenantContext } from '#contracts';
import type { Gateway } from '../gateway.ts';
import { lastLines } from '../logs/last-lines.ts';

/** Of so many replicas that failed, the latest ones, the end of what they wrote is asked for. */
const REPLICAS = 3;

/** The explanation with what the replicas that failed last wrote at the end, from the agents that keep it: with the latest failure of each. Empty where
 *  an agent doesn't answer, null where nobody was asked. */
export async function withLastWords(gateway: Gateway, tenant: TenantContext, explanation: Explanation): Promise<object> {
  const failed = new Map<ReplicaId, ChainEntry>();
  for (const entry of explanation.chain) if (entry.type === 'ReplicaObserved' && entry.kind === 'failed' && entry.replica_id) failed.set(entry.replica_id, entry);
  const latest = [...failed.values()].sort((a, b) => (a.position < b.position ? 1 : -1)).slice(0, REPLICAS);
  const replicas = (await Promise.all(latest.map(({ replica_id }) => getReplica(gateway.reads, tenant, replica_id!)))).filter((replica) => replica !== null);
  const lines = await lastLines(gateway.parts.bus, replicas);
  const asked = new Set(latest.map(({ event_id }) => event_id));
  return { ...explanation, chain: explanation.chain.map((entry) => ({ ...entry, last_log_lines: asked.has(entry.event_id) ? (lines.get(entry.replica_id!) ?? []) : null })) };
}
