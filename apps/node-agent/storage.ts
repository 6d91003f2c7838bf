import type { AssignedVolume } from '#contracts';
import type { EngineInfo } from '#docker';
import type { StorageBackend, VolumeId } from '#domain';

/** What of the host an agent keeps volumes in, beyond what its engine does. In memory where time is virtual. Every deed may be repeated,
 *  and goes on where an earlier one was cut short. */
export interface Storage {
  /** What volumes can be kept in on this host, with its engine. */
  backendsWith(engine: EngineInfo): readonly StorageBackend[];
  /** Folders that containers may have, with all below, links looked through; `prj_…:<folder>` those of that project only. */
  readonly hostPaths: readonly string[];
  /** Whether what `ensureLoop` would mount is there, so that it would make nothing anew. @throws Error where that can't be told */
  hasLoop(volumeId: VolumeId): Promise<boolean>;
  /** A file system of this size, mounted. @returns the folder in it that holds the data; not there while it isn't mounted. Null: it was `made`,
   *  and there is none any more. @throws Error where the host refuses */
  ensureLoop(volume: Pick<AssignedVolume, 'volumeId' | 'sizeBytes' | 'made'>): Promise<string | null>;
  /** Nothing of it is left. Silent when gone. @throws Error while something holds it */
  removeLoop(volumeId: VolumeId): Promise<void>;
  /** What a `loop` volume holds; null where it isn't mounted. */
  usedByLoop(volumeId: VolumeId): Promise<number | null>;
  /** What a folder holds with all below; null where it can't be looked into from here. */
  usedIn(folder: string): Promise<number | null>;
  /** Lets every user write in a new volume's folder: who a container runs as its image says, and an image that brings no such folder says
   *  nothing of whose it is. Nothing in it, or anybody's wish about it, is touched; silent where it can't be seen from here. */
  openUp(folder: string): Promise<void>;
  /** Where a folder of the host really is; null when there is none. */
  realPath(path: string): Promise<string | null>;
}

/** A host that keeps nothing but what its engine does. */
export const engineOnly: Storage = {
  backendsWith: () => ['local', 'tmpfs'],
  hostPaths: [],
  ensureLoop: ({ volumeId }) => Promise.reject(new Error(`this host has no loop devices for ${volumeId}`)),
  hasLoop: (volumeId) => Promise.reject(new Error(`this host has no loop devices for ${volumeId}`)),
  removeLoop: () => Promise.resolve(),
  usedByLoop: () => Promise.resolve(null),
  usedIn: () => Promise.resolve(null),
  openUp: () => Promise.resolve(),
  realPath: () => Promise.resolve(null),
};
