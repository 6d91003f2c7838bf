import { NO_RESTART } from '#domain';
import fc from 'fast-check';
import type { Assignment } from '#contracts';
import type { ContainerState } from '#docker';
import { aContainerSpec } from '#testing';
import { observationOf } from './observation.ts';
import { planConvergence } from './plan-convergence.ts';
import { hasLeft } from './plan-preparation.ts';
import { firstMemory, type ReplicaMemory } from './replica-memory.ts';
import type { Step, Surroundings } from './step.ts';

const service: Assignment = {
  replicaId: 'rep_a', owner: { type: 'docker_service', id: 'svc_a' }, projectId: 'prj_a', environmentId: 'env_a', slot: 1, generation: 1, release: 1, wanted: 'run', replaces: null,
  networks: [{ networkId: 'net_a', name: 'default', subnet: '10.192.0.0/24', aliases: [] }], spec: aContainerSpec(), minHealthyMs: 10_000, healthyDeadlineMs: 300_000, timeoutMs: null, graceMs: 5_000, last: null,
};
const job: Assignment = { ...service, owner: { type: 'job', id: 'job_a' }, spec: aContainerSpec({ restartPolicy: NO_RESTART }), healthyDeadlineMs: null, timeoutMs: 60_000 };

const image = { id: 'sha256:web', architecture: 'amd64', repoDigests: [] };
const around = (change: Partial<Surroundings> = {}): Surroundings => ({ container: null, image, architecture: 'amd64', replacedGone: true, successorBegan: false, health: null, interventions: [], askedAt: change.now ?? 1_000_000, now: 1_000_000, wall: Date.parse('2026-01-01T01:00:00Z'), jitter: 0, ...change });
const container = (change: Partial<ContainerState> = {}): ContainerState => ({
  id: 'c1', name: 'wb-x-rep_a', labels: {}, imageId: 'sha256:web', status: 'running', exitCode: null, oomKilled: false, error: null,
  startedAt: '2026-01-01T00:00:00Z', finishedAt: null, address: '10.192.0.2', ...change,
});
const exited = (change: Partial<ContainerState> = {}) => container({ status: 'exited', exitCode: 1, finishedAt: '2026-01-01T00:00:30Z', address: null, ...change });
const observed = (state: 'PREPARING' | 'PREPARED' | 'STARTING' | 'RUNNING' | 'SETTLED' | 'FAILED' | 'GONE', run = 1, final = false) =>
  ({ ...observationOf({ run, state, final, reason: null }, firstMemory(service), null, { wall: 0, now: 0 }) });
const memory = (change: Partial<ReplicaMemory> = {}): ReplicaMemory => ({ ...firstMemory(service), preparingSince: 900_000, observed: observed('PREPARING'), ...change });
const up = memory({ phase: 'running', containerId: 'c1', startedAt: '2026-01-01T00:00:00Z', firstOrderedAt: 995_000, orderedAt: 995_000, runningSince: 995_000, observed: observed('RUNNING') });
const afterEnd = memory({ phase: 'ended', containerId: 'c1', startedAt: '2026-01-01T00:00:00Z', firstOrderedAt: 995_000, observed: observed('FAILED') });

const brief = (step: Step): string => {
  if (step.do === 'rest') return `rest ${step.forMs}`;
  if (!('tell' in step) || !step.tell) return step.do;
  return `${step.do}: ${step.tell.run} ${step.tell.state}${step.tell.final ? ' final' : ''}${step.tell.reason ? ` (${step.tell.reason.code})` : ''}`;
};

