import { Controller, Get, Post } from '@nestjs/common';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '#platform';
import { MemoryBroker, MemoryLogger } from '#testing';
import { summaries } from '../openapi/summaries.ts';
import { GatewayUnderTest, type Json } from '../under-test.ts';
import { OPEN_OPERATIONS, PUBLIC_ROUTES } from './gate.ts';
import { fingerprint } from './mutation.ts';
import { Needs } from './needs.ts';
import { openOperatorToken } from './operator-token.ts';
import { refuseUndeclared } from './refuse-undeclared.ts';

const VERBS = ['get', 'post', 'put', 'patch', 'delete'];

describe('the edge', () => {
  let gateway: GatewayUnderTest;
  let document: Json;
  const logger = new MemoryLogger();
  beforeAll(async () => {
    gateway = await GatewayUnderTest.open({ bus: new MemoryBroker(systemClock).bus('api-gateway'), logger });
    document = (await gateway.call('GET', '/openapi.json')).body;
  });
  afterAll(() => gateway.close());

  const raw = (method: string, url: string, headers: Record<string, string> = {}, payload?: string) =>
    gateway.app.inject({ method: method as 'GET', url, headers, ...(payload === undefined ? {} : { payload }) });

  /** Every route that the HTTP server itself knows: a route that isn't described can't hide from this. */
  const routes = (): [string, string][] =>
    gateway.app.getHttpAdapter().getInstance().printRoutes({ commonPrefix: false }).split('\n').reduce<{ stack: string[]; found: [string, string][] }>(
      ({ stack, found }, line) => {
        const match = /^((?:[│ ] {3})*)[├└]── (\S+)(?: \(([A-Z, ]+)\))?/.exec(line);
        if (!match) return { stack, found };
        const path = [...stack.slice(0, match[1]!.length / 4), match[2]!];
        const methods = (match[3] ?? '').split(', ').filter((method) => method !== '' && method !== 'HEAD' && method !== 'OPTIONS');
        return { stack: path, found: [...found, ...methods.map((method): [string, string] => [method, path.join('')])] };
      },
      { stack: [], found: [] },
    ).found;

  describe('the gate', () => {
    it('refuses every route but the three public ones, and signing in, without a token, or with another one', async () => {
      const known = routes();
      expect(known.length).toBeGreaterThan(35);
      for (const [method, route] of known.filter(([verb, path]) => !OPEN_OPERATIONS.has(`${verb} ${path}`))) {
        const path = route.replaceAll(/:[a-z_]+/g, 'x');
        const answers = await Promise.all([raw(method, path), raw(method, path, { authorization: 'Bearer wbt_other' }), raw(method, path, { authorization: 'Basic d2J0X3NwZWM=' })]);
        const expected = PUBLIC_ROUTES.has(route) ? [200, 503] : [401];
        for (const { statusCode } of answers) expect([method, route, expected.includes(statusCode)]).toEqual([method, route, true]);
      }
    });

    it('does not say to strangers which paths there are', async () => {
      const answer = await raw('GET', '/v1/nothing-here');
      expect(answer.statusCode).toBe(401);
      expect(answer.headers).toMatchObject({ 'www-authenticate': 'Bearer realm="waybill"', 'content-type': expect.stringContaining('application/problem+json') });
      expect(answer.json()).toMatchObject({ status: 401, code: 'request.unauthenticated' });
    });

    it('guards no route that says of no role that it needs it, or of which it couldn’t find the project', () => {
      @Controller('v1/things')
      class Open {
        @Get()
        list(): void {}

        @Get(':thing_id')
        @Needs('viewer')
        one(): void {}

        @Post(':thing_id')
        @Needs('operator')
        change(): void {}
      }
      expect(() => refuseUndeclared([Open])).toThrow("GET /v1/things: Open.list has no @Needs\n  GET /v1/things/:thing_id: subjects.ts doesn't know where :thing_id belongs");
    });

    it('makes one token at the first start, that only its owner reads, and keeps it', async () => {
      const home = await mkdtemp(join(tmpdir(), 'waybill-token-'));
      try {
        const opened = await Promise.all([openOperatorToken(home), openOperatorToken(home)]);
        const file = join(home, 'operator.token');
        const token = (await readFile(file, 'utf8')).trim();
        expect((await stat(file)).mode & 0o777).toBe(0o600);
        expect(token).toMatch(/^wbt_[\w-]{43}$/);
        expect([...opened, await openOperatorToken(home)].map((one) => one.matches(token))).toEqual([true, true, true]);
        expect(opened[0]!.matches(`${token}x`)).toBe(false);
      } finally {
        await rm(home, { recursive: true });
      }
    });
  });

  describe('problems', () => {
    it.each<[string, string, string, string | undefined, Record<string, string>, number, string]>([
      ['an unknown path', 'GET', '/v1/nothing-here', undefined, {}, 404, 'route.not_found'],
      ['an unknown verb', 'DELETE', '/v1/plans', undefined, {}, 404, 'route.not_found'],
      ['a path that is no URL', 'GET', '/v1/%zz', undefined, {}, 400, 'request.refused'],
      ['half a body', 'POST', '/v1/projects', '{"name":', {}, 400, 'request.malformed'],
      ['a body that would change prototypes', 'POST', '/v1/projects', '{"__proto__":{"x":1}}', {}, 400, 'request.malformed'],
      ['an empty body', 'POST', '/v1/projects', '', {}, 422, 'request.invalid'],
      ['text', 'POST', '/v1/projects', 'x', { 'content-type': 'text/plain' }, 415, 'request.media_type'],
      ['a body where none is taken', 'POST', '/v1/projections/audit/rebuild', '{"now":true}', {}, 422, 'request.invalid'],
      ['a query where none is taken', 'POST', '/v1/docker-services/x/stop?dry_run=true', undefined, {}, 422, 'request.invalid'],
      ['another media type', 'POST', '/v1/projects', '<name/>', { 'content-type': 'application/xml' }, 415, 'request.media_type'],
      ['a form', 'POST', '/v1/projects', 'name=x', { 'content-type': 'application/x-www-form-urlencoded' }, 415, 'request.media_type'],
      ['a body that is nested too deep', 'POST', '/v1/projects', `{"name":${'['.repeat(40)}${']'.repeat(40)}}`, {}, 422, 'request.too_deep'],
      ['a body of nothing but brackets', 'POST', '/v1/projects', `${'['.repeat(400_000)}${']'.repeat(400_000)}`, {}, 422, 'request.too_deep'],
      ['a list for a body', 'POST', '/v1/projects', '[]', {}, 422, 'request.invalid'],
      ['a body over 1 MiB', 'POST', '/v1/projects', JSON.stringify({ name: 'x'.repeat(1024 * 1024) }), {}, 413, 'request.too_large'],
      ['an If-Match that is no revision', 'POST', '/v1/projects', '{"name":"x"}', { 'if-match': 'W/"1"' }, 422, 'request.if_match_invalid'],
      ['an empty Idempotency-Key', 'POST', '/v1/projects', '{"name":"x"}', { 'idempotency-key': '' }, 422, 'idempotency.key_invalid'],
      ['a cursor of another list', 'GET', '/v1/docker-services?cursor=nonsense', undefined, {}, 422, 'cursor.invalid'],
      ['a position that was never given', 'GET', '/v1/events?after=0', undefined, {}, 422, 'request.position_invalid'],
      ['a position that the log hasn’t reached', 'GET', `/v1/docker-services?min_position=${'9'.repeat(20)}`, undefined, {}, 422, 'request.position_unknown'],
      ['a number for a position', 'GET', '/v1/docker-services?min_position=12', undefined, {}, 422, 'request.invalid'],
      ['a position far away', 'GET', '/v1/events?after=%00', undefined, {}, 422, 'request.position_invalid'],
    ])('answers %s by problem+json', async (_, method, url, body, headers, status, code) => {
      const json: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
      const answer = await raw(method, url, { authorization: 'Bearer wbt_spec', ...json, ...headers }, body);
      expect([answer.statusCode, answer.headers['content-type'], answer.json().code]).toEqual([status, expect.stringContaining('application/problem+json'), code]);
    });

    it('keeps the security headers on every answer', async () => {
      for (const answer of [await raw('GET', '/healthz'), await raw('GET', '/v1/x'), await raw('POST', '/v1/projects', { authorization: 'Bearer wbt_spec', 'content-type': 'application/json' }, '{')]) {
        expect(answer.headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'content-security-policy': expect.stringContaining("default-src 'none'"), 'cache-control': 'no-store' });
      }
    });

    it('logged none of these: they are the clients’ own', () => expect(logger.messages('error')).toEqual([]));
  });

  describe('validation', () => {
    const bad: [string, object][] = [
      ['/image', { image: 7 }],
      ['/environment_id', { environment_id: 'prod' }],
      ['/project_id', { project_id: 'prj_1' }],
      ['/name', { name: false }],
      ['/type', { type: 'cron' }],
      ['/pull_policy', { pull_policy: 'sometimes' }],
      ['/command', { command: 'node server.js' }],
      ['/args/1', { args: ['ok', 1] }],
      ['/env/PORT', { env: { PORT: 3000 } }],
      ['/env/a~1b', { env: { 'a/b': null } }],
      ['/ports/0/container_port', { ports: [{ container_port: '80' }] }],
      ['/ports/0/protocol', { ports: [{ container_port: 80, protocol: 'sctp' }] }],
      ['/ports/0/host_ip', { ports: [{ container_port: 80, host_ip: '0.0.0.0' }] }],
      ['/ports', { ports: 80 }],
      ['/resources/limit/memory_bytes', { resources: { request: { cpu_millis: 10, memory_bytes: 7 }, limit: { cpu_millis: 10, memory_bytes: '1g' } } }],
      ['/resources/gpus', { resources: { gpus: 1 } }],
      ['/replicas', { replicas: 1.5 }],
      ['/restart_policy/name', { restart_policy: { name: 'sometimes' } }],
      ['/restart_policy/name', { restart_policy: { max_retries: 3 } }],
      ['/restart_policy/window_ms', { restart_policy: { name: 'on-failure', max_retries: 5, delay_ms: 1_000, window_ms: 5_000 } }],
      ['/deploy/strategy', { deploy: { strategy: 'canary' } }],
      ['/deploy/max_surge', { deploy: { max_surge: '110%' } }],
      ['/deploy/max_unavailable', { deploy: { max_unavailable: true } }],
      ['/deploy/monitor_ms', { deploy: { monitor_ms: -1 } }],
      ['/deploy/pre_deploy/image', { deploy: { pre_deploy: { image: 'UPPER' } } }],
      ['/deploy/pre_deploy/command', { deploy: { pre_deploy: { script: 'true', command: ['true'] } } }],
      ['/deploy/pre_deploy/script', { deploy: { pre_deploy: { script: ' ' } } }],
      ['/deploy/post_deploy/plan', { deploy: { post_deploy: { plan: 'gigantic' } } }],
      ['/deploy/post_deploy/timeout_ms', { deploy: { post_deploy: { script: 'true', timeout_ms: 0 } } }],
      ['/deploy/post_deploy/replicas', { deploy: { post_deploy: { replicas: 2 } } }],
      ['/deploy/min_healthy_ms', { deploy: { min_healthy_ms: '10s' } }],
      ['/labels/team', { labels: { team: ['a'] } }],
      ['/constraints/0', { constraints: [{}] }],
      ['/privileged', { privileged: true }],
      ['/healthcheck/port', { healthcheck: { type: 'http', path: '/' } }],
      ['/healthcheck/path', { healthcheck: { type: 'tcp', port: 80, path: '/' } }],
      ['/healthcheck/type', { healthcheck: { type: 'grpc' } }],
      ['/healthcheck/command', { healthcheck: { type: 'command', command: [] } }],
      ['/deploy/healthy_deadline_ms', { healthcheck: { type: 'tcp', port: 80, healthy_threshold: 100 } }],
    ];

    it.each(bad)('points at %s', async (pointer, body) => {
      const environment_id = await gateway.environmentId();
      const answer = await gateway.call('POST', '/v1/docker-services', { environment_id, image: 'nginx', ...body });
      expect(answer.status).toBe(422);
      expect(answer.body.errors.map((error: Json) => error.pointer)).toEqual([pointer]);
    });

    it('says all that is wrong at once, also what is lacking', async () => {
      const { body } = await gateway.call('POST', '/v1/docker-services', { replicas: 'many', cpu: 1 });
      expect(body.errors.map(({ pointer, code }: Json) => `${pointer} ${code}`).sort()).toEqual(['/cpu unknown_field', '/environment_id required', '/image required', '/replicas is_int']);
    });
  });

  describe('a query', () => {
    it.each([
      ['POST', '/v1/docker-services?dry_run=true'], ['POST', '/v1/jobs?dry_run=true'], ['DELETE', `/v1/docker-services/svc_${'a'.repeat(26)}?dry_run=true`],
      ['GET', `/v1/docker-services/svc_${'a'.repeat(26)}/explain?dry_run=true`], ['GET', '/v1/nodes?dry_run=true'],
    ])('that %s %s doesn’t know is refused by name', async (method, path) =>
      expect(await gateway.call(method, path, method === 'POST' ? {} : undefined)).toMatchObject({ status: 422, body: { errors: [{ pointer: '?dry_run', code: 'unknown_field' }] } }));

    it.each([
      ['/v1/jobs?cursor=nonsense', '?cursor', 'cursor.invalid'], ['/v1/audit?cursor=nonsense', '?cursor', 'cursor.invalid'],
      ['/v1/events?after=nonsense', '?after', 'request.position_invalid'],
    ])('of %s names what is wrong', async (path, pointer, code) => expect(await gateway.call('GET', path)).toMatchObject({ status: 422, body: { code, errors: [{ pointer }] } }));

    it('of events takes positions only', async () => {
      const environment_id = await gateway.environmentId();
      const { docker_service_id: id } = (await gateway.call('POST', '/v1/docker-services', { environment_id, image: 'nginx', replicas: 0 })).body;
      for (const name of ['after', 'cursor']) {
        expect(await gateway.call('GET', `/v1/docker-services/${id}/events?${name}=nonsense`)).toMatchObject({ status: 422, body: { errors: [{ pointer: `?${name}` }] } });
      }
      expect(await gateway.call('GET', `/v1/docker-services/${id}/logs?after=nonsense`)).toMatchObject({ status: 422, body: { code: 'logs.cursor_invalid', errors: [{ pointer: '?after' }] } });
    });
  });

  describe('If-Match', () => {
    it('holds for nothing that is to be made', async () => {
      const environment_id = await gateway.environmentId();
      const job = { environment_id, image: 'nginx' };
      const { job_id } = (await gateway.call('POST', '/v1/jobs', job)).body;
      const before = (await gateway.call('GET', '/v1/jobs?limit=500')).body.items.length;
      const making: [string, object][] = [['/v1/docker-services', job], ['/v1/jobs', job], [`/v1/jobs/${job_id}/run`, {}], ['/v1/schedules', { cron: '* * * * *', job }], ['/v1/projects', { name: 'matched' }]];
      for (const [path, body] of making) {
        expect([path, await gateway.call('POST', path, body, { 'if-match': '"0"' })]).toMatchObject([path, { status: 412, body: { code: 'request.precondition_failed', facts: { revision: null } } }]);
      }
      expect((await gateway.call('GET', '/v1/jobs?limit=500')).body.items).toHaveLength(before);
    });
  });

  it('answers a schedule’s retry by what it made, also when no node could run its job any more', async () => {
    const node = await gateway.register('clocked');
    const environment_id = await gateway.environmentId();
    const body = { cron: '0 4 * * *', job: { environment_id, image: 'nginx', constraints: ['node.name==clocked'] } };
    const first = await gateway.call('POST', '/v1/schedules', body, { 'idempotency-key': 'clocked' });
    expect(first.status).toBe(201);
    await gateway.remove(node);
    await gateway.register('unclocked');
    expect(await gateway.call('POST', '/v1/schedules', body, { 'idempotency-key': 'clocked' })).toMatchObject({ status: 201, body: { schedule_id: first.body.schedule_id } });
    expect(await gateway.call('POST', '/v1/schedules', body)).toMatchObject({ status: 422, body: { code: 'placement.constraint' } });
  });

  it('gives one fingerprint to bodies that say the same', () => {
    expect(fingerprint({ a: 1, b: [{ c: 2, d: 3 }] })).toBe(fingerprint({ b: [{ d: 3, c: 2 }], a: 1 }));
    expect(fingerprint({ a: [1, 2] })).not.toBe(fingerprint({ a: [2, 1] }));
  });

  describe('the description', () => {
    it('is OpenAPI 3.1 and has every route that the server knows', () => {
      expect(document.openapi).toBe('3.1.0');
      const described = Object.entries<Json>(document.paths).flatMap(([path, item]) => VERBS.filter((verb) => verb in item).map((verb) => `${verb.toUpperCase()} ${path.replaceAll(/\{([a-z_]+)\}/g, ':$1')}`));
      const served = routes().filter(([, route]) => !PUBLIC_ROUTES.has(route)).map(([method, route]) => `${method} ${route}`);
      expect(described.sort()).toEqual([...new Set(served)].sort());
    });

    it('says of every operation what it does, and of none that there isn’t', () => {
      const operations = Object.entries<Json>(document.paths).flatMap(([path, item]) => VERBS.filter((verb) => verb in item).map((verb) => ({ name: `${verb} ${path}`, summary: item[verb].summary })));
      expect(operations.filter(({ summary }) => !summary)).toEqual([]);
      expect(Object.keys(summaries).sort()).toEqual(operations.map(({ name }) => name).sort());
    });

    it('holds for real answers', async () => {
      await gateway.register('described');
      const environment_id = await gateway.environmentId();
      const service = (await gateway.call('POST', '/v1/docker-services', { environment_id, image: 'nginx', name: 'described', ports: [{ container_port: 80 }] })).body;
      const job = (await gateway.call('POST', '/v1/jobs', { environment_id, image: 'nginx', plan: 'medium' })).body;
      const schedule = (await gateway.call('POST', '/v1/schedules', { cron: '0 3 * * *', job: { environment_id, image: 'nginx' } })).body;
      const own = `/v1/docker-services/${service.docker_service_id}`;
      const { project_id } = (await gateway.call('GET', `/v1/environments/${environment_id}`)).body;
      const user = (await gateway.call('POST', '/v1/users', { login: 'described', password: 'a long password' })).body;
      await gateway.call('POST', `/v1/projects/${project_id}/members`, { login: 'described', role: 'viewer' });
      await gateway.call('POST', `/v1/projects/${project_id}/tokens`, { name: 'described', role: 'viewer', expires_in_ms: 60_000 });
      await gateway.call('POST', '/v1/projections/services/rebuild');
      while ((await gateway.call('GET', '/v1/projections')).body.items.every((view: Json) => view.last_rebuild === null)) await systemClock.sleep(20);
      const examples: [string, string][] = [
        ['DockerService', own], ['DockerServiceList', '/v1/docker-services'], ['ReplicaList', `${own}/replicas`], ['DeploymentList', `${own}/deployments`],
        ['Deployment', `/v1/deployments/${service.deployment.deployment_id}`], ['EventList', `${own}/events`], ['Explanation', `${own}/explain`], ['Logs', `${own}/logs`],
        ['Schedule', `/v1/schedules/${schedule.schedule_id}`], ['ScheduleList', '/v1/schedules'], ['ServiceMetrics', `${own}/metrics`], ['Job', `/v1/jobs/${job.job_id}`], ['JobList', '/v1/jobs'], ['NodeList', '/v1/nodes'], ['PlanList', '/v1/plans'], ['ProjectList', '/v1/projects'],
        ['EnvironmentList', '/v1/environments'], ['AuditEntryList', '/v1/audit'], ['ProjectionList', '/v1/projections'], ['Problem', '/v1/plans/none'],
        ['MemberList', `/v1/projects/${project_id}/members`], ['TokenList', `/v1/projects/${project_id}/tokens`], ['UserList', '/v1/users'], ['User', `/v1/users/${user.user_id}`], ['CurrentSession', '/v1/sessions/current'],
      ];
      const ajv = new Ajv2020({ strict: false, validateFormats: false });
      ajv.addSchema(document, 'openapi');
      for (const [schema, path] of examples) {
        const { body } = await gateway.call('GET', path);
        const valid = ajv.validate({ $ref: `openapi#/components/schemas/${schema}` }, body);
        expect([schema, valid, ajv.errors]).toEqual([schema, true, null]);
        if (schema.endsWith('List') && schema !== 'ReplicaList') expect([schema, body.items.length]).not.toEqual([schema, 0]);
      }
    });
  });
});
