import type { Assignment } from '#contracts';
import { type DeploySettings, hookJob, type Hook, job as jobRules, type JobId, PLATFORM, streamOf } from '#domain';
import { hookJobIdOf, randomCommandId } from '#platform';
import { IDS, SchedulerWorld, SPEC } from '../../test/simulation/scheduler-world.ts';

let world: SchedulerWorld;
afterEach(async () => {
  expect(world.breaches()).toEqual([]);
  await world.end();
});

const NEXT = 'docker.io/library/api:2';
const until = (condition: () => boolean | Promise<boolean>, limitMs = 120_000): Promise<void> => world.clock.advanceUntil(condition, limitMs);
const isOver = async (): Promise<boolean> => !(await world.service()).activeDeployment;
const running = (): Assignment[] => world.nodes.flatMap(({ alive }) => alive);
const images = (): string[] => running().map(({ spec }) => spec.image);
const isBad = ({ spec }: Assignment): boolean => spec.image === NEXT;

/** A service of that many replicas on its release 1. */
async function stable(replicas: number, deploy: Partial<DeploySettings> = {}, options: Parameters<typeof SchedulerWorld.begin>[0] = { nodes: 2 }): Promise<void> {
  world = await SchedulerWorld.begin(options);
  await world.createService(replicas, { deploy });
  await until(() => world.isStable(replicas));
}

/** Nothing is left but that many of this image, and nothing more comes. */
async function rests(replicas: number, image: string): Promise<void> {
  await until(() => world.isStable(replicas));
  await world.clock.advance(60_000);
  expect(images()).toEqual(Array.from({ length: replicas }, () => image));
}

