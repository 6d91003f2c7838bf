import { eventNameOf, subjects, type Heartbeat, type SetChunk } from '#contracts';
import { network, type NodeId, PLATFORM, project, streamOf } from '#domain';
import { IDS, SchedulerWorld } from '../../test/simulation/scheduler-world.ts';

let world: SchedulerWorld;
afterEach(() => world.end());

const until = (condition: () => boolean | Promise<boolean>, limitMs = 120_000): Promise<void> => world.clock.advanceUntil(condition, limitMs);

const subnet = async (): Promise<string | null> => {
  const { state } = await world.aggregates.load(network, streamOf('network', IDS.networkId));
  return state.status === 'present' ? state.subnet : null;
};

describe('networks', () => {
  it('come with their environment, and go with it', async () => {
    world = await SchedulerWorld.begin();
    expect(await subnet()).toBe('10.192.0.0/24');
    await world.deleteEnvironment();
    await until(() => world.events('SubnetFreed').length === 1);
    expect(await subnet()).toBeNull();
  });

  it('get another subnet where a host uses theirs already, once, and the agent is told', async () => {
    world = await SchedulerWorld.begin();
    world.nodes[0]!.fateOf = ({ networks: [given] }) => (given!.subnet === '10.192.0.0/24' ? 'meets_taken_subnet' : 'settles');
    await world.createService(1);
    await until(() => world.isStable(1));
    expect(await subnet()).toBe('10.192.1.0/24');
    expect(world.events('SubnetBarred')).toHaveLength(1);
    expect(world.nodes[0]!.sets.at(-1)?.entries[0]?.networks[0]?.subnet).toBe('10.192.1.0/24');
  });

  it('get a third subnet where a host uses the second one, too', async () => {
    world = await SchedulerWorld.begin();
    const taken = ['10.192.0.0/24', '10.192.1.0/24'];
    world.nodes[0]!.fateOf = ({ networks: [given] }) => (taken.includes(given!.subnet) ? 'meets_taken_subnet' : 'settles');
    await world.createService(1);
    await until(() => world.isStable(1));
    expect(await subnet()).toBe('10.192.2.0/24');
    expect(world.events('SubnetBarred').map(({ data }) => (data as { subnet: string }).subnet)).toEqual(taken);
  });

  it('are waited for by placement', async () => {
    world = new SchedulerWorld();
    await world.addNode('n1');
    await world.createProject();
    await world.createService(1);
    world.addScheduler();
    await until(() => world.isStable(1));
    const order = world.store.log.map(({ type }) => type);
    expect(order.indexOf('NetworkCreated')).toBeLessThan(order.indexOf('PlacementClaimed'));
  });
});

describe('names', () => {
  it('are free again a minute after they were claimed for a service that never came, which can not come any more', async () => {
    world = await SchedulerWorld.begin();
    await world.claimName();
    await world.clock.advance(55_000);
    expect(world.events('NameReleased')).toEqual([]);
    await until(() => world.events('NameReleased').length === 1, 20_000);
    expect(world.events('ReservationVoided')).toHaveLength(1);
    await expect(world.createService(1)).rejects.toMatchObject({ code: 'reservation.voided' });
    const { state } = await world.aggregates.load(project, streamOf('project', IDS.projectId));
    expect(state.status).toBe('present');
  });

  it('of projects that never came are free after that time, too, and those of deleted ones at once', async () => {
    world = await SchedulerWorld.begin();
    await world.claimName({ scope: 'project', name: 'never', holder: 'prj_never' }, PLATFORM);
    await world.claimName({ scope: 'project', name: 'shop', holder: IDS.projectId }, PLATFORM);
    await until(() => world.events('NameReleased').length === 1, 90_000);
    expect(world.events('NameReleased').map(({ data }) => data)).toMatchObject([{ holder: 'prj_never' }]);
    await world.clock.advance(90_000);
    await world.deleteProject();
    await until(() => world.events('NameReleased').length === 2, 40_000);
  });

  it.each([
    ['project', 'ProjectReservationVoided'],
    ['volume', 'VolumeReservationVoided'],
    ['network', 'NetworkReservationVoided'],
    ['secret', 'SecretReservationVoided'],
    ['config', 'ConfigReservationVoided'],
    ['resource', 'ResourceReservationVoided'],
  ] as const)('of a %s are given back only after its stream says that it never comes', async (scope, voided) => {
    world = await SchedulerWorld.begin();
    const holder = { project: 'prj_x', volume: 'vol_x', network: 'net_x', secret: 'sec_x', config: 'cfg_x', resource: 'res_x' }[scope];
    await world.claimName({ scope, name: 'x', holder }, scope === 'project' ? PLATFORM : IDS.projectId);
    await until(() => world.events('NameReleased').length === 1, 90_000);
    const order = world.store.log.map(({ type }) => type);
    expect(order.indexOf(voided)).toBeGreaterThan(order.indexOf('NameClaimed'));
    expect(order.indexOf(voided)).toBeLessThan(order.indexOf('NameReleased'));
  });

  it('stay with a service that was written', async () => {
    world = await SchedulerWorld.begin();
    await world.createService(1);
    await world.clock.advance(200_000);
    expect(world.events('NameReleased')).toEqual([]);
    expect(world.events('ReservationVoided')).toEqual([]);
  });
});

