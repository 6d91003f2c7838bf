import { Dispatcher, ToProject } from '#application';
import { systemClock } from '#platform';
import { MemoryBroker, MemoryLogger } from '#testing';
import { Gateway } from '../gateway.ts';
import { GatewayUnderTest, type Json } from '../under-test.ts';

const PASSWORD = 'correct horse battery';
const HOUR = 3_600_000;

describe('members, tokens and sessions', () => {
  let gateway: GatewayUnderTest;
  let project_id: string;
  let environment_id: string;
  const logger = new MemoryLogger();
  beforeAll(async () => {
    gateway = await GatewayUnderTest.open({ bus: new MemoryBroker(systemClock).bus('api-gateway'), logger });
    environment_id = await gateway.environmentId();
    project_id = (await gateway.call('GET', `/v1/environments/${environment_id}`)).body.project_id;
  });
  afterAll(() => gateway.close());

  const as = (token: string) => ({ authorization: `Bearer ${token}` });
  const issue = async (body: object = {}, project = project_id) => gateway.call('POST', `/v1/projects/${project}/tokens`, { name: 'ci', role: 'developer', expires_in_ms: HOUR, ...body });
  const createUser = (login: string, body: object = {}) => gateway.call('POST', '/v1/users', { login, password: PASSWORD, ...body });
  const signIn = (login: string, password = PASSWORD) => gateway.call('POST', '/v1/sessions', { login, password }, { authorization: '' });
  const service = async (body: object = {}): Promise<string> => (await gateway.call('POST', '/v1/docker-services', { environment_id, image: 'nginx', replicas: 0, ...body })).body.docker_service_id;

  describe('a token', () => {
    it('is shown once, works at once in its role, and is revoked at once', async () => {
      const issued = await issue();
      expect(issued).toMatchObject({ status: 201, body: { token: expect.stringMatching(/^wbt_[\w-]{43}$/), token_id: expect.stringMatching(/^tok_/), name: 'ci', role: 'developer', scope: null } });
      const { token, token_id } = issued.body;
      expect((await gateway.call('GET', `/v1/projects/${project_id}/tokens`)).body.items).toEqual([expect.not.objectContaining({ token: expect.anything() })]);
      const created = await gateway.call('POST', '/v1/docker-services', { environment_id, image: 'nginx', replicas: 0 }, as(token));
      expect(created).toMatchObject({ status: 202, body: { created_by: { type: 'token', id: token_id } } });
      expect((await gateway.call('DELETE', `/v1/projects/${project_id}/tokens/${token_id}`)).status).toBe(204);
      expect(await gateway.call('GET', '/v1/docker-services', undefined, as(token))).toMatchObject({ status: 401, body: { code: 'request.unauthenticated' } });
      expect((await gateway.call('GET', `/v1/projects/${project_id}/tokens`)).body.items).toEqual([]);
    });

    it('isn’t made twice by one request that is sent again, and isn’t shown again', async () => {
      const body = { name: 'twice', role: 'viewer', expires_in_ms: HOUR };
      const send = (more: object = {}) => gateway.call('POST', `/v1/projects/${project_id}/tokens`, { ...body, ...more }, { 'idempotency-key': 'twice' });
      const answers = await Promise.all([send(), send()]);
      expect(new Set(answers.map(({ body: { token_id } }) => token_id)).size).toBe(1);
      const shown = answers.flatMap(({ body: { token } }) => token ?? []);
      expect(shown).toHaveLength(1);
      expect((await gateway.call('GET', '/v1/sessions/current', undefined, as(shown[0]))).body).toMatchObject({ principal: { id: answers[0]!.body.token_id }, projects: [{ project_id, role: 'viewer' }] });
      expect((await send()).body.token).toBeNull();
      expect(await send({ role: 'owner' })).toMatchObject({ status: 422, body: { code: 'idempotency.key_reused' } });
    });

    it('counts no more when it has expired', async () => {
      const now = systemClock.now();
      const dispatcher = gateway.app.get(Dispatcher);
      const { token, token_id } = (await issue({ name: 'short' })).body;
      const metadata = { commandId: 'expire', tenantId: project_id, actor: { type: 'system', id: 'spec' }, originId: null, now, correlationId: 'x', causationId: null } as const;
      // The same token once more, that lived a minute an hour ago: no spec waits for a minute.
      await dispatcher.send(new ToProject(project_id, { type: 'RevokeToken', data: { tokenId: token_id } }, metadata));
      const again = { tokenId: token_id, role: 'developer', scope: null, at: now - HOUR, expiresInMs: 60_000, issuer: null } as const;
      await dispatcher.send(new ToProject(project_id, { type: 'IssueToken', data: again }, { ...metadata, commandId: 'expired' }));
      expect((await gateway.call('GET', '/v1/projects', undefined, as(token))).status).toBe(401);
    });

    it.each<[string, object, number, string, string]>([
      ['no role that there is', { role: 'admin' }, 422, 'request.invalid', '/role'],
      ['a year and more', { expires_in_ms: 400 * 24 * HOUR }, 422, 'token.life_out_of_range', '/expires_in_ms'],
      ['an empty scope', { scope: {} }, 422, 'token.scope_invalid', '/scope'],
      ['another act', { scope: { environment_id: `env_${'a'.repeat(26)}`, actions: ['sleep'] } }, 422, 'request.invalid', '/scope/actions'],
      ['an environment that the project hasn’t', { scope: { environment_id: `env_${'a'.repeat(26)}` } }, 404, 'environment.not_found', '/scope/environment_id'],
      ['a service that the project hasn’t', { scope: { docker_service_id: `svc_${'a'.repeat(26)}` } }, 404, 'docker_service.not_found', '/scope/docker_service_id'],
      ['a name that nobody can see', { name: 'ci\u200b' }, 422, 'request.invalid', '/name'],
      ['a name that rings a bell', { name: 'ci\u0007' }, 422, 'request.invalid', '/name'],
    ])('has not %s', async (_, body, status, code, pointer) => expect(await issue(body)).toMatchObject({ status, body: { code, errors: [{ pointer }] } }));

    it('makes none that outlives it, and none where it is no owner’s', async () => {
      const owner = (await issue({ role: 'owner' })).body.token;
      const by = (token: string, expires_in_ms: number) => gateway.call('POST', `/v1/projects/${project_id}/tokens`, { name: 'x', role: 'viewer', expires_in_ms }, as(token));
      expect(await by(owner, 2 * HOUR)).toMatchObject({ status: 403, body: { code: 'token.outlives_issuer' } });
      const short = await by(owner, 60_000);
      expect(short.status).toBe(201);
      expect(await by(short.body.token, 60_000)).toMatchObject({ status: 403, body: { code: 'role.too_low', facts: { needed: 'owner' } } });
    });
  });

  describe('a deploy token', () => {
    let mine: string;
    let token: string;
    beforeAll(async () => {
      mine = await service({ name: 'deployed' });
      token = (await issue({ scope: { docker_service_id: mine, actions: ['deploy'] } })).body.token;
    });

    it('deploys its service, reads what came of it, goes back and cancels', async () => {
      const deployed = await gateway.call('POST', `/v1/docker-services/${mine}/deployments`, { image: 'nginx:2' }, as(token));
      expect(deployed.status).toBe(202);
      const { deployment_id } = deployed.body;
      const reads = [`/v1/docker-services/${mine}`, `/v1/docker-services/${mine}/deployments`, `/v1/deployments/${deployment_id}`];
      for (const path of reads) expect([path, (await gateway.call('GET', path, undefined, as(token))).status]).toEqual([path, 200]);
      await gateway.succeed(mine);
      await gateway.call('POST', `/v1/docker-services/${mine}/deployments`, { image: 'nginx:3' }, as(token));
      await gateway.succeed(mine);
      expect((await gateway.call('POST', `/v1/docker-services/${mine}/rollback`, { release: 2 }, as(token))).status).toBe(202);
      const again = await gateway.call('POST', `/v1/docker-services/${mine}/deployments`, { image: 'nginx:4' }, as(token));
      expect((await gateway.call('POST', `/v1/deployments/${again.body.deployment_id}/cancel`, {}, as(token))).status).toBe(202);
    });

    it('runs nothing beside it: a hook may take any secret of the project', async () => {
      const hook = { image: 'busybox', command: ['env'] };
      expect(await gateway.call('POST', `/v1/docker-services/${mine}/deployments`, { pre_deploy: hook }, as(token))).toMatchObject({ status: 403, body: { code: 'token.scope', errors: [{ pointer: '/pre_deploy' }] } });
    });

    it('does nothing else, and nothing to another service', async () => {
      const other = await service({ name: 'not-deployed' });
      const refused: [string, string, object?][] = [
        ['POST', `/v1/docker-services/${other}/deployments`, {}], ['GET', `/v1/docker-services/${other}`], ['POST', `/v1/docker-services/${mine}/scale`, { replicas: 1 }],
        ['GET', `/v1/docker-services/${mine}/env`], ['GET', `/v1/docker-services/${mine}/logs`], ['GET', '/v1/docker-services'], ['GET', '/v1/audit'], ['GET', '/v1/events'],
        ['GET', `/v1/projects/${project_id}`], ['GET', '/v1/secrets'], ['POST', '/v1/jobs', { docker_service_id: mine }],
      ];
      for (const [method, path, body] of refused) expect([path, await gateway.call(method, path, body, as(token))]).toMatchObject([path, { status: 403, body: { code: 'token.scope', facts: { scope: { docker_service_id: mine } } } }]);
    });
  });

  it('a token that is held to an environment sees and changes just that, wherever a body names one', async () => {
    const { environment_id: staging } = (await gateway.call('POST', `/v1/projects/${project_id}/environments`, { name: 'staging' })).body;
    const { token } = (await issue({ scope: { environment_id: staging } })).body;
    const call = (method: string, path: string, body?: object) => gateway.call(method, path, body, as(token));
    const made = await call('POST', '/v1/docker-services', { environment_id: staging, image: 'nginx', replicas: 0, env: { environment_id: environment_id } });
    expect(made.status).toBe(202);
    expect((await call('POST', `/v1/docker-services/${made.body.docker_service_id}/scale`, { replicas: 0 })).status).toBe(202);
    expect((await call('PUT', `/v1/docker-services/${made.body.docker_service_id}/env`, { environment_id, project_id: `prj_${'a'.repeat(26)}` })).status).toBe(202);
    expect((await call('GET', `/v1/docker-services?environment_id=${staging}`)).body.items).toHaveLength(1);
    const outside = await service({ name: 'outside' });
    const refused: [string, string, object?][] = [
      ['POST', '/v1/docker-services', { environment_id, image: 'nginx' }], ['GET', `/v1/docker-services/${outside}`], ['GET', '/v1/docker-services'], ['GET', `/v1/docker-services?environment_id=${environment_id}`],
      ['POST', '/v1/jobs', { docker_service_id: outside }], ['POST', '/v1/jobs', { environment_id: staging, docker_service_id: outside, image: 'nginx' }],
      ['POST', '/v1/schedules', { cron: '* * * * *', job: { environment_id, image: 'nginx' } }], ['GET', '/v1/events'], ['POST', '/v1/secrets', { project_id, name: 'x', value: 'y' }],
    ];
    for (const [method, path, body] of refused) expect([path, await call(method, path, body)]).toMatchObject([path, { status: 403, body: { code: 'token.scope' } }]);
  });

  describe('people', () => {
    it('sign in, and may in each project what their role there says, from the next request on', async () => {
      const user = await createUser('ann@example.com', { name: 'Ann' });
      expect(user).toMatchObject({ status: 201, body: { login: 'ann@example.com', name: 'Ann', operator: false } });
      const { user_id } = user.body;
      const session = await signIn('Ann@Example.com');
      expect(session).toMatchObject({ status: 201, body: { user_id, expires_at: expect.any(String) } });
      const call = (method: string, path: string, body?: object) => gateway.call(method, path, body, as(session.body.token));
      expect((await call('GET', '/v1/projects')).body.items).toEqual([]);
      expect(await call('POST', '/v1/docker-services', { environment_id, image: 'nginx' })).toMatchObject({ status: 404, body: { code: 'environment.not_found', errors: [{ pointer: '/environment_id' }] } });

      expect((await gateway.call('POST', `/v1/projects/${project_id}/members`, { login: 'ann@example.com', role: 'viewer' })).body).toMatchObject({ user_id, login: 'ann@example.com', name: 'Ann', role: 'viewer' });
      expect((await call('GET', '/v1/projects')).body.items).toMatchObject([{ project_id }]);
      expect(await call('POST', '/v1/docker-services', { environment_id, image: 'nginx' })).toMatchObject({ status: 403, body: { code: 'role.too_low', facts: { needed: 'developer' } } });

      expect((await gateway.call('PUT', `/v1/projects/${project_id}/members/${user_id}`, { role: 'developer' })).status).toBe(200);
      const made = await call('POST', '/v1/docker-services', { environment_id, image: 'nginx', replicas: 0 });
      expect(made).toMatchObject({ status: 202, body: { created_by: { type: 'user', id: user_id } } });
      expect((await gateway.call('DELETE', `/v1/projects/${project_id}/members/${user_id}`)).status).toBe(204);
      expect((await call('GET', `/v1/docker-services/${made.body.docker_service_id}`)).status).toBe(404);
      expect((await call('GET', '/v1/projects')).body.items).toEqual([]);
    });

    it('may in one project what they may not in another', async () => {
      const other = (await gateway.call('POST', '/v1/projects', { name: 'mixed' })).body;
      const elsewhere = (await gateway.call('GET', `/v1/environments?project_id=${other.project_id}`)).body.items[0].environment_id;
      const { user_id } = (await createUser('mixed')).body;
      await gateway.call('PUT', `/v1/projects/${project_id}/members/${user_id}`, { role: 'viewer' });
      await gateway.call('PUT', `/v1/projects/${other.project_id}/members/${user_id}`, { role: 'owner' });
      const session = as((await signIn('mixed')).body.token);
      const make = (environment: string) => gateway.call('POST', '/v1/docker-services', { environment_id: environment, image: 'nginx', replicas: 0, name: 'mixed' }, session);
      expect((await make(elsewhere)).status).toBe(202);
      expect(await make(environment_id)).toMatchObject({ status: 403, body: { code: 'role.too_low' } });
      expect((await gateway.call('GET', '/v1/sessions/current', undefined, session)).body.projects).toEqual(expect.arrayContaining([{ project_id, role: 'viewer' }, { project_id: other.project_id, role: 'owner' }]));
      expect(await gateway.call('DELETE', `/v1/projects/${other.project_id}/members/${user_id}`, undefined, session)).toMatchObject({ status: 409, body: { code: 'member.last_owner' } });
    });

    it('don’t leave a project to an owner who was deleted', async () => {
      const { project_id: left } = (await gateway.call('POST', '/v1/projects', { name: 'left-alone' })).body;
      const owner = async (login: string): Promise<string> => {
        const { user_id } = (await createUser(login)).body;
        expect((await gateway.call('PUT', `/v1/projects/${left}/members/${user_id}`, { role: 'owner' })).status).toBe(200);
        return user_id;
      };
      const [gone, last] = [await owner('left-gone'), await owner('left-last')];
      await gateway.call('DELETE', `/v1/users/${gone}`);
      const session = as((await signIn('left-last')).body.token);
      const refused = { status: 409, body: { code: 'member.last_owner', facts: { user_id: last } } };
      expect(await gateway.call('DELETE', `/v1/projects/${left}/members/${last}`, undefined, session)).toMatchObject(refused);
      expect(await gateway.call('PUT', `/v1/projects/${left}/members/${last}`, { role: 'viewer' }, session)).toMatchObject(refused);
      const third = await owner('left-third');
      const key = { 'idempotency-key': 'left-once' };
      for (let sent = 0; sent < 2; sent += 1) expect((await gateway.call('DELETE', `/v1/projects/${left}/members/${last}`, undefined, key)).status).toBe(204);
      // Who was deleted goes, whoever else is there.
      expect((await gateway.call('DELETE', `/v1/projects/${left}/members/${gone}`)).status).toBe(204);
      expect((await gateway.call('GET', `/v1/projects/${left}/members`)).body.items).toMatchObject([{ user_id: third, role: 'owner' }]);
    });

    it('are never two who leave at once as the last, an owner who was deleted beside them', async () => {
      const { project_id: left } = (await gateway.call('POST', '/v1/projects', { name: 'left-at-once' })).body;
      const users: string[] = [];
      for (const login of ['once-gone', 'once-a', 'once-b']) users.push((await createUser(login)).body.user_id);
      for (const user_id of users) await gateway.call('PUT', `/v1/projects/${left}/members/${user_id}`, { role: 'owner' });
      await gateway.call('DELETE', `/v1/users/${users[0]}`);
      const both = await Promise.all(users.slice(1).map((user_id) => gateway.call('DELETE', `/v1/projects/${left}/members/${user_id}`)));
      expect(both.map(({ status }) => status).sort()).toEqual([204, 409]);
    });

    it('have a login to themselves, that looks like no other', async () => {
      expect((await createUser('bob')).status).toBe(201);
      expect(await createUser('bob')).toMatchObject({ status: 409, body: { code: 'user.login_taken', errors: [{ pointer: '/login' }] } });
      for (const login of ['Bob', 'b\u043eb', 'bob ', 'b\u0000b', '', 'x'.repeat(200)]) expect(await createUser(login)).toMatchObject({ status: 422, body: { errors: [{ pointer: '/login' }] } });
      expect(await createUser('carl', { password: 'short' })).toMatchObject({ status: 422, body: { errors: [{ pointer: '/password' }] } });
    });

    it('are created once by a request that is sent again, and by no other under its name', async () => {
      const send = (body: object) => gateway.call('POST', '/v1/users', { login: 'dora', password: PASSWORD, ...body }, { 'idempotency-key': 'dora' });
      const [one, two] = [await send({}), await send({})];
      expect([one.status, two.status, two.body]).toEqual([201, 201, one.body]);
      for (const other of [{ password: 'another password' }, { login: 'dorb' }, { operator: true }]) expect(await send(other)).toMatchObject({ status: 422, body: { code: 'idempotency.key_reused' } });
    });

    it('who run the platform reach all of it', async () => {
      await createUser('root', { operator: true });
      const session = as((await signIn('root')).body.token);
      expect((await gateway.call('GET', '/v1/nodes', undefined, session)).status).toBe(200);
      expect((await gateway.call('GET', `/v1/projects/${project_id}`, undefined, session)).status).toBe(200);
    });

    it('change their own password by saying the one before; sessions of before are over', async () => {
      const { user_id } = (await createUser('eve')).body;
      const session = as((await signIn('eve')).body.token);
      const change = (id: string, body: object) => gateway.call('PUT', `/v1/users/${id}/password`, body, session);
      expect(await change(user_id, { password: 'another password' })).toMatchObject({ status: 403, body: { code: 'user.password_wrong', errors: [{ pointer: '/current_password' }] } });
      const { user_id: other } = (await createUser('frank')).body;
      expect(await change(other, { password: 'another password', current_password: PASSWORD })).toMatchObject({ status: 403, body: { code: 'role.operator_needed' } });
      expect((await change(user_id, { password: 'another password', current_password: PASSWORD })).status).toBe(204);
      expect((await gateway.call('GET', '/v1/projects', undefined, session)).status).toBe(401);
      expect([(await signIn('eve')).status, (await signIn('eve', 'another password')).status]).toEqual([401, 201]);
      expect((await gateway.call('PUT', `/v1/users/${user_id}/password`, { password: 'by an operator' })).status).toBe(204);
      expect((await signIn('eve', 'by an operator')).status).toBe(201);
    });

    it('sign in with no password that is changed while it is tried', async () => {
      const { user_id } = (await createUser('hugo')).body;
      const { identities } = gateway.app.get(Gateway).parts;
      const find = identities.findLogin.bind(identities);
      const looked = Promise.withResolvers<void>();
      const changed = Promise.withResolvers<void>();
      // The change comes after what is kept was read, and before it is compared.
      identities.findLogin = async (login) => {
        const found = await find(login);
        looked.resolve();
        await changed.promise;
        return found;
      };
      const trying = signIn('hugo');
      await looked.promise;
      expect((await gateway.call('PUT', `/v1/users/${user_id}/password`, { password: 'another password' })).status).toBe(204);
      changed.resolve();
      const { status, body } = await trying;
      identities.findLogin = find;
      expect([status, body.code]).toEqual([401, 'request.unauthenticated']);
      expect((await signIn('hugo', 'another password')).status).toBe(201);
    });

    it('are forgotten: their session ends, their name is nowhere, their id stays', async () => {
      const { user_id } = (await createUser('gina', { name: 'Gina Forgotten' })).body;
      await gateway.call('PUT', `/v1/projects/${project_id}/members/${user_id}`, { role: 'viewer' });
      const session = as((await signIn('gina')).body.token);
      expect((await gateway.call('DELETE', `/v1/users/${user_id}`)).status).toBe(204);
      expect((await gateway.call('GET', '/v1/projects', undefined, session)).status).toBe(401);
      expect((await signIn('gina')).status).toBe(401);
      const { items } = (await gateway.call('GET', `/v1/projects/${project_id}/members`)).body;
      expect(items.find((member: Json) => member.user_id === user_id)).toMatchObject({ login: null, name: null });
    });

    it('are nowhere in the log but by their id; nor is a token, its name, or an address', async () => {
      const canary = 'canary-9f31';
      await createUser(`${canary}@example.com`, { name: `Name ${canary}` });
      const { token } = (await issue({ name: `token ${canary}` })).body;
      const { events } = await gateway.app.get(Gateway).parts.store.readAll(null, { limit: 500 });
      const text = JSON.stringify(events.map(({ data, metadata }) => [data, metadata])) + JSON.stringify(logger.entries ?? []);
      for (const secret of [canary, token, PASSWORD, '127.0.0.1']) expect(text.includes(secret)).toBe(false);
      expect(events.map(({ type }) => type)).toEqual(expect.arrayContaining(['UserCreated', 'TokenIssued']));
    });
  });

  it('each change says where it came from, by an id that can be forgotten', async () => {
    await service({ name: 'from-somewhere' });
    const { items } = (await gateway.call('GET', '/v1/audit?what=DockerServiceCreated&limit=1')).body;
    const { origin_id } = items[0];
    expect((await gateway.call('GET', `/v1/origins/${origin_id}`)).body).toEqual({ origin_id, address: '127.0.0.1' });
    expect((await gateway.call('DELETE', `/v1/origins/${origin_id}`)).status).toBe(204);
    expect(await gateway.call('GET', `/v1/origins/${origin_id}`)).toMatchObject({ status: 404, body: { code: 'origin.not_found' } });
    await service({ name: 'from-there-again' });
    expect((await gateway.call('GET', '/v1/audit?what=DockerServiceCreated&limit=1')).body.items[0].origin_id).not.toBe(origin_id);
  });

  it('a login is tried ten times and no more, whether there is one or not', async () => {
    await createUser('hunted');
    for (const login of ['hunted', 'nobody-of-this-name']) {
      const tries = [];
      for (let each = 0; each < 11; each += 1) tries.push(await signIn(login, `wrong ${each}`));
      expect(tries.map(({ status }) => status)).toEqual([...Array.from({ length: 10 }, () => 401), 429]);
      expect(tries.at(-1)).toMatchObject({ headers: { 'retry-after': expect.stringMatching(/^\d+$/) }, body: { code: 'session.too_many_failures' } });
      expect(new Set(tries.slice(0, 10).map(({ body }) => JSON.stringify(body))).size).toBe(1);
    }
    expect((await signIn('hunted')).status).toBe(429);
  });
});

