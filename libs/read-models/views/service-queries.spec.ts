import { systemClock, systemRandom } from '#platform';
import { MemoryLogger } from '#testing';
import type { Liveness, Reads } from '../reads.ts';
import { heard, memberOf, OPERATOR, readsOf } from '../given/reads.ts';
import { deploymentRef, observe, orderedService, place, registerNode, Story, SYSTEM, timeOf } from '../given/story.ts';
import { getDeployment, listDeployments } from './deployment-queries.ts';
import { getNode, listNodes } from './nodes.ts';
import { getReplica, listReplicas } from './replicas.ts';
import type { Page } from '../port.ts';
import { getService, listServices, MOST_LOOKED_AT, type ServiceAnswer } from './service-queries.ts';
import type { ServiceDocument } from './services.ts';

const opened: Reads[] = [];
const reading = async (story: Story, liveness: Liveness = heard()): Promise<Reads> => {
  const reads = await readsOf(story.events, { clock: systemClock, random: systemRandom, logger: new MemoryLogger() }, liveness);
  opened.push(reads);
  return reads;
};
afterEach(async () => {
  for (const { models } of opened.splice(0)) await models.close();
});

/** `web` with slot 1 up on host-a and slot 2 still waiting for its node's word. */
function halfUp(): Story {
  const story = orderedService();
  registerNode(story);
  place(story, 1);
  observe(story, 1, 'RUNNING');
  return story;
}

/** Both slots up. */
function up(): Story {
  const story = halfUp();
  place(story, 2);
  observe(story, 2, 'RUNNING');
  return story;
}

describe('a service, read', () => {
  it('names its nodes and where it is reached, and nothing that only the view needs', async () => {
    const service = (await getService(await reading(halfUp()), OPERATOR, 'svc_web'))!;
    expect(service).toMatchObject({
      status: 'PENDING',
      degraded: true,
      replicas: { desired: 2, running: 1, healthy: 1, starting: 1, failed: 0, finished: 0 },
      nodes: [{ node_id: 'node_a', name: 'host-a', address: '10.0.0.1' }],
      endpoints: { internal: ['web.live.shop.internal:80', 'web.live.shop.internal:81'], published: ['10.0.0.1:8080'], url: null },
    });
    for (const internal of ['id', 'position', 'members', 'releases', 'waiting', 'deploying', 'desired', 'stable_release', 'active_deployment', 'halted', 'deletion_asked_by']) {
      expect(service).not.toHaveProperty(internal);
    }
  });

  it('takes what runs on a silent node out of what runs', async () => {
    expect(await getService(await reading(up()), OPERATOR, 'svc_web')).toMatchObject({ status: 'RUNNING' });
    expect(await getService(await reading(up(), heard(['node_a'])), OPERATOR, 'svc_web')).toMatchObject({
      status: 'PENDING',
      status_reason: { code: 'node_unreachable' },
      replicas: { desired: 2, running: 0 },
      endpoints: { published: [] },
      nodes: [{ node_id: 'node_a' }],
    });
  });

  it('is not there for another project', async () => {
    const reads = await reading(up());
    const stranger = memberOf('prj_other');
    expect(await getService(reads, memberOf('prj_shop'), 'svc_web')).not.toBeNull();
    expect(await getService(reads, stranger, 'svc_web')).toBeNull();
    expect(await getReplica(reads, stranger, 'rep_1')).toBeNull();
    expect(await getDeployment(reads, stranger, 'dep_1')).toBeNull();
    expect(await getNode(reads, memberOf('prj_shop'), 'node_a')).toBeNull();
    for (const list of [listServices(reads, stranger), listReplicas(reads, stranger, 'svc_web'), listDeployments(reads, stranger, 'svc_web'), listNodes(reads, stranger)]) {
      expect(await list).toEqual({ items: [], next: null });
    }
  });

  it('shows a deployment with its images and what became of its replicas', async () => {
    const reads = await reading(halfUp());
    expect(await getDeployment(reads, OPERATOR, 'dep_1')).toMatchObject({
      from_image: null,
      to_image: 'docker.io/library/web:1',
      replicas: [
        { replica_id: 'rep_1', slot: 1, release: 1, state: 'RUNNING', reason: null },
        { replica_id: 'rep_2', slot: 2, release: 1, state: 'PENDING', reason: null },
      ],
    });
    expect((await listDeployments(reads, OPERATOR, 'svc_web')).items).toHaveLength(1);
  });

  describe('says until when a replica has time', () => {
    const own = 'deployment-dep_1';
    const reason = { code: 'because', message: 'because of this' };
    const begin = (story: Story, stage: 'prepare' | 'replace') => story.tell(own, 'DeploymentStageBegan', { ...deploymentRef, stage, jobId: null, at: timeOf(60), deadlineAt: timeOf(660), reason }, SYSTEM);
    const step = (story: Story, data: object) => story.tell(own, 'DeploymentStepTaken', { ...deploymentRef, creates: [], stops: [], forgets: [], reason, ...data }, SYSTEM);
    const deadlines = async (story: Story) => (await getDeployment(await reading(story), OPERATOR, 'dep_1'))!.replicas.map(({ deadline_at }) => deadline_at);

    it('once it is placed and the replacing has begun', async () => {
      const story = halfUp();
      begin(story, 'prepare');
      expect(await deadlines(story)).toEqual([null, null]);
      story.tell(own, 'DeploymentStageEnded', { ...deploymentRef, stage: 'prepare', result: 'SUCCEEDED', at: timeOf(60), reason }, SYSTEM);
      begin(story, 'replace');
      expect(await deadlines(story)).toEqual([timeOf(360), null]);
      place(story, 2);
      expect(await deadlines(story)).toEqual([timeOf(360), timeOf(360)]);
    });

    it.each<[string, (story: Story) => void]>([
      ['was told to stop, as by a scale', (story) => step(story, { stops: [{ replicaId: 'rep_2', reason }] })],
      ['is gone and forgotten', (story) => step(story, { forgets: ['rep_2'] })],
      ['counts as failed', (story) => story.tell(own, 'DeploymentReplicaFailed', { ...deploymentRef, replicaId: 'rep_2', slot: 2, reason }, SYSTEM)],
      ['has settled', (story) => observe(story, 2, 'SETTLED', { health: 'healthy' })],
      ['was given up', (story) => observe(story, 2, 'FAILED', { final: true })],
      ['was taken away', (story) => observe(story, 2, 'GONE')],
    ])('and no more once it %s', async (_, happens) => {
      const story = up();
      begin(story, 'replace');
      expect(await deadlines(story)).toEqual([timeOf(360), timeOf(360)]);
      happens(story);
      expect(await deadlines(story)).toEqual([timeOf(360), null]);
    });

    it('of one that settled and isn’t well any more, still', async () => {
      const story = up();
      begin(story, 'replace');
      observe(story, 2, 'SETTLED', { health: 'unhealthy' });
      expect((await deadlines(story))[1]).toBe(timeOf(360));
    });
  });
});

