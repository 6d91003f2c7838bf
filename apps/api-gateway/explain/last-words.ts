import type { ReplicaId } from '#domain';
import { getReplica, type ChainEntry, type Explanation } from '#read-models';
import type { TenantContext } from '#contracts';
import type { Gateway } from '../gateway.ts';
import { lastLines } from '../logs/last-lines.ts';

/** Of so many replicas that failed, the latest ones, the end of what they wrote is asked for. */
const REPLICAS = 3;

/** The explanation with what the replicas that failed last wrote at the end, from the agents that keep it: beside the failure of each that a deployment
 *  counted, else beside its latest. Empty where an agent doesn't answer, null where nobody was asked. */
export async function withLastWords(gateway: Gateway, tenant: TenantContext, explanation: Explanation): Promise<Explanation> {
  const failed = failuresIn(explanation.chain);
  const latest = [...failed.values()].sort((a, b) => (a.position < b.position ? 1 : -1)).slice(0, REPLICAS);
  const replicas = (await Promise.all(latest.map(({ replica_id }) => getReplica(gateway.reads, tenant, replica_id!)))).filter((replica) => replica !== null);
  const lines = await lastLines(gateway.parts.bus, replicas);
  const asked = new Set(latest.map(({ event_id }) => event_id));
  return { ...explanation, chain: explanation.chain.map((entry) => ({ ...entry, last_log_lines: asked.has(entry.event_id) ? (lines.get(entry.replica_id!) ?? []) : null })) };
}

function failuresIn(chain: readonly ChainEntry[]): ReadonlyMap<ReplicaId, ChainEntry> {
  const failed = new Map<ReplicaId, ChainEntry>();
  const byId = new Map<string, ChainEntry>();
  for (const entry of chain) {
    if (entry.type !== 'ReplicaObserved' || entry.kind !== 'failed' || !entry.replica_id) continue;
    failed.set(entry.replica_id, entry);
    byId.set(entry.event_id, entry);
  }
  for (const { type, caused_by, replica_id } of chain) {
    const counted = type === 'DeploymentReplicaFailed' ? byId.get(caused_by ?? '') : undefined;
    if (counted && replica_id) failed.set(replica_id, counted);
  }
  return failed;
}
