import { Ajv2020 } from 'ajv/dist/2020.js';
import { systemClock } from '#platform';
import { MemoryBroker, MemoryLogger } from '#testing';
import { GatewayUnderTest, type Json } from '../under-test.ts';

describe('what is changed of a service', () => {
  let gateway: GatewayUnderTest;
  let environment_id: string;
  beforeAll(async () => {
    gateway = await GatewayUnderTest.open({ bus: new MemoryBroker(systemClock).bus('api-gateway'), logger: new MemoryLogger() });
    environment_id = await gateway.environmentId();
  });
  afterAll(() => gateway.close());

  const create = async (body: object = {}): Promise<string> => {
    const answer = await gateway.call('POST', '/v1/docker-services', { environment_id, image: 'myorg/api:v1', replicas: 0, ...body });
    expect(answer.status).toBe(202);
    return answer.body.docker_service_id as string;
  };
  const read = async (id: string): Promise<Json> => (await gateway.call('GET', `/v1/docker-services/${id}`)).body;
  const patch = (id: string, body: object, headers: Record<string, string> = {}) => gateway.call('PATCH', `/v1/docker-services/${id}`, body, headers);
  const post = (id: string, verb: string, body: object = {}, headers: Record<string, string> = {}) => gateway.call('POST', `/v1/docker-services/${id}/${verb}`, body, headers);
  const types = async (id: string): Promise<string[]> => (await gateway.call('GET', `/v1/docker-services/${id}/events?limit=200`)).body.items.map(({ type }: Json) => type);

  describe('by a merge patch', () => {
    it('cuts a release and deploys it where a container would be another', async () => {
      const id = await create({ env: { A: '1', B: '2' } });
      const changed = await patch(id, { image: 'myorg/api:v2', env: { B: null, C: '3' } });
      expect(changed).toMatchObject({
        status: 202,
        headers: { etag: expect.any(String), 'waybill-position': expect.any(String) },
        body: { deployment_id: expect.stringMatching(/^dep_/), release: 2, image: 'docker.io/myorg/api:v2', env: { A: '1', C: '3' }, plan: 'small' },
      });
      expect(changed.body.deployment.deployment_id).toBe(changed.body.deployment_id);
      expect((await types(id)).slice(-2)).toEqual(['ReleaseCut', 'DeploymentStarted']);
    });

    it('changes what is the service’s own without a release', async () => {
      const id = await create();
      const changed = await patch(id, { replicas: 3, labels: { team: 'shop' }, deploy: { max_surge: 2, monitor_ms: 0, pre_deploy: { script: 'true' } } });
      expect(changed).toMatchObject({ status: 200, body: { release: 1, replicas: { desired: 3 }, labels: { team: 'shop' }, deploy: { max_surge: 2, monitor_ms: 0, min_healthy_ms: 10_000, pre_deploy: { command: ['/bin/sh', '-c', 'true'] } } } });
      expect(changed.body.deployment_id).toBeUndefined();
      expect((await types(id)).slice(-3)).toEqual(['DockerServiceScaled', 'DeploySettingsChanged', 'DockerServiceLabelsChanged']);
      expect(await patch(id, { deploy: { pre_deploy: { script: 'false' }, max_surge: null } })).toMatchObject({ status: 200, body: { deploy: { max_surge: null, pre_deploy: { command: ['/bin/sh', '-c', 'false'], args: null } } } });
      expect(await patch(id, { deploy: { pre_deploy: null } })).toMatchObject({ status: 200, body: { deploy: { pre_deploy: null, monitor_ms: 0 } } });
    });

    it('is silent where all is so already', async () => {
      const id = await create({ healthcheck: { type: 'http', path: '/', port: 80 }, restart_policy: { name: 'on-failure', max_retries: 3, delay_ms: 100 } });
      const before = await read(id);
      const changed = await patch(id, { image: 'myorg/api:v1', env: {}, healthcheck: { path: '/' }, restart_policy: { delay_ms: 100 } });
      expect(changed).toMatchObject({ status: 200, body: { revision: before.revision } });
    });

    it('lets a plan give way to resources, and one form of them to the other', async () => {
      const id = await create();
      expect(await patch(id, { resources: { cpu_millis: 20, memory_bytes: 2 ** 24 } })).toMatchObject({ status: 202, body: { plan: null, resources: { request: { cpu_millis: 20 }, limit: { cpu_millis: 20 } } } });
      expect(await patch(id, { resources: { memory_bytes: 2 ** 25 } })).toMatchObject({ status: 202, body: { resources: { limit: { cpu_millis: 20, memory_bytes: 2 ** 25 } } } });
      expect(await patch(id, { resources: { limit: { cpu_millis: 40 } } })).toMatchObject({ status: 202, body: { resources: { request: { cpu_millis: 20 }, limit: { cpu_millis: 40, memory_bytes: 2 ** 25 } } } });
      expect(await patch(id, { plan: 'medium' })).toMatchObject({ status: 202, body: { plan: 'medium', resources: { limit: { cpu_millis: 1_000 } } } });
    });

    it('keeps the size that its plan had, when only something else changes', async () => {
      await gateway.call('POST', '/v1/plans', { name: 'odd', resources: { cpu_millis: 111, memory_bytes: 2 ** 26 } });
      const id = await create({ plan: 'odd' });
      await gateway.call('PUT', '/v1/plans/odd', { resources: { cpu_millis: 222, memory_bytes: 2 ** 26 } });
      expect((await patch(id, { env: { A: '1' } })).body).toMatchObject({ plan: 'odd', resources: { limit: { cpu_millis: 111 } } });
      expect((await patch(id, { plan: 'odd' })).body).toMatchObject({ resources: { limit: { cpu_millis: 222 } } });
    });

    it.each<[string, object]>([
      ['/name', { name: 'other' }],
      ['/environment_id', { environment_id: `env_${'a'.repeat(26)}` }],
      ['/type', { type: 'web' }],
      ['/image', { image: null }],
      ['/image', { image: 'UPPER' }],
      ['/env/PORT', { env: { PORT: 80 } }],
      ['/replicas', { replicas: -1 }],
      ['/deploy/strategy', { deploy: { strategy: 'canary' } }],
      ['/deploy/healthy_deadline_ms', { healthcheck: { type: 'tcp', port: 80, healthy_threshold: 100 } }],
      ['/colour', { colour: 'red' }],
    ])('points at %s', async (pointer, body) => {
      const id = await create();
      const answer = await patch(id, body);
      expect(answer.status).toBe(422);
      expect(answer.body.errors.map((error: Json) => error.pointer)).toEqual([pointer]);
      expect((await read(id)).revision).toBe(2);
    });

    it('loses nothing of ten patches at once', async () => {
      const id = await create();
      const answers = await Promise.all(Array.from({ length: 10 }, (_, i) => patch(id, { env: { [`K${i}`]: String(i) } })));
      expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(202));
      expect(Object.keys((await read(id)).env).sort()).toEqual(Array.from({ length: 10 }, (_, i) => `K${i}`));
    });

    it('is answered alike when it is sent again, and made once', async () => {
      const id = await create();
      const first = await patch(id, { env: { A: '1' } }, { 'idempotency-key': 'p1' });
      await patch(id, { env: { A: '2' } });
      const again = await patch(id, { env: { A: '1' } }, { 'idempotency-key': 'p1' });
      expect([again.status, again.body.deployment_id]).toEqual([202, first.body.deployment_id]);
      expect((await read(id)).env).toEqual({ A: '2' });
      expect(await patch(id, { env: { A: '3' } }, { 'idempotency-key': 'p1' })).toMatchObject({ status: 422, body: { code: 'idempotency.key_reused' } });
      expect(await patch(id, { env: { A: '4' }, volumes: [{ name: 'too-late', mount_path: '/data' }] }, { 'if-match': '"2"' })).toMatchObject({ status: 412 });
      expect((await gateway.call('GET', '/v1/volumes?name=too-late')).body.items).toEqual([]);
    });
  });

  describe('by a deployment', () => {
    it('moves to another image, in a way of its own, and supersedes the one under way', async () => {
      const id = await create();
      const first = (await read(id)).deployment.deployment_id;
      const deployed = await post(id, 'deployments', { image: 'myorg/api:v2', strategy: 'recreate', auto_rollback: false, pre_deploy: { script: 'bin/migrate', timeout_ms: 5_000 } });
      expect(deployed).toMatchObject({
        status: 202,
        headers: { location: `/v1/deployments/${deployed.body.deployment_id}` },
        body: {
          kind: 'deploy', status: 'PENDING', strategy: 'recreate', auto_rollback: false, supersedes: first, from_release: null, to_release: 2,
          from_image: null, to_image: 'docker.io/myorg/api:v2', steps: [{ name: 'pre_deploy' }, { name: 'prepare' }, { name: 'replace' }, { name: 'monitor' }],
        },
      });
      expect((await read(id)).deploy).toMatchObject({ strategy: 'rolling', pre_deploy: null });
      expect((await gateway.call('GET', `/v1/deployments/${first}`)).body).toMatchObject({ kind: 'create', superseded_by: deployed.body.deployment_id });
      expect((await gateway.call('GET', `/v1/docker-services/${id}/deployments`)).body.items.map(({ deployment_id }: Json) => deployment_id)).toEqual([deployed.body.deployment_id, first]);
    });

    it('cuts a release for the same image too, and none without an image', async () => {
      const id = await create();
      expect((await post(id, 'deployments', { image: 'myorg/api:v1' })).body).toMatchObject({ kind: 'deploy', to_release: 2 });
      expect((await post(id, 'deployments')).body).toMatchObject({ kind: 'restart', to_release: 2 });
      expect((await post(id, 'deployments', { image: null })).body).toMatchObject({ kind: 'restart', to_release: 2 });
    });

    it.each<[string, object]>([
      ['/image', { image: 'UPPER' }],
      ['/max_surge', { max_surge: '110%' }],
      ['/pre_deploy/timeout_ms', { pre_deploy: { script: 'true', timeout_ms: 1 } }],
      ['/post_deploy/plan', { post_deploy: { plan: 'gigantic' } }],
      ['/replicas', { replicas: 3 }],
    ])('points at %s', async (pointer, body) => {
      const answer = await post(await create(), 'deployments', body);
      expect([answer.status, answer.body.errors.map((error: Json) => error.pointer)]).toEqual([422, [pointer]]);
    });

    it('is cancelled once; one that was superseded or has no such service is told so', async () => {
      const id = await create();
      const first = (await read(id)).deployment.deployment_id;
      const { deployment_id } = (await post(id, 'deployments', { image: 'myorg/api:v2' })).body;
      const cancel = (dep: string) => gateway.call('POST', `/v1/deployments/${dep}/cancel`, {});
      expect(await cancel(deployment_id)).toMatchObject({ status: 202, body: { deployment_id, cancel_requested_at: expect.any(String) } });
      expect(await cancel(deployment_id)).toMatchObject({ status: 202 });
      expect(await cancel(first)).toMatchObject({ status: 409, body: { code: 'deployment.superseded' } });
      expect(await cancel(`dep_${'a'.repeat(26)}`)).toMatchObject({ status: 404, body: { code: 'deployment.not_found' } });
    });

    it('goes back to a kept release as a copy, and lists them', async () => {
      const id = await create({ env: { A: '1' } });
      await patch(id, { env: { A: '2' } });
      expect(await post(id, 'rollback', { release: 7 })).toMatchObject({ status: 409, body: { code: 'docker_service.release_not_kept', facts: { kept: [2, 1] } } });
      expect(await post(id, 'rollback', { release: 2 })).toMatchObject({ status: 409, body: { code: 'docker_service.release_current' } });
      expect(await post(id, 'rollback')).toMatchObject({ status: 409, body: { code: 'docker_service.no_earlier_release' } });
      expect(await post(id, 'rollback', { release: 1 })).toMatchObject({ status: 202, body: { kind: 'rollback', to_release: 3, auto_rollback: false } });
      const { items } = (await gateway.call('GET', `/v1/docker-services/${id}/releases`)).body;
      expect(items).toMatchObject([{ release: 3, copied_from: 1, current: true, kept: true, env: { A: '1' } }, { release: 2, current: false, env: { A: '2' } }, { release: 1, stable: false }]);
    });

    it('refuses a start-first roll that host ports have no room for, and names the way out', async () => {
      const node = await gateway.register('only');
      const id = await create({ replicas: 1, ports: [{ container_port: 80, host_port: 8080 }] });
      // Nothing is to be kept up before the first release stands.
      expect((await post(id, 'deployments', { image: 'myorg/api:v2', max_surge: 1 })).status).toBe(202);
      await gateway.succeed(id);
      expect(await post(id, 'deployments', { image: 'myorg/api:v3', max_surge: 1, max_unavailable: 0 })).toMatchObject({
        status: 409,
        body: { code: 'docker_service.surge_does_not_fit', detail: expect.stringContaining('set max_surge to 0 and max_unavailable to 1') },
      });
      expect(await patch(id, { image: 'myorg/api:v3', deploy: { max_surge: '50%' } })).toMatchObject({ status: 409, body: { code: 'docker_service.surge_does_not_fit' } });
      expect((await post(id, 'deployments', { image: 'myorg/api:v3' })).status).toBe(202);
      await gateway.remove(node);
    });
  });

  describe('by its lifecycle', () => {
    it('is paused, stopped and started again, and says how and by whom', async () => {
      const id = await create();
      expect(await post(id, 'pause')).toMatchObject({ status: 202, body: { lifecycle: 'PAUSED', status: null, paused: { containers: 'held', by: { id: 'tok_operator' } } } });
      expect(await post(id, 'pause')).toMatchObject({ status: 409, body: { code: 'docker_service.paused' } });
      expect(await post(id, 'deployments', { image: 'myorg/api:v2' })).toMatchObject({ status: 409, body: { code: 'docker_service.paused' } });
      expect(await post(id, 'stop')).toMatchObject({ status: 202, body: { lifecycle: 'PAUSED', paused: { containers: 'removed' } } });
      expect((await gateway.call('GET', '/v1/docker-services?lifecycle=PAUSED')).body.items.map(({ docker_service_id }: Json) => docker_service_id)).toEqual([id]);
      expect(await post(id, 'start')).toMatchObject({ status: 202, body: { deployment_id: expect.stringMatching(/^dep_/), lifecycle: 'ACTIVE', paused: null } });
      expect(await post(id, 'resume')).toMatchObject({ status: 409, body: { code: 'docker_service.not_paused' } });
    });

    it('is restarted by a deployment of the same release', async () => {
      const id = await create();
      const restarted = await post(id, 'restart', {}, { 'idempotency-key': 'r1' });
      expect(restarted).toMatchObject({ status: 202, body: { deployment_id: expect.stringMatching(/^dep_/), release: 1 } });
      expect((await post(id, 'restart', {}, { 'idempotency-key': 'r1' })).body.deployment_id).toBe(restarted.body.deployment_id);
      expect((await gateway.call('GET', `/v1/deployments/${restarted.body.deployment_id}`)).body).toMatchObject({ kind: 'restart', to_release: 1 });
    });

    it.each(['start', 'stop', 'pause', 'resume', 'restart', 'rollback', 'deployments'])('knows no service to %s outside the reach', async (verb) =>
      expect(await post(`svc_${'a'.repeat(26)}`, verb)).toMatchObject({ status: 404, body: { code: 'docker_service.not_found' } }));
  });

  it('answers each as it is described', async () => {
    const document = (await gateway.call('GET', '/openapi.json')).body;
    const ajv = new Ajv2020({ strict: false, formats: { 'date-time': true } });
    ajv.addSchema(document, 'api');
    const id = await create({
      healthcheck: { type: 'command', command: ['true'] },
      deploy: { max_surge: '25%', max_unavailable: 1, post_deploy: { image: 'myorg/api:v9', plan: 'small', env: { A: '1' }, retries: 1 } },
    });
    const deployed = (await post(id, 'deployments', { image: 'myorg/api:v2' })).body;
    const answers: [string, Json][] = [
      ['DockerService', await read(id)], ['DockerService', (await patch(id, { env: { B: '1' } })).body], ['Deployment', deployed],
      ['ReleaseList', (await gateway.call('GET', `/v1/docker-services/${id}/releases`)).body], ['DockerService', (await post(id, 'stop')).body],
    ];
    for (const [name, body] of answers) {
      const valid = ajv.getSchema(`api#/components/schemas/${name}`)!;
      expect([name, valid(body), valid.errors]).toEqual([name, true, null]);
    }
  });

  it('shows a deployment as it goes, until it has ended', async () => {
    const id = await create();
    const { deployment_id } = (await read(id)).deployment;
    const streaming = gateway.app.inject({ method: 'GET', url: `/v1/deployments/${deployment_id}`, headers: { authorization: 'Bearer wbt_spec', accept: 'text/event-stream' } });
    await systemClock.sleep(200);
    await gateway.succeed(id);
    const { body } = await streaming;
    const states = body.split('\n').flatMap((line) => (line.startsWith('data: ') ? [JSON.parse(line.slice(6)) as Json] : []));
    expect(states[0]).toMatchObject({ deployment_id, status: 'PENDING' });
    expect(states.at(-1)).toMatchObject({ status: 'SUCCEEDED', finished_at: expect.any(String) });
    expect(body).toContain('event: deployment');
  });
});
