import { MemoryEventStore } from '#testing';
import { appendAll, heard, memberOf, OPERATOR } from '../given/reads.ts';
import { observe, orderedService, place, registerNode, SPEC, Story, SYSTEM, timeOf } from '../given/story.ts';
import { explainJob, explainService, getJobExplanation, getServiceExplanation } from './explain.ts';

const owner = { type: 'docker_service', id: 'svc_web' } as const;
const full = { nodeId: 'node_a', name: 'host-a', fits: false, reasons: [{ filter: 'capacity', detail: 'needs 64 B, 12 B free' }], score: null } as const;

const defer = (story: Story, slot: number) =>
  story.tell(`replica-rep_${slot}`, 'PlacementDeferred', { replicaId: `rep_${slot}`, owner, reason: { code: 'no_node_fits', message: 'no node fits: host-a lacks room' }, nodes: [full] }, SYSTEM);

async function storeOf(story: Story): Promise<MemoryEventStore> {
  const store = new MemoryEventStore();
  await appendAll(store, story.events);
  return store;
}

describe('the explanation of a service', () => {
  it('says in one sentence why it waits, and what every node was found to be', () => {
    const story = orderedService();
    place(story, 1);
    observe(story, 1, 'RUNNING');
    defer(story, 2);
    const { summary, nodes } = explainService(story.events);
    expect(summary).toBe('web is PENDING: 1 of 2 replicas run; slot 2: no node fits: host-a lacks room');
    expect(nodes).toEqual([{ node_id: 'node_a', name: 'host-a', fits: false, reasons: [{ filter: 'capacity', detail: 'needs 64 B, 12 B free' }], score: null }]);
  });

  it('tells of stages, of health and of restarts that were too many to be told one by one', () => {
    const story = orderedService();
    const ref = { deploymentId: 'dep_1', dockerServiceId: 'svc_web', projectId: 'prj_shop' } as const;
    const reason = { code: 'exited', message: 'slot 1: exit code 3' };
    place(story, 1);
    observe(story, 1, 'RUNNING', { health: 'unhealthy' });
    const restarts = { count: 42, firstAt: timeOf(1), lastAt: timeOf(2), causes: { exited: 40, oom_killed: 2 } };
    observe(story, 1, 'FAILED', { run: 53, exitCode: 3, restarts });
    story.tell('deployment-dep_1', 'DeploymentStageBegan', { ...ref, stage: 'return', jobId: null, at: timeOf(9), deadlineAt: null, reason }, SYSTEM);
    story.tell('docker_service-svc_web', 'DeploymentCancelRequested', { deploymentId: 'dep_1' });
    expect(explainService(story.events).chain.slice(-4).map(({ what, why }) => `${what} — ${why}`)).toEqual([
      'slot 1 (generation 1) was seen RUNNING and unhealthy on host-a in its run 1 — its agent saw it so',
      `slot 1 (generation 1) was seen FAILED on host-a in its run 53 — exit code 3; restarted 42 times from ${timeOf(1)} to ${timeOf(2)} (exited 40, oom_killed 2)`,
      'the deployment came to its stage return — slot 1: exit code 3',
      'its deployment was asked to go back — it was asked for',
    ]);
  });

  it('tells every event that led there, in order, with what happened and why', () => {
    const story = orderedService();
    place(story, 1, 'refused');
    place(story, 1);
    observe(story, 1, 'RUNNING');
    observe(story, 1, 'FAILED', { exitCode: 137, oomKilled: true, reason: { code: 'oom', message: 'it was killed for its memory' } });
    story.tell('docker_service-svc_web', 'DockerServiceScaled', { from: 2, to: 1 });
    const { chain } = explainService(story.events);
    expect(chain.map(({ what, why }) => `${what} — ${why}`)).toEqual([
      'web was created with 2 replicas — it was asked for',
      'release 1 was cut from docker.io/library/web:1 — what shapes its container was given or changed',
      'a deployment of release 1 was started — nothing of it ran before',
      'the deployment of release 1 was taken up — it is the active one of its service',
      '2 replicas ordered — 2 replicas of release 1 are wanted',
      'slot 1 (generation 1) waits for a node — it was ordered',
      'slot 2 (generation 1) waits for a node — it was ordered',
      'host-a was chosen for slot 1 (generation 1) — host-a scored 70',
      'host-a refused slot 1 (generation 1) — host-a is full',
      'host-a was chosen for slot 1 (generation 1) — host-a scored 70',
      'host-a took slot 1 (generation 1) — the node took it',
      'slot 1 (generation 1) was seen RUNNING on host-a in its run 1 — its agent saw it so',
      'slot 1 (generation 1) was seen FAILED on host-a in its run 1 — it was killed for its memory (exit code 137, out of memory)',
      'it was scaled from 2 to 1 replica — it was asked for',
    ]);
    expect(chain[0]).toMatchObject({ at: timeOf(1), event_id: 'event-1' });
  });

  it('shows the latest placement where nothing waits any more', () => {
    const story = orderedService();
    for (const slot of [1, 2]) {
      defer(story, slot);
      place(story, slot);
      observe(story, slot, 'RUNNING');
    }
    expect(explainService(story.events)).toMatchObject({ summary: 'web is RUNNING: 2 of 2 replicas run release 1', nodes: [{ node_id: 'node_a', fits: true, score: 70 }] });
    expect(explainService(story.events, () => true).summary).toMatch(/^web is PENDING: 0 of 2 replicas run; slot 1: its node isn't heard from/);
  });

  it('says why nothing is wanted of it', () => {
    const story = orderedService();
    story.tell('docker_service-svc_web', 'DockerServiceScaled', { from: 2, to: 0 });
    expect(explainService(story.events).summary).toBe('web has nothing to run: it is scaled to 0 replicas');
  });

  it('is read from the streams of the service, its deployments and its replicas, within reach only', async () => {
    const story = new Story();
    registerNode(story);
    orderedService(story);
    place(story, 1);
    const store = await storeOf(story);
    const read = await getServiceExplanation({ store }, OPERATOR, 'svc_web', heard());
    expect(read!.chain.map(({ event_id }) => event_id)).toEqual(story.events.slice(1).map(({ id }) => id));
    expect(read!.summary).toMatch(/^web is PENDING/);
    expect(await getServiceExplanation({ store }, memberOf('prj_other'), 'svc_web', heard())).toBeNull();
    expect(await getServiceExplanation({ store }, OPERATOR, 'svc_none', heard())).toBeNull();
  });
});

describe('the explanation of a job', () => {
  it('names its attempts and tells how it ended', async () => {
    const story = new Story();
    const ofJob = { type: 'job', id: 'job_1' } as const;
    const job = { jobId: 'job_1', projectId: 'prj_shop', environmentId: 'env_live', networkId: 'net_live', name: 'migrate', spec: SPEC, timeoutMs: 1_000, retries: 0, trigger: { type: 'manual' }, inheritsFrom: null, rerunOf: null } as const;
    story.tell('job-job_1', 'JobCreated', job);
    story.tell('job-job_1', 'JobAttemptStarted', { attempt: 1, replicaId: 'rep_1' }, SYSTEM);
    observe(story, 1, 'COMPLETED', { owner: ofJob, final: true, exitCode: 0 });
    story.tell('job-job_1', 'JobEnded', { outcome: 'SUCCEEDED', attempt: 1, exitCode: 0, oomKilled: false, reason: { code: 'completed', message: 'it ran to its end' } }, SYSTEM);
    expect(explainJob(story.events)).toMatchObject({
      summary: 'migrate is SUCCEEDED: it ran to its end',
      chain: [
        { what: 'the job migrate was created from docker.io/library/web:1' },
        { what: 'attempt 1 was started' },
        { what: 'attempt 1 was seen COMPLETED on node_a in its run 1', why: 'exit code 0' },
        { what: 'it ended SUCCEEDED with attempt 1', why: 'it ran to its end (exit code 0)' },
      ],
    });
    const store = await storeOf(story);
    expect((await getJobExplanation({ store }, memberOf('prj_shop'), 'job_1'))!.chain).toHaveLength(4);
    expect(await getJobExplanation({ store }, memberOf('prj_other'), 'job_1')).toBeNull();
  });
});
