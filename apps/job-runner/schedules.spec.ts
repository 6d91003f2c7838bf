import { DEFAULT_TARGETS,
  dockerService, job, KEPT_JOBS, NO_RESTART, project, schedule, schemaOf, streamOf, upcast,
  type CommandMetadata, type ContainerSpec, type JobEvent, type JobId, type ScheduleCommand, type ScheduleEvent, type ScheduleSettings,
} from '#domain';
import { AggregateStore } from '#event-store';
import { commandIdOf } from '#platform';
import { aDockerServiceCreated, MemoryBroker, MemoryEventStore, MemoryLogger, seededRandom, VirtualClock } from '#testing';
import { JobRunner } from './job-runner.ts';

const amount = { cpuMillis: 250, memoryBytes: 268_435_456 };
const spec: ContainerSpec = { image: 'docker.io/library/busybox:latest', pullPolicy: 'missing', command: ['true'], args: null, env: {}, ports: [], plan: null, resources: { request: amount, limit: amount }, labels: {}, constraints: [], restartPolicy: NO_RESTART, healthcheck: null, ...DEFAULT_TARGETS };
const settings: ScheduleSettings = { cron: '*/5 * * * *', timeZone: 'UTC', concurrency: 'allow', job: { name: 'report', timeoutMs: 3_600_000, retries: 0, runs: { type: 'container', spec } } };
const MINUTE = 60_000;

class World {
  readonly clock = new VirtualClock();
  readonly store = new MemoryEventStore();
  readonly runners: JobRunner[] = [];
  readonly aggregates = this.aggregatesOf(1);
  readonly #broker = new MemoryBroker(this.clock);
  #commands = 0;

  aggregatesOf(seed: number): AggregateStore {
    return new AggregateStore({ store: this.store, clock: this.clock, random: seededRandom(seed), upcast, schemaOf });
  }