it('a flood of one token’s is stopped, and nobody else’s requests with it', async () => {
  const gateway = await GatewayUnderTest.open({ bus: new MemoryBroker(systemClock).bus('api-gateway'), logger: new MemoryLogger(), rates: { perPrincipal: 2, perAddress: 1_000 } });
  try {
    const project_id = (await gateway.call('GET', '/v1/projects')).body.items[0].project_id;
    const issue = async () => (await gateway.call('POST', `/v1/projects/${project_id}/tokens`, { name: 'x', role: 'viewer', expires_in_ms: HOUR })).body.token as string;
    const [loud, quiet] = [await issue(), await issue()];
    const read = (token: string) => gateway.call('GET', '/v1/projects', undefined, { authorization: `Bearer ${token}` });
    const flood = await Promise.all(Array.from({ length: 60 }, () => read(loud)));
    const refused = flood.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(20);
    expect(refused[0]).toMatchObject({ headers: { 'retry-after': '1', 'content-type': expect.stringContaining('application/problem+json') }, body: { code: 'request.rate_limited' } });
    expect((await read(quiet)).status).toBe(200);
    expect((await gateway.call('GET', '/v1/projects')).status).toBe(200);
  } finally {
    await gateway.close();
  }
});

describe('a request that costs more', () => {
  let gateway: GatewayUnderTest;
  let project_id: string;
  beforeAll(async () => {
    gateway = await GatewayUnderTest.open({ bus: new MemoryBroker(systemClock).bus('api-gateway'), logger: new MemoryLogger(), rates: { perPrincipal: 10, perAddress: 1_000 } });
    project_id = (await gateway.call('GET', '/v1/projects')).body.items[0].project_id;
  });
  afterAll(() => gateway.close());
  const issue = async () => (await gateway.call('POST', `/v1/projects/${project_id}/tokens`, { name: 'x', role: 'viewer', expires_in_ms: HOUR })).body.token as string;
  const read = (token: string, path: string) => gateway.call('GET', path, undefined, { authorization: `Bearer ${token}` });
  const until = async (token: string, path: string, most: number): Promise<number> => {
    for (let done = 0; done < most; done += 1) if ((await read(token, path)).status === 429) return done;
    return most;
  };

  it('counts for so many more of those that a token may send', async () => {
    const [plain, audit] = [await until(await issue(), `/v1/projects/${project_id}`, 60), await until(await issue(), '/v1/audit?limit=100', 60)];
    expect(plain).toBe(60);
    expect(audit).toBeLessThan(10);
  });

  it('goes alone where it costs more than may be under way at once, and the next when it is over', async () => {
    const token = await issue();
    const both = await Promise.all([read(token, '/v1/audit?limit=100'), read(token, '/v1/audit?limit=100')]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 429]);
    expect(both.find(({ status }) => status === 429)).toMatchObject({ headers: { 'retry-after': '1' }, body: { code: 'request.rate_limited' } });
    expect((await read(token, '/v1/audit?limit=100')).status).toBe(200);
  });
});
