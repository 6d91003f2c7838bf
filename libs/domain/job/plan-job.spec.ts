import { DEFAULT_TARGETS } from '../docker-service/targets.ts';
import fc from 'fast-check';
import { NO_RESTART } from '../docker-service/restart-policy.ts';
import type { Observation, ReplicaEvent } from '../replica/events.ts';
import type { DependencyUse } from '../resource/dependency.ts';
import { type AttemptHistory, attemptHistory } from './attempt-history.ts';
import type { JobAttempt, OpenJob } from './job.ts';
import { END_SLACK_MS, type JobSituation, planJob, retryDelayMs, START_DEADLINE_MS } from './plan-job.ts';

const NOW = Date.UTC(2026, 0, 1);
const amount = { cpuMillis: 250, memoryBytes: 268_435_456 };
const jobOf = (over: Partial<OpenJob> = {}, retries = 0): OpenJob => ({
  status: 'open',
  definition: {
    jobId: 'job_1', projectId: 'prj_1', environmentId: 'env_1', networkId: 'net_1', name: 'migrate', timeoutMs: 60_000, retries, trigger: { type: 'manual' }, inheritsFrom: null, rerunOf: null,
    spec: { image: 'docker.io/library/busybox:latest', pullPolicy: 'missing', command: ['true'], args: null, env: {}, ports: [], plan: null, resources: { request: amount, limit: amount }, labels: {}, constraints: [], restartPolicy: NO_RESTART, healthcheck: null, ...DEFAULT_TARGETS },
  },
  current: { attempt: 1, replicaId: 'rep_1', failed: null },
  cancel: null,
  ...over,
});
const reason = { code: 'exited', message: 'it ended with exit code 3' };
const ending = { exitCode: 3, oomKilled: false, reason };
const waiting: AttemptHistory = { orderedAt: NOW, startedAt: null, phase: 'waiting', nodeId: null, waitsFor: null, end: null, gone: false };
const running: AttemptHistory = { ...waiting, startedAt: NOW, phase: 'placed', nodeId: 'node_1' };
const exited: AttemptHistory = { ...running, end: { outcome: 'FAILED', ...ending } };
const plan = (job: OpenJob, attempt: AttemptHistory | null, afterMs = 0, heard: JobSituation['heard'] = null) => planJob({ job, attempt, now: NOW + afterMs, heard });
const failedAttempt = (retryInMs = 10_000): JobAttempt => ({ attempt: 1, replicaId: 'rep_1', failed: { ...ending, retryAt: new Date(NOW + retryInMs).toISOString() } });
const cancel = { reason: { code: 'cancelled', message: 'by request' }, requestedAt: new Date(NOW).toISOString() };

