import { questionOf, subjects, type ValueReply, type ValueRequest } from '#contracts';
import { dockerService, resource, streamOf, type CommandMetadata, type ContainerSpec, type DependencyTarget, type DependencyUse, type DockerServiceCommand, type ReplicaEvent, type ResourceSettings } from '#domain';
import { open } from '#secrets';
import { IDS, SchedulerWorld } from '../../../test/simulation/scheduler-world.ts';
import { aContainerSpec, aDeploySettings } from '#testing';

let world: SchedulerWorld;
afterEach(() => world.end());

const until = (condition: () => boolean | Promise<boolean>, limitMs = 240_000): Promise<void> => world.clock.advanceUntil(condition, limitMs);
const APP = 'svc_app';
const target = (over: Partial<DependencyTarget> = {}): DependencyTarget => ({
  name: 'main-db', kind: 'postgres', version: 1, hostname: 'main-db', address: null, dockerServiceId: IDS.serviceId, networks: [{ networkId: IDS.networkId, name: 'default' }], port: 5432, user: null, database: null, password: null, ...over,
});
const use = (over: Partial<DependencyUse> = {}): DependencyUse => ({ resourceId: 'res_a', dockerServiceId: null, prefix: null, wait: 'healthy', target: target(), ...over });
const settings = (over: Partial<ResourceSettings> = {}): ResourceSettings => ({ hostname: 'main-db', host: null, port: 5432, user: null, database: null, password: null, dockerServiceId: IDS.serviceId, ...over });

const by = (commandId: string): CommandMetadata => ({ commandId, tenantId: IDS.projectId, actor: { type: 'token', id: 'tok_test' }, originId: null, now: world.clock.now(), correlationId: commandId, causationId: null });
const onApp = (command: DockerServiceCommand) => world.aggregates.handle(dockerService, streamOf('docker_service', APP), command, by(`app ${command.type} ${world.clock.now()}`));
const app = async () => {
  const { state } = await world.aggregates.load(dockerService, streamOf('docker_service', APP));
  if (state.status !== 'present') throw new Error(state.status);
  return state;
};

/** A service that uses the other one. */
async function createApp(dependencies: DependencyUse[], over: Partial<ContainerSpec> = {}): Promise<void> {
  const { projectId, environmentId, networkId } = IDS;
  const deploy = aDeploySettings({ healthyDeadlineMs: 120_000, progressDeadlineMs: 180_000 });
  const data = { dockerServiceId: APP, projectId, environmentId, networkId, name: 'app', hostname: 'app.production.shop.internal', kind: 'worker', replicas: 1, deploy, deploymentId: 'dep_app', spec: aContainerSpec({ dependencies, ...over }) } as const;
  await onApp({ type: 'CreateDockerService', data });
}

const ofApp = (type: ReplicaEvent['type']) => world.events(type).filter(({ data }) => (data as { owner: { id: string } }).owner.id === APP);
const reasons = () => ofApp('PlacementDeferred').map(({ data }) => (data as { reason: { message: string } }).reason.message);
const isStable = async (): Promise<boolean> => !(await app()).activeDeployment && (await app()).stableRelease !== null;

describe('a replica that waits for a dependency', () => {
  it('is held with the reason, and placed once a replica of that runs', async () => {
    world = await SchedulerWorld.begin({ nodes: 2, schedulers: 2 });
    await world.createService(0);
    await createApp([use()]);
    await world.clock.advance(20_000);
    expect([ofApp('PlacementClaimed').length, reasons()]).toEqual([0, [`waiting for dependency main-db (api, ${IDS.serviceId}), which is scaled to 0`]]);
    await world.scale(1);
    await until(() => ofApp('PlacementClaimed').length === 1);
    const log = world.store.log;
    const ran = log.findIndex(({ type, data }) => type === 'ReplicaObserved' && (data as { state: string }).state === 'RUNNING');
    expect(ran).toBeGreaterThan(0);
    expect(log.indexOf(ofApp('PlacementClaimed')[0]!)).toBeGreaterThan(ran);
    // Each other wait is told, each once.
    expect(reasons()).toEqual([`waiting for dependency main-db (api, ${IDS.serviceId}), which is scaled to 0`, `waiting for dependency main-db (api, ${IDS.serviceId}): none of its replicas is healthy yet`]);
    await until(isStable);
    expect(world.breaches()).toEqual([]);
  });

  it('waits no longer than its deployment: that fails, and says for what it waited', async () => {
    world = await SchedulerWorld.begin();
    await world.createService(0);
    await createApp([use()]);
    await until(() => world.events('DeploymentEnded').length === 2);
    const ended = world.events('DeploymentEnded').map(({ data }) => data as { deploymentId: string; outcome: string; reason: { message: string } });
    const { outcome, reason } = ended.find(({ deploymentId }) => deploymentId === 'dep_app')!;
    expect(outcome).toBe('FAILED');
    expect(reason.message).toContain('waiting for dependency main-db');
    expect(ofApp('PlacementClaimed')).toEqual([]);
  });

  it('doesn’t wait for what is elsewhere, nor where nobody asked', async () => {
    world = await SchedulerWorld.begin();
    await world.createService(0);
    await createApp([use({ target: target({ dockerServiceId: null, address: '10.9.9.9' }) }), use({ resourceId: 'res_b', wait: null, prefix: 'B', target: target({ hostname: 'other' }) })]);
    await until(isStable);
    expect(reasons()).toEqual([]);
  });
});

