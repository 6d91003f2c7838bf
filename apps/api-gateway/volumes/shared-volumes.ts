import { Rejection, streamOf, volume as volumeRules, volumesIn, type ExistingDockerService } from '#domain';
import type { AggregateStore } from '#event-store';

/** A service takes none of its volumes along that another one uses, too. @throws Rejection `volume.in_use` that names the others */
export async function refuseSharedVolumes(aggregates: AggregateStore, { dockerServiceId, releases }: ExistingDockerService): Promise<void> {
  const ids = new Set([...releases.values()].flatMap(({ volumes }) => volumesIn(volumes)));
  for (const id of ids) {
    const { state } = await aggregates.load(volumeRules, streamOf('volume', id));
    if (state.status !== 'present' || !state.users.has(dockerServiceId)) continue;
    const usedBy = [...state.users.values()].filter((user) => user.id !== dockerServiceId);
    if (usedBy.length === 0) continue;
    const names = usedBy.map((user) => `${user.type} ${user.id}`).join(', ');
    throw new Rejection('conflict', 'volume.in_use', `the volume ${state.name} is used by ${names} too: leave volumes out to keep it, or delete those first`, { usedBy });
  }
}
