import fc from 'fast-check';
import { boundsOf } from './bounds.ts';
import { FAILED, type Fate, GONE, RolloutWorld } from './given-world.ts';
import { NOTHING_TO_DO } from './rollout-plan.ts';

const fates = fc.constantFrom<Fate>('settles', 'crashes', 'hangs', 'lapses');
const amounts = fc.oneof(fc.constant(null), fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 100 }).map((percent) => `${percent}%`));
const strategies = fc.record({ strategy: fc.constantFrom('rolling' as const, 'rolling' as const, 'recreate' as const), maxSurge: amounts, maxUnavailable: amounts, monitorMs: fc.constantFrom(0, 0, 20), autoRollback: fc.boolean() });

const happening = fc.oneof(
  { weight: 12, arbitrary: fc.constant({ type: 'plan' } as const) },
  { weight: 8, arbitrary: fc.constant({ type: 'turn' } as const) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('deploy' as const), fate: fates }) },
  fc.record({ type: fc.constant('scale' as const), to: fc.integer({ min: 0, max: 5 }) }),
  fc.record({ type: fc.constant('lose' as const), pick: fc.nat(9) }),
  fc.record({ type: fc.constant('fail' as const), pick: fc.nat(9) }),
  fc.record({ type: fc.constant('silence' as const), pick: fc.nat(9) }),
  fc.constantFrom({ type: 'hear' } as const, { type: 'cancel' } as const, { type: 'rollback' } as const, { type: 'restart' } as const),
  fc.constantFrom({ type: 'pause' } as const, { type: 'resume' } as const, { type: 'stop' } as const, { type: 'start' } as const),
  fc.record({ type: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 1500 }) }),
  { weight: 1, arbitrary: fc.constant({ type: 'delete' } as const) },
);
type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never;
interface Story {
  readonly replicas: number;
  readonly maxFailures: number;
  readonly settings: typeof strategies extends fc.Arbitrary<infer T> ? T : never;
  readonly happenings: readonly Happening[];
}
const stories: fc.Arbitrary<Story> = fc.record({ replicas: fc.integer({ min: 0, max: 4 }), maxFailures: fc.integer({ min: 0, max: 2 }), settings: strategies, happenings: fc.array(happening, { maxLength: 80 }) });

const BY_RULE: { readonly [Type in Happening['type']]?: (world: RolloutWorld) => void } = {
  plan: (world) => void world.apply(world.plan()),
  turn: (world) => world.behave(),
  hear: (world) => world.hearAll(),
  delete: (world) => void world.tries({ type: 'RequestDockerServiceDeletion', data: {} }),
  cancel: (world) => void world.tries({ type: 'CancelDeployment', data: { deploymentId: world.state().activeDeployment?.deploymentId ?? 'dep_1' } }),
  rollback: (world) => void world.tries({ type: 'RollBackDockerService', data: { deploymentId: world.nextDeployment(), release: null } }),
  restart: (world) => void world.tries({ type: 'RestartDockerService', data: { deploymentId: world.nextDeployment() } }),
  pause: (world) => void world.tries({ type: 'PauseDockerService', data: {} }),
  stop: (world) => void world.tries({ type: 'StopDockerService', data: {} }),
  resume: (world) => void world.tries({ type: 'ResumeDockerService', data: { deploymentId: world.nextDeployment() } }),
  start: (world) => void world.tries({ type: 'StartDockerService', data: { deploymentId: world.nextDeployment() } }),
};

function happen(world: RolloutWorld, it: Happening): void {
  BY_RULE[it.type]?.(world);
  if (it.type === 'wait') world.now += it.ms;
  if (it.type === 'scale') world.tries({ type: 'ScaleDockerService', data: { replicas: it.to } });
  if (it.type === 'deploy' && world.state().lifecycle === 'ACTIVE') world.deploy(it.fate);
  if (it.type === 'lose') world.meddle(it.pick, GONE);
  if (it.type === 'fail') world.meddle(it.pick, FAILED);
  if (it.type === 'silence') world.meddle(it.pick, { nodeUnreachable: true });
}

