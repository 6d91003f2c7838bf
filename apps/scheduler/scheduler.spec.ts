import type { ReplicaId } from '#domain';
import { IDS, MIB, SchedulerWorld, SPEC } from '../../test/simulation/scheduler-world.ts';

let world: SchedulerWorld;
afterEach(async () => {
  expect(world.breaches()).toEqual([]);
  await world.end();
});

const stable = (replicas: number, limitMs = 60_000): Promise<void> => world.clock.advanceUntil(() => world.isStable(replicas), limitMs);
const until = (condition: () => boolean | Promise<boolean>, limitMs = 60_000): Promise<void> => world.clock.advanceUntil(condition, limitMs);

describe('a service', () => {
  it('comes to its replicas, spread over the nodes, and its deployment to success', async () => {
    world = await SchedulerWorld.begin({ nodes: 3 });
    await world.createService(3);
    await stable(3);
    expect(world.slots()).toEqual([1, 2, 3]);
    expect(world.nodes.map(({ alive }) => alive.length)).toEqual([1, 1, 1]);
    expect((await world.deployment()).closed?.outcome).toBe('SUCCEEDED');
    expect((await world.service()).stableRelease).toBe(1);
  });

  it('tells the agent all that it needs, and nothing twice', async () => {
    world = await SchedulerWorld.begin();
    await world.createService(1, { spec: { env: { PORT: '80' } } });
    await stable(1);
    const [assignment] = world.nodes[0]!.alive;
    expect(assignment).toMatchObject({
      owner: { type: 'docker_service', id: IDS.serviceId },
      slot: 1,
      generation: 1,
      release: 1,
      networks: [{ networkId: IDS.networkId, name: 'default', subnet: '10.192.0.0/24', aliases: ['api', IDS.serviceId, 'api.production.shop.internal'] }],
      spec: { env: { PORT: '80' } },
      timeoutMs: null,
    });
  });

  it('says in each of its events what made it happen', async () => {
    world = await SchedulerWorld.begin();
    await world.createService(1);
    await stable(1);
    const own = world.store.log.filter(({ metadata }) => metadata.actor.id === 'scheduler' && metadata.tenantId === IDS.projectId);
    expect(own.length).toBeGreaterThan(5);
    const ids = new Set(world.store.log.map(({ id }) => id));
    expect(own.filter(({ metadata }) => !ids.has(metadata.causationId ?? ''))).toEqual([]);
    const [created] = world.events('DockerServiceCreated');
    expect(world.events('ReplicaPlaced')[0]?.metadata.correlationId).toBe(created?.metadata.correlationId);
  });

  it('is scaled up and down, the highest slots going first', async () => {
    world = await SchedulerWorld.begin({ nodes: 2 });
    await world.createService(1);
    await stable(1);
    await world.scale(5);
    await stable(5);
    await world.scale(2);
    await stable(2);
    expect(world.slots()).toEqual([1, 2]);
    expect(world.events('ReplicaReleased')).toHaveLength(3);
  });

  it('takes a scale during its deployment for the number to reach', async () => {
    world = await SchedulerWorld.begin();
    await world.createService(3);
    await world.clock.advance(300);
    await world.scale(5);
    await stable(5);
    expect((await world.deployment()).closed?.outcome).toBe('SUCCEEDED');
    expect(world.events('ServiceStepTaken').filter(({ data }) => (data as { creates: unknown[] }).creates.length > 0)).toEqual([]);
  });

  it('gets another replica for one that was lost', async () => {
    world = await SchedulerWorld.begin();
    await world.createService(2);
    await stable(2);
    const lost = world.nodes[0]!.alive[0]!;
    await world.nodes[0]!.lose(lost.replicaId);
    await until(async () => (await world.isStable(2)) && world.nodes[0]!.made.length === 3);
    expect(world.nodes[0]!.alive.find(({ slot }) => slot === lost.slot)?.generation).toBe(2);
  });

  it('leaves nothing behind when it is deleted, and its name free', async () => {
    world = await SchedulerWorld.begin({ nodes: 2 });
    await world.createService(4);
    await stable(4);
    await world.deleteService();
    await until(() => world.events('NameReleased').length === 1);
    expect(world.slots()).toEqual([]);
    expect((await world.service()).lifecycle).toBe('DELETED');
    expect(world.events('ReplicaReleased')).toHaveLength(4);
  });

  it('is deleted in the middle of its deployment', async () => {
    world = await SchedulerWorld.begin();
    await world.createService(3);
    await world.clock.advance(50);
    await world.deleteService();
    await until(() => world.events('NameReleased').length === 1);
    expect(world.slots()).toEqual([]);
    expect((await world.deployment()).closed?.outcome).toBe('CANCELLED');
  });

  it('fails by the first replica that is given up, stops the others and starts nothing more', async () => {
    world = await SchedulerWorld.begin();
    world.nodes[0]!.fateOf = ({ slot }) => (slot === 2 ? 'fails' : 'settles');
    await world.createService(3);
    await until(async () => (await world.service()).halted !== null && world.slots().length === 0);
    expect((await world.service()).halted?.code).toBe('image_not_found');
    await world.clock.advance(120_000);
    expect(world.slots()).toEqual([]);
  });
});

