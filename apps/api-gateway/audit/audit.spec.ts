import { systemClock } from '#platform';
import { MemoryBroker, MemoryLogger } from '#testing';
import { GatewayUnderTest, type Json } from '../under-test.ts';

describe('the audit', () => {
  let gateway: GatewayUnderTest;
  let project: string;
  beforeAll(async () => {
    gateway = await GatewayUnderTest.open({ bus: new MemoryBroker(systemClock).bus('api-gateway'), logger: new MemoryLogger() });
    project = (await gateway.call('POST', '/v1/projects', { name: 'shop' })).body.project_id;
  });
  afterAll(() => gateway.close());

  const get = async (path: string, status = 200): Promise<Json> => {
    const answer = await gateway.call('GET', path);
    expect({ path, status: answer.status }).toEqual({ path, status });
    return answer.body;
  };
  /** Long enough for two instants to differ. */
  const instant = async (): Promise<string> => {
    await systemClock.sleep(5);
    const now = new Date(systemClock.now()).toISOString();
    await systemClock.sleep(5);
    return now;
  };
  const service = async (name: string): Promise<string> => {
    const environment_id = (await get(`/v1/environments?project_id=${project}`)).items[0].environment_id;
    return (await gateway.call('POST', '/v1/docker-services', { environment_id, name, image: 'nginx:1.27', replicas: 0 })).body.docker_service_id;
  };

  it('says of each entry what was before and after, by the fold where the event does not', async () => {
    const id = await service('paused');
    await gateway.call('POST', `/v1/docker-services/${id}/scale`, { replicas: 2 });
    await gateway.call('POST', `/v1/docker-services/${id}/pause`);
    const { items } = await get(`/v1/audit?resource=${id}`);
    expect(items.find(({ what }: Json) => what === 'DockerServiceScaled')).toMatchObject({ before: 0, after: 2, actor: { type: 'token', id: 'tok_operator' } });
    expect(items.find(({ what }: Json) => what === 'DockerServicePaused')).toMatchObject({ before: { lifecycle: 'ACTIVE' }, after: { lifecycle: 'PAUSED', paused: { containers: 'held' } } });
    expect(items.find(({ what }: Json) => what === 'DockerServiceCreated').after).toMatchObject({ name: 'paused' });
  });

  it('is exported as JSON lines, the same entries in the order of the log, by the same filters', async () => {
    const id = await service('exported');
    const listed: Json[] = (await get(`/v1/audit?resource=${id}&limit=500`)).items;
    const lines = async (query: string): Promise<Json[]> => {
      const answer = await gateway.app.inject({ method: 'GET', url: `/v1/audit/export?${query}`, headers: { authorization: 'Bearer wbt_spec' } });
      expect(answer.headers['content-type']).toContain('application/x-ndjson');
      return answer.body.split('\n').filter(Boolean).map((line) => JSON.parse(line) as Json);
    };
    expect(await lines(`resource=${id}`)).toEqual(listed.toReversed());
    expect((await lines('')).length).toBeGreaterThan(listed.length);
    expect(await lines(`project_id=${project}&what=ProjectCreated`)).toMatchObject([{ what: 'ProjectCreated', resource: { type: 'project', id: project } }]);
    expect((await lines('')).map(({ what }) => what)).not.toContain('AuditHeadSigned');
  });

  it('verifies the log by its signed heads, project by project', async () => {
    const sealed = async (): Promise<Json> => {
      for (let looks = 0; ; looks += 1) {
        const found = await get('/v1/audit/verify');
        if (found.projects.every(({ events, sealed }: Json) => events === sealed) || looks > 100) return found;
        await systemClock.sleep(50);
      }
    };
    const { valid, projects } = await sealed();
    expect(valid).toBe(true);
    expect(projects.map(({ project_id }: Json) => project_id)).toEqual(expect.arrayContaining(['platform', project]));
    for (const each of projects) expect(each).toMatchObject({ sealed: each.events, head: expect.stringMatching(/^[0-9a-f]{64}$/), broken_at: null, reason: null });
  });

  it('answers every kind of thing as of an instant, and says what is another since', async () => {
    const id = await service('then');
    const environment_id = (await get(`/v1/environments?project_id=${project}`)).items[0].environment_id;
    const secret = (await gateway.call('POST', '/v1/secrets', { project_id: project, name: 'pass', value: 'x' })).body.secret_id;
    const config = (await gateway.call('POST', '/v1/configs', { project_id: project, name: 'app', content: 'a: 1' })).body.config_id;
    const job = (await gateway.call('POST', '/v1/jobs', { environment_id, image: 'busybox' })).body.job_id;
    const schedule = (await gateway.call('POST', '/v1/schedules', { cron: '0 0 1 1 *', job: { environment_id, image: 'busybox', name: 'yearly' } })).body.schedule_id;
    const network = (await gateway.call('POST', '/v1/networks', { environment_id, name: 'backend' })).body.network_id;
    const resource = (await gateway.call('POST', '/v1/resources', { environment_id, name: 'db', kind: 'postgres', host: 'db.example.com', port: 5432, password: { secret_id: secret } })).body.resource_id;
    const user = (await gateway.call('POST', '/v1/users', { login: 'then@example.com', name: 'Then', password: 'correct horse battery' })).body.user_id;
    await gateway.call('POST', `/v1/projects/${project}/members`, { user_id: user, role: 'viewer' });
    const token = (await gateway.call('POST', `/v1/projects/${project}/tokens`, { name: 'then', role: 'viewer', expires_in_ms: 3_600_000 })).body.token_id;
    await gateway.call('PUT', `/v1/projects/${project}/quota`, { max_replicas: 40 });
    await gateway.call('PUT', `/v1/docker-services/${id}/quota`, { max_replicas: 20 });
    const [release] = (await get(`/v1/docker-services/${id}/releases`)).items;
    const [deployment] = (await get(`/v1/docker-services/${id}/deployments`)).items;
    const node = await gateway.register('then');
    const paths = [
      `projects/${project}`, `environments/${environment_id}`, `docker-services/${id}`, `docker-services/${id}/env`, `secrets/${secret}`, `configs/${config}`, `jobs/${job}`, `schedules/${schedule}`,
      `deployments/${deployment.deployment_id}`, `nodes/${node}`, 'plans/small', `docker-services/${id}/releases`, `docker-services/${id}/deployments`, `docker-services/${id}/replicas`,
      `docker-services?project_id=${project}`, 'docker-services?status=PENDING', `jobs?environment_id=${environment_id}`, `projects/${project}/environments`,
      `networks/${network}`, `resources/${resource}`, `users/${user}`, `projects/${project}/members`, `projects/${project}/tokens`, `projects/${project}/quota`, `docker-services/${id}/quota`,
    ];
    const known = new Map<string, Json>();
    for (const path of paths) known.set(path, await get(`/v1/${path}`));
    const at = await instant();
    await gateway.call('POST', `/v1/docker-services/${id}/scale`, { replicas: 3 });
    await gateway.call('DELETE', `/v1/schedules/${schedule}`);
    await gateway.call('POST', `/v1/nodes/${node}/drain`);
    await gateway.call('DELETE', `/v1/docker-services/${await service('later')}`);
    await gateway.call('POST', `/v1/jobs/${job}/cancel`);
    await gateway.call('POST', `/v1/projects/${project}/environments`, { name: 'staging' });
    await gateway.call('PUT', `/v1/configs/${config}`, { content: 'a: 2' });
    await gateway.call('PATCH', `/v1/resources/${resource}`, { port: 5433, password: null });
    await gateway.call('DELETE', `/v1/resources/${resource}`);
    await gateway.call('DELETE', `/v1/networks/${network}`);
    await gateway.call('PUT', `/v1/projects/${project}/members/${user}`, { role: 'developer' });
    await gateway.call('POST', `/v1/projects/${project}/tokens`, { name: 'later', role: 'viewer', expires_in_ms: 3_600_000 });
    await gateway.call('PUT', `/v1/projects/${project}/quota`, { max_replicas: 30 });
    await gateway.call('PUT', `/v1/docker-services/${id}/quota`, {});
    for (const path of paths) expect([path, withoutHearing(await get(`/v1/${path}${path.includes('?') ? '&' : '?'}at=${at}`))]).toEqual([path, withoutHearing(known.get(path))]);
    for (const path of [`docker-services/${id}`, `configs/${config}`, `jobs/${job}`, `projects/${project}`, 'plans/small', `docker-services/${id}/releases`, `networks/${network}`, `resources/${resource}`, `users/${user}`, `projects/${project}/quota`, `docker-services/${id}/quota`]) {
      await get(`/v1/${path}?at=2001-01-01T00:00:00Z`, 404);
    }
    expect(release).toMatchObject({ release: 1 });
    const now = await instant();
    const diff = await get(`/v1/audit/diff?resource=${id}&from=${at}&to=${now}`);
    expect(diff).toMatchObject({ resource: id, from: at, to: now });
    expect(diff.changes).toContainEqual({ path: '/replicas/desired', before: 0, after: 3 });
    expect((await get(`/v1/audit/diff?resource=${schedule}&from=${at}`)).changes).toMatchObject([{ path: '', before: { cron: '0 0 1 1 *' }, after: null }]);
    expect((await get(`/v1/audit/diff?resource=${resource}&from=${at}`)).changes).toMatchObject([{ path: '', before: { port: 5432 }, after: null }]);
    expect((await get(`/v1/audit/diff?resource=${token}&from=2001-01-01T00:00:00Z`)).changes).toMatchObject([{ path: '', before: null, after: { role: 'viewer' } }]);
    expect((await get(`/v1/audit/diff?resource=constructor_x&from=${at}`, 404)).code).toBe('audit.resource_not_found');
    expect((await get(`/v1/audit/diff?resource=svc_none&from=${at}`, 404)).code).toBe('audit.resource_not_found');
    await gateway.remove(node);
  });

  it.each(['/v1/plans/small?at=yesterday', '/v1/plans/small?at=2026-01-01', '/v1/audit?from=2026-01-01T00:00:00', '/v1/audit/diff?resource=small&from=x', '/v1/audit/diff?resource=small', '/v1/audit/diff?resource=small&from=2026-01-02T00:00:00Z&to=2026-01-02T00:30:00%2B01:00', '/v1/audit/diff?resource=small&from=2999-01-01T00:00:00Z'])('refuses %s, and names what is wrong', async (path) => {
    const { errors } = await get(path, 422);
    expect(errors).toMatchObject([{ pointer: expect.stringMatching(/^\?(at|from)$/) }]);
  });
});

/** What is heard and measured between events isn't recorded, and who last changed a thing differs by what came after. */
function withoutHearing(answer: Json): Json {
  return JSON.parse(JSON.stringify(answer, (key, value) => (key === 'last_heard_at' || key === 'used' ? undefined : value)));
}