describe('a resource that changes', () => {
  const change = (over: Partial<ResourceSettings>) => world.aggregates.handle(resource, streamOf('resource', 'res_a'), { type: 'ChangeResource', data: { settings: settings(over) } }, by(`change ${JSON.stringify(over)} ${world.clock.now()}`));
  const ports = () => world.events('ReleaseCut').filter(({ stream }) => stream.endsWith(APP)).map(({ data }) => (data as { spec: ContainerSpec }).spec.dependencies![0]!.target!.port);

  async function standing(options: { schedulers?: number } = {}): Promise<void> {
    world = await SchedulerWorld.begin({ nodes: 2, ...options });
    await world.createService(1);
    const { projectId, environmentId } = IDS;
    await world.aggregates.handle(resource, streamOf('resource', 'res_a'), { type: 'CreateResource', data: { resourceId: 'res_a', projectId, environmentId, name: 'main-db', kind: 'postgres', settings: settings() } }, by('create res_a'));
    await createApp([use({ wait: null })]);
    await until(isStable);
  }

  it('rolls who depends on it, once, whichever of two schedulers comes first', async () => {
    await standing({ schedulers: 2 });
    await change({ port: 5433 });
    await until(async () => ports().length === 2 && (await isStable()));
    await world.clock.advance(90_000);
    expect(ports()).toEqual([5432, 5433]);
    expect(world.breaches()).toEqual([]);
    // Back again is another change.
    await change({});
    await until(async () => ports().length === 3 && (await isStable()));
  });

  it('rolls who depends on it when the service behind it moves its port, also where it has had that before', async () => {
    await standing();
    await change({ port: null });
    const listen = async (containerPort: number): Promise<void> => {
      const spec = { ...aContainerSpec(), ports: [{ containerPort, protocol: 'tcp' as const, hostPort: null }] };
      await world.onService({ type: 'ChangeDockerService', data: { deploymentId: `dep_${containerPort}_${world.clock.now()}` as never, spec } });
      await until(async () => ports().at(-1) === containerPort && (await isStable()));
    };
    for (const port of [6000, 6001, 6000, 6001]) await listen(port);
    expect(ports().slice(-4)).toEqual([6000, 6001, 6000, 6001]);
  });

  it('rolls nobody a second time who failed with it, nor one that is paused before it is resumed', async () => {
    await standing();
    for (const node of world.nodes) node.fateOf = ({ owner, release }) => (owner.id === APP && release === 2 ? 'fails' : 'settles');
    await change({ port: 5433 });
    await until(() => world.events('DeploymentEnded').some(({ data }) => (data as { outcome: string }).outcome === 'ROLLED_BACK'));
    await world.clock.advance(90_000);
    expect(ports()).toEqual([5432, 5433]);
    await onApp({ type: 'PauseDockerService', data: {} });
    await change({ port: 5434 });
    await world.clock.advance(60_000);
    expect(ports()).toEqual([5432, 5433]);
    await onApp({ type: 'ResumeDockerService', data: { deploymentId: 'dep_resumed' } });
    await until(() => ports().length === 3);
  });
});

describe('the password of a resource', () => {
  it('is given to who depends on it, and its next version rolls him', async () => {
    world = await SchedulerWorld.begin();
    await world.keepSecret(1);
    await createApp([use({ target: target({ dockerServiceId: null, password: { secretId: 'sec_db', version: 1, follows: true } }) })]);
    await until(isStable);
    const node = world.nodes[0]!;
    const ask = async (version: number): Promise<string> => {
      const request: ValueRequest = { nodeId: node.nodeId, replicaId: node.alive[0]!.replicaId, id: 'sec_db', version, nonce: 'n' };
      let reply: ValueReply | null = null;
      void world.broker.bus('somebody').request<ValueReply>(subjects.value(node.nodeId), request, 5_000).then((answer) => (reply = answer));
      await until(() => reply !== null);
      return 'sealed' in reply! ? open((reply as { sealed: string }).sealed, node.seed, questionOf(request)).reveal().toString() : 'refused';
    };
    expect([await ask(1), await ask(2)]).toEqual(['value 1', 'refused']);
    await world.keepSecret(2);
    await until(async () => (await app()).releases.size === 2 && (await isStable()));
    expect((await app()).releases.get(2)!.dependencies![0]!.target!.password).toEqual({ secretId: 'sec_db', version: 2, follows: true });
  });
});
