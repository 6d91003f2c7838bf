import { subjects, Transient, type Bus, type LogsReply } from '#contracts';
import type { NodeId, ReplicaId } from '#domain';

const LINES = 20;
/** What is said beside other things may not hold them up for long. */
const ANSWER_MS = 2_000;
const AT_ONCE = 16;

/** The end of what each of these replicas wrote, from the agents that keep it; none where an agent doesn't answer in time. */
export async function lastLines(bus: Bus, replicas: readonly { readonly replica_id: ReplicaId; readonly node_id: NodeId | null }[]): Promise<ReadonlyMap<ReplicaId, readonly string[]>> {
  const found = new Map<ReplicaId, readonly string[]>();
  const silent = new Set<NodeId>();
  const left = [...replicas];
  const ask = async (): Promise<void> => {
    for (let replica = left.shift(); replica; replica = left.shift()) {
      const { replica_id, node_id } = replica;
      if (node_id !== null && !silent.has(node_id)) found.set(replica_id, await linesOf(bus, replica_id, node_id, silent));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, ask));
  return found;
}

async function linesOf(bus: Bus, replicaId: ReplicaId, nodeId: NodeId, silent: Set<NodeId>): Promise<readonly string[]> {
  try {
    const { lines } = await bus.request<LogsReply>(subjects.logs(nodeId), { replicaId, tail: LINES }, ANSWER_MS);
    return lines.map(({ line }) => line);
  } catch (error) {
    if (!(error instanceof Transient)) throw error;
    silent.add(nodeId);
    return [];
  }
}
