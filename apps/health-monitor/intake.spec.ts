import type { VolumeReport } from '#contracts';
import { streamOf, volume, type VolumeCommand } from '#domain';
import { eventIdOf } from '#event-store';
import { commandIdOf } from '#platform';
import { FACTS, MonitorWorld, saw } from '../../test/simulation/monitor-world.ts';

let world: MonitorWorld;
beforeEach(() => {
  world = new MonitorWorld();
  world.startMonitor();
});
afterEach(() => world.end());

describe('an agent that registers', () => {
  it('makes its node known, once', async () => {
    expect(await world.register('node_1')).toEqual({ registered: true, refused: null });
    expect(await world.register('node_1')).toEqual({ registered: true, refused: null });
    expect(world.typesIn('node', 'node_1')).toEqual(['NodeRegistered']);
    expect(world.dataOfLast('node', 'node_1')).toEqual({ ...FACTS, nodeId: 'node_1', publicKey: 'UA' });
  });

  it('tells what has changed, there and back', async () => {
    for (const labels of [{}, { zone: 'a' }, {}, { zone: 'a' }] as Record<string, string>[]) await world.register('node_1', { ...FACTS, labels });
    expect(world.typesIn('node', 'node_1')).toEqual(['NodeRegistered', 'NodeFactsChanged', 'NodeFactsChanged', 'NodeFactsChanged']);
  });

  it('is refused with the reason: another key, a removed node, another subject', async () => {
    await world.register('node_1');
    expect((await world.register('node_1', FACTS, 'UB')).refused).toMatch(/^node\.other_key: /);
    await world.toNode('node_1', { type: 'RemoveNode', data: {} });
    expect((await world.register('node_1')).refused).toMatch(/^node\.removed: /);
    const { monitor } = world.monitors[0]!;
    expect(await monitor.register('node_2', { nodeId: 'node_1', facts: FACTS, publicKey: 'UA' })).toEqual({ registered: false, refused: 'a registration of node_1 came on the subject of node_2' });
  });

  it('is refused under a name that is no id', async () => {
    expect(await world.register('host-1' as never)).toEqual({ registered: false, refused: 'host-1 is no id of a node' });
    expect(world.store.log).toEqual([]);
  });

  it('is asked to try again while the store is away', async () => {
    world.store.failAppends(...Array.from({ length: 100 }, () => 'unavailable' as const));
    expect(await world.register('node_1')).toEqual({ registered: false, refused: 'it could not be recorded; try again' });
  });
});