const REST_TURNS = 3_000;

/** From here on every container does as it is told. @returns how many turns it took until nothing was to be done. */
function comeToRest(world: RolloutWorld): number {
  world.hearAll();
  let quiet = 0;
  let turns = 0;
  for (; quiet < 4 && turns < REST_TURNS; turns += 1) {
    world.behave();
    const plan = world.plan();
    quiet = world.apply(plan) || plan.wakeInMs !== null ? 0 : quiet + 1;
    if (plan.wakeInMs !== null && plan.wakeInMs > 20) world.now += 10;
  }
  return turns;
}

function told({ replicas, maxFailures, settings, happenings }: Story): RolloutWorld {
  const world = new RolloutWorld(replicas, { maxFailures, ...settings });
  for (const it of happenings) happen(world, it);
  return world;
}

describe('whatever happens', () => {
  it('no slot is given a generation twice, and generations only grow', () =>
    fc.assert(
      fc.property(stories, (story) => {
        const world = told(story);
        comeToRest(world);
        const highest = new Map<number, number>();
        for (const { slot, generation } of world.orders) {
          expect(generation).toBe((highest.get(slot) ?? 0) + 1);
          highest.set(slot, generation);
        }
      }),
    ));

  it('no slot gets a third beside two that are to stay', () =>
    fc.assert(
      fc.property(stories, (story) => {
        const world = new RolloutWorld(story.replicas, { maxFailures: story.maxFailures, ...story.settings });
        for (const it of story.happenings) {
          const creates = it.type === 'plan' ? (world.plan().step?.creates ?? []) : [];
          for (const { slot } of creates) expect(world.staying(slot).length).toBeLessThan(2);
          happen(world, it);
        }
      }),
    ));

  it('it comes to rest, and then holds just what is wanted, of the release that it stands on, unless it is halted or a replica was given up', () =>
    fc.assert(
      fc.property(stories, (story) => {
        const world = told(story);
        expect(comeToRest(world)).toBeLessThan(REST_TURNS);
        const { lifecycle, paused, replicas, halted, activeDeployment, superseded, orders, stableRelease } = world.state();
        expect({ activeDeployment, superseded }).toEqual({ activeDeployment: null, superseded: [] });
        expect(lifecycle).not.toBe('DELETING');
        const standing = [...orders.replicas.values()];
        expect(standing.filter(({ stopped, release }) => stopped !== null || release !== stableRelease)).toEqual([]);
        const slots = standing.map(({ slot }) => slot).sort((a, b) => a - b);
        expect(new Set(slots).size).toBe(slots.length);
        const all = Array.from({ length: replicas }, (_, index) => index + 1);
        if (lifecycle !== 'ACTIVE' && paused !== 'held') expect(slots).toEqual([]);
        else if (halted || paused) expect(all).toEqual(expect.arrayContaining(slots));
        else expect(slots).toEqual(all);
        for (const { replicaId } of standing) {
          const { state, final } = world.containers.get(replicaId) ?? {};
          expect(paused ? state === 'STOPPED' || (state === 'FAILED' && final) : state === 'SETTLED' || (state === 'FAILED' && final)).toBe(true);
        }
      }),
    ));

  it('a halted or deleted service orders nothing, and stops but never revives, until somebody moves it', () =>
    fc.assert(
      fc.property(stories, fc.array(happening, { maxLength: 30 }), (story, later) => {
        const world = told(story);
        comeToRest(world);
        const { halted, lifecycle } = world.state();
        fc.pre(halted !== null || lifecycle === 'DELETED');
        const before = world.orders.length;
        const movers: readonly string[] = ['deploy', 'rollback', 'restart', 'start', 'resume'];
        for (const it of later) if (!movers.includes(it.type)) happen(world, it);
        comeToRest(world);
        expect(world.orders.length).toBe(before);
      }),
    ));

  it('a plan that stands is not planned again', () =>
    fc.assert(
      fc.property(stories, (story) => {
        const world = told(story);
        const first = world.plan();
        world.apply(first);
        const second = world.plan();
        expect(world.apply(first) && JSON.stringify({ ...first, wakeInMs: null }) === JSON.stringify({ ...second, wakeInMs: null })).toBe(false);
      }),
    ));

  it('a world at rest has an empty plan', () =>
    fc.assert(
      fc.property(stories, (story) => {
        const world = told(story);
        comeToRest(world);
        expect(world.plan()).toEqual(NOTHING_TO_DO);
      }),
    ));
});