describe('the next step is', () => {
  it.each<[string, Assignment, ReplicaMemory, Partial<Surroundings>, string]>([
    ['to say that it is being prepared', service, firstMemory(service), {}, 'note: 1 PREPARING'],
    ['to pull an image that isn’t here', service, memory(), { image: null }, 'pull: 1 PREPARING'],
    ['to pull one that is here under policy always, once', { ...service, spec: aContainerSpec({ pullPolicy: 'always' }) }, memory(), {}, 'pull: 1 PREPARING'],
    ['to make the container after that', { ...service, spec: aContainerSpec({ pullPolicy: 'always' }) }, memory({ pulled: true }), {}, 'make: 1 PREPARING'],
    ['to give up under policy never without the image', { ...service, spec: aContainerSpec({ pullPolicy: 'never' }) }, memory(), { image: null }, 'note: 1 FAILED final (image_not_found)'],
    ['to give up on an image for another architecture', service, memory(), { image: { ...image, architecture: 'arm64' } }, 'note: 1 FAILED final (image_architecture)'],
    ['to pull nothing that is named by its digest and here', { ...service, spec: aContainerSpec({ image: `web@sha256:${'a'.repeat(64)}`, pullPolicy: 'always' }) }, memory(), {}, 'make: 1 PREPARING'],
    ['to give up on an image that is named by its id and isn’t here', { ...service, spec: aContainerSpec({ image: `sha256:${'a'.repeat(64)}` }) }, memory(), { image: null }, 'note: 1 FAILED final (image_not_found)'],
    ['to give up a job whose image doesn’t come', job, memory({ trouble: { reason: { code: 'registry_unreachable', message: '' }, times: 9, retryAt: 1_550_000, subnet: '' } }), { image: null, now: 1_500_000 }, 'note: 1 FAILED final (preparation_deadline)'],
    ['to look again when a job’s time to be prepared is over', job, memory({ preparingSince: 990_000, trouble: { reason: { code: 'registry_unreachable', message: '' }, times: 9, retryAt: 1_600_000, subnet: '' } }), { image: null, now: 1_589_000 }, 'rest 1000'],
    ['never to give up a service for its image', service, memory(), { image: null, now: 9e9 }, 'pull: 1 PREPARING'],
    ['to make the container', service, memory(), {}, 'make: 1 PREPARING'],
    ['to make none where somebody has begun who waited for its end', service, firstMemory(service), { successorBegan: true }, 'note: 1 GONE final (container_lost)'],
    ['to remember a container that is there already', service, memory(), { container: container({ status: 'created', startedAt: null }) }, 'note'],
    ['to start it', service, memory({ containerId: 'c1' }), { container: container({ status: 'created', startedAt: null }) }, 'start: 1 STARTING'],
    ['to say that it is prepared while the one that it replaces is there', service, memory({ containerId: 'c1' }), { container: container({ status: 'created', startedAt: null }), replacedGone: false }, 'note: 1 PREPARED'],
    ['to wait with the start for the one that it replaces, then', service, memory({ containerId: 'c1', observed: observed('PREPARED') }), { container: container({ status: 'created', startedAt: null }), replacedGone: false }, 'rest 1000'],
    ['to start it when that one is gone', service, memory({ containerId: 'c1', observed: observed('PREPARED') }), { container: container({ status: 'created', startedAt: null }) }, 'start: 1 STARTING'],
    ['to order the start again when a crash came before it', service, memory({ containerId: 'c1', phase: 'starting' }), { container: container({ status: 'created', startedAt: null }) }, 'start: 1 STARTING'],
    ['to say that it runs', service, memory({ containerId: 'c1', phase: 'starting' }), { container: container() }, 'note: 1 RUNNING'],
    ['to wait until it has settled', service, up, { container: container() }, 'rest 5000'],
    ['to say that it has settled', service, up, { container: container(), now: 1_005_000 }, 'note: 1 SETTLED'],
    ['to look again, where the engine was asked before that and this process stood still meanwhile', service, up, { container: container(), askedAt: 1_004_999, now: 1_025_000 }, 'rest 1'],
    ['to count anew after a restart of the agent', service, { ...up, runningSince: null }, { container: container(), now: 1_005_000 }, 'note'],
    ['nothing once it has settled', service, { ...up, settledOnce: true, observed: observed('SETTLED') }, { container: container(), now: 9e9 }, 'rest null'],
    ['to say that it has ended', service, up, { container: exited() }, 'note: 1 FAILED (exited)'],
    ['to say what ended it', service, up, { container: exited({ oomKilled: true, exitCode: 137 }) }, 'note: 1 FAILED (oom_killed)'],
    ['to say that a service ended well, though not for good', service, up, { container: exited({ exitCode: 0 }) }, 'note: 1 COMPLETED (exited)'],
    ['to say that a job ended, for good', job, up, { container: exited({ exitCode: 0 }) }, 'note: 1 COMPLETED final (exited)'],
    ['to notice a run that began and ended out of sight', service, memory({ containerId: 'c1', phase: 'starting' }), { container: exited() }, 'note: 1 FAILED (exited)'],
    ['to start the next run at once', service, afterEnd, { container: exited() }, 'start: 2 STARTING'],
    ['to wait with it', service, { ...afterEnd, ends: 4, notBefore: 1_004_000 }, { container: exited() }, 'rest 4000'],
    ['to count a start by somebody else as a run', service, { ...afterEnd, notBefore: 1_004_000 }, { container: container({ startedAt: '2026-01-02T00:00:00Z' }) }, 'note: 2 RUNNING'],
    ['to end a run that somebody else restarted', service, up, { container: container({ startedAt: '2026-01-02T00:00:00Z' }) }, 'note: 1 FAILED (restarted_outside)'],
    ['to stop what hasn’t settled by its deadline', service, up, { container: container(), now: 1_295_000 }, 'stop'],
    ['to say so when it has stopped', service, { ...up, stopping: { reason: { code: 'healthy_deadline', message: '' }, final: true } }, { container: exited() }, 'note: 1 FAILED final (healthy_deadline)'],
    ['to give up between two runs when the deadline passes there', service, { ...afterEnd, ends: 7, notBefore: 1_300_000 }, { container: exited(), now: 1_296_000 }, 'note: 1 FAILED final (healthy_deadline)'],
    ['to look again when the deadline passes, before the next run is due', service, { ...afterEnd, ends: 9, notBefore: 1_300_000 }, { container: exited(), now: 1_290_000 }, 'rest 5000'],
    ['to stop a job that takes too long', job, up, { container: container(), now: 1_055_000 }, 'stop'],
    ['to stop what somebody started after its end', job, { ...up, phase: 'ended', observed: observed('FAILED', 1, true) }, { container: container({ startedAt: 'later' }) }, 'stop'],
    ['nothing after an end for good', job, { ...up, phase: 'ended', observed: observed('FAILED', 1, true) }, { container: exited() }, 'rest null'],
    ['to say that a container is lost, and make none', service, up, {}, 'note: 1 GONE final (container_lost)'],
    ['nothing after that', service, { ...up, observed: observed('GONE', 1, true) }, { container: container() }, 'rest null'],
    ['to wait while the engine removes it', service, up, { container: container({ status: 'removing' }) }, 'rest 500'],
    ['to wait after what the engine refused', service, memory({ trouble: { reason: { code: 'registry_unreachable', message: '' }, times: 2, retryAt: 1_002_000, subnet: '10.192.0.0/24' } }), { image: null }, 'rest 2000'],
    ['to try at once with another subnet', service, memory({ trouble: { reason: { code: 'subnet_taken', message: '' }, times: 1, retryAt: 1_002_000, subnet: '10.192.1.0/24' } }), {}, 'make: 1 PREPARING (subnet_taken)'],
    ['to stop what is to be gone', { ...service, wanted: 'gone' }, up, { container: container() }, 'stop'],
    ['to say that it has stopped', { ...service, wanted: 'gone' }, up, { container: exited() }, 'note: 1 STOPPED final (stopped)'],
    ['to remove it', { ...service, wanted: 'gone' }, afterEnd, { container: exited() }, 'remove'],
    ['to remove one that was never started', { ...service, wanted: 'gone' }, memory({ containerId: 'c1' }), { container: container({ status: 'created', startedAt: null }) }, 'remove'],
    ['to say that it is gone', { ...service, wanted: 'gone' }, afterEnd, {}, 'note: 1 GONE final (removed)'],
    ['to say so of what was never made', { ...service, wanted: 'gone' }, firstMemory(service), {}, 'note: 1 GONE final (removed)'],
    ['to stop what is to be held', { ...service, wanted: 'hold' }, up, { container: container() }, 'stop'],
    ['to say that it is stopped, for now', { ...service, wanted: 'hold' }, up, { container: exited() }, 'note: 1 STOPPED (stopped)'],
    ['nothing while it is held', { ...service, wanted: 'hold' }, afterEnd, { container: exited() }, 'rest null'],
  ])('%s', (_title, wanted, remembered, here, expected) => {
    expect(brief(planConvergence(wanted, remembered, around(here)))).toBe(expected);
  });
});

