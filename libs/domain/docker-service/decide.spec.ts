import { DEFAULT_DEPLOY_SETTINGS, type DeploySettings } from './deploy-settings.ts';
import { ALWAYS } from './restart-policy.ts';
import { DEFAULT_TARGETS } from './targets.ts';
import { fold } from '../kernel/decider.ts';
import { given } from '../kernel/given.ts';
import { dockerService, type DockerServiceCommand } from './decide.ts';
import type { ContainerSpec, DockerServiceEvent, ReplicaOrder, Step } from './events.ts';

const deploy: DeploySettings = { ...DEFAULT_DEPLOY_SETTINGS, minHealthyMs: 10_000, healthyDeadlineMs: 300_000, progressDeadlineMs: 600_000, maxFailures: 0 };
const amount = { cpuMillis: 250, memoryBytes: 268_435_456 };
const spec: ContainerSpec = {
  image: 'docker.io/myorg/api:v1',
  pullPolicy: 'missing',
  command: null,
  args: null,
  env: {},
  ports: [],
  plan: 'small',
  resources: { request: amount, limit: amount },
  labels: {},
  constraints: [],
  restartPolicy: ALWAYS,
  healthcheck: null, ...DEFAULT_TARGETS,
};
const born = {
  dockerServiceId: 'svc_1',
  projectId: 'prj_1',
  environmentId: 'env_1',
  networkId: 'net_1',
  name: 'api',
  hostname: 'api.production.shop.internal',
  kind: 'worker',
  replicas: 2,
  deploy,
} as const;
const reason = { code: 'test', message: 'for the test' };
const order = (slot: number, generation = 1): ReplicaOrder => ({ replicaId: `rep_${slot}_${generation}`, slot, generation, release: 1 });
const step = (parts: Partial<Step>): Step => ({ creates: [], stops: [], forgets: [], reason, ...parts });
const taken = (parts: Partial<Step>): DockerServiceEvent => ({ type: 'ServiceStepTaken', data: step(parts) });
const takeStep = (parts: Partial<Step>): DockerServiceCommand => ({ type: 'TakeServiceStep', data: step(parts) });

const create: DockerServiceCommand = { type: 'CreateDockerService', data: { ...born, spec, deploymentId: 'dep_1' } };
const created: DockerServiceEvent[] = [
  { type: 'DockerServiceCreated', data: born },
  { type: 'ReleaseCut', data: { release: 1, spec } },
  { type: 'DeploymentStarted', data: { deploymentId: 'dep_1', kind: 'create', fromRelease: null, toRelease: 1, settings: deploy, supersedes: null } },
];
const ended = (outcome: 'SUCCEEDED' | 'FAILED', ordered: ReplicaOrder[] = []): DockerServiceEvent => ({
  type: 'DeploymentEnded',
  data: { deploymentId: 'dep_1', outcome, reason, toRelease: 1, ordered, stopped: [], forgotten: [] },
});
const stable = [...created, ended('SUCCEEDED', [order(1), order(2)])];
const halted = [...created, ended('FAILED', [order(1)])];
const requested: DockerServiceEvent = { type: 'DockerServiceDeletionRequested', data: {} };
const deleted: DockerServiceEvent = { type: 'DockerServiceDeleted', data: { name: 'api', environmentId: 'env_1', projectId: 'prj_1' } };
const gone = taken({ forgets: ['rep_1_1', 'rep_2_1'] });
const scale = (replicas: number): DockerServiceCommand => ({ type: 'ScaleDockerService', data: { replicas } });
const requestDeletion: DockerServiceCommand = { type: 'RequestDockerServiceDeletion', data: {} };
const confirmDeleted: DockerServiceCommand = { type: 'ConfirmDockerServiceDeleted', data: {} };

