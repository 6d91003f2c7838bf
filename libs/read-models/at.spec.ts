import type { TenantContext } from '#contracts';
import { systemClock, systemRandom } from '#platform';
import { MemoryEventStore, MemoryLogger } from '#testing';
import { getOneAt, queryAt, type PastParts } from './at.ts';
import { appendAll, memberOf, OPERATOR, readsOf } from './given/reads.ts';
import { listReplicas } from './views/replicas.ts';
import { observe, orderedService, place, registerNode, Story, SYSTEM, timeOf } from './given/story.ts';

/** `web`: created at 2, up at 13 on host-a, whose node moves at 14 and is lost at 15; scaled at 16. */
async function told(): Promise<PastParts> {
  const story = new Story();
  registerNode(story);
  orderedService(story);
  for (const slot of [1, 2]) place(story, slot);
  observe(story, 1, 'RUNNING');
  const facts = { name: 'host-a', address: '10.0.0.99', architecture: 'amd64', engineVersion: '28', capacity: { cpuMillis: 1, memoryBytes: 1 }, labels: {} };
  story.tell('node-node_a', 'NodeFactsChanged', facts);
  story.tell('node-node_a', 'NodeUnreachable', { lastHeardAt: null, reason: { code: 'silent', message: 'silent' } }, SYSTEM);
  story.tell('docker_service-svc_web', 'DockerServiceScaled', { from: 2, to: 1 });
  const store = new MemoryEventStore();
  await appendAll(store, story.events);
  const parts = { clock: systemClock, random: systemRandom, logger: new MemoryLogger() };
  const { models } = await readsOf(story.events, parts);
  opened.push(models);
  return { ...parts, store, models };
}

const opened: PastParts['models'][] = [];
afterEach(async () => {
  for (const models of opened.splice(0)) await models.close();
});

const getServiceAt = (source: PastParts, tenant: TenantContext, id: string, at: string) => getOneAt(source, tenant, id, at);

describe('a service at an instant', () => {
  it('is what was known then, of its nodes too', async () => {
    const source = await told();
    expect(await getServiceAt(source, OPERATOR, 'svc_web', timeOf(9))).toMatchObject({ replicas: { desired: 2, running: 0, starting: 2 }, nodes: [], revision: 2 });
    expect(await getServiceAt(source, OPERATOR, 'svc_web', timeOf(13))).toMatchObject({
      status: 'PENDING',
      degraded: true,
      replicas: { desired: 2, running: 1 },
      nodes: [{ node_id: 'node_a', address: '10.0.0.1' }],
      endpoints: { published: ['10.0.0.1:8080'] },
    });
    expect(await getServiceAt(source, OPERATOR, 'svc_web', timeOf(14))).toMatchObject({ nodes: [{ address: '10.0.0.99' }], replicas: { running: 1 } });
    expect(await getServiceAt(source, OPERATOR, 'svc_web', timeOf(15))).toMatchObject({ status_reason: { code: 'node_unreachable' }, replicas: { desired: 2, running: 0 } });
    expect(await getServiceAt(source, OPERATOR, 'svc_web', timeOf(600))).toMatchObject({ replicas: { desired: 1 }, revision: 3 });
  });

  it('is none before it was created, and for another project', async () => {
    const source = await told();
    expect(await getServiceAt(source, OPERATOR, 'svc_web', timeOf(1))).toBeNull();
    expect(await getServiceAt(source, OPERATOR, 'svc_none', timeOf(600))).toBeNull();
    expect(await getServiceAt(source, memberOf('prj_other'), 'svc_web', timeOf(600))).toBeNull();
  });

  it('takes an instant in any zone', async () => {
    const source = await told();
    expect(await getServiceAt(source, OPERATOR, 'svc_web', '2026-01-01T13:00:13+01:00')).toMatchObject({ replicas: { running: 1 } });
  });

  it('holds of what belongs to it, too: replicas, deployments, releases, and of the node', async () => {
    const source = await told();
    const states = (at: string) => queryAt(source, 'svc_web', at, async (reads) => (await listReplicas(reads, OPERATOR, 'svc_web')).items.map(({ slot, state }) => [slot, state]));
    expect(await states(timeOf(12))).toEqual([[1, 'ASSIGNED'], [2, 'ASSIGNED']]);
    expect(await states(timeOf(13))).toEqual([[1, 'RUNNING'], [2, 'ASSIGNED']]);
    expect(await getOneAt(source, OPERATOR, 'node_a', timeOf(13))).toMatchObject({ status: 'READY', address: '10.0.0.1' });
    expect(await getOneAt(source, OPERATOR, 'node_a', timeOf(600))).toMatchObject({ status: 'UNREACHABLE', address: '10.0.0.99', last_heard_at: timeOf(1) });
    expect(await getOneAt(source, memberOf('prj_shop'), 'node_a', timeOf(600))).toBeNull();
  });
});
