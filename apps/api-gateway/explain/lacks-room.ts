import { followCommandId, valuesBehind } from '#application';
import { dockerService, Rejection, streamOf, type DockerServiceId } from '#domain';
import type { AggregateStore } from '#event-store';
import { foreseenQuota } from '../preview/foreseen-quota.ts';

/** What a service follows and doesn't have yet, for want of room in a quota, in a sentence; null where nothing of the kind is so. The scheduler tries again and again and
 *  writes nothing as long as it is refused: so this is found by trying it in thought. */
export async function lacksRoomToFollow(aggregates: AggregateStore, id: string): Promise<string | null> {
  const { state: service, revision } = await aggregates.load(dockerService, streamOf('docker_service', id));
  if (service.status !== 'present' || service.lifecycle !== 'ACTIVE' || revision === null) return null;
  for (const { name, followedId, version } of await valuesBehind(aggregates, service)) {
    // One that was made and went back is somebody's decision.
    if (await wasTried(aggregates, service.dockerServiceId, followedId, version)) continue;
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

const wasTried = (aggregates: AggregateStore, id: DockerServiceId, followedId: string, version: number): Promise<boolean> =>
  aggregates.stands(dockerService, streamOf('docker_service', id), followCommandId(id, followedId, String(version)));