describe('what an agent observed', () => {
  beforeEach(async () => {
    await world.register('node_1');
    await world.place('rep_a', 'node_1', { slot: 1 });
    await world.place('rep_b', 'node_1', { slot: 2 });
  });

  it('is recorded in its order, and acknowledged', async () => {
    const reply = await world.observe('node_1', saw('rep_a', 'PREPARING'), saw('rep_b', 'RUNNING'), saw('rep_a', 'RUNNING'));
    expect(reply.acknowledged.toSorted()).toEqual([1, 2, 3]);
    expect([world.statesOf('rep_a'), world.statesOf('rep_b')]).toEqual([['PREPARING', 'RUNNING'], ['RUNNING']]);
  });

  it('is acknowledged again, and not recorded again, when it comes again', async () => {
    await world.observe('node_1', saw('rep_a', 'PREPARING'), saw('rep_a', 'RUNNING'));
    expect((await world.observe('node_1', saw('rep_a', 'PREPARING'), saw('rep_a', 'RUNNING'))).acknowledged).toEqual([1, 2]);
    expect(world.statesOf('rep_a')).toEqual(['PREPARING', 'RUNNING']);
  });

  it('is recorded once, though two monitors are asked at once', async () => {
    world.startMonitor();
    await Promise.all([world.observe('node_1', saw('rep_a', 'RUNNING')), world.observe('node_1', saw('rep_a', 'RUNNING'))]);
    expect(world.statesOf('rep_a')).toEqual(['RUNNING']);
  });

  it('is not acknowledged before it is durable, nor what comes after it', async () => {
    world.store.failAppends(...Array.from({ length: 200 }, () => 'unavailable' as const));
    expect((await world.observe('node_1', saw('rep_a', 'PREPARING'), saw('rep_a', 'RUNNING'))).acknowledged).toEqual([]);
    expect(world.statesOf('rep_a')).toEqual([]);
  });

  it('is acknowledged where only the answer of the store was lost', async () => {
    world.store.failAppends('answer_lost');
    expect((await world.observe('node_1', saw('rep_a', 'RUNNING'))).acknowledged).toEqual([1]);
    expect(world.statesOf('rep_a')).toEqual(['RUNNING']);
  });

  it('is acknowledged when it is refused for good, and that is recorded', async () => {
    await world.observe('node_1', saw('rep_a', 'RUNNING'));
    expect((await world.observe('node_1', saw('rep_a', 'STARTING'))).acknowledged).toEqual([1]);
    expect(world.dataOfLast('replica', 'rep_a')).toMatchObject({ state: 'STARTING', reason: { code: 'went_backwards' } });
    await world.register('node_2');
    expect((await world.observe('node_2', saw('rep_a', 'SETTLED'))).acknowledged).toEqual([1]);
    expect(world.dataOfLast('replica', 'rep_a')).toMatchObject({ nodeId: 'node_2', reason: { code: 'not_placed_here' } });
  });

  it('is heard anew once the node holds what it was refused for before: a log that was put back places again what the agent knows', async () => {
    await world.order('rep_c', 3);
    await world.observe('node_1', saw('rep_c', 'GONE'));
    expect(world.typesIn('replica', 'rep_c')).toEqual(['ReplicaCreated', 'ObservationRefused']);
    await world.place('rep_c', 'node_1', { slot: 3 });
    await world.observe('node_1', saw('rep_c', 'GONE'));
    expect(world.statesOf('rep_c')).toEqual(['GONE']);
  });

  it('is acknowledged for a replica of another history, and begins no stream', async () => {
    expect((await world.observe('node_1', saw('rep_other', 'RUNNING'))).acknowledged).toEqual([1]);
    expect(world.typesIn('replica', 'rep_other')).toEqual([]);
  });

  it('is faster than the scheduler: the word of the node is copied first', async () => {
    await world.place('rep_c', 'node_1', { copied: false, slot: 3 });
    expect((await world.observe('node_1', saw('rep_c', 'PREPARING'))).acknowledged).toEqual([1]);
    expect(world.typesIn('replica', 'rep_c')).toEqual(['ReplicaCreated', 'PlacementClaimed', 'PlacementSettled', 'ReplicaObserved']);
    const settled = world.store.log.find(({ stream, type }) => stream === 'replica-rep_c' && type === 'PlacementSettled');
    expect(settled?.data).toMatchObject({ outcome: 'placed', eventId: eventIdOf(commandIdOf('settle', 'rep_c', '1'), streamOf('node', 'node_1'), 0) });
    expect(world.store.log.find(({ id }) => id === (settled?.data as { eventId: string }).eventId)?.type).toBe('ReplicaPlaced');
  });

  it('waits where the node has not given its word', async () => {
    await world.register('node_2');
    await world.toReplica('rep_d', { type: 'CreateReplica', data: { replicaId: 'rep_d', owner: { type: 'job', id: 'job_1' }, deploymentId: null, projectId: 'prj_1', environmentId: 'env_1', slot: 0, generation: 1, release: null, request: { cpuMillis: 1, memoryBytes: 1 }, ports: [], constraints: [], replaces: null } });
    await world.toReplica('rep_d', { type: 'ClaimPlacement', data: { attempt: 1, nodeId: 'node_2', reason: { code: 'only_fit', message: '' }, nodes: [] } });
    expect((await world.observe('node_2', saw('rep_d', 'RUNNING'))).acknowledged).toEqual([]);
    expect(world.typesIn('replica', 'rep_d')).toEqual(['ReplicaCreated', 'PlacementClaimed']);
  });

  it('is dropped where it can not be read, so that it blocks nothing', async () => {
    const malformed = { ...saw('rep_a', 'RUNNING'), state: 'DANCING' } as never;
    expect((await world.observe('node_1', malformed, saw('rep_a', 'RUNNING'))).acknowledged).toEqual([1, 2]);
    expect(world.statesOf('rep_a')).toEqual(['RUNNING']);
  });

  it('brings nothing into the log but what is meant to be there', async () => {
    await world.observe('node_1', { ...saw('rep_a', 'RUNNING'), environment: 'SECRET=1' } as never);
    expect(world.statesOf('rep_a')).toEqual(['RUNNING']);
    expect(JSON.stringify(world.store.log.map(({ data }) => data))).not.toContain('SECRET=1');
  });

  it('is not taken on the subject of another node', async () => {
    const { monitor } = world.monitors[0]!;
    expect(await monitor.takeObservations('node_2', { nodeId: 'node_1', observations: [{ ...saw('rep_a', 'RUNNING'), seq: 1 }] })).toEqual({ acknowledged: [] });
    expect(world.statesOf('rep_a')).toEqual([]);
  });
});

