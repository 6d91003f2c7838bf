import { subjects, type ReportReply } from '#contracts';
import { job, node, replica, schemaOf, streamOf, upcast, type CommandMetadata, type JobCommand, type JobDefinition, type JobEvent, type NodeCommand, type NodeId, type Observation, type ReplicaCommand, type ReplicaEvent, NO_RESTART, DEFAULT_TARGETS } from '#domain';
import { AggregateStore } from '#event-store';
import { commandIdOf, replicaIdOf } from '#platform';
import { MemoryBroker, MemoryEventStore, MemoryLogger, seededRandom, VirtualClock } from '#testing';
import { JobRunner } from './job-runner.ts';

const amount = { cpuMillis: 250, memoryBytes: 268_435_456 };
const definition: JobDefinition = {
  jobId: 'job_1', projectId: 'prj_1', environmentId: 'env_1', networkId: 'net_1', name: 'migrate', timeoutMs: 60_000, retries: 0, trigger: { type: 'manual' }, inheritsFrom: null, rerunOf: null,
  spec: { image: 'docker.io/library/busybox:latest', pullPolicy: 'missing', command: ['true'], args: null, env: {}, ports: [], plan: null, resources: { request: amount, limit: amount }, labels: {}, constraints: ['node.labels.zone==a'], restartPolicy: NO_RESTART, healthcheck: null, ...DEFAULT_TARGETS },
};
const owner = { type: 'job', id: 'job_1' } as const;
const replicaId = replicaIdOf(owner, 0, 1);
const nodeId: NodeId = 'node_1';
const cancelled = { code: 'cancelled', message: 'it was cancelled by request' };
const seen = (state: Observation['state'], more: Partial<Observation> = {}): Observation => ({
  replicaId, run: 1, state, final: false, containerId: 'c', address: null, imageId: null, exitCode: null, oomKilled: false, health: 'unknown', reason: null, at: '2026-01-01T00:00:00.000Z', ...more,
});

/** A log with a job in it, and as many runners as asked. */
class World {
  readonly clock = new VirtualClock();
  readonly store = new MemoryEventStore();
  readonly runners: JobRunner[] = [];
  readonly aggregates = this.aggregatesOf(1);
  readonly #broker = new MemoryBroker(this.clock);

  aggregatesOf(seed: number): AggregateStore {
    return new AggregateStore({ store: this.store, clock: this.clock, random: seededRandom(seed), upcast, schemaOf });
  }

  start(count = 1): void {
    for (let number = 1; number <= count; number += 1) {
      const ports = { store: this.store, clock: this.clock, random: seededRandom(number), logger: new MemoryLogger(), bus: this.#broker.bus(`runner-${number}`), aggregates: this.aggregatesOf(number) };
      const runner = new JobRunner(ports);
      this.runners.push(runner);
      runner.start();
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.runners.splice(0).map((runner) => runner.stop()));
  }

  async createJob(over: Partial<JobDefinition> = {}): Promise<void> {
    await this.toJob({ type: 'CreateJob', data: { ...definition, ...over } });
  }

  async toJob(command: JobCommand): Promise<void> {
    await this.aggregates.handle(job, streamOf('job', 'job_1'), command, this.metadata(JSON.stringify(command)));
    await this.clock.advance(10);
  }

  cancel(): Promise<void> {
    return this.toJob({ type: 'CancelJob', data: { reason: cancelled, requestedAt: new Date(this.clock.now()).toISOString() } });
  }

  /** As the scheduler places it. */
  async place(): Promise<void> {
    const reason = { code: 'only_fit', message: '' };
    await this.toReplica({ type: 'ClaimPlacement', data: { attempt: 1, nodeId, reason, nodes: [] } });
    await this.toReplica({ type: 'CopySettlement', data: { attempt: 1, nodeId, outcome: 'placed', reason, eventId: 'e' } });
  }

  /** As the health-monitor records it. */
  async observe(observation: Observation): Promise<void> {
    await this.toReplica({ type: 'RecordObservation', data: { nodeId, observation } });
    await this.clock.advance(10);
  }

  async toReplica(command: ReplicaCommand, id = replicaId): Promise<void> {
    await this.aggregates.handle(replica, streamOf('replica', id), command, this.metadata(JSON.stringify(command)));
  }

  async addNode(): Promise<void> {
    const facts = { name: 'host-1', address: '10.0.0.1', architecture: 'amd64', engineVersion: '20.10', capacity: amount, labels: {} };
    await this.toNode({ type: 'RegisterNode', data: { nodeId, facts, publicKey: 'U' } });
  }

  async toNode(command: NodeCommand): Promise<void> {
    await this.aggregates.handle(node, streamOf('node', nodeId), command, this.metadata(JSON.stringify(command)));
  }

  /** As the node's agent answers. @returns how often it was asked */
  answerReports(answer: () => ReportReply | Promise<ReportReply>): () => number {
    let asked = 0;
    this.#broker.bus('agent').subscribe(subjects.reportNow(nodeId), () => {
      asked += 1;
      return answer();
    });
    return () => asked;
  }

  eventsOf(category: 'job' | 'replica', id: string): (JobEvent | ReplicaEvent)[] {
    return this.store.log.filter(({ stream }) => stream === streamOf(category, id)).map(({ type, data }) => ({ type, data }) as JobEvent);
  }

  get end() {
    return this.eventsOf('job', 'job_1').find(({ type }) => type === 'JobEnded')?.data;
  }

  private metadata(what: string): CommandMetadata {
    return { commandId: commandIdOf(what), tenantId: 'prj_1', actor: { type: 'user', id: 'u' }, originId: null, now: this.clock.now(), correlationId: 'the-request', causationId: null };
  }
}

