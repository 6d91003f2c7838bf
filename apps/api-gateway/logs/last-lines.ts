import type { Bus } from '#contracts';
import type { NodeId, ReplicaId } from '#domain';
import { ReplicaReader } from './replica-reader.ts';

const LINES = 20;
const AT_ONCE = 16;
const PAGE_BYTES = 64 * 1024;

/** The end of what each of these replicas wrote, from the agents that keep it; none where an agent doesn't answer. */
export async function lastLines(bus: Bus, replicas: readonly { readonly replica_id: ReplicaId; readonly node_id: NodeId | null }[]): Promise<ReadonlyMap<ReplicaId, readonly string[]>> {
  const found = new Map<ReplicaId, readonly string[]>();
  const silent = new Set<NodeId>();
  const left = [...replicas];
  const ask = async (): Promise<void> => {
    for (let replica = left.shift(); replica; replica = left.shift()) {
      const { replica_id, node_id } = replica;
      if (node_id === null || silent.has(node_id)) continue;
      const reader = new ReplicaReader(bus, { replica_id, node_id, slot: 0, generation: 0, final: false });
      found.set(replica_id, await endOf(reader));
      if (reader.trouble !== null) silent.add(node_id);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, ask));
  return found;
}

async function endOf(reader: ReplicaReader): Promise<readonly string[]> {
  const lines: string[] = [];
  reader.beginWithLast(LINES);
  do {
    await reader.pull({}, PAGE_BYTES, 0);
    for (; reader.head && lines.length < LINES; reader.take()) lines.push(reader.head.line);
  } while (reader.trouble === null && !reader.atEnd && lines.length < LINES);
  return lines;
}