describe('an agent that lost its disk goes on from what the log knows:', () => {
  type Last = Omit<NonNullable<Assignment['last']>, 'at'>;
  const withLast = (last: Last): Assignment => ({ ...service, last: { ...last, at: '2026-01-01T00:00:07.000Z' } });
  const next = (last: Last, here: Partial<Surroundings>) => {
    const wanted = withLast(last);
    const remembered = firstMemory(wanted);
    const step = planConvergence(wanted, remembered, around(here));
    // The first step only remembers, which container it is or since when it is prepared.
    return step.do === 'note' && step.tell === null ? brief(planConvergence(wanted, { ...remembered, ...step.remember }, around(here))) : brief(step);
  };

  it.each<[string, Last, Partial<Surroundings>, string]>([
    ['a container that it says was running and isn’t there is lost', { run: 3, state: 'RUNNING', final: false }, {}, 'note: 3 GONE final (container_lost)'],
    ['one that runs is the same run', { run: 3, state: 'SETTLED', final: false }, { container: container() }, 'note'],
    ['one that has ended since ends that run', { run: 3, state: 'RUNNING', final: false }, { container: exited() }, 'note: 3 FAILED (exited)'],
    ['one that ended before is the next run', { run: 3, state: 'FAILED', final: false }, { container: exited() }, 'start: 4 STARTING'],
    ['one that was never made is made', { run: 1, state: 'PREPARING', final: false }, {}, 'make: 1 PREPARING'],
    ['an end for good stays one', { run: 3, state: 'FAILED', final: true }, { container: exited() }, 'rest null'],
    ['what is gone stays gone', { run: 3, state: 'GONE', final: true }, {}, 'rest null'],
  ])('%s', (_title, last, here, expected) => {
    expect(next(last, here)).toBe(expected);
  });

  it('with the time that it was seen at: a log that was put back may come to hear it again', () => {
    expect(firstMemory(withLast({ run: 3, state: 'SETTLED', final: false, health: 'healthy' })).observed).toMatchObject({ run: 3, state: 'SETTLED', health: 'healthy', at: '2026-01-01T00:00:07.000Z' });
  });
});

