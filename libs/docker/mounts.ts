import type { VolumeMount } from '#domain';
import { volumeName } from './names.ts';

/** A mount as the engine is asked for it: a volume that the platform made, memory, or a folder of the host. `Mounts`, unlike `Binds`, makes
 *  no folder that isn't there. */
export type EngineMount =
  | { readonly Type: 'volume'; readonly Source: string; readonly Target: string; readonly ReadOnly: boolean }
  | { readonly Type: 'tmpfs'; readonly Target: string; readonly TmpfsOptions: { readonly SizeBytes?: number } }
  | { readonly Type: 'bind'; readonly Source: string; readonly Target: string; readonly ReadOnly: boolean; readonly BindOptions: { readonly Propagation: 'rprivate' } };

/** Compiles what a container finds at paths of its own. */
export const mountsOf = (mounts: readonly VolumeMount[] | undefined, installation: string): readonly EngineMount[] => (mounts ?? []).map((mount) => mountOf(mount, installation));

function mountOf(mount: VolumeMount, installation: string): EngineMount {
  const Target = mount.mountPath;
  if (mount.type === 'volume') return { Type: 'volume', Source: volumeName(installation, mount.volumeId), Target, ReadOnly: mount.readOnly };
  if (mount.type === 'tmpfs') return { Type: 'tmpfs', Target, TmpfsOptions: mount.sizeBytes === null ? {} : { SizeBytes: mount.sizeBytes } };
  return { Type: 'bind', Source: mount.source, Target, ReadOnly: mount.readOnly, BindOptions: { Propagation: 'rprivate' } };
}

/** Whether each is exactly one of the above: volumes of this installation only, and no options of theirs.
 *  @param hostPaths whether a folder of the host may be mounted. */
export const areMounts = (value: unknown, installation: string, hostPaths: (path: string) => boolean): boolean =>
  Array.isArray(value) && value.every((mount) => mount !== null && typeof mount === 'object' && isMount(mount as Record<string, unknown>, installation, hostPaths));

function isMount({ Type, Target, ...rest }: Record<string, unknown>, installation: string, hostPaths: (path: string) => boolean): boolean {
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