describe('a deadline', () => {
  it('fails a deployment that makes no progress, after a fresh report of its nodes', async () => {
    world = await SchedulerWorld.begin();
    world.nodes[0]!.fateOf = () => 'hangs';
    await world.createService(1, { deploy: { progressDeadlineMs: 20_000 } });
    await until(async () => (await world.service()).halted !== null, 30_000);
    expect((await world.service()).halted?.code).toBe('progress_deadline');
    await until(() => world.slots().length === 0);
  });

  it('judges no deadline before a report of the node was taken in', async () => {
    world = await SchedulerWorld.begin();
    const node = world.nodes[0]!;
    node.fateOf = () => 'hangs';
    node.reportsAreTaken = false;
    await world.createService(1, { deploy: { progressDeadlineMs: 20_000 } });
    await world.clock.advance(50_000);
    expect((await world.deployment()).closed).toBeNull();
    node.reportsAreTaken = true;
    await until(async () => (await world.deployment()).closed !== null, 5_000);
  });

  it('is judged with the words of the last probes, which come with the report', async () => {
    world = await SchedulerWorld.begin();
    const node = world.nodes[0]!;
    node.fateOf = (assignment) => {
      node.probes = [{ replicaId: assignment.replicaId, run: 1, detail: 'GET / on port 80 answered 503' }];
      return 'hangs';
    };
    await world.createService(1, { deploy: { healthyDeadlineMs: 20_000 } });
    await until(async () => (await world.deployment()).closed !== null, 30_000);
    expect((await world.deployment()).closed?.reason.message).toContain('its last probe: GET / on port 80 answered 503');
  });

  it('waits for no report of a node that nobody can reach', async () => {
    world = await SchedulerWorld.begin();
    world.nodes[0]!.fateOf = () => 'hangs';
    await world.createService(1, { deploy: { progressDeadlineMs: 20_000 } });
    await world.clock.advance(5_000);
    await world.nodes[0]!.vanish();
    await until(async () => (await world.deployment()).closed !== null, 30_000);
    expect((await world.deployment()).closed?.reason).toMatchObject({ code: 'node_unreachable', message: expect.stringContaining('outcome: unknown') as string });
  });

  it('waits a minute at most for the report of one that is heard but says nothing', async () => {
    world = await SchedulerWorld.begin();
    world.nodes[0]!.fateOf = () => 'hangs';
    world.broker.drop(({ subject }) => subject.endsWith('report_now'));
    await world.createService(1, { deploy: { progressDeadlineMs: 20_000 } });
    await world.clock.advance(60_000);
    expect((await world.deployment()).closed).toBeNull();
    await until(async () => (await world.deployment()).closed !== null, 40_000);
  });
});

