import { subjects, Transient, type Bus, type VolumeUsageReply, type VolumeUsageRequest } from '#contracts';
import type { NodeId, VolumeId } from '#domain';

const ANSWER_MS = 3_000;

/** What volumes hold, as their agents saw it some seconds ago; none where an agent doesn't answer, or can't look. */
export async function readUsage(bus: Bus, volumes: readonly { readonly volume_id: VolumeId; readonly node_id: NodeId | null }[]): Promise<ReadonlyMap<VolumeId, VolumeUsageReply['usages'][number]>> {
  const byNode = Map.groupBy(volumes.filter(({ node_id }) => node_id !== null), ({ node_id }) => node_id!);
  const replies = await Promise.all(
    [...byNode].map(async ([nodeId, on]) => {
      const request: VolumeUsageRequest = { volumeIds: on.map(({ volume_id }) => volume_id) };
      return bus.request<VolumeUsageReply>(subjects.volumeUsage(nodeId), request, ANSWER_MS).catch((error: unknown): VolumeUsageReply => {
        if (error instanceof Transient) return { usages: [] };
        throw error;
      });
    }),
  );
  return new Map(replies.flatMap(({ usages }) => usages).map((usage) => [usage.volumeId, usage]));
}
