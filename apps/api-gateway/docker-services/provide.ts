import { provideNetworks, provideVolumes, type Dispatcher, type Mounting, type NewNetwork } from '#application';
import type { ExistingDockerService } from '#domain';
import type { AggregateStore } from '#event-store';
import { askedIn, type Asked } from '../compute/asked.ts';
import type { Mutation } from '../edge/mutation.ts';
import type { VolumeScope } from '../volumes/asked-volumes.ts';

/** What a change of a service names in its environment. */
export const askedOf = (parts: Pick<VolumeScope, 'aggregates' | 'nodes' | 'commandId'>, { dockerServiceId, projectId, environmentId }: ExistingDockerService): Asked =>
  askedIn({ ...parts, projectId, environmentId, madeFor: dockerServiceId });

/** Before the change is written: the volumes are there, and used by the service; so are the networks. A retry of the request repeats it without effect.
 *  @throws Rejection `volume.deleted`, `volume.ephemeral`, `network.exists`, `name.taken` */
export async function provide(
  parts: { readonly dispatcher: Dispatcher; readonly aggregates: AggregateStore },
  service: ExistingDockerService,
  { newNetworks = [], ...mounting }: Mounting & { readonly newNetworks?: readonly NewNetwork[] },
  change: Mutation,
): Promise<void> {
  const metadata = change.metadata(service.projectId);
  if (mounting.mounts.length > 0) await provideVolumes(parts, mounting, { type: 'docker_service', id: service.dockerServiceId }, metadata);
  await provideNetworks(parts, newNetworks, metadata);
}
