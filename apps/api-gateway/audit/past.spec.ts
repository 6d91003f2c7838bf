import { systemClock } from '#platform';
import { MemoryBroker, MemoryLogger } from '#testing';
import { describe as describeRoutes } from '../openapi/openapi.ts';
import { GatewayUnderTest, type Json } from '../under-test.ts';

/** Reads of a thing that no instant narrows down, each with why. */
const WITHOUT_AN_INSTANT: Readonly<Record<string, string>> = {
  '/v1/docker-services/{docker_service_id}/explain': 'tells the whole story, each part with its instant',
  '/v1/deployments/{deployment_id}/explain': 'the same',
  '/v1/jobs/{job_id}/explain': 'the same',
  '/v1/schedules/{schedule_id}/explain': 'the same',
  '/v1/volumes/{volume_id}/explain': 'the same',
  '/v1/nodes/{node_id}/explain': 'the same',
  '/v1/docker-services/{docker_service_id}/events': 'events have their instants; a page goes on from a position',
  '/v1/jobs/{job_id}/events': 'the same',
  '/v1/schedules/{schedule_id}/events': 'the same',
  '/v1/docker-services/{docker_service_id}/logs': 'takes since and until',
  '/v1/jobs/{job_id}/logs': 'the same',
  '/v1/docker-services/{docker_service_id}/metrics': 'figures are measured, not recorded',
  '/v1/origins/{origin_id}': 'an address stands in no event, and is forgotten',
};

describe('reads of the past', () => {
  let gateway: GatewayUnderTest;
  let reads: readonly (readonly [path: string, operation: Json])[];
  beforeAll(async () => {
    gateway = await GatewayUnderTest.open({ bus: new MemoryBroker(systemClock).bus('api-gateway'), logger: new MemoryLogger() });
    const { paths } = describeRoutes(gateway.app);
    reads = Object.entries(paths).flatMap(([path, { get }]) => (get && path.includes('{') ? [[path, get] as const] : []));
  });
  afterAll(() => gateway.close());

  it('are of everything that has an id, but for what is said not to be', () => {
    const takesAt = (operation: Json): boolean => operation.parameters.some((parameter: Json) => parameter.in === 'query' && parameter.name === 'at');
    expect(reads.length).toBeGreaterThan(30);
    expect(reads.filter(([, operation]) => !takesAt(operation)).map(([path]) => path).sort()).toEqual(Object.keys(WITHOUT_AN_INSTANT).sort());
  });

  it('find nothing of what was not there yet, whatever it is', async () => {
    const project = (await gateway.call('GET', '/v1/projects')).body.items[0].project_id;
    for (const [path] of reads.filter(([each]) => !(each in WITHOUT_AN_INSTANT))) {
      const { status, body } = await gateway.call('GET', `${path.replace('{project_id}', project).replaceAll(/\{[a-z_]+\}/g, 'none')}?at=2001-01-01T00:00:00Z`);
      // Of a project that wasn't there its lists are empty.
      expect([path, status, status === 200 ? body : null]).toEqual([path, status, status === 200 ? { items: [], next_cursor: null } : null]);
      expect([200, 404]).toContain(status);
    }
  });
});