describe('creating a service', () => {
  it('cuts release 1 and starts its deployment in the same append', () => given(dockerService, []).when(create).then(created));

  it('is refused for another service of the same id', () => given(dockerService, created).when(create).rejects('docker_service.exists'));

  it('names every field that is wrong', () =>
    given(dockerService, [])
      .when({ type: 'CreateDockerService', data: { ...born, name: 'Api', replicas: -1, spec, deploymentId: 'dep_1' } })
      .rejects('docker_service.invalid', {
        violations: [
          { pointer: '/name', code: 'invalid', message: 'must be 1 to 63 of a to z, 0 to 9 and -, neither beginning nor ending with -' },
          { pointer: '/replicas', code: 'out_of_range', message: 'must be a whole number from 0 to 1000' },
        ],
      }));
});

describe('scaling', () => {
  it('says from which number to which', () => given(dockerService, stable).when(scale(5)).then([{ type: 'DockerServiceScaled', data: { from: 2, to: 5 } }]));
  it('goes down to none', () => given(dockerService, stable).when(scale(0)).then([{ type: 'DockerServiceScaled', data: { from: 2, to: 0 } }]));
  it('is silent at the number that it has', () => given(dockerService, stable).when(scale(2)).then([]));
  it('changes the target of a running deployment', () => given(dockerService, created).when(scale(3)).then([{ type: 'DockerServiceScaled', data: { from: 2, to: 3 } }]));

  it.each([-1, 1001, 1.5, Number.NaN])('is refused to %d replicas', (replicas) =>
    given(dockerService, stable)
      .when(scale(replicas))
      .rejects('docker_service.invalid', { violations: [{ pointer: '/replicas', code: 'out_of_range', message: 'must be a whole number from 0 to 1000' }] }),
  );

  it('is refused for a service that is being deleted, or was', () => {
    given(dockerService, [...stable, requested]).when(scale(3)).rejects('docker_service.deleted', { lifecycle: 'DELETING' });
    given(dockerService, [...stable, requested, gone, deleted]).when(scale(3)).rejects('docker_service.deleted', { lifecycle: 'DELETED' });
  });

  it('is refused for a service that never was', () => {
    given(dockerService, []).when(scale(3)).rejects('docker_service.not_found');
    given(dockerService, [{ type: 'ReservationVoided', data: { commandId: 'cmd', name: 'api' } }]).when(scale(3)).rejects('docker_service.not_found');
  });
});

describe('a step outside deployments', () => {
  it('orders a replica', () => given(dockerService, stable).when(takeStep({ creates: [order(3)] })).then([taken({ creates: [order(3)] })]));

  it('keeps of itself only what changes anything', () =>
    given(dockerService, [...stable, taken({ creates: [order(3)], stops: [{ replicaId: 'rep_1_1', reason }] })])
      .when(takeStep({ creates: [order(3), order(4)], stops: [{ replicaId: 'rep_1_1', reason }, { replicaId: 'rep_2_1', reason }], forgets: ['rep_9_9'] }))
      .then([taken({ creates: [order(4)], stops: [{ replicaId: 'rep_2_1', reason }] })]));

  it('is silent the second time', () => {
    const parts = { creates: [order(3)], stops: [{ replicaId: 'rep_2_1' as const, reason }], forgets: ['rep_1_1' as const] };
    given(dockerService, [...stable, taken(parts)]).when(takeStep(parts)).then([]);
  });

  it('is refused while a deployment takes the steps', () =>
    given(dockerService, created).when(takeStep({ creates: [order(1)] })).rejects('docker_service.deployment_active', { deploymentId: 'dep_1' }));

  it('starts nothing in a halted service, but stops what is left of it', () => {
    given(dockerService, halted).when(takeStep({ creates: [order(1, 2)] })).rejects('docker_service.halted', { reason });
    const stop = { stops: [{ replicaId: 'rep_1_1' as const, reason }] };
    given(dockerService, halted).when(takeStep(stop)).then([taken(stop)]);
  });

  it('starts nothing in a service that is being deleted', () =>
    given(dockerService, [...stable, requested]).when(takeStep({ creates: [order(3)] })).rejects('docker_service.deleted', { lifecycle: 'DELETING' }));

  it('never gives a generation of a slot twice, not even of a forgotten replica', () => {
    given(dockerService, [...stable, gone]).when(takeStep({ creates: [order(1)] })).rejects('docker_service.generation_taken', { slot: 1, generation: 1 });
    given(dockerService, stable).when(takeStep({ creates: [order(3), { ...order(3), replicaId: 'rep_other' }] })).rejects('docker_service.generation_taken', { slot: 3, generation: 1 });
  });
});

