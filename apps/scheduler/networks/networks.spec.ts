import { NETWORK_POOL, networkPool, project, streamOf, type ContainerSpec, type NetworkId } from '#domain';
import { IDS, SchedulerWorld } from '../../../test/simulation/scheduler-world.ts';

let world: SchedulerWorld;
afterEach(() => world.end());

const until = (condition: () => boolean | Promise<boolean>, limitMs = 120_000): Promise<void> => world.clock.advanceUntil(condition, limitMs);

const BACKEND: NetworkId = 'net_backend';
const JOINS: Partial<ContainerSpec> = { networks: [{ networkId: BACKEND, name: 'backend', aliases: ['store'] }] };
const NAMES = ['api', IDS.serviceId, 'api.production.shop.internal'];

const subnetOf = async (networkId: NetworkId): Promise<string | null> => {
  const state = await world.network(networkId);
  return state.status === 'present' ? state.subnet : null;
};
const told = () => world.nodes[0]!.sets.at(-1)!.entries[0]!.networks;
const freed = (): unknown[] => world.events('SubnetFreed').map(({ data }) => (data as { networkId: string }).networkId);
const whyDeferred = (): string => (world.events('PlacementDeferred').at(-1)?.data as { reason: { message: string } } | undefined)?.reason.message ?? '';

/** By whom subnets are held, in the end. */
const holders = async (): Promise<readonly string[]> => [...(await world.aggregates.load(networkPool, streamOf('network_pool', NETWORK_POOL))).state.allotted.keys()];

describe('the network of an environment', () => {
  it('leaves no subnet behind where the environment went before it was there, wherever the scheduler died', async () => {
    let dies = true;
    for (let appends = 1; dies; appends += 1) {
      world = new SchedulerWorld();
      await world.createProject();
      let died = false;
      world.kill(world.addScheduler(), appends, 'after', () => (died = true));
      await world.clock.advance(5_000);
      await world.deleteEnvironment();
      await world.clock.advance(5_000);
      dies = died;
      if (died) world.addScheduler();
      await world.clock.advance(60_000);
      expect(await holders()).toEqual([]);
      expect((await world.network(IDS.networkId)).status).not.toBe('present');
      if (dies) await world.end();
    }
  });

  it('leaves none behind where another scheduler, that stood still meanwhile, allots it one only after its end', async () => {
    world = new SchedulerWorld();
    await world.createProject();
    const late = world.addScheduler();
    late.store.freezeAtAppend(1);
    await world.clock.advance(100);
    expect(late.store.isFrozen).toBe(true);
    await world.deleteEnvironment();
    world.addScheduler();
    await world.clock.advance(60_000);
    world.kill(late, 2, 'before', () => undefined);
    late.store.thaw();
    await world.clock.advance(60_000);
    expect(world.events('SubnetAllotted')).toHaveLength(1);
    expect(await holders()).toEqual([]);
  });

  it('can not be written any more once it was given up', async () => {
    world = new SchedulerWorld();
    await world.createProject();
    const late = world.addScheduler();
    late.store.freezeAtAppend(2);
    await world.clock.advance(100);
    expect([late.store.isFrozen, await holders()]).toEqual([true, [IDS.networkId]]);
    await world.deleteEnvironment();
    world.addScheduler();
    await until(async () => (await holders()).length === 0);
    late.store.thaw();
    await world.clock.advance(60_000);
    expect((await world.network(IDS.networkId)).status).toBe('voided');
    expect(await holders()).toEqual([]);
  });
});

