import { SchedulerWorld } from '../../test/simulation/scheduler-world.ts';

let world: SchedulerWorld;

const until = (condition: () => boolean | Promise<boolean>, limitMs = 180_000): Promise<void> => world.clock.advanceUntil(condition, limitMs);

/** Up to three, down to one, and away: every kind of write that the scheduler makes for a service. */
async function wholeLife(): Promise<void> {
  await world.createService(2);
  await until(() => world.isStable(2));
  await world.scale(3);
  await until(() => world.isStable(3));
  expect(world.slots()).toEqual([1, 2, 3]);
  await world.scale(1);
  await until(() => world.isStable(1));
  expect(world.slots()).toEqual([1]);
  await world.deleteService();
  await until(() => world.events('NameReleased').length === 1);
  expect(world.slots()).toEqual([]);
}

/** What a life comes to, however it went. */
async function expectOneLife(): Promise<void> {
  expect(world.breaches()).toEqual([]);
  expect((await world.deployment()).closed?.outcome).toBe('SUCCEEDED');
  expect(world.events('DockerServiceDeleted')).toHaveLength(1);
  expect(world.events('ReplicaCreated')).toHaveLength(3);
  expect(world.events('ReplicaReleased')).toHaveLength(3);
  const ids = new Set(world.store.log.map(({ id }) => id));
  expect(world.events('PlacementSettled').filter(({ data }) => !ids.has((data as { eventId: string }).eventId))).toEqual([]);
}

async function appendsOfAWholeLife(): Promise<number> {
  world = await SchedulerWorld.begin({ nodes: 2 });
  await wholeLife();
  await world.end();
  return world.processes[0]!.store.appends;
}

describe('schedulers', () => {
  it('do everything once, when two run at the same time', async () => {
    world = await SchedulerWorld.begin({ nodes: 2, schedulers: 2 });
    await wholeLife();
    await expectOneLife();
    await world.end();
  });

  it.each(['before', 'after'] as const)('may be killed just %s any of their appends: the next one goes on from what stands', async (when) => {
    const appends = await appendsOfAWholeLife();
    expect(appends).toBeGreaterThan(30);
    for (let n = 1; n <= appends; n += 1) {
      world = await SchedulerWorld.begin({ nodes: 2, schedulers: 0 });
      const first = world.addScheduler();
      world.kill(first, n, when, () => void world.addScheduler());
      await wholeLife();
      await expectOneLife();
      expect({ n, died: first.store.isDead }).toEqual({ n, died: true });
      await world.end();
    }
  }, 60_000);

  it('are fenced when they wake with a plan of long ago', async () => {
    const appends = await appendsOfAWholeLife();
    for (let n = 1; n <= appends; n += 1) {
      world = await SchedulerWorld.begin({ nodes: 2, schedulers: 1 });
      const [first] = world.processes;
      first!.store.freezeAtAppend(Math.max(n, first!.store.appends + 1));
      world.addScheduler();
      let thawed = false;
      void thawAfter(first!.store, 15_000).then(() => (thawed = true));
      await wholeLife();
      await until(() => thawed);
      await world.clock.advance(60_000);
      expect(world.slots()).toEqual([]);
      await expectOneLife();
      await world.end();
    }
  }, 60_000);

  it('discard a plan when what it was made for has changed before it could be written', async () => {
    world = await SchedulerWorld.begin();
    await world.createService(1);
    await until(() => world.isStable(1));
    const [only] = world.processes;
    only!.store.freezeAtAppend(only!.store.appends + 1);
    await world.scale(3);
    await world.clock.advance(5_000);
    expect(only!.store.isFrozen).toBe(true);
    await world.scale(1);
    only!.store.thaw();
    await world.clock.advance(60_000);
    expect(world.events('ServiceStepTaken')).toEqual([]);
    expect(world.slots()).toEqual([1]);
    await world.end();
  });

  it('are fenced when they slept through a whole life', async () => {
    for (let n = 3; n <= 12; n += 1) {
      world = await SchedulerWorld.begin({ nodes: 2, schedulers: 1 });
      const [first] = world.processes;
      first!.store.freezeAtAppend(n);
      await world.createService(2);
      await world.clock.advance(1_000);
      expect(first!.store.isFrozen).toBe(true);
      world.addScheduler();
      await until(() => world.isStable(2));
      await world.deleteService();
      await until(() => world.events('NameReleased').length === 1);
      first!.store.thaw();
      await world.clock.advance(60_000);
      expect(world.slots()).toEqual([]);
      expect(world.breaches()).toEqual([]);
      await world.end();
    }
  }, 30_000);
});

/** Thaws it, that much later than it froze (which it may never do, where the other one was faster each time). */
async function thawAfter(store: { isFrozen: boolean; thaw(): void }, ms: number): Promise<void> {
  const { clock } = world;
  for (let waited = 0; waited < 30_000 && !store.isFrozen; waited += 100) await clock.sleep(100);
  await clock.sleep(ms);
  store.thaw();
}
