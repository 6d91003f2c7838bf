import { World } from './world.ts';

describe('two clients at once', () => {
  let world: World;
  beforeAll(async () => (world = await World.start()), 90_000);
  afterAll(() => world?.stop(), 60_000);

  it('lets one of two changes at the same revision win, and answers the other 412', async () => {
    const { docker_service_id: id } = await world.createService({ name: 'contested', replicas: 0 });
    await world.serviceWhen(id, 'its deployment has ended', (s) => s.deployment?.status === 'SUCCEEDED'); // which moves the revision too
    const read = await world.call('GET', `/v1/docker-services/${id}`);
    const etag = read.headers.get('etag') as string;
    const answers = await Promise.all([1, 2].map((replicas) => world.call('POST', `/v1/docker-services/${id}/scale`, { replicas }, { 'if-match': etag })));
    expect(answers.map((a) => a.status).sort()).toEqual([202, 412]);
    const winner = answers.findIndex((a) => a.status === 202) + 1;
    expect((await world.service(id)).replicas.desired).toBe(winner);
  }, 30_000);

  it('re-decides both without If-Match', async () => {
    const { docker_service_id: id } = await world.createService({ name: 'shared', replicas: 0 });
    const answers = await Promise.all([1, 2, 3, 4].map((replicas) => world.call('POST', `/v1/docker-services/${id}/scale`, { replicas })));
    expect(answers.map((a) => a.status)).toEqual([202, 202, 202, 202]);
    const scaled = (await world.get(`/v1/docker-services/${id}/events?limit=200`)).items.filter((e: { type: string }) => e.type === 'DockerServiceScaled');
    expect(scaled.map((e: { data: { to: number } }) => e.data.to).sort()).toEqual([1, 2, 3, 4]);
  }, 30_000);

  it('makes one service of one Idempotency-Key sent 20 times at once', async () => {
    const body = world.serviceBody({ name: 'once' });
    const answers = await Promise.all(Array.from({ length: 20 }, () => world.call('POST', '/v1/docker-services', body, { 'idempotency-key': 'the-one' })));
    expect(new Set(answers.map((a) => a.status))).toEqual(new Set([202]));
    expect(new Set(answers.map((a) => a.body.docker_service_id)).size).toBe(1);
    expect((await world.get(`/v1/docker-services?environment_id=${world.environmentId}&name=once`)).items).toHaveLength(1);
    const other = await world.call('POST', '/v1/docker-services', { ...body, replicas: 2 }, { 'idempotency-key': 'the-one' });
    expect(other.status).toBe(422);
    await world.running(answers[0]!.body.docker_service_id, 1);
    expect(await world.containers(answers[0]!.body.docker_service_id)).toHaveLength(1);
  }, 60_000);

  it('gives one name once, and says who holds it', async () => {
    const answers = await Promise.all(Array.from({ length: 5 }, () => world.call('POST', '/v1/docker-services', world.serviceBody({ name: 'wanted', replicas: 0 }))));
    expect(answers.map((a) => a.status).sort()).toEqual([202, 409, 409, 409, 409]);
  }, 30_000);

  it('reads its own write, and waits for a position when asked', async () => {
    const created = await world.call('POST', '/v1/docker-services', world.serviceBody({ replicas: 0 }));
    const at = created.headers.get('waybill-position') as string;
    expect((await world.call('GET', `/v1/docker-services/${created.body.docker_service_id}`)).status).toBe(200);
    expect((await world.get(`/v1/docker-services?min_position=${at}&limit=200`)).items.map((s: { docker_service_id: string }) => s.docker_service_id)).toContain(created.body.docker_service_id);
  }, 30_000);
});