describe('the plan of a job', () => {
  it('starts an attempt, orders its replica, and waits for that', () => {
    expect(plan(jobOf({ current: null }), null)).toEqual({ do: 'start', attempt: 1 });
    expect(plan(jobOf(), null)).toEqual({ do: 'order' });
    expect(plan(jobOf(), waiting)).toEqual({ do: 'rest', until: NOW + START_DEADLINE_MS });
    expect(plan(jobOf(), running)).toEqual({ do: 'rest', until: NOW + 60_000 + END_SLACK_MS });
  });

  it('runs nothing that lacks what it uses', () => {
    const { definition } = jobOf();
    const using = (over: Partial<DependencyUse> = {}) => jobOf({ current: null, definition: { ...definition, spec: { ...definition.spec, dependencies: [{ resourceId: 'res_a', dockerServiceId: null, prefix: null, wait: null, target: null, ...over }] } } });
    expect(plan(using(), null)).toMatchObject({ do: 'end', end: { outcome: 'FAILED', reason: { code: 'dependency_gone', message: expect.stringContaining('res_a, which was deleted') as string } } });
    const target = { name: 'db', kind: 'postgres', version: 1, hostname: 'db', address: '10.0.0.5', dockerServiceId: null, networks: [], port: 5432, user: null, database: null, password: null } as const;
    expect(plan(using({ target }), null)).toEqual({ do: 'start', attempt: 1 });
    expect(plan({ ...using(), cancel }, null)).toMatchObject({ do: 'end', end: { outcome: 'CANCELLED' } });
  });

  it('ends the job with the end of its only attempt', () => expect(plan(jobOf(), exited)).toEqual({ do: 'end', end: exited.end }));

  it('tries again after a failure while retries are left', () => {
    expect(plan(jobOf({}, 1), exited)).toEqual({ do: 'fail_attempt', ending, retryAt: NOW + 10_000 });
    expect(plan(jobOf({ current: { attempt: 2, replicaId: 'rep_2', failed: null } }, 1), exited)).toMatchObject({ do: 'end' });
  });

  it('tries no success and no timeout again', () => {
    for (const outcome of ['SUCCEEDED', 'TIMEOUT'] as const) expect(plan(jobOf({}, 5), { ...exited, end: { ...ending, outcome } })).toMatchObject({ do: 'end', end: { outcome } });
  });

  it('pauses for 10 s, doubling to 6 min', () => expect([1, 2, 3, 6, 7, 20].map(retryDelayMs)).toEqual([10_000, 20_000, 40_000, 320_000, 360_000, 360_000]));

  it('begins the next attempt when its time has come and the last container is gone, not before', () => {
    const job = jobOf({ current: failedAttempt() }, 1);
    expect(plan(job, { ...exited, gone: true })).toEqual({ do: 'rest', until: NOW + 10_000 });
    expect(plan(job, { ...exited, gone: true }, 10_000)).toEqual({ do: 'start', attempt: 2 });
    expect(plan(job, exited, 300_000)).toEqual({ do: 'rest', until: NOW + 10_000 + START_DEADLINE_MS });
  });

  it('gives up on a next attempt where the last container stays unaccounted for', () => {
    const job = jobOf({ current: failedAttempt() }, 1);
    const late = 10_000 + START_DEADLINE_MS;
    expect(plan(job, exited, late)).toEqual({ do: 'hear', nodeId: 'node_1' });
    expect(plan(job, exited, late, 'unreachable')).toMatchObject({ do: 'end', end: { outcome: 'FAILED', exitCode: 3, reason: { code: 'container_not_gone' } } });
    expect(plan(job, exited, late, 'reported')).toEqual({ do: 'rest', until: NOW + late + 30_000 });
  });

  it('says of one whose end never came that nobody knows it', () => {
    const late = 60_000 + END_SLACK_MS;
    expect(plan(jobOf(), running, late)).toEqual({ do: 'hear', nodeId: 'node_1' });
    expect(plan(jobOf(), running, late, 'unreachable')).toMatchObject({ do: 'end', end: { outcome: 'FAILED', exitCode: null, reason: { code: 'node_unreachable', message: expect.stringContaining('outcome: unknown') as string } } });
    expect(plan(jobOf(), running, late, 'silent')).toEqual({ do: 'rest', until: NOW + late + 3_000 });
    expect(plan(jobOf(), running, late, 'reported')).toEqual({ do: 'rest', until: NOW + late + 30_000 });
    expect(plan(jobOf(), running, late + 600_000, 'reported')).toMatchObject({ do: 'end', end: { outcome: 'FAILED', reason: { code: 'not_stopped' } } });
  });

  describe('of one that is cancelled', () => {
    it('is its end, where nothing was ever tried', () =>
      expect(plan(jobOf({ cancel, current: null }), null)).toEqual({ do: 'end', end: { outcome: 'CANCELLED', exitCode: null, oomKilled: false, reason: cancel.reason } }));

    it('closes a replica that no node holds', () => {
      expect(plan(jobOf({ cancel }), null)).toEqual({ do: 'abandon', reason: cancel.reason });
      expect(plan(jobOf({ cancel }), waiting)).toEqual({ do: 'abandon', reason: cancel.reason });
    });

    it('waits for the word of its node', () => {
      expect(plan(jobOf({ cancel }), running)).toEqual({ do: 'rest', until: NOW + END_SLACK_MS });
      expect(plan(jobOf({ cancel }), exited)).toEqual({ do: 'end', end: { ...ending, outcome: 'CANCELLED', reason: cancel.reason } });
    });

    it('lets one that had succeeded have succeeded', () => {
      const end = { outcome: 'SUCCEEDED', exitCode: 0, oomKilled: false, reason } as const;
      expect(plan(jobOf({ cancel }), { ...running, end })).toEqual({ do: 'end', end });
    });

    it('does not claim that what nobody hears of was stopped', () => {
      expect(plan(jobOf({ cancel }), running, END_SLACK_MS)).toEqual({ do: 'hear', nodeId: 'node_1' });
      expect(plan(jobOf({ cancel }), running, END_SLACK_MS, 'unreachable')).toMatchObject({ do: 'end', end: { outcome: 'FAILED', reason: { code: 'node_unreachable' } } });
    });
  });
});

