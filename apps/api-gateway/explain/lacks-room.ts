import { followCommandId, loadHeld } from '#application';
import { dockerService, followedBy, Rejection, rolledVersion, streamOf, workingRelease, type DockerServiceId, type ExistingDockerService } from '#domain';
import type { AggregateStore } from '#event-store';
import { foreseenQuota } from '../preview/foreseen-quota.ts';

/** What a service follows and doesn't have yet, for want of room in a quota, in a sentence; null where nothing of the kind is so. The scheduler tries again and again and
 *  writes nothing as long as it is refused: so this is found by trying it in thought. */
export async function lacksRoomToFollow(aggregates: AggregateStore, id: string): Promise<string | null> {
  const { state: service, revision } = await aggregates.load(dockerService, streamOf('docker_service', id));
  if (service.status !== 'present' || service.lifecycle !== 'ACTIVE' || revision === null) return null;
  for (const { name, followedId, version } of await untried(aggregates, service)) {
    const command = { type: 'FollowVersions', data: { deploymentId: 'dep_', versions: { [followedId]: version } } } as const;
    const { check } = await foreseenQuota(aggregates, { projectId: service.projectId, before: { service, revision }, command, volumes: [], commandId: followCommandId(service.dockerServiceId, followedId, String(version)) });
    try {
      check();
    } catch (error) {
      if (!(error instanceof Rejection && error.kind === 'quota_exceeded')) throw error;
      return `it is yet to be rolled to version ${version} of ${name}, for which there is no room: ${error.detail}`;
    }
  }
  return null;
}

interface Behind {
  readonly name: string;
  readonly followedId: string;
  readonly version: number;
}

/** Secrets and configs of which there is a later version that no deployment was made for: one that was made and went back is somebody's decision. */
async function untried(aggregates: AggregateStore, service: ExistingDockerService): Promise<readonly Behind[]> {
  const behind: Behind[] = [];
  const spec = service.releases.get(workingRelease(service));
  for (const [followedId, has] of spec ? followedBy(spec) : []) {
    const held = await loadHeld(aggregates, followedId);
    if (held.status !== 'present') continue;
    const version = rolledVersion(held);
    if (version > (has ?? 0) && !(await wasTried(aggregates, service.dockerServiceId, followedId, version))) behind.push({ name: held.name, followedId, version });
  }
  return behind;
}

const wasTried = (aggregates: AggregateStore, id: DockerServiceId, followedId: string, version: number): Promise<boolean> =>
  aggregates.stands(dockerService, streamOf('docker_service', id), followCommandId(id, followedId, String(version)));
