import type { VolumePlan } from './runtime.ts';

/** What the engine's `local` driver is told: nothing for a folder of its own; else which folder it is to bind. Ours alone: no tenant's word
 *  gets here. https://docs.docker.com/reference/cli/docker/volume/create/ */
export const driverOptionsOf = ({ folder }: VolumePlan): Record<string, string> => (folder === null ? {} : { type: 'none', o: 'bind', device: folder });

/** Whether a volume that the engine has is the one that is meant. */
export function isSameVolume(found: { readonly Driver: string; readonly Options?: Record<string, string> | null }, plan: VolumePlan): boolean {
  const wanted = driverOptionsOf(plan);
  const has = found.Options ?? {};
  return found.Driver === 'local' && Object.keys(has).length === Object.keys(wanted).length && Object.entries(wanted).every(([key, value]) => has[key] === value);
}