describe('laws of the plan of a job', () => {
  const someAttempt = fc.record({
    orderedAt: fc.constant(NOW),
    startedAt: fc.constantFrom(null, NOW),
    phase: fc.constantFrom('waiting' as const, 'claimed' as const, 'placed' as const),
    nodeId: fc.constantFrom(null, 'node_1' as const),
    waitsFor: fc.constant(null),
    end: fc.constantFrom(null, exited.end, { ...ending, outcome: 'TIMEOUT' as const }, { ...ending, exitCode: 0, outcome: 'SUCCEEDED' as const }),
    gone: fc.boolean(),
  });
  const someSituation = fc.record({
    job: fc.record({ current: fc.constantFrom(null, jobOf().current, failedAttempt()), cancel: fc.constantFrom(null, cancel), retries: fc.nat(2) }).map(({ retries, ...over }) => jobOf(over, retries)),
    attempt: fc.option(someAttempt),
    now: fc.integer({ min: NOW, max: NOW + 3_000_000 }),
    heard: fc.constantFrom(null, 'reported' as const, 'silent' as const, 'unreachable' as const),
  });

  it('never starts an attempt while a container of the one before may be left, or when it is being cancelled', () =>
    fc.assert(
      fc.property(someSituation, (situation) => {
        const step = planJob(situation);
        if (step.do !== 'start' || step.attempt === 1) return true;
        return situation.attempt?.gone === true && situation.job.cancel === null && situation.now >= Date.parse(situation.job.current!.failed!.retryAt);
      }),
    ));

  it('never waits for what is past, and never for ever', () =>
    fc.assert(
      fc.property(someSituation, (situation) => {
        const step = planJob(situation);
        return step.do !== 'rest' || (step.until > situation.now && step.until < NOW + 10_000_000);
      }),
    ));

  it('is over at last, whatever its node says', () =>
    fc.assert(
      fc.property(someSituation, (situation) => {
        const step = planJob({ ...situation, now: NOW + 10_000_000, heard: situation.heard ?? 'silent' });
        return step.do !== 'rest' && step.do !== 'hear';
      }),
    ));
});

describe('what the stream of an attempt says', () => {
  const owner = { type: 'job', id: 'job_1' } as const;
  const ref = { replicaId: 'rep_1', owner } as const;
  const seen = (state: Observation['state'], more: Partial<Observation> = {}): ReplicaEvent => ({
    type: 'ReplicaObserved',
    data: { ...ref, nodeId: 'node_1', run: 1, state, final: false, containerId: 'c', address: null, imageId: null, exitCode: null, oomKilled: false, health: 'unknown', reason: null, at: '', ...more },
  });
  const ordered: ReplicaEvent = { type: 'ReplicaCreated', data: { ...ref, deploymentId: null, projectId: 'prj_1', environmentId: 'env_1', slot: 0, generation: 1, release: null, request: amount, ports: [], constraints: [], replaces: null } };
  const claimed: ReplicaEvent = { type: 'PlacementClaimed', data: { ...ref, attempt: 1, nodeId: 'node_1', reason, nodes: [] } };
  const placed: ReplicaEvent = { type: 'PlacementSettled', data: { ...ref, attempt: 1, nodeId: 'node_1', outcome: 'placed', reason, eventId: 'e' } };
  const told = (...events: ReplicaEvent[]) => attemptHistory(events.map((event, second) => ({ event, at: NOW + 1_000 * second })));

  it('is nothing where it was never ordered', () => expect(told()).toBeNull());

  it('is where it stands and since when', () => {
    expect(told(ordered)).toEqual(waiting);
    expect(told(ordered, claimed)).toMatchObject({ phase: 'claimed', nodeId: null });
    expect(told(ordered, claimed, placed, seen('STARTING'), seen('RUNNING'))).toMatchObject({ phase: 'placed', nodeId: 'node_1', startedAt: NOW + 4_000, end: null, gone: false });
  });

  it('keeps the first end when the container goes', () =>
    expect(told(ordered, claimed, placed, seen('FAILED', { final: true, exitCode: 3, reason }), seen('GONE', { final: true }))).toMatchObject({ gone: true, end: { outcome: 'FAILED', exitCode: 3 } }));

  it('is an end without a container where it was given up', () =>
    expect(told({ type: 'ReplicaAbandoned', data: { ...ref, reason } })).toMatchObject({ phase: 'abandoned', gone: true, end: { outcome: 'FAILED', exitCode: null, reason } }));
});
