import { IMAGES } from './service-images.ts';
import type { Contradiction } from './truth-probe.ts';
import { TruthProbe } from './truth-probe.ts';
import type { Doc, World } from './world.ts';

/** Counts as started after half a second, and is watched for one. */
export const BRISK = { min_healthy_ms: 500, monitor_ms: 1_000 };

/** A command of a check runs within the container's own CPU limit: with the usual 20 millicores it takes longer than it may. */
const ROOM = { cpu_millis: 200, memory_bytes: 16 << 20 };
const QUIET = { ...ROOM, cpu_millis: 20 };

/** A service of the first image that stands: its first deployment has SUCCEEDED. */
export async function standingService(world: World, over: Record<string, unknown> = {}): Promise<Doc> {
  const { docker_service_id: id, deployment_id } = await world.createService({ image: IMAGES.first, command: undefined, resources: over['healthcheck'] ? ROOM : QUIET, deploy: BRISK, ...over });
  await ended(world, deployment_id);
  return world.serviceWhen(id, 'it stands on its first release', ({ status, deployment }) => status === 'RUNNING' && deployment.status === 'SUCCEEDED');
}

/** Starts a deployment. @returns its id. */
export const deploy = async (world: World, serviceId: string, body: Record<string, unknown>): Promise<string> =>
  (await world.post(`/v1/docker-services/${serviceId}/deployments`, body)).deployment_id as string;

/** Polls a deployment until it has ended. */
export const ended = (world: World, deploymentId: string, deadlineMs = 60_000): Promise<Doc> => deploymentWhen(world, deploymentId, 'it has ended', ({ finished_at }) => finished_at !== null, deadlineMs);

/** Polls a deployment until `test` holds. @throws Error with the last document. */
export async function deploymentWhen(world: World, deploymentId: string, what: string, test: (deployment: Doc) => boolean, deadlineMs = 60_000): Promise<Doc> {
  let last: Doc = null;
  await world.eventually(what, async () => test((last = await world.get(`/v1/deployments/${deploymentId}`))), deadlineMs, () => JSON.stringify(last));
  return last;
}

/** A stage of it is under way. */
export const comesTo = (world: World, deploymentId: string, stage: string): Promise<Doc> =>
  deploymentWhen(world, deploymentId, `it comes to ${stage}`, ({ steps }) => steps.some((step: Doc) => step.name === stage && step.status === 'RUNNING'));

/** Runs something while the truth of all that is said of a service is probed.
 *  @returns what it came to, and what was untrue for too long. */
export async function truthfully<T>(world: World, serviceId: string, during: () => Promise<T>): Promise<{ result: T; untrue: readonly Contradiction[]; probe: TruthProbe }> {
  const probe = TruthProbe.watch(world, serviceId);
  try {
    const result = await during();
    return { result, untrue: await probe.stop(), probe };
  } finally {
    await probe.stop();
  }
}

/** What every container of a service runs, by the engine: `[release, image, VERSION]`, sorted; all of them have to be running. */
export async function whatRuns(world: World, serviceId: string): Promise<string[]> {
  const containers = await world.containers(serviceId);
  const told = await Promise.all(containers.map(async ({ id, state }) => {
    const { Config } = await world.inspect(id);
    const version = (Config.Env as string[]).find((each) => each.startsWith('VERSION=')) ?? 'VERSION=';
    return `${state} release ${Config.Labels['waybill.release']} ${version}`;
  }));
  return told.sort();
}

/** The service is gone, and so is everything of it. */
export async function deleted(world: World, serviceId: string): Promise<void> {
  await world.call('DELETE', `/v1/docker-services/${serviceId}`);
  await world.serviceWhen(serviceId, 'it is deleted', ({ lifecycle }) => lifecycle === 'DELETED');
}
