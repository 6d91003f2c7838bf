import { Ajv2020 } from 'ajv/dist/2020.js';
import { systemClock } from '#platform';
import type { ReadModelStore } from '#read-models';
import { MemoryBroker, MemoryLogger } from '#testing';
import { GatewayUnderTest, type Json } from '../under-test.ts';

describe('an explanation over REST', () => {
  let gateway: GatewayUnderTest;
  let environment_id: string;
  let ajv: Ajv2020;
  beforeAll(async () => {
    gateway = await GatewayUnderTest.open({ bus: new MemoryBroker(systemClock).bus('api-gateway'), logger: new MemoryLogger() });
    environment_id = await gateway.environmentId();
    ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema((await gateway.call('GET', '/openapi.json')).body, 'openapi');
  });
  afterAll(() => gateway.close());

  const explain = async (path: string): Promise<Json> => {
    const { status, body } = await gateway.call('GET', `/v1/${path}`);
    expect([path, status, ajv.validate({ $ref: 'openapi#/components/schemas/Explanation' }, body), ajv.errors]).toEqual([path, 200, true, null]);
    return body;
  };
  const post = async (path: string, body: object): Promise<Json> => (await gateway.call('POST', `/v1/${path}`, body)).body;
  const nobody = 'a'.repeat(26);

  it('is one shape for everything that has one', async () => {
    const service = await post('docker-services', { environment_id, name: 'told', image: 'nginx', replicas: 0 });
    const { job_id } = await post('jobs', { environment_id, image: 'nginx' });
    const { schedule_id } = await post('schedules', { cron: '0 3 * * *', job: { environment_id, image: 'nginx' } });
    const { volume_id } = await post('volumes', { environment_id, name: 'data' });
    expect((await explain(`docker-services/${service.docker_service_id}/explain`)).summary).toBe('told has nothing to run: it is scaled to 0 replicas');
    expect((await explain(`deployments/${service.deployment_id}/explain`)).summary).toBe('the deployment of release 1 is PENDING: it is about to be taken up');
    expect((await explain(`jobs/${job_id}/explain`)).summary).toMatch(/^nginx is PENDING/);
    expect((await explain(`schedules/${schedule_id}/explain`)).summary).toMatch(/^nginx comes due at "0 3 \* \* \*"/);
    expect(await explain(`volumes/${volume_id}/explain`)).toMatchObject({ summary: 'data is on no node: nothing that mounts it was placed yet; used by nobody', chain: [{ type: 'VolumeCreated', by: { id: 'tok_operator' } }] });
    const nodeId = await gateway.register('host-1');
    await gateway.call('POST', `/v1/nodes/${nodeId}/drain`);
    expect(await explain(`nodes/${nodeId}/explain`)).toMatchObject({ summary: expect.stringMatching(/^host-1 is DRAINED; it is drained since \S+, by token tok_operator/), chain: [{ type: 'NodeRegistered' }, { type: 'NodeDrained', kind: 'drained' }] });
  });

  it('says that a secret was rotated and there is no room to roll to it, until there is', async () => {
    const { project_id } = (await gateway.call('POST', '/v1/projects', { name: 'crowded' })).body;
    const environment = (await gateway.call('GET', `/v1/environments?project_id=${project_id}`)).body.items[0].environment_id;
    const { secret_id } = await post('secrets', { project_id, name: 'db-pass', value: 'one' });
    const quota = (max_cpu_millis: number) => gateway.call('PUT', `/v1/projects/${project_id}/quota`, { max_cpu_millis });
    const { docker_service_id: id } = await post('docker-services', { environment_id: environment, name: 'follows', image: 'nginx', resources: { cpu_millis: 100, memory_bytes: 67_108_864 }, deploy: { max_surge: 1, max_unavailable: 0 }, secrets: { PASS: { secret_id } } });
    await gateway.succeed(id);
    const summary = async () => (await explain(`docker-services/${id}/explain`)).summary as string;
    await quota(100);
    expect(await summary()).not.toContain('no room');
    await gateway.call('PUT', `/v1/secrets/${secret_id}?apply=next_deploy`, { value: 'two' });
    expect(await summary()).not.toContain('no room');
    await gateway.call('PUT', `/v1/secrets/${secret_id}`, { value: 'three' });
    expect(await summary()).toMatch(/; it is yet to be rolled to version 3 of db-pass, for which there is no room: the project's quota max_cpu_millis is 100 millicores: 100 millicores are reserved, and this asks for 100 millicores more/);
    await quota(200);
    expect(await summary()).not.toContain('no room');
  });

  it('knows what the service was seen to be before, also where the audit is read later', async () => {
    const { docker_service_id: id } = await post('docker-services', { environment_id, name: 'seen-first', image: 'nginx', replicas: 0 });
    const hold = new HeldView(gateway.models, 'audit');
    try {
      await gateway.succeed(id);
      const seen = async (): Promise<string> => (await gateway.call('GET', `/v1/docker-services/${id}`)).body.deployment.status;
      while ((await seen()) !== 'SUCCEEDED') await systemClock.sleep(5);
      const asking = explain(`docker-services/${id}/explain`);
      void systemClock.sleep(200).then(() => hold.end());
      expect((await asking).chain.map(({ type }: Json) => type)).toContain('DeploymentEnded');
    } finally {
      hold.end();
    }
  });

  it('is found a page at a time, the latest first', async () => {
    const { docker_service_id: id } = await post('docker-services', { environment_id, name: 'paged', image: 'nginx', replicas: 0 });
    for (const replicas of [1, 2, 3]) await post(`docker-services/${id}/scale`, { replicas });
    const latest = await explain(`docker-services/${id}/explain?limit=2`);
    expect(latest.chain.map(({ what }: Json) => what)).toEqual(['it was scaled from 1 to 2 replicas', 'it was scaled from 2 to 3 replicas']);
    const before = await explain(`docker-services/${id}/explain?limit=2&before=${latest.earlier}`);
    expect(before.chain.map(({ what }: Json) => what)).toEqual(['a deployment of release 1 was started', 'it was scaled from 0 to 1 replica']);
    expect((await explain(`docker-services/${id}/explain`)).earlier).toBeNull();
  });

  it.each([
    ['docker-services/svc', 'docker_service.not_found'], ['deployments/dep', 'deployment.not_found'], ['jobs/job', 'job.not_found'],
    ['schedules/sch', 'schedule.not_found'], ['volumes/vol', 'volume.not_found'], ['nodes/node', 'node.not_found'],
  ])('of what is not there, %s, is a 404', async (path, code) => expect(await gateway.call('GET', `/v1/${path}_${nobody}/explain`)).toMatchObject({ status: 404, body: { code } }));

  it('of a replica that is another service’s is a 404, and a query that makes no sense is refused by name', async () => {
    const { docker_service_id: id } = await post('docker-services', { environment_id, name: 'asked', image: 'nginx', replicas: 0 });
    const path = `/v1/docker-services/${id}/explain`;
    expect(await gateway.call('GET', `${path}?replica_id=rep_${nobody}`)).toMatchObject({ status: 404 });
    expect(await gateway.call('GET', `${path}?limit=501`)).toMatchObject({ status: 422, body: { errors: [{ pointer: '?limit' }] } });
    expect(await gateway.call('GET', `${path}?before=yesterday`)).toMatchObject({ status: 422, body: { errors: [{ pointer: '?before' }] } });
  });
});

/** A view that is written no more, until the end of this. */
class HeldView {
  readonly #held = Promise.withResolvers<void>();

  constructor(models: ReadModelStore, view: string) {
    const apply = models.apply.bind(models);
    models.apply = async (ref, ...batch) => {
      if (ref.view === view) await this.#held.promise;
      return apply(ref, ...batch);
    };
  }

  end(): void {
    this.#held.resolve();
  }
}
