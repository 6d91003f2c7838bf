import { provideVolumes, type Dispatcher, type Mounting } from '#application';
import type { ExistingDockerService } from '#domain';
import type { AggregateStore } from '#event-store';
import type { Mutation } from '../edge/mutation.ts';
import { AskedVolumes, type VolumeScope } from './asked-volumes.ts';

/** What a change of a service wants mounted. */
export const volumesOf = (parts: Pick<VolumeScope, 'aggregates' | 'nodes' | 'commandId'>, { dockerServiceId, projectId, environmentId }: ExistingDockerService): AskedVolumes =>
  new AskedVolumes({ ...parts, projectId, environmentId, madeFor: dockerServiceId });

/** Before the change is written: the volumes are there, and used by the service. A retry of the request repeats it without effect.
 *  @throws Rejection `volume.deleted`, `volume.ephemeral`, `name.taken` */
export async function provide(parts: { readonly dispatcher: Dispatcher; readonly aggregates: AggregateStore }, service: ExistingDockerService, mounting: Mounting, change: Mutation): Promise<void> {
  if (mounting.mounts.length === 0) return;
  await provideVolumes(parts, mounting, { type: 'docker_service', id: service.dockerServiceId }, change.metadata(service.projectId));
}