describe('a roll', () => {
  it('start-first replaces all, and never lives beyond the surge', async () => {
    await stable(4, { maxSurge: 1, maxUnavailable: 0 });
    await world.deploy('dep_second', NEXT);
    let most = 0;
    await until(async () => {
      most = Math.max(most, running().length);
      return isOver();
    });
    expect(most).toBe(5);
    expect((await world.deployment('dep_second')).closed?.outcome).toBe('SUCCEEDED');
    await rests(4, NEXT);
  });

  it('stop-first prepares beside the one that it replaces, on its node', async () => {
    await stable(3, { maxSurge: 0, maxUnavailable: 1 });
    await world.deploy('dep_second', NEXT);
    await until(isOver);
    const prepared = world.store.log.findIndex(({ type, data }) => type === 'ReplicaObserved' && (data as { state: string }).state === 'PREPARED');
    expect(prepared).toBeLessThan(world.store.log.findIndex(({ type }) => type === 'ReplicaWantedChanged'));
    const placed = world.events('ReplicaPlaced').map(({ stream, data }) => ({ node: stream, ...(data as { replicaId: string; replaces: string | null }) }));
    for (const { node, replaces } of placed.filter((each) => each.replaces)) expect(placed.find(({ replicaId }) => replicaId === replaces)?.node).toBe(node);
    expect(placed.filter(({ replaces }) => replaces)).toHaveLength(3);
    await rests(3, NEXT);
  });

  it('by recreation has all prepared before it stops any', async () => {
    await stable(3, { strategy: 'recreate' });
    await world.deploy('dep_second', NEXT);
    await until(isOver);
    const order = world.store.log.filter(({ type, data }) => (type === 'ReplicaObserved' && (data as { state: string }).state === 'PREPARED') || type === 'ReplicaWantedChanged').map(({ type }) => type);
    expect(order).toEqual(['ReplicaObserved', 'ReplicaObserved', 'ReplicaObserved', 'ReplicaWantedChanged', 'ReplicaWantedChanged', 'ReplicaWantedChanged']);
    await rests(3, NEXT);
  });

  it('to a release that fails goes back to the very release before, and says why', async () => {
    await stable(3);
    for (const node of world.nodes) node.fateOf = (assignment) => (isBad(assignment) ? 'fails' : 'settles');
    await world.deploy('dep_second', NEXT);
    await until(isOver);
    expect((await world.deployment('dep_second')).closed).toMatchObject({ outcome: 'ROLLED_BACK', reason: { code: 'image_not_found' } });
    await rests(3, SPEC.image);
    expect(await world.service()).toMatchObject({ stableRelease: 1, halted: null });
  });

  it('that hangs is given up after the healthy deadline, and halts the service where no return is wanted', async () => {
    await stable(2, { autoRollback: false, healthyDeadlineMs: 20_000, maxSurge: 0, maxUnavailable: 1 });
    for (const node of world.nodes) node.fateOf = (assignment) => (isBad(assignment) ? 'hangs' : 'settles');
    await world.deploy('dep_second', NEXT);
    await until(isOver, 60_000);
    expect((await world.deployment('dep_second')).closed).toMatchObject({ outcome: 'FAILED', reason: { code: 'healthy_deadline' } });
    expect((await world.service()).halted?.code).toBe('healthy_deadline');
    await world.clock.advance(60_000);
    expect(images()).toEqual([SPEC.image]);
    await world.onService({ type: 'StartDockerService', data: { deploymentId: 'dep_third' } });
    await rests(2, SPEC.image);
  });

  it.each([50, 400, 900, 1_500, 2_500])('is cancelled after %d ms and goes back', async (ms) => {
    await stable(3, { monitorMs: 5_000 });
    await world.deploy('dep_second', NEXT);
    await world.clock.advance(ms);
    await world.onService({ type: 'CancelDeployment', data: { deploymentId: 'dep_second' } });
    await until(isOver);
    expect((await world.deployment('dep_second')).closed?.outcome).toBe('CANCELLED');
    await rests(3, SPEC.image);
  });

  it.each([50, 400, 900, 1_500, 2_500])('is superseded after %d ms and leaves nothing', async (ms) => {
    await stable(3);
    await world.deploy('dep_second', NEXT);
    await world.clock.advance(ms);
    await world.deploy('dep_third', 'docker.io/library/api:3');
    await until(isOver);
    expect((await world.deployment('dep_second')).closed?.outcome).toMatch(/SUPERSEDED|SUCCEEDED/);
    await rests(3, 'docker.io/library/api:3');
  });

  it('watches what it has made, and goes back when that does not last', async () => {
    await stable(2, { monitorMs: 10_000 });
    await world.deploy('dep_second', NEXT);
    await world.clock.advance(1_000);
    await until(async () => (await world.deployment('dep_second')).stage === 'monitor');
    const [node] = world.nodes;
    await node!.crash(node!.alive.find(isBad)!.replicaId);
    await until(isOver);
    expect((await world.deployment('dep_second')).closed).toMatchObject({ outcome: 'ROLLED_BACK', reason: { code: 'exited' } });
    await rests(2, SPEC.image);
  });

  it('pins what the tag meant to its first replica, for all of them', async () => {
    world = await SchedulerWorld.begin();
    world.nodes[0]!.imageOf = () => 'sha256:first';
    await world.createService(2);
    await until(() => world.isStable(2));
    expect((await world.service()).pins.get(1)).toEqual({ reference: 'sha256:first', digest: null, imageId: 'sha256:first' });
    await world.scale(3);
    await until(() => world.isStable(3));
    expect(running().find(({ slot }) => slot === 3)?.spec.image).toBe('sha256:first');
  });
});

const HOOK: Hook = { overrides: { command: ['bin/migrate'] }, timeoutMs: 60_000, retries: 0 };

/** As job-runner would. */
async function endHook(which: 'pre_deploy' | 'post_deploy', outcome: 'SUCCEEDED' | 'FAILED'): Promise<JobId> {
  const jobId = hookJobIdOf('dep_second', which);
  await until(async () => (await world.aggregates.load(jobRules, streamOf('job', jobId))).state.status === 'open');
  const metadata = () => ({ commandId: randomCommandId(), tenantId: PLATFORM, actor: { type: 'system', id: 'job-runner' }, originId: null, now: world.clock.now(), correlationId: 'c', causationId: null }) as const;
  await world.aggregates.handle(jobRules, streamOf('job', jobId), { type: 'StartAttempt', data: { attempt: 1, replicaId: 'rep_hook' } }, metadata());
  const data = { outcome, attempt: 1, exitCode: outcome === 'FAILED' ? 3 : 0, oomKilled: false, reason: { code: 'exited', message: 'exit code 3' } } as const;
  await world.aggregates.handle(jobRules, streamOf('job', jobId), { type: 'EndJob', data }, metadata());
  return jobId;
}

