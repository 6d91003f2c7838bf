import { systemClock } from '#platform';
import { MemoryBroker, MemoryLogger } from '#testing';
import { GatewayUnderTest, type Json } from '../under-test.ts';

const PASSWORD = 'correct horse battery';
const HOUR = 3_600_000;

describe('whoever did it, in the audit', () => {
  let gateway: GatewayUnderTest;
  let project: string;
  let environment_id: string;
  beforeAll(async () => {
    gateway = await GatewayUnderTest.open({ bus: new MemoryBroker(systemClock).bus('api-gateway'), logger: new MemoryLogger() });
    project = (await gateway.call('POST', '/v1/projects', { name: 'shop' })).body.project_id;
    environment_id = (await gateway.call('GET', `/v1/projects/${project}/environments`)).body.items[0].environment_id;
  });
  afterAll(() => gateway.close());

  const as = (token: string) => ({ authorization: `Bearer ${token}` });
  const issue = async (role: string, more: object = {}): Promise<Json> => (await gateway.call('POST', `/v1/projects/${project}/tokens`, { name: `a ${role}'s`, role, expires_in_ms: HOUR, ...more })).body;
  const person = async (login: string, role: string): Promise<{ id: string; headers: Record<string, string> }> => {
    const { user_id: id } = (await gateway.call('POST', '/v1/users', { login, name: login.toUpperCase(), password: PASSWORD })).body;
    await gateway.call('PUT', `/v1/projects/${project}/members/${id}`, { role });
    return { id, headers: as((await gateway.call('POST', '/v1/sessions', { login, password: PASSWORD }, { authorization: '' })).body.token) };
  };
  const create = async (headers: Record<string, string>): Promise<string> => (await gateway.call('POST', '/v1/docker-services', { environment_id, image: 'nginx', replicas: 0 }, headers)).body.docker_service_id;
  const entryOf = async (id: string, headers: Record<string, string> = {}): Promise<Json> => {
    const { status, body } = await gateway.call('GET', `/v1/audit?resource=${id}&what=DockerServiceCreated`, undefined, headers);
    expect(status).toBe(200);
    return body.items[0];
  };

  it('has a name and an address for whom they are, as long as they are known', async () => {
    const [owner, ann] = [await person('owner', 'owner'), await person('ann', 'developer')];
    const pipeline = await issue('developer');
    const viewer = as((await issue('viewer')).token);
    const held = as((await issue('developer', { scope: { environment_id } })).token);
    const [byAnn, byToken, byOperator] = [await create(ann.headers), await create(as(pipeline.token)), await create({})];
    const [full, bare] = [{ type: 'user', id: ann.id, login: 'ann', name: 'ANN' }, { type: 'user', id: ann.id }];

    const { origin_id } = await entryOf(byAnn);
    const origin = { id: origin_id, address: '127.0.0.1' };
    for (const headers of [{}, owner.headers]) {
      expect(await entryOf(byAnn, headers)).toMatchObject({ actor: full, origin_id, origin });
      expect(await entryOf(byToken, headers)).toMatchObject({ actor: { type: 'token', id: pipeline.token_id, name: "a developer's" }, origin });
    }
    expect(await entryOf(byAnn, viewer)).toMatchObject({ actor: full });
    for (const id of [byAnn, byToken]) expect((await entryOf(id, viewer)).origin).toEqual({ id: origin_id });
    expect((await entryOf(byToken, viewer)).actor).toEqual({ type: 'token', id: pipeline.token_id });
    // Where an operator sits is no tenant's business, and a token of one environment asks for no audit.
    expect((await entryOf(byOperator, owner.headers)).origin).toEqual({ id: origin_id });
    expect(await gateway.call('GET', `/v1/audit?resource=${byAnn}`, undefined, held)).toMatchObject({ status: 403, body: { code: 'token.scope' } });

    const exported = await gateway.app.inject({ method: 'GET', url: `/v1/audit/export?resource=${byAnn}`, headers: owner.headers });
    expect(JSON.parse(exported.body.split('\n')[0]!)).toMatchObject({ actor: full, origin });
    // The thing itself, and the log, have ids alone.
    expect((await gateway.call('GET', `/v1/docker-services/${byAnn}`)).body.created_by).toEqual(bare);
    expect((await gateway.call('GET', `/v1/docker-services/${byAnn}/events`)).body.items.filter((event: Json) => event.actor.name || event.actor.login)).toEqual([]);

    await gateway.call('DELETE', `/v1/projects/${project}/members/${ann.id}`);
    expect((await entryOf(byAnn, viewer)).actor).toEqual(bare);
    expect(await entryOf(byAnn, owner.headers)).toMatchObject({ actor: bare, origin: { id: origin_id } });
    expect((await entryOf(byAnn)).actor).toEqual(full);
    await gateway.call('DELETE', `/v1/users/${ann.id}`);
    await gateway.call('DELETE', `/v1/projects/${project}/tokens/${pipeline.token_id}`);
    await gateway.call('DELETE', `/v1/origins/${origin_id}`);
    expect(await entryOf(byAnn)).toMatchObject({ actor: bare, origin: { id: origin_id } });
    expect((await entryOf(byAnn)).origin).toEqual({ id: origin_id });
    expect((await entryOf(byToken)).actor).toEqual({ type: 'token', id: pipeline.token_id });
  });

  it('is told of with what they did it to: a member, a token, a quota, an environment', async () => {
    const bea = await person('bea', 'viewer');
    await gateway.call('PUT', `/v1/projects/${project}/members/${bea.id}`, { role: 'developer' });
    const { token_id } = await issue('viewer');
    await gateway.call('DELETE', `/v1/projects/${project}/tokens/${token_id}`);
    await gateway.call('DELETE', `/v1/projects/${project}/members/${bea.id}`);
    const service = await create({});
    await gateway.call('PUT', `/v1/projects/${project}/quota`, { max_replicas: 9 });
    await gateway.call('PUT', `/v1/docker-services/${service}/quota`, { max_replicas: 3 });
    const staging = (await gateway.call('POST', `/v1/projects/${project}/environments`, { name: 'staging' })).body.environment_id;
    const found = async (query: string): Promise<Json[]> => (await gateway.call('GET', `/v1/audit?${query}`)).body.items.toReversed();

    expect(await found(`resource=${bea.id}`)).toMatchObject([
      { what: 'UserCreated', resource: { type: 'user', id: bea.id }, after: { is_operator: false } },
      { what: 'MemberAdded', resource: { type: 'member', id: bea.id }, project_id: project, after: { role: 'viewer' } },
      { what: 'MemberRoleChanged', resource: { type: 'member', id: bea.id }, before: 'viewer', after: 'developer' },
      { what: 'MemberRemoved', resource: { type: 'member', id: bea.id }, before: { role: 'developer' }, after: null },
    ]);
    expect(await found(`resource=${token_id}`)).toMatchObject([
      { what: 'TokenIssued', resource: { type: 'token', id: token_id }, after: { role: 'viewer' } },
      { what: 'TokenRevoked', resource: { type: 'token', id: token_id }, before: { role: 'viewer', scope: null }, after: null },
    ]);
    expect(await found(`resource=${project}&resource_type=quota`)).toMatchObject([{ what: 'ProjectQuotaChanged', before: { replicas: null }, after: { replicas: 9 } }]);
    expect(await found(`resource=${service}&resource_type=quota`)).toMatchObject([{ what: 'ServiceQuotaChanged', resource: { type: 'quota', id: service }, after: { replicas: 3 } }]);
    expect(await found(`resource=${staging}&what=EnvironmentCreated`)).toMatchObject([{ resource: { type: 'environment', id: staging }, after: { name: 'staging' } }]);
  });
});
