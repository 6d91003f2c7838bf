import type { AssignedVolume } from '#contracts';
import { type ContainerSpec, isKeptOn, type NodeId, streamOf, volume as volumeRules, type VolumeId, volumesIn, wantedOn } from '#domain';
import type { AggregateStore } from '#event-store';

/** What a node's agent is told of volumes, from their streams: of those that its entries mount, and of those that are known to be on it.
 *  By id, so that the same is said in the same words. */
export async function assignedVolumes(aggregates: AggregateStore, nodeId: NodeId, known: readonly VolumeId[], specs: Iterable<Pick<ContainerSpec, 'volumes'>>): Promise<AssignedVolume[]> {
  const ids = new Set([...known, ...[...specs].flatMap(({ volumes }) => volumesIn(volumes))]);
  const loaded = await aggregates.loadAll(volumeRules, [...ids].map((id) => streamOf('volume', id)));
  const assigned = [...loaded.values()].flatMap(({ state }): AssignedVolume[] => {
    const wanted = wantedOn(state, nodeId);
    if (state.status !== 'present' || wanted === null) return [];
    const { volumeId, name, backend, sizeBytes, kind } = state;
    const made = wanted === 'present' && kind === 'persistent' ? { made: isKeptOn(state, nodeId) } : {};
    return [{ volumeId, name, backend, sizeBytes, wanted, ...made }];
  });
  return assigned.sort((a, b) => (a.volumeId < b.volumeId ? -1 : 1));
}