describe("an agent's report", () => {
  beforeEach(async () => {
    await world.register('node_1');
    await world.place('rep_a', 'node_1', { slot: 1 });
    await world.observe('node_1', saw('rep_a', 'RUNNING', { run: 2 }));
  });

  it('is answered with what the log has later words of: an end, or a later run', async () => {
    await world.place('rep_c', 'node_1', { slot: 3 });
    await world.observe('node_1', saw('rep_c', 'RUNNING', { run: 4 }), saw('rep_c', 'FAILED', { run: 4 }));
    const applied = world.headOf('node_1');
    expect(await world.report('node_1', { applied }, saw('rep_a', 'RUNNING', { run: 2 }), saw('rep_c', 'SETTLED', { run: 4 }))).toEqual({ taken: true, passed: [{ replicaId: 'rep_c', run: 4 }] });
    expect(await world.report('node_1', { applied }, saw('rep_a', 'RUNNING', { run: 2 }), saw('rep_c', 'RUNNING', { run: 3 }))).toEqual({ taken: true, passed: [{ replicaId: 'rep_c', run: 4 }] });
    expect(await world.report('node_1', { applied }, saw('rep_a', 'RUNNING', { run: 2 }), saw('rep_c', 'RUNNING', { run: 5 }))).toEqual({ taken: true });
  });

  it('is answered with the run that the log takes for open, where an end of an earlier one is told', async () => {
    await world.place('rep_c', 'node_1', { slot: 3 });
    await world.observe('node_1', saw('rep_c', 'STOPPED', { run: 1 }), saw('rep_c', 'SETTLED', { run: 2 }));
    const told = (run: number) => world.report('node_1', { applied: world.headOf('node_1') }, saw('rep_a', 'RUNNING', { run: 2 }), saw('rep_c', 'STOPPED', { run }));
    expect(await told(1)).toEqual({ taken: true, passed: [{ replicaId: 'rep_c', run: 2 }] });
    expect(await told(2)).toEqual({ taken: true });
    expect(await told(1)).toEqual({ taken: true });
  });

  it('makes GONE what was assigned and is absent from it', async () => {
    expect(await world.report('node_1', { applied: world.headOf('node_1') })).toEqual({ taken: true });
    expect(world.dataOfLast('replica', 'rep_a')).toMatchObject({ state: 'GONE', run: 2, final: true, reason: { code: 'absent_from_report' } });
    expect(await world.report('node_1', { applied: world.headOf('node_1') })).toEqual({ taken: true });
    expect(world.statesOf('rep_a')).toEqual(['RUNNING', 'GONE']);
  });

  it('says nothing of what was assigned after its point', async () => {
    const applied = world.headOf('node_1');
    await world.place('rep_b', 'node_1', { slot: 2 });
    expect(await world.report('node_1', { applied }, saw('rep_a', 'RUNNING', { run: 2 }))).toEqual({ taken: true });
    expect(world.statesOf('rep_b')).toEqual([]);
    await world.report('node_1', { applied: world.headOf('node_1') }, saw('rep_a', 'RUNNING', { run: 2 }));
    expect(world.statesOf('rep_b')).toEqual(['GONE']);
  });

  it('brings states that the log does not have yet, and refuses none that it has left behind', async () => {
    await world.report('node_1', { applied: world.headOf('node_1') }, saw('rep_a', 'SETTLED', { run: 2 }));
    await world.report('node_1', { applied: world.headOf('node_1') }, saw('rep_a', 'STARTING', { run: 2 }));
    expect(world.typesIn('replica', 'rep_a').slice(-2)).toEqual(['ReplicaObserved', 'ReplicaObserved']);
    expect(world.statesOf('rep_a')).toEqual(['RUNNING', 'SETTLED']);
  });

  it('counts a replica that it lists in a way that can not be read as being there', async () => {
    await world.report('node_1', { applied: world.headOf('node_1') }, { replicaId: 'rep_a', state: 'DANCING' });
    expect(world.statesOf('rep_a')).toEqual(['RUNNING']);
  });

  it('takes along a replica whose settlement was not copied yet', async () => {
    await world.place('rep_c', 'node_1', { copied: false, slot: 3 });
    expect(await world.report('node_1', { applied: world.headOf('node_1') }, saw('rep_a', 'RUNNING', { run: 2 }))).toEqual({ taken: true });
    expect(world.statesOf('rep_c')).toEqual(['GONE']);
  });

  it.each([
    ['another store', () => ({ storeId: 'store_other', applied: world.headOf('node_1') })],
    ['nothing applied', () => ({ applied: null })],
    ['another history', () => ({ applied: { ...world.headOf('node_1'), eventId: 'another' } })],
    ['another history with the same event at another time', () => ({ applied: { ...world.headOf('node_1'), eventId: `${world.headOf('node_1').eventId.split('@')[0]}@2026-02-01T00:00:00.000Z` } })],
    ['a future that never was', () => ({ applied: { ...world.headOf('node_1'), revision: '99' } })],
    ['a revision that is none', () => ({ applied: { ...world.headOf('node_1'), revision: '-1' } })],
    ['another node', () => ({ nodeId: 'node_2' as const, applied: world.headOf('node_1') })],
  ])('of %s is not taken, and nothing is GONE for it', async (_, stand) => {
    expect(await world.report('node_1', stand())).toEqual({ taken: false });
    expect(world.statesOf('rep_a')).toEqual(['RUNNING']);
  });

  it('is not taken while the store is away', async () => {
    world.store.failAppends(...Array.from({ length: 200 }, () => 'unavailable' as const));
    expect(await world.report('node_1', { applied: world.headOf('node_1') })).toEqual({ taken: false });
  });
});

