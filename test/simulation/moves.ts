import { deploymentIdOf } from '#application';
import {
  ALWAYS, DEFAULT_DEPLOY_SETTINGS, DEFAULT_HEALTHCHECK, NO_RESTART, Rejection, workingRelease,
  type ContainerSpec, type DeploySettings, type DockerServiceId, type ExistingDockerService, type Hook,
} from '#domain';
import { picker, type Client } from './client.ts';
import { imageOf, SERVICE_IMAGES } from './images.ts';
import { resolvedValues } from '../../apps/api-gateway/compute/resolve-values.ts';
import { JOB_MOVES } from './job-moves.ts';
import { usesOf, VALUE_MOVES } from './value-moves.ts';
import { VOLUME_MOVES } from './volume-moves.ts';
import { NETWORK_MOVES } from './network-moves.ts';
import { QUOTA_MOVES } from './quota-moves.ts';
import { RESOURCE_MOVES } from './resource-moves.ts';

type Pick = ReturnType<typeof picker>;

/** How services are moved: all short enough for a run to come to the end of it. */
export const deployOf = (pick: Pick): DeploySettings => ({
  ...DEFAULT_DEPLOY_SETTINGS,
  strategy: pick(['rolling', 'rolling', 'rolling', 'recreate']),
  maxSurge: pick([null, null, 0, 1, '100%']),
  maxUnavailable: pick([null, null, 0, 1]),
  monitorMs: pick([0, 0, 3_000]),
  minHealthyMs: 1_000,
  healthyDeadlineMs: 30_000,
  progressDeadlineMs: pick([60_000, 90_000]),
  maxFailures: pick([0, 0, 2]),
  autoRollback: pick([true, true, false]),
  preDeploy: hookOf(pick),
  postDeploy: hookOf(pick),
});

/** A task that a deployment waits for; null mostly. */
function hookOf(pick: Pick): Hook | null {
  const image = imageOf(pick(HOOK_IMAGES));
  return pick([null, null, null, { overrides: { image }, timeoutMs: 6_000, retries: pick([0, 0, 1]) }]);
}

const HOOK_IMAGES = ['task', 'task', 'task', 'wavering-task', 'failing-task', 'endless-task'] as const;

const CHECK = { ...DEFAULT_HEALTHCHECK, probe: { type: 'command', command: ['/bin/check'] }, intervalMs: 2_000, unhealthyThreshold: 2 } as const;
const POLICIES = [ALWAYS, ALWAYS, ALWAYS, { ...ALWAYS, name: 'unless-stopped' }, NO_RESTART, ...(['fail', 'replace'] as const).map((onExhausted) => ({ ...ALWAYS, name: 'on-failure' as const, maxRetries: 2, delayMs: 500, onExhausted }))] as const;

/** What becomes of a container when it ends, and whether it is asked how it is. */
export const mannerOf = (pick: Pick): Partial<ContainerSpec> => ({
  restartPolicy: pick(POLICIES),
  healthcheck: pick([null, null, null, CHECK, { ...CHECK, onUnhealthy: 'mark' }]),
});

/** What clients do to one of the services, of the jobs or of the schedules that they know of. */
export const MOVES = {
  deploy: aService((client, id, pick) => {
    const image = imageOf(pick(SERVICE_IMAGES));
    const manner = pick([{}, {}, mannerOf(pick)]);
    const settings = pick([{}, {}, deployOf(pick)]);
    client.change(id, { what: `deploy ${image} to ${id}`, type: 'DeploymentStarted' }, ({ service, commandId }) => {
      const spec = { ...specOf(service), image, ...manner };
      return { type: 'DeployDockerService', data: { deploymentId: deploymentIdOf(commandId), spec, settings, sameSpec: 'restart' } };
    });
  }),

  patch: aService((client, id, pick) => {
    const colour = pick(['red', 'green', 'blue']);
    const uses = pick([{}, {}, {}, usesOf(client, pick)]);
    client.change(id, { what: `set COLOUR=${colour} of ${id}`, type: 'DeploymentStarted' }, async ({ service, commandId, gateway }) => {
      const spec = await resolvedValues(gateway.aggregates, service, { ...specOf(service), ...uses });
      return { type: 'ChangeDockerService', data: { deploymentId: deploymentIdOf(commandId), spec: { ...spec, env: { ...spec.env, COLOUR: colour } } } };
    });
  }),

  roll_back: aService((client, id) =>
    client.change(id, { what: `roll ${id} back`, type: 'DeploymentStarted' }, ({ commandId }) => ({ type: 'RollBackDockerService', data: { deploymentId: deploymentIdOf(commandId), release: null } })),
  ),

  restart: aService((client, id) =>
    client.change(id, { what: `restart ${id}`, type: 'DeploymentStarted' }, ({ commandId }) => ({ type: 'RestartDockerService', data: { deploymentId: deploymentIdOf(commandId) } })),
  ),

  cancel: aService((client, id) => {
    const deploymentId = client.deploymentOf(id);
    if (deploymentId) client.change(id, { what: `cancel ${deploymentId}`, type: 'DeploymentCancelRequested' }, () => ({ type: 'CancelDeployment', data: { deploymentId } }));
  }),

  pause: aService((client, id) => client.change(id, { what: `pause ${id}`, type: 'DockerServicePaused' }, () => ({ type: 'PauseDockerService', data: {} }))),

  resume: aService((client, id) =>
    client.change(id, { what: `resume ${id}`, type: 'DockerServiceResumed' }, ({ commandId }) => ({ type: 'ResumeDockerService', data: { deploymentId: deploymentIdOf(commandId) } })),
  ),

  stop: aService((client, id) => client.change(id, { what: `stop ${id}`, type: 'DockerServiceStopped' }, () => ({ type: 'StopDockerService', data: {} }))),

  start: aService((client, id) =>
    client.change(id, { what: `start ${id}`, type: 'DockerServiceStarted' }, ({ commandId }) => ({ type: 'StartDockerService', data: { deploymentId: deploymentIdOf(commandId) } })),
  ),

  ...JOB_MOVES,
  ...VOLUME_MOVES,
  ...VALUE_MOVES,
  ...QUOTA_MOVES,
  ...RESOURCE_MOVES,
  ...NETWORK_MOVES,
} as const;

/** What a change begins from. A log that was put back to the middle of an append may have a service without any. */
export function specOf(service: ExistingDockerService): ContainerSpec {
  const spec = service.releases.get(workingRelease(service));
  if (!spec) throw new Rejection('not_found', 'docker_service.release_not_found', 'no release was ever cut');
  return spec;
}

function aService(move: (client: Client, id: DockerServiceId, pick: Pick) => void) {
  return (client: Client, lots: readonly number[]): void => {
    const pick = picker(lots);
    const id = pick([...client.services]);
    if (id) move(client, id, pick);
  };
}
