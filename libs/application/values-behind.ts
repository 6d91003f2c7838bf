import { followedBy, rolledVersion, workingRelease, type DockerServiceId, type ExistingDockerService } from '#domain';
import type { AggregateStore } from '#event-store';
import { commandIdOf } from '#platform';
import { loadHeld } from './held-values.ts';

/** A secret or config that a service follows, and the version that it is to be rolled to. */
export interface ValueBehind {
  readonly followedId: string;
  readonly name: string;
  readonly version: number;
}

/** What a service follows of which a later version stands, for all to have at once, than its working release names. Whether a deployment to that was ever
 *  tried is asked by `followCommandId`. @throws Unavailable */
export async function valuesBehind(aggregates: AggregateStore, service: ExistingDockerService): Promise<readonly ValueBehind[]> {
  const behind: ValueBehind[] = [];
  for (const [followedId, has] of followedBy(service.releases.get(workingRelease(service))!)) {
    const held = await loadHeld(aggregates, followedId);
    const version = held.status === 'present' ? rolledVersion(held) : 0;
    if (held.status === 'present' && version > (has ?? 0)) behind.push({ followedId, name: held.name, version });
  }
  return behind;
}

/** The name of the command by which a service is rolled to a version of something that it follows: whoever asks whether that was ever tried looks for the same. */
export const followCommandId = (dockerServiceId: DockerServiceId, followedId: string, version: string): string => commandIdOf('follow', dockerServiceId, followedId, version);
