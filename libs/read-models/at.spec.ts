import { MemoryEventStore } from '#testing';
import { getServiceAt } from './at.ts';
import { appendAll, memberOf, OPERATOR } from './given/reads.ts';
import { observe, orderedService, place, registerNode, Story, SYSTEM, timeOf } from './given/story.ts';

/** `web`: created at 2, up at 13 on host-a, whose node moves at 14 and is lost at 15; scaled at 16. */
async function told(): Promise<{ store: MemoryEventStore }> {
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
  return { store };
}

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
});