describe('dispatch', () => {
  it('is repeated until the agent has it, whatever gets lost', async () => {
    world = await SchedulerWorld.begin();
    const end = world.broker.drop(({ subject }) => subject === subjects.set(world.nodes[0]!.nodeId));
    await world.createService(1);
    await world.clock.advance(20_000);
    expect(world.slots()).toEqual([]);
    end();
    await until(() => world.isStable(1));
    expect(world.breaches()).toEqual([]);
  });

  it('goes on from what the agent says that it holds, when a new scheduler knows nothing of it', async () => {
    world = await SchedulerWorld.begin();
    await world.createService(1);
    await until(() => world.isStable(1));
    const [first] = world.processes;
    void first!.bus.close();
    first!.store.freeze();
    world.addScheduler();
    await world.scale(2);
    await until(() => world.isStable(2));
  });

  it('of another store is refused, said once, and taken when an operator adopts the node', async () => {
    world = await SchedulerWorld.begin();
    const [node] = world.nodes;
    await node!.forgetInto({ storeId: 'store_another', head: { revision: '40', eventId: 'event of another history' }, entries: [], adoptions: [] });
    await world.createService(1, { deploy: { progressDeadlineMs: 600_000, healthyDeadlineMs: 600_000 } });
    await world.clock.advance(120_000);
    expect(world.slots()).toEqual([]);
    expect(world.processes[0]!.logger.entries.filter(({ message }) => message === 'agent refuses its set')).toHaveLength(1);
    const offers = countSets(node!.nodeId);
    await world.clock.advance(60_000);
    expect(offers()).toBe(0);
    await node!.adopt();
    await until(() => world.isStable(1));
  });

  it('of another store is offered again to an agent that was restarted, so that it says once more why nothing happens', async () => {
    world = await SchedulerWorld.begin();
    const [node] = world.nodes;
    const elsewhere = { storeId: 'store_another', head: { revision: '40', eventId: 'event of another history' }, entries: [], adoptions: [] };
    await node!.forgetInto(elsewhere);
    await world.createService(1);
    await until(() => node!.stand.refusing !== null);
    await node!.restart();
    expect(node!.stand.refusing).toBeNull();
    await until(() => node!.stand.refusing !== null);
  });

  it('is begun by a heartbeat that lags behind', async () => {
    world = await SchedulerWorld.begin();
    await world.createService(1);
    await until(() => world.isStable(1));
    const [node] = world.nodes;
    const offers = countSets(node!.nodeId);
    const stand = { nodeId: node!.nodeId, storeId: world.store.storeId, applied: { revision: '0', eventId: eventNameOf(world.events('NodeRegistered')[0]!) }, refusing: null };
    world.broker.bus('elsewhere').publish(subjects.heartbeat(node!.nodeId), { stand, beat: 1 } satisfies Heartbeat);
    await world.clock.advance(100);
    expect(offers()).toBeGreaterThan(0);
  });
});

/** Counts the pieces of sets that are sent from now on. */
function countSets(nodeId: NodeId): () => number {
  let count = 0;
  world.broker.bus('listener').subscribe<SetChunk>(`${subjects.set(nodeId)}`, () => new Promise(() => (count += 1)));
  return () => count;
}