describe('hooks', () => {
  it('run before any replica is touched, and after all are replaced', async () => {
    await stable(2);
    await world.deploy('dep_second', NEXT, { settings: { preDeploy: HOOK, postDeploy: HOOK } });
    await world.clock.advance(20_000);
    expect(images()).toEqual([SPEC.image, SPEC.image]);
    await endHook('pre_deploy', 'SUCCEEDED');
    await until(async () => (await world.deployment('dep_second')).stage === 'post_deploy');
    await until(() => images().length === 2);
    expect(images()).toEqual([NEXT, NEXT]);
    const jobId = await endHook('post_deploy', 'SUCCEEDED');
    await until(isOver);
    expect((await world.deployment('dep_second')).closed?.outcome).toBe('SUCCEEDED');
    const { state } = await world.aggregates.load(jobRules, streamOf('job', jobId));
    const service = await world.service();
    expect('definition' in state && state.definition).toEqual(hookJob({ jobId, which: 'post_deploy', deploymentId: 'dep_second', service, release: 2, spec: { ...SPEC, image: NEXT }, hook: HOOK }));
  });

  it('that fail before leave everything as it was', async () => {
    await stable(2);
    await world.deploy('dep_second', NEXT, { settings: { preDeploy: HOOK } });
    await endHook('pre_deploy', 'FAILED');
    await until(isOver);
    expect((await world.deployment('dep_second')).closed).toMatchObject({ outcome: 'ROLLED_BACK', reason: { code: 'pre_deploy_failed', message: 'the pre_deploy hook ended FAILED: exit code 3' } });
    expect(world.events('ReplicaCreated')).toHaveLength(2);
    await rests(2, SPEC.image);
  });

  it('that fail after everything was replaced take it all back', async () => {
    await stable(2);
    await world.deploy('dep_second', NEXT, { settings: { postDeploy: HOOK } });
    await endHook('post_deploy', 'FAILED');
    await until(isOver);
    expect((await world.deployment('dep_second')).closed).toMatchObject({ outcome: 'ROLLED_BACK', reason: { code: 'post_deploy_failed' } });
    await rests(2, SPEC.image);
  });

  it('are taken back by a cancel, and by a newer deployment, which waits for their end', async () => {
    await stable(1);
    await world.deploy('dep_second', NEXT, { settings: { preDeploy: HOOK } });
    const jobId = hookJobIdOf('dep_second', 'pre_deploy');
    await until(async () => (await world.aggregates.load(jobRules, streamOf('job', jobId))).state.status === 'open');
    await world.deploy('dep_third', 'docker.io/library/api:3');
    await until(isOver);
    const ended = world.store.log.findIndex(({ type, stream }) => type === 'JobEnded' && stream === streamOf('job', jobId));
    const opened = world.store.log.findIndex(({ type, stream }) => type === 'DeploymentOpened' && stream === streamOf('deployment', 'dep_third'));
    expect(ended).toBeGreaterThan(0);
    expect(opened).toBeGreaterThan(ended);
    expect((await world.deployment('dep_second')).closed?.outcome).toBe('SUPERSEDED');
    await rests(1, 'docker.io/library/api:3');
  });
});

