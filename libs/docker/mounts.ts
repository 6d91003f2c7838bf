import type { VolumeMount } from '#domain';
import { FILE_ROOTS, volumeName } from './names.ts';

/** A mount as the engine is asked for it: a volume that the platform made, memory, a folder of the host, or what the agent has put down. `Mounts`, unlike `Binds`, makes
 *  no folder that isn't there. */
export type EngineMount =
  | { readonly Type: 'volume'; readonly Source: string; readonly Target: string; readonly ReadOnly: boolean }
  | { readonly Type: 'tmpfs'; readonly Target: string; readonly TmpfsOptions: { readonly SizeBytes?: number } }
  | { readonly Type: 'bind'; readonly Source: string; readonly Target: string; readonly ReadOnly: boolean; readonly BindOptions: { readonly Propagation: 'rprivate' } }
  | FileMount;

/** A file or folder that the agent itself has put under one of `FILE_ROOTS` for just this container, to be read only. */
export interface FileMount {
  readonly Type: 'bind';
  readonly Source: string;
  readonly Target: string;
  readonly ReadOnly: true;
}

/** Of whom a container may mount what. */
export interface MountLimits {
  /** Whose volumes. */
  readonly installation: string;
  /** Whether a folder of the host may be mounted. */
  readonly hostPaths: (path: string) => boolean;
  /** `<installation>/<replica>`: whose files of the agent's making. */
  readonly files: string;
}

/** Compiles what a container finds at paths of its own. */
export const mountsOf = (mounts: readonly VolumeMount[] | undefined, installation: string): readonly EngineMount[] => (mounts ?? []).map((mount) => mountOf(mount, installation));

function mountOf(mount: VolumeMount, installation: string): EngineMount {
  const Target = mount.mountPath;
  if (mount.type === 'volume') return { Type: 'volume', Source: volumeName(installation, mount.volumeId), Target, ReadOnly: mount.readOnly };
  if (mount.type === 'tmpfs') return { Type: 'tmpfs', Target, TmpfsOptions: mount.sizeBytes === null ? {} : { SizeBytes: mount.sizeBytes } };
  return { Type: 'bind', Source: mount.source, Target, ReadOnly: mount.readOnly, BindOptions: { Propagation: 'rprivate' } };
}

/** Whether each is exactly one of the above: volumes of this installation only, and no options of theirs. */
export const areMounts = (value: unknown, limits: MountLimits): boolean =>
  Array.isArray(value) && value.every((mount) => mount !== null && typeof mount === 'object' && (isOwnFile(mount as Record<string, unknown>, limits) || isMount(mount as Record<string, unknown>, limits)));

/** Nothing of the host but what lies in this container's own folder. */
function isOwnFile({ Type, Source, Target, ReadOnly, ...more }: Record<string, unknown>, { files }: MountLimits): boolean {
  if (Type !== 'bind' || ReadOnly !== true || Object.keys(more).length > 0 || !isPath(Source)) return false;
  return isPath(Target) && FILE_ROOTS.some((root) => Source.startsWith(`${root}/${files}/`));
}

function isMount({ Type, Target, ...rest }: Record<string, unknown>, { installation, hostPaths }: MountLimits): boolean {
  if (!isPath(Target)) return false;
  const { Source, ReadOnly, TmpfsOptions, BindOptions, ...more } = rest;
  if (Object.keys(more).length > 0) return false;
  if (Type === 'tmpfs') return Source === undefined && ReadOnly === undefined && BindOptions === undefined && isTmpfsOptions(TmpfsOptions);
  if (TmpfsOptions !== undefined || typeof ReadOnly !== 'boolean') return false;
  if (Type === 'volume') return BindOptions === undefined && typeof Source === 'string' && new RegExp(`^${volumeName(installation, 'vol_')}[a-z0-9_]+$`).test(Source);
  return Type === 'bind' && JSON.stringify(BindOptions) === '{"Propagation":"rprivate"}' && isPath(Source) && hostPaths(Source);
}

function isTmpfsOptions(value: unknown): boolean {
  if (value === null || typeof value !== 'object') return false;
  const { SizeBytes, ...more } = value as Record<string, unknown>;
  return Object.keys(more).length === 0 && (SizeBytes === undefined || (Number.isSafeInteger(SizeBytes) && (SizeBytes as number) > 0));
}

/** Absolute, and nothing in it leads elsewhere. */
const isPath = (value: unknown): value is string => typeof value === 'string' && /^(\/[^/\0]+)+$/.test(value) && !value.split('/').some((part) => part === '.' || part === '..');
