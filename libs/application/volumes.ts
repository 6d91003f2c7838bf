import {
  Rejection, volumeRoom, volumesIn,
  type CommandMetadata, type DockerServiceId, type EnvironmentId, type Owner, type ProjectId, type Volume, type VolumeBackend, type VolumeId, type VolumeMount, type VolumeType,
} from '#domain';
import type { AggregateStore, Handled } from '#event-store';
import { commandIdOf, deriveId } from '#platform';
import { ToVolume } from './aggregate-command.ts';
import { withClaimedName } from './claimed-name.ts';
import { followUp, type Dispatcher } from './dispatcher.ts';
import { refuseWithoutEnvironment } from './standing-environment.ts';

interface Parts {
  readonly dispatcher: Dispatcher;
  readonly aggregates: AggregateStore;
}

/** A volume that is to be made, complete: defaults are filled in. */
export interface NewVolume {
  readonly projectId: ProjectId;
  readonly environmentId: EnvironmentId;
  readonly name: string;
  readonly kind: VolumeType;
  readonly backend: VolumeBackend;
  readonly sizeBytes: number | null;
  /** Null: by itself. */
  readonly madeFor: DockerServiceId | null;
}

/** The id that a volume of this name has under the command that makes it: a retry names the same one. */
export const volumeIdOf = (commandId: string, name: string): VolumeId => deriveId('vol', commandId, `volume ${name}`, 0);

/** Claims the name in its environment, then writes the volume. A retry is answered by what stands.
 *  @throws Rejection `environment.not_found`, `name.taken`, `quota.exceeded`, `reservation.voided`, and of its size. */
export async function createVolume({ dispatcher, aggregates }: Parts, asked: NewVolume, metadata: CommandMetadata, made: Made = { user: null, id: volumeIdOf(metadata.commandId, asked.name) }): Promise<Handled<Volume>> {
  const { id: volumeId, user } = made;
  await refuseWithoutEnvironment(aggregates, { kind: 'volume', id: volumeId }, asked);
  const data = { ...asked, volumeId, user };
  const claim = { on: asked.projectId, scope: 'volume', environmentId: asked.environmentId, name: asked.name, holder: volumeId, room: { amounts: volumeRoom(asked.sizeBytes), countsFor: asked.madeFor } } as const;
  return withClaimedName({ dispatcher, aggregates }, claim, metadata, () => dispatcher.send(new ToVolume(volumeId, { type: 'CreateVolume', data }, metadata)));
}

interface Made {
  readonly id: VolumeId;
  /** Its first user, where it is made for one. */
  readonly user: Owner | null;
}

/** What somebody is about to mount: whatever is to be made first, and all that is mounted. */
export interface Mounting {
  readonly creates: readonly NewVolume[];
  readonly mounts: readonly VolumeMount[];
}

/** Makes what has yet to be made, and says on every volume who uses it, before the release or the job that mounts it is written: from
 *  now on none of them is deleted. A use that nothing comes of is ended by the scheduler.
 *  @throws Rejection as `createVolume`; `volume.exists`, `volume.deleted`, `volume.ephemeral`. */
export async function provideVolumes(parts: Parts, { creates, mounts }: Mounting, user: Owner, metadata: CommandMetadata): Promise<void> {
  const made = new Set<VolumeId>();
  for (const asked of creates) {
    const id = volumeIdOf(metadata.commandId, asked.name);
    made.add(id);
    await createVolume(parts, asked, followUp(metadata, commandIdOf('create-volume', id)), { id, user }).catch((error: unknown) => {
      throw error instanceof Rejection && error.code === 'name.taken' ? madeMeanwhile(asked.name) : error;
    });
  }
  for (const volumeId of volumesIn(mounts)) {
    if (made.has(volumeId)) continue;
    const using = followUp(metadata, commandIdOf('use-volume', volumeId, user.id, metadata.commandId));
    await parts.dispatcher.send(new ToVolume(volumeId, { type: 'BeginVolumeUse', data: { user } }, using));
  }
}

/** Looked for a moment ago, it wasn't there. */
const madeMeanwhile = (name: string): Rejection => new Rejection('conflict', 'volume.exists', `another request makes the volume ${name} just now: send this one again, and it takes that`);