const rolls = fc.record({ replicas: fc.integer({ min: 1, max: 6 }), settings: strategies, fate: fates, maxFailures: fc.integer({ min: 0, max: 2 }), cancelAt: fc.option(fc.nat(40), { freq: 2 }), twiceAt: fc.option(fc.nat(40), { freq: 2 }) });

/** A stable service that is moved to a release of this fate, while a watcher looks at every turn. */
function roll({ replicas, settings, fate, maxFailures, cancelAt, twiceAt }: typeof rolls extends fc.Arbitrary<infer T> ? T : never, look: (world: RolloutWorld) => void): RolloutWorld {
  const world = new RolloutWorld(replicas, { ...settings, maxFailures });
  comeToRest(world);
  world.deploy(fate);
  for (let turn = 0; turn < 6_000 && (turn <= (twiceAt ?? 0) || world.state().activeDeployment); turn += 1) {
    if (turn === cancelAt) BY_RULE.cancel!(world);
    if (turn === twiceAt) world.deploy('settles');
    for (let writes = 0; writes < 50 && world.apply(world.plan()); writes += 1) look(world);
    world.behave();
    look(world);
  }
  return world;
}

describe('a roll', () => {
  it('never has fewer than wanted − max_unavailable available, and never more than wanted + max_surge living, whatever the new release does', () =>
    fc.assert(
      fc.property(rolls, (story) => {
        const { surge, unavailable } = boundsOf(story.settings, story.replicas, false);
        const lapses = story.fate === 'lapses';
        roll(story, (world) => {
          if (!lapses) expect(world.available()).toBeGreaterThanOrEqual(story.replicas - unavailable);
          expect(world.running().length).toBeLessThanOrEqual(story.replicas + surge);
        });
      }),
    ));

  it('ends, and leaves nothing of a release that failed, was cancelled or superseded', () =>
    fc.assert(
      fc.property(rolls, (story) => {
        const world = roll(story, () => undefined);
        const { activeDeployment, stableRelease } = world.state();
        expect(activeDeployment).toBeNull();
        comeToRest(world);
        expect(world.running().filter(({ order }) => order.release !== stableRelease)).toEqual([]);
      }),
    ));

  it('succeeds where the new release is well, and is rolled back where it is not, unless that is not wanted', () =>
    fc.assert(
      fc.property(rolls, (story) => {
        fc.pre(story.cancelAt === null && story.twiceAt === null && story.fate !== 'lapses');
        const { stableRelease, halted } = roll(story, () => undefined).state();
        if (story.fate === 'settles') expect({ stableRelease, halted }).toEqual({ stableRelease: 2, halted: null });
        else expect({ stableRelease, isHalted: halted !== null }).toEqual({ stableRelease: 1, isHalted: !story.settings.autoRollback });
      }),
    ));

  it('ends, even when nothing of it is ever heard', () =>
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), (replicas) => {
        const world = new RolloutWorld(replicas);
        for (let turn = 0; turn < 10; turn += 1) {
          const plan = world.plan();
          world.apply(plan);
          world.now += plan.wakeInMs ?? 0;
        }
        expect(world.state()).toMatchObject({ activeDeployment: null, halted: { code: 'progress_deadline' } });
      }),
    ));
});