describe('what an agent says of its volumes', () => {
  const toVolume = (command: VolumeCommand) =>
    world.aggregates.handle(volume, streamOf('volume', 'vol_a'), command, { commandId: commandIdOf(JSON.stringify(command)), tenantId: 'prj_shop', actor: { type: 'system', id: 'spec' }, originId: null, now: world.clock.now(), correlationId: 'c', causationId: null });
  const say = (state: VolumeReport['volumes'][number]['state']) =>
    world.monitors[0]!.monitor.takeVolumes('node_1', { stand: { nodeId: 'node_1', storeId: world.store.storeId, applied: null, refusing: null }, volumes: [{ volumeId: 'vol_a', state }] });
  const types = () => world.store.log.filter(({ stream }) => stream === 'volume-vol_a').map(({ type }) => type);

  it('is recorded once: made, lost, and there again, and a word that is unknown is none', async () => {
    const born = { volumeId: 'vol_a', projectId: 'prj_shop', environmentId: 'env_live', name: 'uploads', kind: 'persistent', backend: 'local', sizeBytes: null, madeFor: null, user: null } as const;
    await toVolume({ type: 'CreateVolume', data: born });
    await toVolume({ type: 'BindVolume', data: { nodeId: 'node_1', replicaId: 'rep_a', attempt: 1, reason: { code: 'only_fit', message: '' } } });
    for (const state of ['lost', 'made', 'made', 'lost', 'lost', 'made', 'toString' as never, 'lost'] as const) expect(await say(state)).toEqual({ taken: true });
    expect(types().slice(2)).toEqual(['VolumeProvisioned', 'VolumeLost', 'VolumeFound', 'VolumeLost']);
    expect((world.store.log.at(-1)!.data as { reason: object }).reason).toMatchObject({ code: 'volume_lost', message: expect.stringContaining('put it back') });
  });

  it('is not taken in as made on a node that it is not bound to: nothing may be written to it there', async () => {
    const born = { volumeId: 'vol_a', projectId: 'prj_shop', environmentId: 'env_live', name: 'uploads', kind: 'persistent', backend: 'local', sizeBytes: null, madeFor: null, user: null } as const;
    expect(await say('made')).toEqual({ taken: false });
    await toVolume({ type: 'CreateVolume', data: born });
    expect(await say('made')).toEqual({ taken: false });
    expect([await say('gone'), await say('lost'), types()]).toEqual([{ taken: true }, { taken: true }, ['VolumeCreated']]);
  });
});