describe('a list of services', () => {
  it('leaves deleted ones out unless asked for, and still reads them by id', async () => {
    const story = up();
    story.tell('docker_service-svc_web', 'DockerServiceDeletionRequested', {});
    for (const slot of [1, 2]) observe(story, slot, 'GONE');
    story.tell('docker_service-svc_web', 'DockerServiceDeleted', { name: 'web', environmentId: 'env_live', projectId: 'prj_shop' }, SYSTEM);
    const reads = await reading(story);
    expect((await listServices(reads, OPERATOR)).items).toEqual([]);
    expect((await listServices(reads, OPERATOR, { lifecycle: 'DELETED' })).items).toMatchObject([{ name: 'web', endpoints: { internal: [], published: [] } }]);
    expect(await getService(reads, OPERATOR, 'svc_web')).toMatchObject({ lifecycle: 'DELETED' });
  });

  it('is narrowed down by the status as it is read, not as it was folded', async () => {
    const names = async (reads: Reads, filter: Parameters<typeof listServices>[2]) => (await listServices(reads, OPERATOR, filter)).items.map(({ name }) => name);
    const reads = await reading(up());
    expect(await names(reads, { status: 'RUNNING' })).toEqual(['web']);
    expect(await names(reads, { status: 'PENDING' })).toEqual([]);
    const silent = await reading(up(), heard(['node_a']));
    expect(await names(silent, { status: 'RUNNING' })).toEqual([]);
    expect(await names(silent, { status: 'PENDING' })).toEqual(['web']);
  });

  it('looks at so many services for a status and no more, says where to go on, and leaves none out', async () => {
    const reads = await reading(up());
    const ref = { view: 'services', version: 1 };
    const web = (await reads.models.get<ServiceDocument>('services', 'svc_web'))!;
    const at = await reads.models.checkpoint(ref);
    const waits = new Set([50, 51, 52, MOST_LOOKED_AT + 150]);
    const ids = Array.from({ length: MOST_LOOKED_AT + 200 }, (_, index) => `svc_${String(index).padStart(5, '0')}` as const);
    const docs = ids.map((id, index): ServiceDocument => ({ ...web, id, docker_service_id: id, position: '9'.repeat(20), ...(waits.has(index) ? { status: 'PENDING', members: {} } : {}) }));
    await reads.models.apply(ref, at, '9'.repeat(20), docs.map((put) => ({ put })));
    const pages: string[][] = [];
    let cursor: string | null = null;
    do {
      const page: Page<ServiceAnswer> = await listServices(reads, OPERATOR, { status: 'PENDING', limit: 2, cursor });
      pages.push(page.items.map(({ docker_service_id }) => docker_service_id));
      cursor = page.next;
    } while (cursor !== null);
    expect(pages).toEqual([['svc_00050', 'svc_00051'], ['svc_00052'], ['svc_01150']]);
    expect((await listServices(reads, OPERATOR, { status: 'FAILED' }))).toEqual({ items: [], next: null });
  });

  it('is narrowed down by project, environment and name', async () => {
    const reads = await reading(up());
    const found = async (filter: Parameters<typeof listServices>[2]) => (await listServices(reads, OPERATOR, filter)).items.length;
    expect(await found({ project_id: 'prj_shop', environment_id: 'env_live', name: 'web' })).toBe(1);
    for (const other of [{ project_id: 'prj_other' }, { environment_id: 'env_other' }, { name: 'api' }, { lifecycle: 'DELETING' }]) expect(await found(other)).toBe(0);
  });
});

describe('a list of replicas', () => {
  it('leaves out what is gone unless asked for', async () => {
    const story = up();
    observe(story, 2, 'GONE');
    const reads = await reading(story);
    expect((await listReplicas(reads, OPERATOR, 'svc_web')).items.map(({ replica_id }) => replica_id)).toEqual(['rep_1']);
    expect((await listReplicas(reads, OPERATOR, 'svc_web', { gone: true })).items.map(({ state }) => state)).toEqual(['RUNNING', 'GONE']);
  });
});