describe('placement', () => {
  it('says why no node fits, once, and places when one does', async () => {
    world = await SchedulerWorld.begin({ capacity: { cpuMillis: 4_000, memoryBytes: 100 * MIB } });
    await world.createService(2);
    await until(() => world.events('PlacementDeferred').length === 1);
    await world.clock.advance(40_000);
    expect(world.events('PlacementDeferred')).toHaveLength(1);
    expect(world.events('PlacementDeferred')[0]?.data).toMatchObject({ reason: { code: 'capacity' }, nodes: [{ name: 'n1', fits: false }] });
    await world.addNode('n2');
    await stable(2);
  });

  it('puts nothing on a drained node until it is activated', async () => {
    world = await SchedulerWorld.begin();
    await world.nodes[0]!.drain();
    await world.createService(1);
    await until(() => world.events('PlacementDeferred').length === 1);
    expect(world.events('PlacementDeferred')[0]?.data).toMatchObject({ reason: { code: 'drained' } });
    await world.nodes[0]!.activate();
    await stable(1);
  });

  it('lets one replica of a service hold a host port on a node', async () => {
    world = await SchedulerWorld.begin({ nodes: 2 });
    await world.createService(2, { spec: { ports: [{ containerPort: 80, protocol: 'tcp', hostPort: 8080 }] } });
    await stable(2);
    expect(world.nodes.map(({ alive }) => alive.length)).toEqual([1, 1]);
  });

  it('puts what may not be pulled where it is, and names who lacks it when there is no room', async () => {
    world = await SchedulerWorld.begin({ nodes: 2, capacity: { cpuMillis: 4_000, memoryBytes: 200 * MIB } });
    const [lacking, holder] = world.nodes;
    lacking!.hasImage = () => false;
    await world.createService(3, { spec: { pullPolicy: 'never' } });
    await stable(3);
    expect([lacking!.made.length, holder!.alive.length]).toEqual([0, 3]);
    await world.scale(4);
    await until(() => world.events('PlacementDeferred').length === 1);
    expect(world.events('PlacementDeferred')[0]?.data).toMatchObject({ reason: { message: expect.stringContaining('n1: it does not have the image docker.io/library/api:1') as string } });
    lacking!.hasImage = () => true;
    await stable(4);
    expect(lacking!.alive).toHaveLength(1);
  });

  it('leaves the word to an agent where no node has it: that ends it', async () => {
    world = await SchedulerWorld.begin();
    world.nodes[0]!.hasImage = () => false;
    await world.createService(1, { spec: { pullPolicy: 'never' } });
    await until(() => world.nodes[0]!.made.length === 1);
    expect(world.events('PlacementDeferred')).toEqual([]);
  });

  it('gives up what is deleted before any node fits', async () => {
    world = await SchedulerWorld.begin({ nodes: 0 });
    await world.createService(2);
    await until(() => world.events('PlacementDeferred').length === 2);
    await world.deleteService();
    await until(() => world.events('NameReleased').length === 1);
    expect(world.events('ReplicaAbandoned')).toHaveLength(2);
  });
});

describe('a removed node', () => {
  it('has its replicas made good elsewhere', async () => {
    world = await SchedulerWorld.begin({ nodes: 2 });
    await world.createService(4);
    await stable(4);
    const [lost, other] = world.nodes;
    await lost!.loseAndRemove();
    await until(() => other!.alive.length === 4);
    expect(other!.alive.map(({ slot }) => slot).sort()).toEqual([1, 2, 3, 4]);
    const gone = world.events('ReplicaObserved').filter(({ data }) => (data as { reason: { code: string } | null }).reason?.code === 'node_removed');
    expect(gone).toHaveLength(2);
  });
});

describe('a job', () => {
  it('is placed, and its container taken down when it has ended', async () => {
    world = await SchedulerWorld.begin();
    world.nodes[0]!.fateOf = () => 'completes';
    const replicaId = await world.runJob();
    await until(async () => (await world.replicaState(replicaId)) === 'COMPLETED');
    expect(world.nodes[0]!.alive[0]).toMatchObject({ timeoutMs: 60_000, spec: SPEC });
    await world.endJob();
    await until(() => world.events('ReplicaReleased').length === 1);
    expect(world.slots()).toEqual([]);
  });

  it('is given up when it ends before it found a place', async () => {
    world = await SchedulerWorld.begin({ nodes: 0 });
    const replicaId: ReplicaId = await world.runJob();
    await until(() => world.events('PlacementDeferred').length === 1);
    await world.endJob();
    await until(async () => (await world.replicaState(replicaId)) === 'abandoned');
  });
});
