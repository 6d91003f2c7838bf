import type { ProjectId, VolumeId } from '../kernel/ids.ts';

/** What keeps a volume's data on its node. `local`: the engine's own folder, as large as the disk. `loop`: a file of the volume's size with
 *  a file system in it. */
export type VolumeBackend = 'local' | 'loop';

/** What an agent can hold data in; `tmpfs` is memory of one container, and no volume. */
export type StorageBackend = VolumeBackend | 'tmpfs';

/** `persistent`: outlives its users, and goes when somebody asks for it. `ephemeral`: goes with the service that it was made for. */
export type VolumeType = 'persistent' | 'ephemeral';

/** Something that a container finds at a path of its own. */
export type VolumeMount =
  /** A volume of the environment: the same data for every replica that mounts it. */
  | { readonly type: 'volume'; readonly volumeId: VolumeId; readonly name: string; readonly mountPath: string; readonly readOnly: boolean }
  /** Memory, counted against the container's limit, and gone with the container. */
  | { readonly type: 'tmpfs'; readonly mountPath: string; readonly sizeBytes: number | null }
  /** A folder of the host, below one that its operator allows. Waybill never makes or deletes it. */
  | { readonly type: 'host_path'; readonly source: string; readonly mountPath: string; readonly readOnly: boolean };

/** The volumes among the mounts, each once. */
export const volumesIn = (mounts: readonly VolumeMount[] | undefined): readonly VolumeId[] => [
  ...new Set((mounts ?? []).flatMap((mount) => (mount.type === 'volume' ? [mount.volumeId] : []))),
];

/** The folders of the host among the mounts. */
export const hostPathsIn = (mounts: readonly VolumeMount[] | undefined): readonly string[] => [
  ...new Set((mounts ?? []).flatMap((mount) => (mount.type === 'host_path' ? [mount.source] : []))),
];

/** A folder that a host's operator allows for one project alone. */
const FOR_PROJECT = /^(prj_[a-z0-9_]+):(\/.*)$/;

/** The folders of a host that containers of a project may have, with all below, out of what its operator allows: `/srv/media` is for every
 *  project, `prj_…:/srv/shop` for that one. */
export const hostPathsFor = (projectId: ProjectId, allowed: readonly string[]): readonly string[] =>
  allowed.flatMap((entry) => {
    const [, owner, folder] = FOR_PROJECT.exec(entry) ?? [entry, projectId, entry];
    return owner === projectId && folder !== undefined ? [folder] : [];
  });

/** Whether a path is one of these folders or below one, by its words alone: links are looked through by whoever has the disk. */
export const isBelow = (path: string, folders: readonly string[]): boolean => folders.some((folder) => path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`));
