import { systemClock, systemRandom } from '#platform';
import { MemoryEventStore, MemoryLogger } from '#testing';
import { appendAll, heard, memberOf, OPERATOR, readsOf } from '../given/reads.ts';
import { observe, orderedService, place, registerNode, SPEC, Story, SYSTEM, timeOf } from '../given/story.ts';
import type { Liveness } from '../reads.ts';
import {
  getDeploymentExplanation, getJobExplanation, getNodeExplanation, getServiceExplanation, getVolumeExplanation, type Explanation, type ServiceReach,
} from './explain.ts';
import type { ExplainSource } from './gather.ts';

const owner = { type: 'docker_service', id: 'svc_web' } as const;
const full = { nodeId: 'node_a', name: 'host-a', fits: false, reasons: [{ filter: 'capacity', detail: 'needs 64 B, 12 B free' }], score: null } as const;

const defer = (story: Story, slot: number) =>
  story.tell(`replica-rep_${slot}`, 'PlacementDeferred', { replicaId: `rep_${slot}`, owner, reason: { code: 'no_node_fits', message: 'no node fits: host-a lacks room' }, nodes: [full] }, SYSTEM);

const opened: ExplainSource[] = [];
afterEach(async () => {
  for (const { models } of opened.splice(0)) await models.close();
});

/** Everything that explanations are read from, after these events. */
async function sourceOf(story: Story, liveness: Liveness = heard(), refusing: ExplainSource['refusing'] = () => null): Promise<ExplainSource> {
  const store = new MemoryEventStore();
  await appendAll(store, story.events);
  const { events } = await store.readAll(null, { limit: 1_000 });
  const reads = await readsOf(events, { clock: systemClock, random: systemRandom, logger: new MemoryLogger() }, liveness);
  const nodeStory = (nodeId: string) => events.filter(({ stream, type }) => stream === `node-${nodeId}` && type.startsWith('Node'));
  const lastProbe = async (nodeId: string, replicaId: string) => (nodeId === 'node_a' && replicaId === 'rep_1' ? 'GET /nope on port 9999: connect ECONNREFUSED' : null);
  const source = { ...reads, store, nodeStory, refusing, lastProbe };
  opened.push(source);
  return source;
}

const explainService = async (story: Story, reach: ServiceReach = {}, liveness: Liveness = heard()): Promise<Explanation> =>
  (await getServiceExplanation(await sourceOf(story, liveness), OPERATOR, 'svc_web', reach))!;

const sentencesOf = ({ chain }: Explanation): string[] => chain.map(({ what, why }) => `${what} — ${why}`);

/** What led to the last entry of this kind, the first cause first. */
function ledTo({ chain }: Explanation, kind: string): string[] {
  const byId = new Map(chain.map((entry) => [entry.event_id, entry]));
  const found: string[] = [];
  for (let entry = chain.findLast((each) => each.kind === kind); entry; entry = byId.get(entry.caused_by ?? '')) found.unshift(entry.what);
  return found;
}

