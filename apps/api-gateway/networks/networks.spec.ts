import { Ajv2020 } from 'ajv/dist/2020.js';
import { systemClock } from '#platform';
import { MemoryBroker, MemoryLogger } from '#testing';
import { GatewayUnderTest, type Json } from '../under-test.ts';

describe('networks', () => {
  let gateway: GatewayUnderTest;
  let environmentId = '';
  let otherId = '';
  beforeAll(async () => {
    gateway = await GatewayUnderTest.open({ bus: new MemoryBroker(systemClock).bus('api-gateway'), logger: new MemoryLogger() });
    environmentId = await environmentOf('shop');
    otherId = await environmentOf('other');
  });
  afterAll(() => gateway.close());

  const environmentOf = async (name: string): Promise<string> => {
    const { project_id } = (await gateway.call('POST', '/v1/projects', { name })).body;
    return (await gateway.call('GET', `/v1/environments?project_id=${project_id}`)).body.items[0].environment_id;
  };
  const make = (name: string, environment_id = environmentId, headers: Record<string, string> = {}) => gateway.call('POST', '/v1/networks', { environment_id, name }, headers);
  const create = (body: object) => gateway.call('POST', '/v1/docker-services', { environment_id: environmentId, image: 'myorg/api:v1', replicas: 0, ...body });
  const named = async (name: string): Promise<Json> => (await gateway.call('GET', `/v1/networks?name=${name}&environment_id=${environmentId}`)).body.items[0];

  it('are made once for a request, however often it is sent, and found by what they are', async () => {
    const headers = { 'idempotency-key': 'make-backend' };
    const made = await make('backend', environmentId, headers);
    expect(made).toMatchObject({ status: 201, body: { network_id: expect.stringMatching(/^net_/), name: 'backend', driver: 'bridge', subnet: null, used_by: [] }, headers: { location: `/v1/networks/${made.body.network_id}` } });
    expect((await make('backend', environmentId, headers)).body.network_id).toBe(made.body.network_id);
    expect(await make('backend')).toMatchObject({ status: 409, body: { code: 'name.taken' } });
    expect(await make('backend', otherId)).toMatchObject({ status: 201 });
    expect(await make('default')).toMatchObject({ status: 409, body: { code: 'network.name_reserved' } });
    expect(await make('Not A Label')).toMatchObject({ status: 422 });
    expect((await named('backend')).network_id).toBe(made.body.network_id);
    const { body: api } = await gateway.call('GET', '/openapi.json');
    const isNetwork = new Ajv2020({ strict: false, validateFormats: false }).addSchema(api, 'api').getSchema('api#/components/schemas/Network')!;
    expect([isNetwork(made.body), isNetwork.errors]).toEqual([true, null]);
  });

  it('are taken by name or id, made with the service that names one first, and stay as they are under a patch of something else', async () => {
    const api = await create({ name: 'api', networks: [{ name: 'backend', aliases: ['db'] }, { name: 'fresh' }] });
    const [backend, fresh] = [await named('backend'), await named('fresh')];
    expect(api).toMatchObject({ status: 202, body: { default_network: true, networks: [{ network_id: backend.network_id, aliases: ['db'] }, { network_id: fresh.network_id, name: 'fresh', aliases: [] }] } });
    const web = await create({ name: 'web', networks: [{ network_id: backend.network_id }], default_network: false });
    expect(web.body).toMatchObject({ default_network: false, networks: [{ name: 'backend' }] });
    const patched = await gateway.call('PATCH', `/v1/docker-services/${web.body.docker_service_id}`, { env: { A: '1' } });
    expect(patched.body).toMatchObject({ release: 2, default_network: false, networks: [{ network_id: backend.network_id, name: 'backend' }] });
    const same = await gateway.call('PATCH', `/v1/docker-services/${web.body.docker_service_id}`, { networks: [{ name: 'backend' }] });
    expect(same.status).toBe(200);
    expect((await named('backend')).used_by.map(({ name }: Json) => name).sort()).toEqual(['api', 'web']);
  });

  it('are not deleted under whoever is in them, and are not found after', async () => {
    const { network_id } = await named('backend');
    expect(await gateway.call('DELETE', `/v1/networks/${network_id}`)).toMatchObject({ status: 409, body: { code: 'network.in_use', detail: expect.stringContaining('docker_service api') } });
    const { body } = await make('nobodys');
    expect((await gateway.call('DELETE', `/v1/networks/${body.network_id}`)).status).toBe(204);
    expect((await gateway.call('DELETE', `/v1/networks/${body.network_id}`)).status).toBe(204);
    expect((await gateway.call('GET', `/v1/networks/${body.network_id}`)).status).toBe(404);
    // Nor is their name.
    expect((await make('nobodys')).status).toBe(201);
    expect(await create({ networks: [{ network_id: body.network_id }] })).toMatchObject({ status: 422, body: { code: 'network.not_found', errors: [{ pointer: '/networks/0/network_id' }] } });
  });

  it.each([
    [{ default_network: false }, '/networks'],
    [{ networks: [{}] }, '/networks/0/name'],
    [{ networks: [{ name: 'backend', aliases: ['UP'] }] }, '/networks/0/aliases/0'],
    [{ networks: [{ name: 'backend' }, { name: 'backend' }] }, '/networks/1/name'],
    [{ default_network: false, networks: [{ name: 'default' }] }, '/networks/0/name'],
    [{ deploy: { pre_deploy: { script: 'true', networks: [{ name: 'nowhere' }] } } }, '/deploy/pre_deploy/networks/0/name'],
  ])('are refused in %j at %s', async (body, pointer) => {
    const answer = await create(body);
    expect([answer.status, answer.body.errors?.[0]?.pointer]).toEqual([422, pointer]);
  });

  it('of another environment are none of this one', async () => {
    const theirs = (await gateway.call('GET', `/v1/networks?name=backend&environment_id=${otherId}`)).body.items[0];
    expect(await create({ networks: [{ network_id: theirs.network_id }] })).toMatchObject({ status: 422, body: { code: 'network.not_found' } });
  });
});