it('tells that the engine may not know the exit code', () => {
  const said = (exitCode: number) => (planConvergence(job, up, around({ container: exited({ exitCode }) })) as { tell: { reason: { message: string } } }).tell.reason.message;
  expect(said(255)).toBe('it ended with exit code 255, which the engine also says where it was away at the end and does not know');
  expect(said(254)).toBe('it ended with exit code 254');
});

describe('whatever happens to a container', () => {
  /** An engine of one container, that does what it is told. */
  class World {
    container: ContainerState | null = null;
    memory: ReplicaMemory = firstMemory(service);
    now = 0;
    #starts = 0;
    readonly said: { run: number; state: string; final: boolean }[] = [];

    constructor(public wanted: Assignment) {}

    /** Steps until it rests. @returns how many steps that took */
    settle(): number {
      for (let steps = 1; steps < 20; steps += 1) {
        const step = planConvergence(this.wanted, this.memory, around({ container: this.container, now: this.now }));
        if (step.do === 'rest') return steps;
        this.take(step);
      }
      throw new Error(`no rest: ${JSON.stringify(this.said)}`);
    }

    take(step: Exclude<Step, { do: 'rest' }>): void {
      if ('tell' in step && step.tell) {
        const told = observationOf(step.tell, this.memory, this.container, { wall: 0, now: this.now });
        const last = this.memory.observed;
        if (!last || last.run !== told.run || last.state !== told.state || last.final !== told.final) this.said.push({ run: told.run, state: told.state, final: told.final });
        this.memory = { ...this.memory, observed: told, untold: null };
      }
      if ('remember' in step) this.memory = { ...this.memory, ...step.remember };
      if (step.do === 'make') {
        this.container = container({ status: 'created', startedAt: null });
        this.memory = { ...this.memory, containerId: 'c1' };
      }
      if (step.do === 'start') this.start();
      if (step.do === 'stop') this.exit(143);
      if (step.do === 'remove') this.container = null;
    }

    start(): void {
      this.#starts += 1;
      if (this.container) this.container = container({ startedAt: `start ${this.#starts}` });
    }

    exit(exitCode: number): void {
      if (this.container?.status === 'running') this.container = { ...this.container, status: 'exited', exitCode, finishedAt: 'then' };
    }
  }

  const event = fc.oneof(
    fc.record({ exit: fc.integer({ min: 0, max: 2 }) }),
    fc.record({ wait: fc.constantFrom(1_000, 15_000, 70_000, 400_000) }),
    fc.constantFrom('started by hand' as const, 'removed by hand' as const, 'agent restarted' as const, 'crash in the next step' as const),
    fc.record({ wanted: fc.constantFrom('run' as const, 'hold' as const) }),
  );
  const order = ['PREPARING', 'PREPARED', 'STARTING', 'RUNNING', 'SETTLED', 'COMPLETED', 'FAILED', 'STOPPED', 'GONE'];

  it('it comes to rest, what is said only moves forward, and in the end it is gone', () => {
    fc.assert(
      fc.property(fc.constantFrom(service, job), fc.array(event, { maxLength: 25 }), (wanted, events) => {
        const world = new World(wanted);
        world.settle();
        for (const each of events) {
          if (each === 'started by hand') {
            if (world.container?.status === 'exited') world.start();
          } else if (each === 'removed by hand') world.container = null;
          else if (each === 'agent restarted') world.memory = { ...world.memory, runningSince: null };
          else if (each === 'crash in the next step') {
            const before = world.memory;
            const step = planConvergence(world.wanted, world.memory, around({ container: world.container, now: world.now }));
            if (step.do !== 'rest' && step.do !== 'note') {
              // The deed was done or begun; all that is on disk is what came before it.
              world.take(step);
              world.memory = { ...before, ...('remember' in step ? step.remember : {}), observed: world.memory.observed, containerId: before.containerId };
            }
          } else if ('exit' in each) world.exit(each.exit);
          else if ('wait' in each) world.now += each.wait;
          else world.wanted = { ...world.wanted, wanted: each.wanted };
          world.settle();
        }
        const rank = ({ run, state }: { run: number; state: string }) => (state === 'GONE' ? Infinity : run * 100 + order.indexOf(state));
        world.said.slice(1).forEach((next, i) => expect(rank(next)).toBeGreaterThanOrEqual(rank(world.said[i]!)));
        world.wanted = { ...world.wanted, wanted: 'gone' };
        world.settle();
        expect(world.said.at(-1)).toMatchObject({ state: 'GONE', final: true });
        expect(world.said.filter(({ state }) => state === 'GONE')).toHaveLength(1);
        if (wanted === job) expect(world.said.filter(({ state, run }) => state === 'STARTING' && run > 1 && !events.some((each) => typeof each === 'object' && 'wanted' in each))).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a replica that is replaced has left', () => {
  const created = container({ status: 'created', startedAt: null });

  it.each([
    ['once its container is removed and it was said to be GONE', { isListed: true, memory: memory({ observed: observed('GONE', 1, true) }), container: null }, true],
    ['once nobody wants anything of it and no container is there', { isListed: false, memory: null, container: null }, true],
    ['not while its container is there, though nobody wants it', { isListed: false, memory: null, container: created }, false],
    ['not before it has got its container', { isListed: true, memory: memory({ observed: observed('PREPARING') }), container: null }, false],
    ['not before anything was done about it', { isListed: true, memory: null, container: null }, false],
  ])('%s', (_, replaced, expected) => {
    expect(hasLeft(replaced)).toBe(expected);
  });
});