describe('a service', () => {
  it('that is paused keeps its containers, and runs them again', async () => {
    await stable(3);
    const before = running().map(({ replicaId }) => replicaId).sort();
    await world.onService({ type: 'PauseDockerService', data: {} });
    await until(async () => (await Promise.all(before.map((id) => world.replicaState(id)))).every((state) => state === 'STOPPED'));
    await world.clock.advance(60_000);
    expect(running().map(({ replicaId }) => replicaId).sort()).toEqual(before);
    expect(world.events('ReplicaReleased')).toEqual([]);
    await world.onService({ type: 'ResumeDockerService', data: { deploymentId: 'dep_second' } });
    await until(async () => (await Promise.all(before.map((id) => world.replicaState(id)))).every((state) => state === 'SETTLED'));
    expect(running().map(({ replicaId }) => replicaId).sort()).toEqual(before);
    expect(world.events('ReplicaCreated')).toHaveLength(3);
  });

  it('that is stopped gives its room back, and gets new containers of the same release when it is started', async () => {
    await stable(2);
    await world.onService({ type: 'StopDockerService', data: {} });
    await until(() => world.events('ReplicaReleased').length === 2);
    expect(running()).toEqual([]);
    await world.onService({ type: 'StartDockerService', data: { deploymentId: 'dep_second' } });
    await rests(2, SPEC.image);
    expect(world.events('DeploymentStarted')).toHaveLength(1);
  });

  it.each(['PauseDockerService', 'StopDockerService', 'RequestDockerServiceDeletion'] as const)('ends a deployment at once by %s, without a return', async (type) => {
    await stable(3);
    await world.deploy('dep_second', NEXT);
    await world.clock.advance(1_500);
    await world.onService({ type, data: {} });
    await until(isOver, 5_000);
    const { closed, stages } = await world.deployment('dep_second');
    expect(closed?.outcome).toBe('CANCELLED');
    expect(stages.has('return')).toBe(false);
    if (type === 'RequestDockerServiceDeletion') return until(() => world.events('DockerServiceDeleted').length === 1);
    await world.onService({ type: 'StartDockerService', data: { deploymentId: 'dep_third' } });
    await rests(3, SPEC.image);
  });

  it('whose replica is given up has it tried on another node, where its policy says so', async () => {
    world = await SchedulerWorld.begin({ nodes: 2 });
    await world.createService(1, { spec: { restartPolicy: { ...SPEC.restartPolicy, name: 'on-failure', maxRetries: 1, onExhausted: 'replace' } } });
    await until(() => world.isStable(1));
    const first = world.nodes.find(({ alive }) => alive.length === 1)!;
    await first.crash(first.alive[0]!.replicaId);
    await until(() => world.nodes.some((node) => node !== first && node.alive.length === 1));
    await rests(1, SPEC.image);
    expect(world.nodes.find(({ alive }) => alive.length === 1)).not.toBe(first);
  });

  it('is restarted into new containers of the same release', async () => {
    await stable(2);
    await world.onService({ type: 'RestartDockerService', data: { deploymentId: 'dep_second' } });
    await until(isOver);
    expect(running().map(({ generation }) => generation)).toEqual([2, 2]);
    await rests(2, SPEC.image);
  });

  it('goes back to a release by a new one that copies it', async () => {
    await stable(2);
    await world.deploy('dep_second', NEXT);
    await until(isOver);
    await world.onService({ type: 'RollBackDockerService', data: { deploymentId: 'dep_third', release: null } });
    await until(isOver);
    expect((await world.service()).stableRelease).toBe(3);
    await rests(2, SPEC.image);
  });
});

describe('schedulers in the middle of a roll', () => {
  /** Up to two, moved to a release that fails, and moved on from there. */
  async function rolls(): Promise<void> {
    await world.createService(2, { deploy: { maxSurge: 0, maxUnavailable: 1 } });
    await until(() => world.isStable(2));
    for (const node of world.nodes) node.fateOf = (assignment) => (isBad(assignment) ? 'fails' : 'settles');
    await world.deploy('dep_second', NEXT);
    await until(isOver);
    expect((await world.deployment('dep_second')).closed?.outcome).toBe('ROLLED_BACK');
    await world.deploy('dep_third', 'docker.io/library/api:3');
    await until(isOver);
    await until(() => world.isStable(2));
    expect(images()).toEqual(['docker.io/library/api:3', 'docker.io/library/api:3']);
  }

  it.each(['before', 'after'] as const)('may be killed just %s any of their appends', async (when) => {
    world = await SchedulerWorld.begin({ nodes: 2 });
    await rolls();
    await world.end();
    const { appends } = world.processes[0]!.store;
    for (let n = 25; n <= appends; n += 3) {
      world = await SchedulerWorld.begin({ nodes: 2, schedulers: 0 });
      const first = world.addScheduler();
      world.kill(first, n, when, () => void world.addScheduler());
      await rolls();
      expect(world.breaches()).toEqual([]);
      expect({ n, services: IDS.serviceId, stable: (await world.service()).stableRelease }).toEqual({ n, services: IDS.serviceId, stable: 3 });
      if (n + 3 <= appends) await world.end();
    }
  }, 60_000);
});
