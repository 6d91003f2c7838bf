import { Dispatcher } from '#application';
import { AggregateStore } from '#event-store';
import { systemClock } from '#platform';
import { MemoryBroker, MemoryLogger } from '#testing';
import { firstStart } from './first-start.ts';
import { GatewayUnderTest, type Json } from './under-test.ts';

describe('the gateway', () => {
  let gateway: GatewayUnderTest;
  let environment_id: string;
  beforeAll(async () => {
    gateway = await GatewayUnderTest.open({ bus: new MemoryBroker(systemClock).bus('api-gateway'), logger: new MemoryLogger() });
    environment_id = await gateway.environmentId();
  });
  afterAll(() => gateway.close());

  const post = (body: object, headers: Record<string, string> = {}) => gateway.call('POST', '/v1/docker-services', { environment_id, image: 'nginx:1.27', replicas: 0, ...body }, headers);

  it('creates a service with its defaults, and finds it at once', async () => {
    const created = await post({ image: 'myorg/api:v1', ports: [{ container_port: 3000 }], replicas: undefined, env: { PORT: '3000' } });
    expect(created.status).toBe(202);
    const { docker_service_id: id } = created.body;
    expect(created.headers).toMatchObject({ location: `/v1/docker-services/${id}`, etag: '"2"', 'waybill-position': expect.any(String) });
    expect(created.body).toMatchObject({
      name: expect.stringMatching(/^api-[a-z2-7]{6}$/),
      type: 'web',
      image: 'docker.io/myorg/api:v1',
      pull_policy: 'missing',
      status: 'PENDING',
      lifecycle: 'ACTIVE',
      release: 1,
      plan: 'small',
      resources: { limit: { cpu_millis: 250, memory_bytes: 256 * 1024 ** 2 } },
      replicas: { desired: 1, running: 0 },
      deploy: { min_healthy_ms: 10_000, healthy_deadline_ms: 300_000, progress_deadline_ms: 600_000, max_failures: 0 },
      deployment: { deployment_id: expect.stringMatching(/^dep_/), status: 'PENDING' },
      created_by: { type: 'token', id: 'tok_operator' },
      revision: 2,
    });
    const read = await gateway.call('GET', `/v1/docker-services/${id}`);
    const { deployment_id, ...service } = created.body;
    expect(deployment_id).toBe(service.deployment.deployment_id);
    expect(read).toMatchObject({ status: 200, headers: { etag: '"2"' }, body: service });
  });

  it('scales and deletes, each at a revision that the client may name', async () => {
    const { docker_service_id: id } = (await post({})).body;
    const scaled = await gateway.call('POST', `/v1/docker-services/${id}/scale`, { replicas: 3 }, { 'if-match': '"2"' });
    expect(scaled).toMatchObject({ status: 202, headers: { etag: '"3"' }, body: { replicas: { desired: 3 } } });
    const late = await gateway.call('POST', `/v1/docker-services/${id}/scale`, { replicas: 4 }, { 'if-match': '"2"' });
    expect(late).toMatchObject({ status: 412, body: { code: 'request.precondition_failed', facts: { revision: 3 } } });
    expect(await gateway.call('DELETE', `/v1/docker-services/${id}`)).toMatchObject({ status: 202, body: { lifecycle: 'DELETING', status: null } });
    expect(await gateway.call('POST', `/v1/docker-services/${id}/scale`, { replicas: 1 })).toMatchObject({ status: 409, body: { code: 'docker_service.deleted' } });
  });

  it('lists by filters, page after page', async () => {
    const project = (await gateway.call('POST', '/v1/projects', { name: 'paged' })).body;
    const own = (await gateway.call('GET', `/v1/projects/${project.project_id}/environments`)).body.items[0].environment_id;
    for (const name of ['a', 'b', 'c']) await post({ environment_id: own, name });
    const first = (await gateway.call('GET', `/v1/docker-services?project_id=${project.project_id}&limit=2`)).body;
    const second = (await gateway.call('GET', `/v1/docker-services?project_id=${project.project_id}&limit=2&cursor=${first.next_cursor}`)).body;
    expect([...first.items, ...second.items].map(({ name }: Json) => name).sort()).toEqual(['a', 'b', 'c']);
    expect(second.next_cursor).toBeNull();
    expect((await gateway.call('GET', `/v1/docker-services?environment_id=${own}&name=b`)).body.items).toHaveLength(1);
    expect(await gateway.call('GET', '/v1/docker-services?status=FINE&limit=0&colour=red')).toMatchObject({
      status: 422,
      body: { errors: expect.arrayContaining(['?status', '?limit', '?colour'].map((pointer) => expect.objectContaining({ pointer }))) },
    });
  });

  it('keeps names unique in an environment, and names the holder', async () => {
    const { docker_service_id: holder } = (await post({ name: 'unique' })).body;
    expect(await post({ name: 'unique' })).toMatchObject({ status: 409, body: { code: 'name.taken', facts: { holder } } });
  });

  it('answers ?at= from the log, and explains, and tells what happened', async () => {
    const { docker_service_id: id } = (await post({ name: 'told' })).body;
    await systemClock.sleep(5);
    const instant = new Date(systemClock.now()).toISOString();
    await systemClock.sleep(5);
    await gateway.call('POST', `/v1/docker-services/${id}/scale`, { replicas: 2 });
    expect((await gateway.call('GET', `/v1/docker-services/${id}?at=${instant}`)).body.replicas.desired).toBe(0);
    expect(await gateway.call('GET', `/v1/docker-services/${id}?at=2001-01-01T00:00:00Z`)).toMatchObject({ status: 404 });
    const { items } = (await gateway.call('GET', `/v1/docker-services/${id}/events`)).body;
    expect(items.map(({ type }: Json) => type)).toEqual(['NameClaimed', 'DockerServiceCreated', 'ReleaseCut', 'DeploymentStarted', 'DockerServiceScaled']);
    expect((await gateway.call('GET', `/v1/docker-services/${id}/explain`)).body).toMatchObject({ summary: expect.stringContaining('told'), chain: expect.any(Array) });
    expect((await gateway.call('GET', `/v1/audit?resource=${id}&what=DockerServiceScaled`)).body.items).toMatchObject([{ before: 0, after: 2, actor: { id: 'tok_operator' } }]);
  });

  it('takes a job, and an answer about another project or thing is 404', async () => {
    const job = await gateway.call('POST', '/v1/jobs', { environment_id, image: 'busybox', command: ['true'], timeout_ms: 5_000 });
    expect(job).toMatchObject({ status: 202, body: { status: 'PENDING', trigger: { type: 'manual' }, attempts: [], exit_code: null, timeout_ms: 5_000, name: 'busybox' } });
    expect(job.body.links.logs).toBe(`/v1/jobs/${job.body.job_id}/logs`);
    expect(await gateway.call('GET', job.body.links.logs)).toMatchObject({ status: 200, body: { items: [] } });
    expect(await gateway.call('GET', `/v1/jobs/job_${'a'.repeat(26)}`)).toMatchObject({ status: 404, body: { code: 'job.not_found' } });
    expect(await post({ environment_id: `env_${'a'.repeat(26)}` })).toMatchObject({ status: 404, body: { code: 'environment.not_found' } });
  });

  it('begins with a project, an environment and three plans, once', async () => {
    const parts = { dispatcher: gateway.app.get(Dispatcher), aggregates: gateway.app.get(AggregateStore), clock: systemClock };
    await firstStart(parts);
    expect((await gateway.call('GET', '/v1/projects?name=default')).body.items).toHaveLength(1);
    expect((await gateway.call('GET', '/v1/plans')).body.items.map(({ name }: Json) => name)).toEqual(['large', 'medium', 'small']);
  });

  describe('idempotency', () => {
    it('makes one service of one key sent twenty times at once, and answers each alike', async () => {
      const answers = await Promise.all(Array.from({ length: 20 }, () => post({ name: 'once' }, { 'idempotency-key': 'the-one' })));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
      expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
      expect((await gateway.call('GET', `/v1/docker-services?environment_id=${environment_id}&name=once`)).body.items).toHaveLength(1);
    });

    it('refuses the key with another body, however the first ended', async () => {
      await post({ name: 'first' }, { 'idempotency-key': 'k1' });
      expect(await post({ name: 'second' }, { 'idempotency-key': 'k1' })).toMatchObject({ status: 422, body: { code: 'idempotency.key_reused' } });
      expect((await gateway.call('GET', '/v1/docker-services?name=second')).body.items).toEqual([]);
    });

    it('takes the same body in another order of keys for the same', async () => {
      const one = await post({ name: 'ordered', env: { A: '1', B: '2' } }, { 'idempotency-key': 'k2' });
      const two = await post({ env: { B: '2', A: '1' }, name: 'ordered' }, { 'idempotency-key': 'k2' });
      expect([two.status, two.body.docker_service_id]).toEqual([202, one.body.docker_service_id]);
    });

    it('answers a retried scale by what it did, also when others have changed it since', async () => {
      const { docker_service_id: id } = (await post({})).body;
      const scale = (replicas: number, key: string) => gateway.call('POST', `/v1/docker-services/${id}/scale`, { replicas }, { 'idempotency-key': key });
      await scale(1, 'a');
      await scale(2, 'b');
      expect(await scale(1, 'a')).toMatchObject({ status: 202, body: { replicas: { desired: 2 } } });
      expect(await scale(5, 'b')).toMatchObject({ status: 422 });
    });

    it('remembers a request that changed nothing, too', async () => {
      const { docker_service_id: id } = (await post({})).body;
      const scale = (replicas: number, key: string) => gateway.call('POST', `/v1/docker-services/${id}/scale`, { replicas }, { 'idempotency-key': key });
      expect((await scale(0, 'nothing')).status).toBe(202);
      expect(await scale(3, 'nothing')).toMatchObject({ status: 422, body: { code: 'idempotency.key_reused' } });
      await scale(4, 'something');
      expect((await scale(0, 'nothing')).body.replicas.desired).toBe(4);
    });

    it('answers the retry of a create that its own host port would now refuse', async () => {
      await gateway.register('porty');
      const body = { name: 'published', replicas: 1, ports: [{ container_port: 80, host_port: 18_080 }] };
      const first = await post(body, { 'idempotency-key': 'port' });
      expect(await post(body, { 'idempotency-key': 'port' })).toMatchObject({ status: 202, body: { docker_service_id: first.body.docker_service_id } });
    });
  });

  describe('early refusals', () => {
    beforeAll(() => gateway.register('small', 2 ** 30));

    it.each<[string, object, number, string, string | null]>([
      ['a bad image', { image: 'UPPER/Case:tag' }, 422, 'image.invalid_reference', '/image'],
      ['an unknown plan', { plan: 'giant' }, 422, 'plan.unknown', '/plan'],
      ['a plan beside resources', { plan: 'small', resources: { cpu_millis: 100, memory_bytes: 2 ** 27 } }, 422, 'request.invalid', '/plan'],
      ['half of the short form', { resources: { cpu_millis: 100 } }, 422, 'request.invalid', '/resources/memory_bytes'],
      ['a request above its limit', { resources: { request: { cpu_millis: 200, memory_bytes: 2 ** 27 }, limit: { cpu_millis: 100, memory_bytes: 2 ** 27 } } }, 422, 'docker_service.invalid', '/resources/request/cpu_millis'],
      ['a web service without a port', { type: 'web' }, 422, 'docker_service.invalid', '/ports'],
      ['a name that is no DNS label', { name: 'Not_A_Label' }, 422, 'docker_service.invalid', '/name'],
      ['another project than the environment has', { project_id: `prj_${'a'.repeat(26)}` }, 422, 'environment.other_project', '/project_id'],
      ['what no node is large enough for', { resources: { cpu_millis: 100, memory_bytes: 2 ** 45 } }, 422, 'placement.capacity', null],
      ['what no node has the label for', { constraints: ['node.labels.zone==moon'] }, 422, 'placement.constraint', null],
      ['more replicas than nodes can publish a port', { replicas: 9, ports: [{ container_port: 80, host_port: 80 }] }, 409, 'placement.host_port_spread', null],
    ])('refuses %s', async (_, body, status, code, pointer) => {
      const answer = await post(body);
      expect(answer).toMatchObject({ status, headers: { 'content-type': expect.stringContaining('application/problem+json') }, body: { status, code } });
      if (pointer !== null) expect(answer.body.errors).toEqual([expect.objectContaining({ pointer })]);
    });

    it('names the nodes in what it refuses', async () => {
      const { body } = await post({ resources: { cpu_millis: 100, memory_bytes: 2 ** 45 } });
      expect(body.detail).toMatch(/small: .*32 TiB/);
      expect(body.facts.nodes).toEqual(expect.arrayContaining([expect.objectContaining({ name: 'small', fits: false })]));
    });
  });
});