describe('the end of a deployment', () => {
  const end: DockerServiceCommand = { type: 'EndDeployment', data: { deploymentId: 'dep_1', outcome: 'FAILED', reason, toRelease: 1, ordered: [order(1)], stopped: [], forgotten: [] } };

  it('is taken from the deployment', () => given(dockerService, created).when(end).then([ended('FAILED', [order(1)])]));
  it('is taken once', () => given(dockerService, [...created, ended('SUCCEEDED')]).when(end).then([]));
  it('needs a service', () => given(dockerService, []).when(end).rejects('docker_service.not_found'));

  it('halts a service without a stable release', () => {
    expect(fold(dockerService, halted)).toMatchObject({ halted: reason, stableRelease: null, activeDeployment: null });
    expect(fold(dockerService, stable)).toMatchObject({ halted: null, stableRelease: 1, activeDeployment: null });
  });

  it('hands over the replicas, what of them was stopped, and the generations of the forgotten', () => {
    const handedOver = fold(dockerService, [
      ...created,
      {
        type: 'DeploymentEnded',
        data: {
          deploymentId: 'dep_1',
          outcome: 'SUCCEEDED',
          reason,
          toRelease: 1,
          ordered: [order(1), order(1, 2), order(2)],
          stopped: [{ replicaId: 'rep_2_1', reason }],
          forgotten: ['rep_1_1'],
        },
      },
    ]);
    expect(handedOver).toMatchObject({
      orders: {
        replicas: new Map([
          ['rep_1_2', { ...order(1, 2), stopped: null }],
          ['rep_2_1', { ...order(2), stopped: reason }],
        ]),
        generations: new Map([
          [1, 2],
          [2, 1],
        ]),
      },
    });
  });
});

describe('deleting', () => {
  it('is requested once', () => {
    given(dockerService, stable).when(requestDeletion).then([requested]);
    given(dockerService, [...stable, requested]).when(requestDeletion).then([]);
    given(dockerService, [...stable, requested, gone, deleted]).when(requestDeletion).then([]);
  });

  it('may be requested in the middle of a deployment', () => given(dockerService, created).when(requestDeletion).then([requested]));
  it('is refused for a service that never was', () => given(dockerService, []).when(requestDeletion).rejects('docker_service.not_found'));

  it('is done when every replica was forgotten, and done once', () => {
    given(dockerService, [...stable, requested, gone]).when(confirmDeleted).then([deleted]);
    given(dockerService, [...stable, requested, gone, deleted]).when(confirmDeleted).then([]);
  });

  it('is not done while a replica may have a container', () =>
    given(dockerService, [...stable, requested]).when(confirmDeleted).rejects('docker_service.replicas_left', { replicaIds: ['rep_1_1', 'rep_2_1'] }));

  it('is not done while a deployment may order more', () =>
    given(dockerService, [...created, requested]).when(confirmDeleted).rejects('docker_service.deployment_active', { deploymentId: 'dep_1' }));

  it('is not done unasked', () => given(dockerService, stable).when(confirmDeleted).rejects('docker_service.not_deleting'));
});

describe('a history out of order', () => {
  it('is not folded', () => expect(() => fold(dockerService, [requested])).toThrow('docker_service is absent'));
});