  async start(count = 1): Promise<void> {
    for (let number = 1; number <= count; number += 1) {
      const ports = { store: this.store, clock: this.clock, random: seededRandom(number), logger: new MemoryLogger(), bus: this.#broker.bus(`runner-${number}`), aggregates: this.aggregatesOf(number) };
      const runner = new JobRunner(ports);
      this.runners.push(runner);
      runner.start();
    }
    await this.clock.advance(10);
  }

  async stop(): Promise<void> {
    await Promise.all(this.runners.splice(0).map((runner) => runner.stop()));
  }

  async createProject(): Promise<void> {
    const environment = { environmentId: 'env_a', name: 'default', networkId: 'net_a' } as const;
    await this.aggregates.handle(project, streamOf('project', 'prj_a'), { type: 'CreateProject', data: { projectId: 'prj_a', name: 'shop', environment } }, this.metadata());
  }

  async create(over: Partial<ScheduleSettings> = {}): Promise<void> {
    const since = new Date(this.clock.now()).toISOString();
    await this.tell({ type: 'CreateSchedule', data: { ...settings, ...over, scheduleId: 'sch_1', projectId: 'prj_a', environmentId: 'env_a', networkId: 'net_a', since } });
  }

  async tell(command: ScheduleCommand): Promise<void> {
    await this.aggregates.handle(schedule, streamOf('schedule', 'sch_1'), command, this.metadata());
    await this.clock.advance(10);
  }

  /** As it would end by itself. */
  async end(jobId: JobId, outcome: 'SUCCEEDED' | 'CANCELLED' = 'SUCCEEDED'): Promise<void> {
    const reason = { code: 'exited', message: '' };
    await this.aggregates.handle(job, streamOf('job', jobId), { type: 'EndJob', data: { outcome, attempt: 1, exitCode: 0, oomKilled: false, reason } }, this.metadata());
    await this.clock.advance(10);
  }

  get told(): ScheduleEvent[] {
    return this.store.log.filter(({ stream }) => stream === 'schedule-sch_1').map(({ type, data }) => ({ type, data }) as ScheduleEvent);
  }

  get fired() {
    return this.told.flatMap((event) => (event.type === 'ScheduleFired' ? [event.data] : []));
  }

  get jobs() {
    return this.store.log.flatMap(({ type, data }) => (type === 'JobCreated' ? [data as Extract<JobEvent, { type: 'JobCreated' }>['data']] : []));
  }

  metadata(): CommandMetadata {
    this.#commands += 1;
    return { commandId: commandIdOf('spec', String(this.#commands)), tenantId: 'prj_a', actor: { type: 'user', id: 'u' }, originId: null, now: this.clock.now(), correlationId: 'the-request', causationId: null };
  }
}

let world: World;
beforeEach(async () => {
  world = new World();
  await world.createProject();
});
afterEach(() => world.stop());

describe('schedules', () => {
  it('make one job at each due minute, however many runners there are', async () => {
    await world.start(3);
    await world.create();
    await world.clock.advance(10 * MINUTE + 500);
    expect(world.fired.map(({ minute, missedSince }) => [minute, missedSince])).toEqual([
      ['2026-01-01T00:05:00.000Z', null],
      ['2026-01-01T00:10:00.000Z', null],
    ]);
    expect(world.jobs).toEqual(
      world.fired.map(({ jobId }) => ({
        jobId, projectId: 'prj_a', environmentId: 'env_a', networkId: 'net_a', name: 'report', timeoutMs: 3_600_000, retries: 0, spec, trigger: { type: 'schedule', scheduleId: 'sch_1' }, inheritsFrom: null, rerunOf: null,
      })),
    );
  });

  it('catch up once for all that was missed while no runner was there', async () => {
    await world.create();
    await world.clock.advance(33 * MINUTE);
    await world.start(2);
    await world.clock.advance(1_000);
    expect(world.fired).toMatchObject([{ minute: '2026-01-01T00:30:00.000Z', missedSince: '2026-01-01T00:05:00.000Z' }]);
    expect(world.jobs).toHaveLength(1);
  });

  it('make what was decided before the runner went away', async () => {
    await world.create();
    await world.clock.advance(6 * MINUTE);
    await world.tell({ type: 'FireSchedule', data: { minute: '2026-01-01T00:05:00.000Z', jobId: 'job_1', release: null, missedSince: null, replaces: [] } });
    await world.tell({ type: 'DeleteSchedule', data: {} });
    await world.start();
    expect(world.jobs.map(({ jobId }) => jobId)).toEqual(['job_1']);
  });

  it('pass a minute over while an earlier job runs, where jobs may not overlap', async () => {
    await world.start(2);
    await world.create({ concurrency: 'forbid' });
    await world.clock.advance(10 * MINUTE + 500);
    expect(world.told.map(({ type }) => type)).toEqual(['ScheduleCreated', 'ScheduleFired', 'ScheduleSkipped']);
    await world.end(world.fired[0]!.jobId);
    await world.clock.advance(5 * MINUTE);
    expect(world.jobs).toHaveLength(2);
  });

  it('replace the earlier job: it is cancelled, and the next one made once it has ended', async () => {
    await world.start(2);
    await world.create({ concurrency: 'replace' });
    await world.clock.advance(5 * MINUTE + 500);
    const [first] = world.fired;
    // A node holds it: its end is that node's word.
    const replicaId = (world.store.log.find(({ type }) => type === 'JobAttemptStarted')!.data as { replicaId: string }).replicaId;
    const owner = { type: 'job', id: first!.jobId } as const;
    await world.store.append(`replica-${replicaId}`, 'any', [
      { id: 'e1', type: 'PlacementClaimed', data: { replicaId, owner, attempt: 1, nodeId: 'node_1', reason: { code: 'r', message: '' }, nodes: [] }, metadata: { ...world.metadata(), at: '', schema: 1 } },
    ]);
    await world.clock.advance(5 * MINUTE);
    expect(world.fired[1]).toMatchObject({ replaces: [first!.jobId] });
    expect(world.store.log.filter(({ type }) => type === 'JobCancelRequested')).toHaveLength(1);
    expect(world.jobs).toHaveLength(1);
    await world.end(first!.jobId, 'CANCELLED');
    expect(world.jobs.map(({ jobId }) => jobId)).toEqual(world.fired.map(({ jobId }) => jobId));
  });

  it('keep their last ten jobs that have ended', async () => {
    await world.start(2);
    await world.create();
    for (let fired = 1; fired <= KEPT_JOBS + 1; fired += 1) {
      await world.clock.advance(5 * MINUTE);
      await world.end(world.fired.at(-1)!.jobId);
    }
    await world.clock.advance(500);
    const cuts = world.told.flatMap((event) => (event.type === 'ScheduleHistoryCut' ? event.data.jobIds : []));
    expect(cuts).toEqual([world.fired[0]!.jobId]);
  });

  it('take what the service runs when they fire, and pause when it is gone', async () => {
    const created = aDockerServiceCreated();
    const { dockerServiceId, projectId, environmentId, networkId, hostname, name, replicas, deploy } = created.data;
    const toService = (command: Parameters<typeof dockerService.decide>[1]) => world.aggregates.handle(dockerService, 'docker_service-svc_a', command, world.metadata());
    await toService({ type: 'CreateDockerService', data: { dockerServiceId, projectId, environmentId, networkId, hostname, name, kind: 'worker', replicas, deploy, spec, deploymentId: 'dep_a' } });
    await world.start();
    await world.create({ job: { ...settings.job, runs: { type: 'docker_service', dockerServiceId, overrides: { command: ['bin/report'] } } } });
    await world.clock.advance(5 * MINUTE);
    expect(world.jobs).toMatchObject([{ inheritsFrom: { dockerServiceId, release: 1 }, spec: { image: spec.image, command: ['bin/report'] } }]);
    await toService({ type: 'RequestDockerServiceDeletion', data: {} });
    await world.clock.advance(60 * MINUTE);
    expect(world.told.filter(({ type }) => type !== 'ScheduleFired')).toMatchObject([{ type: 'ScheduleCreated' }, { type: 'SchedulePaused', data: { reason: { code: 'docker_service_deleted' } } }]);
    expect(world.jobs).toHaveLength(1);
  });
});