describe('the explanation of a service', () => {
  it('says in one sentence why it waits, since when, and what every node was found to be', async () => {
    const story = orderedService();
    place(story, 1);
    observe(story, 1, 'RUNNING');
    defer(story, 2);
    const { summary, nodes } = await explainService(story);
    expect(summary).toBe(`web is PENDING: 1 of 2 replicas run; slot 2: no node fits: host-a lacks room (since ${timeOf(7)})`);
    expect(nodes).toEqual([{ node_id: 'node_a', name: 'host-a', fits: false, reasons: [{ filter: 'capacity', detail: 'needs 64 B, 12 B free' }], score: null }]);
  });

  it('says of a replica since when it runs, whatever was seen of it afterwards, and how it is', async () => {
    const story = orderedService();
    place(story, 1);
    observe(story, 1, 'RUNNING', { run: 2, health: 'starting', at: timeOf(30) });
    observe(story, 1, 'RUNNING', { run: 2, health: 'healthy', at: timeOf(31) });
    observe(story, 1, 'SETTLED', { run: 2, health: 'unhealthy', at: timeOf(45) });
    expect((await explainService(story, { replicaId: 'rep_1' })).summary).toMatch(new RegExp(`^slot 1 \\(generation 1\\) is RUNNING on \\S+ since ${timeOf(30)}, and unhealthy, restarted 1 time`));
  });

  it('tells of stages, of health and of restarts that were too many to be told one by one', async () => {
    const story = orderedService();
    const ref = { deploymentId: 'dep_1', dockerServiceId: 'svc_web', projectId: 'prj_shop' } as const;
    const reason = { code: 'exited', message: 'slot 1: exit code 3' };
    place(story, 1);
    observe(story, 1, 'RUNNING', { health: 'unhealthy' });
    const restarts = { count: 42, firstAt: timeOf(1), lastAt: timeOf(2), causes: { exited: 40, oom_killed: 2 } };
    observe(story, 1, 'FAILED', { run: 53, exitCode: 3, restarts });
    story.tell('deployment-dep_1', 'DeploymentStageBegan', { ...ref, stage: 'return', jobId: null, at: timeOf(9), deadlineAt: null, reason }, SYSTEM);
    story.tell('docker_service-svc_web', 'DeploymentCancelRequested', { deploymentId: 'dep_1' });
    expect(sentencesOf(await explainService(story)).slice(-4)).toEqual([
      'slot 1 (generation 1) was seen RUNNING and unhealthy on host-a in its run 1 — its agent saw it so',
      `slot 1 (generation 1) was seen FAILED on host-a in its run 53 — exit code 3; restarted 42 times from ${timeOf(1)} to ${timeOf(2)} (exited 40, oom_killed 2)`,
      'the deployment came to its stage return — slot 1: exit code 3',
      'its deployment was asked to go back — it was asked for',
    ]);
  });

  it('tells every event that led there, in order, with what happened and why', async () => {
    const story = orderedService();
    place(story, 1, 'refused');
    place(story, 1);
    observe(story, 1, 'RUNNING');
    observe(story, 1, 'FAILED', { exitCode: 137, oomKilled: true, reason: { code: 'oom', message: 'it was killed for its memory' } });
    story.tell('docker_service-svc_web', 'DockerServiceScaled', { from: 2, to: 1 });
    const explanation = await explainService(story);
    expect(sentencesOf(explanation)).toEqual([
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
    expect(explanation.chain[0]).toMatchObject({ at: timeOf(1), event_id: 'event-1', type: 'DockerServiceCreated', by: { id: 'tok_operator' }, caused_by: null });
  });

  it('shows the latest placement where nothing waits any more', async () => {
    const story = orderedService();
    for (const slot of [1, 2]) {
      defer(story, slot);
      place(story, slot);
      observe(story, slot, 'RUNNING');
    }
    expect(await explainService(story)).toMatchObject({ summary: 'web is RUNNING: 2 of 2 replicas run release 1', nodes: [{ node_id: 'node_a', fits: true, score: 70 }] });
    expect((await explainService(story, {}, heard(['node_a']))).summary).toMatch(/^web is PENDING: 0 of 2 replicas run; slot 1: its node isn't heard from/);
  });

  it('says why nothing is wanted of it', async () => {
    const story = orderedService();
    story.tell('docker_service-svc_web', 'DockerServiceScaled', { from: 2, to: 0 });
    expect((await explainService(story)).summary).toBe('web has nothing to run: it is scaled to 0 replicas');
  });

  it('is read from the streams of the service, its deployments and its replicas, within reach only', async () => {
    const story = new Story();
    registerNode(story);
    orderedService(story);
    place(story, 1);
    const source = await sourceOf(story);
    const read = await getServiceExplanation(source, OPERATOR, 'svc_web');
    expect(read!.chain.map(({ event_id }) => event_id)).toEqual(story.events.slice(1).map(({ id }) => id));
    expect(read!.summary).toMatch(/^web is PENDING/);
    expect(await getServiceExplanation(source, memberOf('prj_other'), 'svc_web')).toBeNull();
    expect(await getServiceExplanation(source, OPERATOR, 'svc_none')).toBeNull();
  });

  it('is as long as asked for, of the latest, and says where what came before begins', async () => {
    const story = orderedService();
    const first = await explainService(story, { limit: 3 });
    expect(first.chain.map(({ event_id }) => event_id)).toEqual(['event-5', 'event-6', 'event-7']);
    const source = await sourceOf(story);
    const before = await getServiceExplanation(source, OPERATOR, 'svc_web', { limit: 3, before: first.earlier! });
    expect(before!.chain.map(({ event_id }) => event_id)).toEqual(['event-2', 'event-3', 'event-4']);
    const rest = await getServiceExplanation(source, OPERATOR, 'svc_web', { limit: 3, before: before!.earlier! });
    expect(rest).toMatchObject({ chain: [{ event_id: 'event-1' }], earlier: null });
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
    const source = await sourceOf(story);
    expect(await getJobExplanation(source, memberOf('prj_shop'), 'job_1')).toMatchObject({
      summary: 'migrate is SUCCEEDED: it ran to its end',
      chain: [
        { what: 'the job migrate was created from docker.io/library/web:1' },
        { what: 'attempt 1 was started' },
        { what: 'attempt 1 was seen COMPLETED on node_a in its run 1', why: 'exit code 0' },
        { what: 'the job ended SUCCEEDED with attempt 1', why: 'it ran to its end (exit code 0)' },
      ],
    });
    expect(await getJobExplanation(source, memberOf('prj_other'), 'job_1')).toBeNull();
  });
});

describe('what something came of', () => {
  const deployment = { deploymentId: 'dep_1', dockerServiceId: 'svc_web', projectId: 'prj_shop' } as const;

  it('is, of a restart, the failure of its check before it', async () => {
    const story = orderedService();
    place(story, 1);
    observe(story, 1, 'RUNNING', { health: 'healthy' });
    observe(story, 1, 'RUNNING', { health: 'unhealthy', reason: { code: 'probe', message: 'GET /healthz answered 500' } });
    observe(story, 1, 'FAILED', { reason: { code: 'unhealthy', message: 'its check failed 3 times' } });
    observe(story, 1, 'STARTING', { run: 2 });
    const path = ledTo(await explainService(story), 'restarted');
    expect(path.slice(-4)).toEqual([
      'slot 1 (generation 1) was seen RUNNING and healthy on host-a in its run 1',
      'slot 1 (generation 1) was seen RUNNING and unhealthy on host-a in its run 1',
      'slot 1 (generation 1) was seen FAILED on host-a in its run 1',
      'slot 1 (generation 1) was seen STARTING on host-a in its run 2',
    ]);
    expect(path[0]).toBe('a deployment of release 1 was started');
  });

  it('is, of a replica that moved, the removal of the node that it was on', async () => {
    const story = new Story();
    registerNode(story);
    orderedService(story);
    place(story, 1);
    observe(story, 1, 'RUNNING');
    story.tell('node-node_a', 'NodeRemoved', { lost: ['rep_1'] }, { tenantId: 'platform' });
    observe(story, 1, 'GONE', { reason: { code: 'node_removed', message: 'its node was removed' } });
    const creates = [{ replicaId: 'rep_9', slot: 1, generation: 2, release: 1 }] as const;
    story.tell('docker_service-svc_web', 'ServiceStepTaken', { creates, stops: [], forgets: ['rep_1'], reason: { code: 'slot_empty', message: 'slot 1 lost its replica' } }, SYSTEM);
    const next = story.events.find(({ type }) => type === 'ReplicaCreated')!.data;
    story.tell('replica-rep_9', 'ReplicaCreated', { ...(next as object), replicaId: 'rep_9', generation: 2 } as never, SYSTEM);
    const ref = { replicaId: 'rep_9', owner } as const;
    story.tell('replica-rep_9', 'PlacementClaimed', { ...ref, attempt: 1, nodeId: 'node_b', reason: { code: 'only_fit', message: 'host-b alone fits' }, nodes: [{ nodeId: 'node_b', name: 'host-b', fits: true, reasons: [], score: 1 }] }, SYSTEM);
    story.tell('replica-rep_9', 'PlacementSettled', { ...ref, attempt: 1, nodeId: 'node_b', outcome: 'placed', reason: { code: 'placed', message: 'the node took it' }, eventId: 'elsewhere' }, SYSTEM);
    const told = [
      'host-a was removed: what ran there is made good elsewhere',
      'slot 1 (generation 1) was seen GONE on host-a in its run 1',
      '1 replica ordered, 1 ended replica cleared away',
      'slot 1 (generation 2) waits for a node',
      'host-b was chosen for slot 1 (generation 2)',
      'host-b took slot 1 (generation 2)',
    ];
    expect(ledTo(await explainService(story), 'moved')).toEqual(told);
    const own = await explainService(story, { replicaId: 'rep_9' });
    expect(own.chain.map(({ what }) => what)).toEqual(told);
    expect(own.summary).toMatch(/^slot 1 \(generation 2\) is ASSIGNED/);
    expect(await getServiceExplanation(await sourceOf(story), OPERATOR, 'svc_web', { replicaId: 'rep_none' })).toBeNull();
  });

  it('is, of a rollback, the replica that failed, with its exit code', async () => {
    const story = orderedService();
    const reason = { code: 'exited', message: 'slot 1: exit code 3' };
    place(story, 1);
    story.tell('deployment-dep_1', 'DeploymentStageBegan', { ...deployment, stage: 'replace', jobId: null, at: timeOf(10), deadlineAt: null, reason: { code: 'prepared', message: 'one is prepared' } }, SYSTEM);
    observe(story, 1, 'FAILED', { exitCode: 3, final: true });
    story.tell('deployment-dep_1', 'DeploymentReplicaFailed', { ...deployment, replicaId: 'rep_1', slot: 1, reason }, SYSTEM);
    story.tell('deployment-dep_1', 'DeploymentStageEnded', { ...deployment, stage: 'replace', result: 'FAILED', at: timeOf(12), reason }, SYSTEM);
    story.tell('deployment-dep_1', 'DeploymentStageBegan', { ...deployment, stage: 'return', jobId: null, at: timeOf(12), deadlineAt: null, reason }, SYSTEM);
    const path = ledTo(await explainService(story), 'rolled_back');
    expect(path.slice(-4)).toEqual([
      'slot 1 (generation 1) was seen FAILED on host-a in its run 1',
      'slot 1 (generation 1) counts as failed for the deployment',
      'the stage replace of the deployment ended: FAILED',
      'the deployment came to its stage return',
    ]);
    const told = await getDeploymentExplanation(await sourceOf(story), OPERATOR, 'dep_1');
    expect(told!.summary).toBe(`the deployment of release 1 is RUNNING: it is at return since ${timeOf(12)}: slot 1: exit code 3; 0 of 2 replicas run; slot 1: it is FAILED`);
    expect(told!.chain.map(({ what }) => what)).toEqual(expect.arrayContaining(path.slice(-4)));
  });

  it.each([['ahead', 90], ['behind', -90]])('is, of a deployment that ended, in its chain whatever clock wrote it: one that is %s', async (_, seconds) => {
    const story = orderedService();
    const reason = { code: 'exited', message: 'slot 1: exit code 3' };
    place(story, 1);
    const seen = observe(story, 1, 'FAILED', { exitCode: 3, final: true });
    story.events[story.events.indexOf(seen)] = { ...seen, metadata: { ...seen.metadata, at: timeOf(story.events.length + seconds) } };
    story.tell('deployment-dep_1', 'DeploymentReplicaFailed', { ...deployment, replicaId: 'rep_1', slot: 1, reason }, SYSTEM);
    const closed = story.tell('deployment-dep_1', 'DeploymentClosed', { ...deployment, outcome: 'FAILED', reason }, SYSTEM);
    place(story, 2);
    const source = await sourceOf(story);
    const { chain, earlier } = (await getDeploymentExplanation(source, OPERATOR, 'dep_1'))!;
    expect([chain.at(-1)!.what, chain.some(({ event_id }) => event_id === seen.id), earlier]).toEqual(['the deployment takes no further step: FAILED', true, null]);
    const part = (await getDeploymentExplanation(source, OPERATOR, 'dep_1', { limit: 2 }))!;
    expect(part.earlier).toBe(story.events[story.events.indexOf(closed) - 1]!.position);
    const before = (await getDeploymentExplanation(source, OPERATOR, 'dep_1', { before: part.earlier! }))!;
    expect([before.chain.some(({ event_id }) => event_id === seen.id), before.earlier]).toEqual([true, null]);
  });

  it('is, of a deployment whose hook failed, the end of the job that ran it', async () => {
    const story = orderedService();
    const reason = { code: 'pre_deploy_failed', message: 'the pre_deploy hook ended FAILED: exit code 3' };
    story.tell('deployment-dep_1', 'DeploymentStageBegan', { ...deployment, stage: 'pre_deploy', jobId: 'job_1', at: timeOf(8), deadlineAt: null, reason: { code: 'deployment', message: 'it moves' } }, SYSTEM);
    const trigger = { type: 'pre_deploy', deploymentId: 'dep_1' } as const;
    const job = { jobId: 'job_1', projectId: 'prj_shop', environmentId: 'env_live', networkId: 'net_live', name: 'web-pre-deploy', spec: SPEC, timeoutMs: 1_000, retries: 0, trigger, inheritsFrom: null, rerunOf: null } as const;
    story.tell('job-job_1', 'JobCreated', job, SYSTEM);
    story.tell('job-job_1', 'JobAttemptStarted', { attempt: 1, replicaId: 'rep_7' }, SYSTEM);
    observe(story, 7, 'FAILED', { owner: { type: 'job', id: 'job_1' }, final: true, exitCode: 3 });
    story.tell('job-job_1', 'JobEnded', { outcome: 'FAILED', attempt: 1, exitCode: 3, oomKilled: false, reason: { code: 'exited', message: 'it ended with exit code 3' } }, SYSTEM);
    story.tell('deployment-dep_1', 'DeploymentStageEnded', { ...deployment, stage: 'pre_deploy', result: 'FAILED', at: timeOf(11), reason }, SYSTEM);
    story.tell('deployment-dep_1', 'DeploymentClosed', { ...deployment, outcome: 'FAILED', reason }, SYSTEM);
    expect(ledTo(await explainService(story), 'failed').slice(-4)).toEqual([
      'attempt 1 was seen FAILED on node_a in its run 1',
      'the job ended FAILED with attempt 1',
      'the stage pre_deploy of the deployment ended: FAILED',
      'the deployment takes no further step: FAILED',
    ]);
  });

  it('is, of a replica of a roll, the roll, and not the end of the one that it made way for', async () => {
    const story = orderedService();
    const stops = [{ replicaId: 'rep_1', reason: { code: 'deployment', message: 'it moves' } }] as const;
    place(story, 1);
    story.tell('deployment-dep_1', 'DeploymentStageBegan', { ...deployment, stage: 'replace', jobId: null, at: timeOf(10), deadlineAt: null, reason: { code: 'prepared', message: 'one is prepared' } }, SYSTEM);
    story.tell('deployment-dep_1', 'DeploymentStepTaken', { ...deployment, creates: [], stops, forgets: [], reason: { code: 'deployment', message: 'it moves' } }, SYSTEM);
    observe(story, 1, 'GONE');
    const creates = [{ replicaId: 'rep_9', slot: 1, generation: 2, release: 1 }] as const;
    const taken = story.tell('deployment-dep_1', 'DeploymentStepTaken', { ...deployment, creates, stops: [], forgets: [], reason: { code: 'deployment', message: 'it moves' } }, SYSTEM);
    const { chain } = await explainService(story);
    const began = chain.find(({ type }) => type === 'DeploymentStageBegan')!;
    expect(chain.find(({ event_id }) => event_id === taken.id)).toMatchObject({ caused_by: began.event_id });
  });

  it('is, of a release that the platform cut, the new version of a secret that it follows', async () => {
    const story = orderedService();
    story.tell('secret-sec_1', 'SecretCreated', { secretId: 'sec_1', projectId: 'prj_shop', environmentId: null, name: 'pass', valueId: 'val_1' });
    story.tell('secret-sec_1', 'SecretVersionAdded', { secretId: 'sec_1', version: 2, valueId: 'val_2', apply: 'now' });
    const spec = { ...SPEC, secrets: [{ key: 'PASS', secretId: 'sec_1', version: 2, follows: true, as: 'env' }] } as const;
    story.tell('docker_service-svc_web', 'ReleaseCut', { release: 2, spec }, { ...SYSTEM, commandId: 'follow' });
    story.tell('docker_service-svc_web', 'DeploymentStarted', { deploymentId: 'dep_2', kind: 'deploy', fromRelease: 1, toRelease: 2, settings: {} as never, supersedes: null }, { ...SYSTEM, commandId: 'follow' });
    const { chain } = await explainService(story);
    expect(chain.slice(-3)).toMatchObject([
      { event_id: 'event-9', what: 'the secret sec_1 got its version 2', by: { type: 'token' } },
      { event_id: 'event-10', caused_by: 'event-9' },
      { event_id: 'event-11', caused_by: 'event-10' },
    ]);
  });
});

describe('what a release came of that nobody asked for', () => {
  const follow = (story: Story, release: number, spec: Partial<typeof SPEC>): void => {
    story.tell('docker_service-svc_web', 'ReleaseCut', { release, spec: { ...SPEC, ...spec } }, { ...SYSTEM, commandId: `follow-${release}` });
  };
  const causeOf = ({ chain }: Explanation, release: string): string | undefined => {
    const cut = chain.find(({ what }) => what.startsWith(`release ${release} was cut`))!;
    return chain.find(({ event_id }) => event_id === cut.caused_by)?.what;
  };
  const secrets = (version: number) => [{ key: 'PASS', secretId: 'sec_1', version, follows: true, as: 'env' }] as const;

  it('is the latest of the versions of a secret, however many came before', async () => {
    const story = orderedService();
    story.tell('secret-sec_1', 'SecretCreated', { secretId: 'sec_1', projectId: 'prj_shop', environmentId: null, name: 'pass', valueId: 'val_1' });
    for (let version = 2; version <= 230; version += 1) story.tell('secret-sec_1', 'SecretVersionAdded', { secretId: 'sec_1', version, valueId: `val_${version}`, apply: 'now' });
    follow(story, 2, { secrets: secrets(230) });
    expect(causeOf(await explainService(story), '2')).toBe('the secret sec_1 got its version 230');
  });

  it('is the way in which a resource is reached now, and not what the release before was cut for', async () => {
    const settings = (host: string) => ({ hostname: 'db', host, port: 5432, user: null, database: null, password: null, dockerServiceId: null });
    const target = (version: number) => ({ name: 'db', kind: 'postgres', version, hostname: 'db', address: null, dockerServiceId: null, networks: [], port: 5432, user: null, database: null, password: null }) as const;
    const dependencies = (version: number, port = 5432) => [{ resourceId: 'res_1', dockerServiceId: null, prefix: null, wait: null, target: { ...target(version), port } }] as const;
    const story = orderedService();
    story.tell('secret-sec_1', 'SecretCreated', { secretId: 'sec_1', projectId: 'prj_shop', environmentId: null, name: 'pass', valueId: 'val_1' });
    story.tell('resource-res_1', 'ResourceCreated', { resourceId: 'res_1', projectId: 'prj_shop', environmentId: 'env_live', name: 'db', kind: 'postgres', settings: settings('a') });
    story.tell('resource-res_1', 'ResourceChanged', { resourceId: 'res_1', version: 2, from: settings('a'), to: settings('b') });
    follow(story, 2, { secrets: secrets(1), dependencies: dependencies(2) });
    story.tell('secret-sec_1', 'SecretVersionAdded', { secretId: 'sec_1', version: 2, valueId: 'val_2', apply: 'now' });
    follow(story, 3, { secrets: secrets(2), dependencies: dependencies(2) });
    follow(story, 4, { secrets: secrets(2), dependencies: dependencies(2, 5433) });
    const explained = await explainService(story);
    expect(['2', '3', '4'].map((release) => causeOf(explained, release))).toEqual(['the resource res_1 is reached in its way 2', 'the secret sec_1 got its version 2', undefined]);
    expect(explained.chain.at(-1)!.why).toMatch(/what it depends on is reached in another way/);
  });
});

describe('what no event tells', () => {
  const deployment = { deploymentId: 'dep_1', dockerServiceId: 'svc_web', projectId: 'prj_shop' } as const;
  const ofJob = { type: 'job', id: 'job_1' } as const;
  const job = { jobId: 'job_1', projectId: 'prj_shop', environmentId: 'env_live', networkId: 'net_live', name: 'migrate', spec: SPEC, timeoutMs: 1_000, retries: 0, trigger: { type: 'manual' }, inheritsFrom: null, rerunOf: null } as const;
  const standing = (): Story => {
    const story = new Story();
    registerNode(story);
    return orderedService(story);
  };

  it('is said of a replica, a job and a node that was registered: that the node does not answer', async () => {
    const story = standing();
    place(story, 1);
    observe(story, 1, 'RUNNING');
    story.tell('job-job_1', 'JobCreated', job);
    story.tell('job-job_1', 'JobAttemptStarted', { attempt: 1, replicaId: 'rep_7' }, SYSTEM);
    observe(story, 7, 'RUNNING', { owner: ofJob });
    expect((await getJobExplanation(await sourceOf(story), OPERATOR, 'job_1'))!.summary).toBe('migrate is RUNNING: attempt 1 runs');
    const silent = await sourceOf(story, heard(['node_a']));
    expect((await getServiceExplanation(silent, OPERATOR, 'svc_web', { replicaId: 'rep_1' }))!.summary).toMatch(/^slot 1 \(generation 1\) was seen last RUNNING on host-a since \S+: host-a scored 70; host-a does not tell how it is there, heard last at /);
    expect((await getJobExplanation(silent, OPERATOR, 'job_1'))!.summary).toMatch(/^migrate is RUNNING: attempt 1 ran when it was seen last; host-a does not tell how it is there/);
    expect((await getNodeExplanation(silent, OPERATOR, 'node_a'))!.summary).toMatch(/^host-a is READY: it is not known to be away yet, and takes replicas; 0 replicas there, of which it tells nothing at present/);
    story.tell('docker_service-svc_web', 'DockerServiceDeletionRequested', {} as never);
    expect((await explainService(story, {}, heard(['node_a']))).summary).toMatch(/^web has nothing to run: it is being deleted: 2 of its replicas are left; host-a does not tell how it is there/);
  });

  it('is said of a service and a node whose agent refuses what it is told: why, and the way out', async () => {
    const story = standing();
    place(story, 1);
    observe(story, 2, 'RUNNING');
    const source = await sourceOf(story, heard(), (id) => (id === 'node_a' ? 'the set is of revision 3, this node holds 9' : null));
    const way = 'the agent of host-a refuses what this store tells it (the set is of revision 3, this node holds 9), and leaves its containers as they are: an operator lets it change over by POST /v1/nodes/node_a/adopt';
    expect((await getServiceExplanation(source, OPERATOR, 'svc_web'))!.summary).toBe(`web is PENDING: 1 of 2 replicas run; slot 1: it is ASSIGNED (since ${timeOf(10)}); ${way}`);
    expect((await getNodeExplanation(source, OPERATOR, 'node_a'))!.summary).toBe(`host-a is READY: it is heard, and takes replicas; 0 replicas there; ${way}`);
  });

  it('is said of a check that has yet to succeed: what its last probe said', async () => {
    const story = standing();
    for (const slot of [1, 2]) place(story, slot);
    observe(story, 1, 'RUNNING', { health: 'starting' });
    observe(story, 2, 'RUNNING');
    const said = 'its last probe: GET /nope on port 9999: connect ECONNREFUSED';
    expect((await explainService(story)).summary).toMatch(new RegExp(`slot 1: it runs, and its check has yet to succeed \\(since \\S+\\); ${said}$`));
    expect((await explainService(story, { replicaId: 'rep_1' })).summary).toMatch(new RegExp(`${said}$`));
    story.tell('deployment-dep_1', 'DeploymentStageBegan', { ...deployment, stage: 'replace', jobId: null, at: timeOf(15), deadlineAt: null, reason: { code: 'prepared', message: 'one is prepared' } }, SYSTEM);
    expect((await getDeploymentExplanation(await sourceOf(story), OPERATOR, 'dep_1'))!.summary).toMatch(new RegExp(`slot 1: it runs, and its check has yet to succeed; ${said}$`));
    expect((await explainService(story, {}, heard(['node_a']))).summary).not.toContain(said);
    observe(story, 1, 'RUNNING', { health: 'healthy' });
    expect((await explainService(story)).summary).toBe('web is RUNNING: 2 of 2 replicas run release 1');
  });

  it('names the node that is unreachable, and since when it is', async () => {
    const story = standing();
    place(story, 1);
    observe(story, 1, 'RUNNING');
    story.tell('node-node_a', 'NodeUnreachable', { lastHeardAt: timeOf(2), reason: { code: 'silent', message: 'nothing was heard for 15 s' } }, { ...SYSTEM, tenantId: 'platform' });
    const told = await explainService(story, {}, heard(['node_a']));
    expect(told.summary).toMatch(/its node isn't heard from; .*; host-a does not tell how it is there: nothing was heard for 15 s, heard last at /);
    expect(told.chain.at(-1)).toMatchObject({ kind: 'unreachable', what: expect.stringContaining('host-a became unreachable') });
    story.tell('node-node_a', 'NodeReachable', {}, { ...SYSTEM, tenantId: 'platform' });
    expect((await explainService(story)).chain.map(({ kind }) => kind)).not.toContain('unreachable');
  });

  it('is no node that does not fit where none was looked at', async () => {
    const story = standing();
    story.tell('replica-rep_1', 'PlacementDeferred', { replicaId: 'rep_1', owner, reason: { code: 'waiting', message: 'waiting for dependency db' }, nodes: [] }, SYSTEM);
    expect(sentencesOf(await explainService(story)).at(-1)).toBe('slot 1 (generation 1) goes to no node yet — waiting for dependency db');
  });

  it('is said of a service and its deployment: that a hook is under way, and how that is; else what the service lacks', async () => {
    const story = standing();
    story.tell('deployment-dep_1', 'DeploymentStageBegan', { ...deployment, stage: 'pre_deploy', jobId: 'job_1', at: timeOf(9), deadlineAt: null, reason: { code: 'deployment', message: 'it moves' } }, SYSTEM);
    expect((await explainService(story)).summary).toMatch(/; its deployment is at pre_deploy since \S+, and job_1 is about to be made$/);
    story.tell('job-job_1', 'JobCreated', job, SYSTEM);
    story.tell('job-job_1', 'JobAttemptStarted', { attempt: 1, replicaId: 'rep_7' }, SYSTEM);
    story.tell('replica-rep_7', 'PlacementDeferred', { replicaId: 'rep_7', owner: ofJob, reason: { code: 'no_node_fits', message: 'no node fits: host-a lacks room' }, nodes: [full] }, SYSTEM);
    const waits = 'job_1 is PENDING: no node fits: host-a lacks room';
    expect((await explainService(story)).summary).toMatch(new RegExp(`; its deployment is at pre_deploy since \\S+, and ${waits}$`));
    expect((await getDeploymentExplanation(await sourceOf(story), OPERATOR, 'dep_1'))!.summary).toBe(`the deployment of release 1 is RUNNING: it is at pre_deploy since ${timeOf(9)}: it moves; ${waits}`);
    story.tell('deployment-dep_1', 'DeploymentStageEnded', { ...deployment, stage: 'pre_deploy', result: 'SUCCEEDED', at: timeOf(12), reason: { code: 'done', message: 'done' } }, SYSTEM);
    story.tell('deployment-dep_1', 'DeploymentStageBegan', { ...deployment, stage: 'prepare', jobId: null, at: timeOf(13), deadlineAt: timeOf(60), reason: { code: 'hook', message: 'its hook did well' } }, SYSTEM);
    defer(story, 1);
    expect((await getDeploymentExplanation(await sourceOf(story), OPERATOR, 'dep_1'))!.summary).toBe(
      `the deployment of release 1 is RUNNING: it is at prepare since ${timeOf(13)}: its hook did well; 0 of 2 replicas run; slot 1: no node fits: host-a lacks room; without progress it fails at ${timeOf(60)}`,
    );
  });
});

describe('the explanation of a thing', () => {
  it('tells of a volume where it is, why, and who uses it', async () => {
    const story = new Story();
    registerNode(story);
    story.tell('volume-vol_1', 'VolumeCreated', { volumeId: 'vol_1', projectId: 'prj_shop', environmentId: 'env_live', name: 'uploads', kind: 'persistent', backend: 'local', sizeBytes: null, madeFor: null });
    expect((await getVolumeExplanation(await sourceOf(story), OPERATOR, 'vol_1'))!.summary).toBe('uploads is on no node: nothing that mounts it was placed yet; used by nobody');
    story.tell('volume-vol_1', 'VolumeUseBegan', { user: owner });
    story.tell('volume-vol_1', 'VolumeBound', { nodeId: 'node_a', replicaId: 'rep_1', attempt: 1, reason: { code: 'only_fit', message: 'host-a alone fits' } }, SYSTEM);
    story.tell('volume-vol_1', 'VolumeProvisioned', { nodeId: 'node_a' }, SYSTEM);
    expect(await getVolumeExplanation(await sourceOf(story), memberOf('prj_shop'), 'vol_1')).toMatchObject({
      summary: 'uploads is on host-a, where it was made: host-a alone fits; used by docker_service svc_web',
      chain: [{ what: 'the persistent volume uploads was made, to be kept in local' }, {}, { what: 'it is on host-a from now on, and whatever mounts it runs there' }, { what: 'host-a has made it' }],
    });
    story.tell('volume-vol_1', 'VolumeLost', { nodeId: 'node_a', reason: { code: 'volume_lost', message: 'its data is gone' } }, SYSTEM);
    const missed = (await getVolumeExplanation(await sourceOf(story), OPERATOR, 'vol_1'))!;
    expect(missed.summary).toBe('uploads is lost on host-a: its data is gone; used by docker_service svc_web');
    expect(missed.chain.at(-1)).toMatchObject({ kind: 'lost', what: 'host-a finds nothing of it any more', why: 'its data is gone' });
    story.tell('volume-vol_1', 'VolumeFound', { nodeId: 'node_a' }, SYSTEM);
    story.tell('node-node_a', 'NodeRemoved', { lost: [] }, { tenantId: 'platform' });
    story.tell('volume-vol_1', 'VolumeUnbound', { nodeId: 'node_a', reason: { code: 'node_removed', message: 'host-a was removed' } }, SYSTEM);
    const lost = (await getVolumeExplanation(await sourceOf(story), OPERATOR, 'vol_1'))!;
    expect(lost.summary).toBe('uploads is on no node: host-a was removed; used by docker_service svc_web');
    expect(ledTo(lost, 'unbound')).toEqual(['host-a was removed: what ran there is made good elsewhere', 'it is not on host-a any more']);
    expect(await getVolumeExplanation(await sourceOf(story), memberOf('prj_other'), 'vol_1')).toBeNull();
  });

  it('tells of a node who drained it, and that nothing is heard of it, to operators only', async () => {
    const story = new Story();
    registerNode(story);
    const source = async () => sourceOf(story);
    expect((await getNodeExplanation(await source(), OPERATOR, 'node_a'))!.summary).toBe('host-a is READY: it is heard, and takes replicas; 0 replicas there');
    story.tell('node-node_a', 'NodeDrained', {}, { tenantId: 'platform' });
    expect((await getNodeExplanation(await source(), OPERATOR, 'node_a'))!.summary).toBe(`host-a is DRAINED; it is drained since ${timeOf(2)}, by token tok_operator: nothing new is placed there, 0 replicas there run on`);
    story.tell('node-node_a', 'NodeUnreachable', { lastHeardAt: timeOf(2), reason: { code: 'silent', message: 'nothing was heard for 15 s' } }, SYSTEM);
    const told = (await getNodeExplanation(await source(), OPERATOR, 'node_a'))!;
    expect(told.summary).toMatch(/^host-a is UNREACHABLE since .* nothing was heard for 15 s, heard last at /);
    expect(told.chain.map(({ kind }) => kind)).toEqual([null, 'drained', 'unreachable']);
    expect(await getNodeExplanation(await source(), memberOf('prj_shop'), 'node_a')).toBeNull();
  });
});
