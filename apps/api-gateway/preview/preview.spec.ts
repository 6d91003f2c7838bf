import { Ajv2020 } from 'ajv/dist/2020.js';
import { systemClock } from '#platform';
import { MemoryBroker, MemoryLogger } from '#testing';
import { GatewayUnderTest, type Json } from '../under-test.ts';

describe('a preview', () => {
  let gateway: GatewayUnderTest;
  let environment_id: string;
  let ajv: Ajv2020;
  beforeAll(async () => {
    gateway = await GatewayUnderTest.open({ bus: new MemoryBroker(systemClock).bus('api-gateway'), logger: new MemoryLogger() });
    environment_id = await gateway.environmentId();
    await gateway.register('host-1');
    await gateway.register('host-2');
    ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema((await gateway.call('GET', '/openapi.json')).body, 'openapi');
  });
  afterAll(() => gateway.close());

  const size = { cpu_millis: 100, memory_bytes: 2 ** 28 };
  const create = async (body: object = {}): Promise<string> => {
    const answer = await gateway.call('POST', '/v1/docker-services', { environment_id, image: 'myorg/api:v1', resources: size, ...body });
    expect(answer.status).toBe(202);
    return answer.body.docker_service_id as string;
  };
  /** The position of the log's last event: what a preview leaves where it is. */
  const end = async (): Promise<string> => (await gateway.call('GET', '/v1/audit?limit=1')).body.items[0].position;
  const preview = async (path: string, body: object, headers: Record<string, string> = {}): Promise<Json> => {
    const before = await end();
    const answer = await gateway.call('POST', `/v1/docker-services/${path}`, body, headers);
    expect(await end()).toBe(before);
    if (answer.status === 200) expect([ajv.validate({ $ref: 'openapi#/components/schemas/Preview' }, answer.body), ajv.errors]).toEqual([true, null]);
    return answer;
  };
  const of = (id: string, body: object, headers: Record<string, string> = {}): Promise<Json> => preview(`${id}/preview`, body, headers);
  const codes = ({ conflicts }: Json): string[] => conflicts.map(({ code }: Json) => code);

  describe('of a creation', () => {
    it('warns of a dependency that its replicas would wait for', async () => {
      const db = await create({ name: 'db-behind', ports: [{ container_port: 5432 }] });
      const dependencies = [{ docker_service_id: db, prefix: 'DB', wait: 'healthy' }];
      const warnings = async (body: object): Promise<Json[]> => (await preview('preview', { environment_id, name: 'waits', image: 'myorg/api:v1', resources: size, ...body })).body.warnings;
      expect(await warnings({ dependencies })).toMatchObject([{ code: 'placement.dependency_pending', message: expect.stringContaining(db) }]);
      expect(await warnings({ dependencies: [{ docker_service_id: db, prefix: 'DB' }] })).toEqual([]);
      expect(await warnings({ dependencies, replicas: 0 })).toEqual([]);
    });

    it('says what it would be, and where each replica would go', async () => {
      const { body } = await preview('preview', { environment_id, name: 'foreseen', image: 'myorg/api:v1', replicas: 2, resources: size });
      expect(body).toMatchObject({ revision: null, conflicts: [], warnings: [], deployment: { kind: 'create', from_release: null, to_release: 1 } });
      expect(body.placements).toMatchObject([{ slot: 1, replica_id: null, node_name: 'host-1', nodes: [] }, { slot: 2, node_name: 'host-2' }]);
      expect(body.changes).toEqual(expect.arrayContaining([{ path: '/image', from: null, to: 'docker.io/myorg/api:v1' }, { path: '/replicas', from: null, to: 2 }]));
      expect((await gateway.call('GET', '/v1/docker-services?name=foreseen')).body.items).toEqual([]);
    });

    it('says all that it would be refused for at once', async () => {
      await create({ name: 'taken', replicas: 0 });
      const { status, body } = await preview('preview', { environment_id, name: 'taken', image: 'myorg/api:v1', type: 'web', constraints: ['node.name==nowhere'] });
      expect(status).toBe(200);
      expect(codes(body)).toEqual(['docker_service.invalid', 'placement.constraint', 'name.taken']);
      expect(body).toMatchObject({ changes: [], placements: [], conflicts: [{ pointer: '/ports' }, { detail: expect.stringContaining('host-1') }, {}] });
    });

    it('is refused itself where its body can’t be read, and takes no revision', async () => {
      expect(await preview('preview', { environment_id, image: 'myorg/api:v1', replcas: 2 })).toMatchObject({ status: 422, body: { errors: [{ pointer: '/replcas', code: 'unknown_field' }] } });
      expect(await preview('preview', { environment_id, image: 'myorg/api:v1', plan: 'none' })).toMatchObject({ status: 422, body: { code: 'plan.unknown' } });
      expect(await preview('preview', { environment_id, image: 'myorg/api:v1' }, { 'if-match': '"1"' })).toMatchObject({ status: 412 });
    });

    it('says what it would have reserved, and what no quota leaves room for', async () => {
      const { body: projects } = await gateway.call('GET', '/v1/projects');
      const quota = `/v1/projects/${projects.items[0].project_id}/quota`;
      const { reserved } = (await gateway.call('GET', quota)).body;
      expect((await gateway.call('PUT', quota, { max_replicas: reserved.replicas + 2 })).status).toBe(200);
      const asked = (replicas: number) => preview('preview', { environment_id, image: 'myorg/api:v1', replicas, resources: size });
      expect((await asked(2)).body).toMatchObject({ conflicts: [], quota: { project: { max_replicas: reserved.replicas + 2, reserved, would_reserve: { replicas: reserved.replicas + 2 } }, docker_service: null } });
      expect((await asked(3)).body).toMatchObject({ conflicts: [{ code: 'quota.exceeded' }], quota: { project: { would_reserve: { replicas: reserved.replicas + 3 } } } });
      await gateway.call('PUT', quota, {});
    });

    it('says which slots would wait, and what every node lacks for them', async () => {
      const { body } = await preview('preview', { environment_id, image: 'myorg/api:v1', replicas: 3, resources: { cpu_millis: 100, memory_bytes: 2 ** 33 } });
      expect(body.conflicts).toEqual([]);
      expect(body.placements[2]).toMatchObject({ slot: 3, node_id: null, reason: { code: 'capacity' }, nodes: [{ name: 'host-1', reasons: [{ filter: 'capacity' }] }, { name: 'host-2' }] });
      expect(body.warnings).toMatchObject([{ code: 'placement.capacity', message: expect.stringMatching(/^slot 3 would wait: no node fits/) }]);
    });
  });

  describe('of a change', () => {
    it('tells a scale from a release, and what a merge patch makes of it', async () => {
      const id = await create({ replicas: 1, env: { A: '1' } });
      await gateway.succeed(id);
      const scaled = await of(id, { scale: { replicas: 2 } });
      const { revision } = (await gateway.call('GET', `/v1/docker-services/${id}`)).body;
      expect(scaled).toMatchObject({ status: 200, headers: { etag: `"${revision}"` }, body: { revision, changes: [{ path: '/replicas', from: 1, to: 2 }], deployment: null, placements: [{ slot: 1 }, { slot: 2 }] } });
      const { body } = await of(id, { patch: { image: 'myorg/api:v2', env: { A: null, B: '2' } } });
      expect(body.changes).toEqual([
        { path: '/release', from: 1, to: 2 },
        { path: '/image', from: 'docker.io/myorg/api:v1', to: 'docker.io/myorg/api:v2' },
        { path: '/env/A', from: '1', to: null },
        { path: '/env/B', from: null, to: '2' },
      ]);
      expect(body).toMatchObject({ deployment: { kind: 'deploy', from_release: 1, to_release: 2, strategy: 'rolling', surge: 1, unavailable: 0 }, placements: [{ slot: 1, release: 2, node_name: 'host-1' }] });
    });

    it('is of a deployment what it would be sent as, with its own settings', async () => {
      const id = await create({ replicas: 4 });
      await gateway.succeed(id);
      const { body } = await of(id, { deployment: { image: 'myorg/api:v3', strategy: 'recreate' } });
      expect(body).toMatchObject({ deployment: { strategy: 'recreate', surge: 0, unavailable: 4 }, warnings: [{ code: 'deployment.unavailable', message: "up to 4 of 4 replicas don't serve while it rolls" }] });
      expect(body.placements.map(({ node_name }: Json) => node_name)).toEqual(['host-1', 'host-2', 'host-1', 'host-2']);
      expect((await of(id, { deployment: {} })).body).toMatchObject({ changes: [], deployment: { kind: 'restart', from_release: 1, to_release: 1 } });
    });

    it('says that another deployment is superseded by it', async () => {
      const id = await create();
      const { body } = await of(id, { patch: { image: 'myorg/api:v2' } });
      expect(body.warnings).toMatchObject([{ code: 'deployment.supersedes', message: expect.stringMatching(/^dep_.* ends SUPERSEDED$/) }]);
    });

    it('binds what it says to a revision: sent after somebody was faster, it is a 412', async () => {
      const id = await create({ replicas: 1 });
      const { body } = await of(id, { scale: { replicas: 2 } });
      const match = { 'if-match': `"${body.revision}"` };
      await gateway.call('POST', `/v1/docker-services/${id}/scale`, { replicas: 3 });
      const late: [string, string, object][] = [['POST', '/scale', { replicas: 2 }], ['PATCH', '', { replicas: 2 }], ['POST', '/deployments', {}], ['POST', '/preview', { scale: { replicas: 2 } }]];
      for (const [method, path, sent] of late) expect(await gateway.call(method, `/v1/docker-services/${id}${path}`, sent, match)).toMatchObject({ status: 412, body: { code: 'request.precondition_failed' } });
      const again = (await of(id, { scale: { replicas: 2 } })).body;
      expect(await gateway.call('POST', `/v1/docker-services/${id}/scale`, { replicas: 2 }, { 'if-match': `"${again.revision}"` })).toMatchObject({ status: 202 });
    });

    it('says what the rules and the nodes refuse, with the field that is at fault', async () => {
      const id = await create({ replicas: 1, ports: [{ container_port: 80, host_port: 9_090 }] });
      expect((await of(id, { scale: { replicas: 3 } })).body).toMatchObject({ conflicts: [{ code: 'placement.host_port_spread', pointer: '/scale/replicas', detail: expect.stringContaining('host-1, host-2') }] });
      expect((await of(id, { scale: { replicas: -1 } })).body).toMatchObject({ conflicts: [{ pointer: '/scale/replicas' }], placements: [] });
      expect((await of(id, { patch: { labels: { 'no such': 'x'.repeat(70_000) } } })).body.conflicts[0].pointer).toMatch(/^\/patch\/labels/);
      await gateway.succeed(id);
      await gateway.call('POST', `/v1/docker-services/${id}/scale`, { replicas: 2 });
      expect(codes((await of(id, { deployment: { image: 'myorg/api:v2', max_surge: 1, max_unavailable: 0 } })).body)).toEqual(['docker_service.surge_does_not_fit']);
      await gateway.call('POST', `/v1/docker-services/${id}/pause`);
      expect(codes((await of(id, { patch: { image: 'myorg/api:v2' } })).body)).toEqual(['docker_service.paused']);
      expect((await of(id, { scale: { replicas: 1 } })).body.warnings).toMatchObject([{ code: 'docker_service.paused' }]);
    });

    it('names what of its own body is wrong', async () => {
      const id = await create({ replicas: 0 });
      expect(await of(id, {})).toMatchObject({ status: 422, body: { errors: [{ pointer: '', code: 'required' }] } });
      expect(await of(id, { patch: {}, scale: { replicas: 1 } })).toMatchObject({ status: 422, body: { errors: [{ pointer: '/scale', code: 'exclusive' }] } });
      expect(await of(id, { scale: { replicas: '1' } })).toMatchObject({ status: 422, body: { errors: [{ pointer: '/scale/replicas' }] } });
      expect(await of(id, { patch: { image: 7 } })).toMatchObject({ status: 422, body: { errors: [{ pointer: '/patch/image' }] } });
      expect(await of(id, { deployment: { image: 'UPPER CASE' } })).toMatchObject({ status: 422, body: { code: 'image.invalid_reference', errors: [{ pointer: '/deployment/image' }] } });
      expect(await of(`svc_${'a'.repeat(26)}`, { scale: { replicas: 1 } })).toMatchObject({ status: 404, body: { code: 'docker_service.not_found' } });
    });
  });
});
