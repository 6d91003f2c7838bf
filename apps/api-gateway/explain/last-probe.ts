import { subjects, type Bus, type ReportNowReply } from '#contracts';
import type { NodeId, ReplicaId } from '#domain';

/** Whoever asks for an explanation doesn't wait longer for one word of it. */
const PATIENCE_MS = 2_000;
/** A probe of a command may say much. */
const LENGTH = 300;

/** What the last probe of a replica that isn't well said, from the agent that makes it; null where it doesn't answer, or knows of none. */
export async function lastProbe(bus: Bus, nodeId: NodeId, replicaId: ReplicaId): Promise<string | null> {
  try {
    const { probes = [] } = await bus.request<ReportNowReply>(subjects.reportNow(nodeId), {}, PATIENCE_MS);
    const word = probes.find((each) => each.replicaId === replicaId);
    return word ? String(word.detail).slice(0, LENGTH) : null;
  } catch {
    return null;
  }
}