let world: World;
beforeEach(() => {
  world = new World();
});
afterEach(() => world.stop());

describe('job-runner', () => {
  it('gives a new job its attempt, and the attempt its replica', async () => {
    world.start();
    await world.createJob();
    expect(world.eventsOf('job', 'job_1')).toEqual([
      { type: 'JobCreated', data: definition },
      { type: 'JobAttemptStarted', data: { attempt: 1, replicaId } },
    ]);
    expect(world.eventsOf('replica', replicaId)).toEqual([
      {
        type: 'ReplicaCreated',
        data: { replicaId, owner, deploymentId: null, projectId: 'prj_1', environmentId: 'env_1', slot: 0, generation: 1, release: null, request: amount, ports: [], constraints: ['node.labels.zone==a'], replaces: null },
      },
    ]);
  });

  it('says what caused it', async () => {
    world.start();
    await world.createJob();
    const [created, started, ordered] = world.store.log;
    expect(started?.metadata).toMatchObject({ actor: { type: 'system', id: 'job-runner' }, tenantId: 'prj_1', correlationId: 'the-request', causationId: created?.id });
    expect(ordered?.metadata).toMatchObject({ correlationId: 'the-request' });
  });

  it.each([
    ['with exit code 0', 'SUCCEEDED', seen('COMPLETED', { final: true, exitCode: 0, reason: { code: 'exited', message: 'exit code 0' } }), { exitCode: 0, reason: { code: 'exited', message: 'exit code 0' } }],
    ['with another exit code', 'FAILED', seen('FAILED', { final: true, exitCode: 3 }), { exitCode: 3, reason: { code: 'exited', message: 'it ended with exit code 3' } }],
    ['out of memory', 'FAILED', seen('FAILED', { final: true, exitCode: 137, oomKilled: true, reason: { code: 'oom_killed', message: 'too much' } }), { exitCode: 137, oomKilled: true, reason: { code: 'oom_killed', message: 'too much' } }],
    ['without its image', 'FAILED', seen('FAILED', { final: true, reason: { code: 'image_not_found', message: 'no such image' } }), { exitCode: null, reason: { code: 'image_not_found', message: 'no such image' } }],
    ['past its time', 'TIMEOUT', seen('FAILED', { final: true, exitCode: 143, reason: { code: 'timeout', message: 'longer than 60 s' } }), { exitCode: 143, reason: { code: 'timeout', message: 'longer than 60 s' } }],
    ['stopped by hand', 'FAILED', seen('STOPPED', { final: true, exitCode: 0, reason: { code: 'stopped', message: 'by hand' } }), { exitCode: 0, reason: { code: 'stopped', message: 'by hand' } }],
    [
      'with its container lost',
      'FAILED',
      seen('GONE', { final: true, reason: { code: 'node_removed', message: 'its node was removed' } }),
      { exitCode: null, reason: { code: 'container_lost', message: 'its container is gone, and how it ended is unknown: its node was removed' } },
    ],
  ] as const)('ends a job %s as %s', async (_, outcome, observation, more) => {
    world.start();
    await world.createJob();
    await world.place();
    await world.observe(seen('RUNNING'));
    expect(world.end).toBeUndefined();
    await world.observe(observation);
    expect(world.end).toEqual({ outcome, attempt: 1, oomKilled: false, ...more });
  });

  it('goes on after a run that is not the last', async () => {
    world.start();
    await world.createJob();
    await world.place();
    await world.observe(seen('FAILED', { exitCode: 1 }));
    expect(world.end).toBeUndefined();
  });

  it('ends a job that no node takes within ten minutes, and says what it waited for', async () => {
    world.start();
    await world.createJob();
    await world.toReplica({ type: 'DeferPlacement', data: { reason: { code: 'capacity', message: 'no node fits (host-1: needs 4 GiB, 1 GiB free)' }, nodes: [] } });
    await world.clock.advance(599_000);
    expect(world.end).toBeUndefined();
    await world.clock.advance(1_100);
    expect(world.end).toEqual({
      outcome: 'FAILED', attempt: 1, exitCode: null, oomKilled: false,
      reason: { code: 'not_placed', message: 'no node took it within 600 s: no node fits (host-1: needs 4 GiB, 1 GiB free)' },
    });
  });

  it('lets one run on that has started, however long it waited', async () => {
    world.start();
    await world.createJob();
    await world.place();
    await world.clock.advance(599_000);
    await world.observe(seen('RUNNING'));
    await world.clock.advance(119_000);
    expect(world.end).toBeUndefined();
  });

  it('ends one whose end is not heard of: a minute after its timeout, with an outcome that nobody knows', async () => {
    world.start();
    await world.createJob();
    await world.place();
    await world.observe(seen('RUNNING'));
    await world.clock.advance(121_000);
    expect(world.end).toMatchObject({ outcome: 'FAILED', exitCode: null, reason: { code: 'node_unreachable', message: expect.stringContaining('outcome: unknown') as string } });
  });

  describe('with retries', () => {
    const types = () => world.eventsOf('job', 'job_1').map(({ type }) => type);
    const failed = seen('FAILED', { final: true, exitCode: 3 });
    beforeEach(async () => {
      world.start(2);
      await world.createJob({ retries: 1 });
      await world.place();
      await world.observe(seen('RUNNING'));
      await world.observe(failed);
    });

    it('makes the next attempt once the last container is gone and 10 s are over', async () => {
      expect(types()).toEqual(['JobCreated', 'JobAttemptStarted', 'JobAttemptFailed']);
      await world.clock.advance(60_000);
      expect(types()).toHaveLength(3);
      await world.observe(seen('GONE', { final: true }));
      expect(types()).toEqual(['JobCreated', 'JobAttemptStarted', 'JobAttemptFailed', 'JobAttemptStarted']);
      expect(world.eventsOf('replica', replicaIdOf(owner, 0, 2))).toMatchObject([{ type: 'ReplicaCreated', data: { generation: 2 } }]);
    });

    it('waits for the 10 s where the container goes at once', async () => {
      await world.observe(seen('GONE', { final: true }));
      await world.clock.advance(9_900);
      expect(types()).toHaveLength(3);
      await world.clock.advance(200);
      expect(types()).toHaveLength(4);
    });

    it('ends the job with the last attempt', async () => {
      await world.observe(seen('GONE', { final: true }));
      await world.clock.advance(11_000);
      await world.toReplica({ type: 'AbandonReplica', data: { replicaId: replicaIdOf(owner, 0, 2), owner, reason: { code: 'r', message: 'm' } } }, replicaIdOf(owner, 0, 2));
      await world.clock.advance(100);
      expect(world.end).toMatchObject({ outcome: 'FAILED', attempt: 2 });
    });

    it('is cancelled between two attempts', async () => {
      await world.cancel();
      expect(world.end).toMatchObject({ outcome: 'CANCELLED', attempt: 1, exitCode: 3, reason: cancelled });
      await world.clock.advance(60_000);
      expect(types()).toEqual(['JobCreated', 'JobAttemptStarted', 'JobAttemptFailed', 'JobCancelRequested', 'JobEnded']);
    });
  });

  describe('cancelled', () => {
    it('is CANCELLED on the word of its node, not before', async () => {
      world.start(2);
      await world.createJob();
      await world.place();
      await world.observe(seen('RUNNING'));
      await world.cancel();
      expect(world.end).toBeUndefined();
      await world.observe(seen('STOPPED', { final: true, exitCode: 143, reason: { code: 'stopped', message: 'it was to be stopped' } }));
      expect(world.end).toEqual({ outcome: 'CANCELLED', attempt: 1, exitCode: 143, oomKilled: false, reason: cancelled });
    });

    it('is CANCELLED at once while no node holds it', async () => {
      world.start();
      await world.createJob();
      await world.cancel();
      expect(world.end).toMatchObject({ outcome: 'CANCELLED', exitCode: null });
      expect(world.eventsOf('replica', replicaId).map(({ type }) => type)).toEqual(['ReplicaCreated', 'ReplicaAbandoned']);
    });
  });

  it('ends one that did not start on its node in time, once that node has reported', async () => {
    await world.addNode();
    world.start();
    await world.createJob();
    await world.place();
    await world.observe(seen('PREPARING', { reason: { code: 'registry_unreachable', message: 'no such host' } }));
    const asked = world.answerReports(() => ({ taken: world.clock.now() >= Date.UTC(2026, 0, 1) + 620_000 }));
    await world.clock.advance(619_000);
    expect(world.end).toBeUndefined();
    expect(asked()).toBeGreaterThan(2);
    await world.clock.advance(5_000);
    expect(world.end).toMatchObject({ outcome: 'FAILED', reason: { code: 'not_started', message: "its container didn't start within 600 s: no such host" } });
  });

  it('takes what that report brought: the container has started after all', async () => {
    await world.addNode();
    world.start();
    await world.createJob();
    await world.place();
    world.answerReports(async () => {
      await world.toReplica({ type: 'RecordObservation', data: { nodeId, observation: seen('RUNNING') } });
      return { taken: true };
    });
    await world.clock.advance(700_000);
    expect(world.end).toBeUndefined();
  });

  it('waits a minute at most for that report, and not at all for one of a node that is not heard', async () => {
    await world.addNode();
    world.start();
    await world.createJob();
    await world.place();
    await world.clock.advance(655_000);
    expect(world.end).toBeUndefined();
    await world.toNode({ type: 'MarkNodeUnreachable', data: { lastHeardAt: null, reason: { code: 'silent', message: '' } } });
    await world.clock.advance(4_000);
    expect(world.end).toMatchObject({ outcome: 'FAILED', reason: { code: 'node_unreachable', message: expect.stringContaining('outcome: unknown') as string } });
  });

  it('takes the first end, also where it was away until the container was removed', async () => {
    world.start();
    await world.createJob();
    await world.stop();
    await world.place();
    await world.observe(seen('COMPLETED', { final: true, exitCode: 0 }));
    await world.observe(seen('GONE', { final: true }));
    expect(world.end).toBeUndefined();
    world.start();
    await world.clock.advance(10);
    expect(world.end).toMatchObject({ outcome: 'SUCCEEDED', exitCode: 0 });
  });

  it('fails a job whose replica was given up', async () => {
    world.start();
    await world.createJob();
    await world.toReplica({ type: 'AbandonReplica', data: { replicaId, owner, reason: { code: 'environment_deleted', message: 'no place for it' } } });
    await world.clock.advance(10);
    expect(world.end).toEqual({ outcome: 'FAILED', attempt: 1, exitCode: null, oomKilled: false, reason: { code: 'environment_deleted', message: 'no place for it' } });
  });

  it('does it once, however many runners there are', async () => {
    world.start(3);
    await world.createJob();
    await world.place();
    await world.observe(seen('COMPLETED', { final: true, exitCode: 0 }));
    await world.clock.advance(5_000);
    expect(world.eventsOf('job', 'job_1').map(({ type }) => type)).toEqual(['JobCreated', 'JobAttemptStarted', 'JobEnded']);
    expect(world.eventsOf('replica', replicaId).filter(({ type }) => type === 'ReplicaCreated')).toHaveLength(1);
  });

  it('goes on where it failed in the middle, without doing anything twice', async () => {
    world.start();
    await world.clock.advance(10);
    await world.aggregates.handle(job, streamOf('job', 'job_1'), { type: 'CreateJob', data: definition }, { commandId: commandIdOf('c'), tenantId: 'prj_1', actor: { type: 'user', id: 'u' }, originId: null, now: 0, correlationId: 'c', causationId: null });
    world.store.failAppends('answer_lost', 'request_lost', 'unavailable');
    await world.clock.advance(30_000);
    expect(world.store.log.map(({ type }) => type)).toEqual(['JobCreated', 'JobAttemptStarted', 'ReplicaCreated']);
  });

  it('is ready once it has read the log', async () => {
    await world.createJob();
    world.start();
    expect(world.runners[0]?.readiness()).toEqual({ ok: false, detail: 'reads the log from its beginning' });
    await world.clock.advance(10);
    expect(world.runners[0]?.readiness()).toEqual({ ok: true, detail: 'follows the log' });
  });

  it('leaves nothing running when it stops', async () => {
    world.start();
    await world.createJob();
    await world.stop();
    await world.clock.settle();
    expect(world.clock.pending).toBe(0);
  });
});
