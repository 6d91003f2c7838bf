import { LIMITS, violation, wholeNumber, type Violation } from '../docker-service/violation.ts';
import type { VolumeMount } from './mount.ts';

/** A path as it is meant: absolute, without `.`, `..`, doubled or trailing slashes, colons and control characters. */
const PATH = /^(\/[^/:\u0000-\u001f\u007f]+)+$/;
const isPath = (path: string): boolean => PATH.test(path) && path.length <= 1024 && path.isWellFormed() && !path.split('/').some((part) => part === '.' || part === '..');

/** What the engine or the platform puts there itself. */
const TAKEN = ['/proc', '/sys', '/dev', '/run/secrets', '/etc/hosts', '/etc/hostname', '/etc/resolv.conf'];

const PATH_RULE = 'must be an absolute path without ., .., : and a slash at its end, and not / itself';

/** What a size may be: the least that a file system fits in, and what a disk may have. Bytes. */
export const VOLUME_SIZE = { min: 1024 ** 2, max: 64 * 1024 ** 4 } as const;

/** Every violation of a container's mounts, in their order. */
export function mountViolations(mounts: readonly VolumeMount[]): readonly Violation[] {
  if (mounts.length > LIMITS.volumes) return [violation('/volumes', 'too_many', `must be at most ${LIMITS.volumes} volumes`)];
  const seen = new Set<string>();
  return mounts.flatMap((mount, index) => {
    const at = `/volumes/${index}`;
    const twice = seen.has(mount.mountPath);
    seen.add(mount.mountPath);
    return [
      ...targetViolations(`${at}/mount_path`, mount.mountPath),
      ...(twice ? [violation(`${at}/mount_path`, 'duplicate', `${mount.mountPath} is given twice`)] : []),
      ...(mount.type === 'host_path' && !isPath(mount.source) ? [violation(`${at}/host_path`, 'invalid', PATH_RULE)] : []),
      ...(mount.type === 'tmpfs' && mount.sizeBytes !== null ? sizeViolations(`${at}/size_bytes`, mount.sizeBytes) : []),
    ];
  });
}

/** None where a volume may be this large. */
export const sizeViolations = (pointer: string, bytes: number): readonly Violation[] => wholeNumber(pointer, bytes, VOLUME_SIZE.min, VOLUME_SIZE.max);

function targetViolations(pointer: string, path: string): readonly Violation[] {
  if (!isPath(path)) return [violation(pointer, 'invalid', PATH_RULE)];
  const taken = TAKEN.find((each) => path === each || path.startsWith(`${each}/`));
  return taken ? [violation(pointer, 'reserved', `${taken} is the engine's or the platform's own: mount it elsewhere`)] : [];
}
