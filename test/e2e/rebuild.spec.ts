import { type Doc, World } from './world.ts';

describe('read models', () => {
  let world: World;
  beforeAll(async () => (world = await World.start()), 90_000);
  afterAll(() => world?.stop(), 60_000);

  const VIEWS = ['/v1/docker-services?limit=100', '/v1/nodes', '/v1/projects', '/v1/environments', '/v1/plans', '/v1/audit?limit=200', '/v1/jobs'];
  const snapshot = async (ids: string[]): Promise<string> => {
    const documents: Doc[] = [];
    for (const path of [...VIEWS, ...ids.flatMap((id) => [`/v1/docker-services/${id}`, `/v1/docker-services/${id}/replicas`, `/v1/docker-services/${id}/deployments`])]) {
      documents.push([path, await world.get(path)]);
    }
    // When a node was last heard is no event, so no view can know it.
    return JSON.stringify(documents, (key, value) => (key === 'last_heard_at' ? undefined : value));
  };
  const settled = async (id: string) =>
    world.eventually('its deployment has ended', async () => (await world.service(id)).deployment.status === 'SUCCEEDED');

  it('are byte for byte the same after they were dropped', async () => {
    const kept = await world.createService({ name: 'kept', replicas: 2, ports: [{ container_port: 80 }] });
    const deleted = await world.createService({ name: 'dropped' });
    const ids = [kept.docker_service_id, deleted.docker_service_id];
    for (const id of ids) await settled(id);
    await world.call('DELETE', `/v1/docker-services/${deleted.docker_service_id}`);
    await world.serviceWhen(deleted.docker_service_id, 'it is deleted', (s) => s.lifecycle === 'DELETED');
    await world.eventually('nothing changes any more', async () => {
      const before = await snapshot(ids);
      await new Promise((resolve) => setTimeout(resolve, 500));
      return before === (await snapshot(ids));
    });
    const before = await snapshot(ids);
    await world.installation.stop();
    await world.stores.dropViews();
    await world.installation.start();
    await world.running(kept.docker_service_id, 2);
    expect(await snapshot(ids)).toBe(before);
  }, 120_000);

  it('are rebuilt beside the live one on request', async () => {
    const before = await world.get('/v1/projections');
    const services = before.items.find((p: Doc) => p.name === 'services');
    expect((await world.call('POST', '/v1/projections/services/rebuild')).status).toBe(202);
    await world.eventually('the new version is live', async () => {
      const now = (await world.get('/v1/projections')).items.find((p: Doc) => p.name === 'services');
      return now.version > services.version;
    });
    expect((await world.get('/v1/docker-services?lifecycle=DELETED')).items.map((s: Doc) => s.name)).toEqual(['dropped']);
  }, 60_000);
});