describe('a network that somebody named', () => {
  it('gets its subnet, and is told to the nodes of those in it, with all of their names there', async () => {
    world = await SchedulerWorld.begin();
    await world.nameNetwork(BACKEND, 'backend');
    await until(async () => (await subnetOf(BACKEND)) === '10.192.1.0/24');
    await world.createService(1, { spec: JOINS });
    await until(() => world.isStable(1));
    expect(told()).toEqual([
      { networkId: IDS.networkId, name: 'default', subnet: '10.192.0.0/24', aliases: NAMES },
      { networkId: BACKEND, name: 'backend', subnet: '10.192.1.0/24', aliases: [...NAMES, 'store'] },
    ]);
    expect(world.breaches()).toEqual([]);
  });

  it('is the only one of a container that keeps out of its environment’s own', async () => {
    world = await SchedulerWorld.begin();
    await world.nameNetwork(BACKEND, 'backend');
    await world.createService(1, { spec: { ...JOINS, defaultNetwork: false } });
    await until(() => world.isStable(1));
    expect(told().map(({ name }) => name)).toEqual(['backend']);
  });

  it('is waited for by placement, which says why it isn’t there yet', async () => {
    world = new SchedulerWorld();
    await world.addNode('n1');
    await world.createProject();
    world.addScheduler('10.192.0.0/24');
    await world.clock.advance(100);
    await world.nameNetwork(BACKEND, 'backend');
    await world.createService(1, { spec: JOINS });
    await until(() => whyDeferred().includes('the network backend, which it joins, has no subnet yet: no subnet of 10.192.0.0/24 is free'));
    expect(world.events('PlacementClaimed')).toEqual([]);
  });

  it('gets another subnet where a host uses its own already, and its environment’s own keeps its', async () => {
    world = await SchedulerWorld.begin();
    await world.nameNetwork(BACKEND, 'backend');
    world.nodes[0]!.fateOf = ({ networks: [given] }) => (given!.subnet === '10.192.1.0/24' ? 'meets_taken_subnet' : 'settles');
    await world.createService(1, { spec: { ...JOINS, defaultNetwork: false } });
    await until(() => world.isStable(1));
    expect([await subnetOf(IDS.networkId), await subnetOf(BACKEND)]).toEqual(['10.192.0.0/24', '10.192.2.0/24']);
  });

  it('gives its subnet and its name back when it is deleted, and is made under that name anew', async () => {
    world = await SchedulerWorld.begin();
    await world.nameNetwork(BACKEND, 'backend');
    await until(async () => (await subnetOf(BACKEND)) !== null);
    await world.onNetwork(BACKEND, { type: 'DeleteNetwork', data: {} });
    await until(() => freed().length === 1 && world.events('NameReleased').length === 1);
    expect(freed()).toEqual([BACKEND]);
    await world.nameNetwork('net_again', 'backend');
    await until(async () => (await subnetOf('net_again')) === '10.192.2.0/24');
  });

  it('keeps its subnet while a container that it was deleted under is there still, and lets in no other', async () => {
    world = await SchedulerWorld.begin();
    await world.nameNetwork(BACKEND, 'backend');
    await world.createService(1, { spec: JOINS });
    await until(() => world.isStable(1));
    await world.onNetwork(BACKEND, { type: 'DeleteNetwork', data: {} });
    await world.scale(2);
    await until(() => whyDeferred() === 'the network backend, which it joins, was deleted: take it out, or name another one');
    await world.clock.advance(60_000);
    expect([freed(), told().length]).toEqual([[], 2]);
    await world.deleteService();
    await until(() => freed().length === 1);
  });

  it('goes with its environment, which nothing else of it holds', async () => {
    world = await SchedulerWorld.begin();
    await world.nameNetwork(BACKEND, 'backend');
    await until(async () => (await subnetOf(BACKEND)) !== null);
    await world.deleteEnvironment();
    await until(() => freed().length === 2);
    expect((await world.network(BACKEND)).status).toBe('deleted');
    await until(() => world.events('NameReleased').length === 1);
  });

  it('leaves no name behind where it was never written, and can not be written any more', async () => {
    world = await SchedulerWorld.begin();
    await world.claimNetworkName(BACKEND, 'backend');
    await world.clock.advance(55_000);
    expect(world.events('NameReleased')).toEqual([]);
    await until(() => world.events('NameReleased').length === 1);
    expect((await world.network(BACKEND)).status).toBe('voided');
    const { state } = await world.aggregates.load(project, streamOf('project', IDS.projectId));
    expect(state.claims.size).toBe(0);
  });

  it('has one subnet, and leaves none behind, wherever the scheduler died', async () => {
    let dies = true;
    for (let appends = 1; dies; appends += 1) {
      world = await SchedulerWorld.begin();
      const [first] = world.processes;
      let died = false;
      world.kill(first!, appends, 'after', () => (died = true));
      await world.nameNetwork(BACKEND, 'backend');
      await world.clock.advance(5_000);
      await world.onNetwork(BACKEND, { type: 'DeleteNetwork', data: {} });
      await world.clock.advance(5_000);
      dies = died;
      if (died) world.addScheduler();
      await until(() => world.events('NameReleased').length === 1);
      await world.clock.advance(60_000);
      const allotted = world.events('SubnetAllotted').filter(({ data }) => (data as { networkId: string }).networkId === BACKEND);
      expect(freed()).toHaveLength(allotted.length);
      if (dies) await world.end();
    }
  });
});
