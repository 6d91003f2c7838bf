import { HOSTILE, LITERAL, RAW } from './hostile-specs.ts';
import { type Answer, type Doc, World } from './world.ts';

/** Specs made to break out or to break something: none starts a container that it shouldn't, each is refused by name. */
describe('hostile specs', () => {
  let world: World;
  beforeAll(async () => (world = await World.start()), 90_000);
  afterAll(() => world?.stop(), 60_000);

  const post = (path: string, over: object) => world.call('POST', path, world.serviceBody({ replicas: 1, ...over }));
  const names = ({ status, body }: Answer, pointer: string): boolean =>
    status >= 400 && status < 500 && typeof body.code === 'string' && ((body.errors ?? []) as Doc[]).some((error) => error.pointer === pointer || error.pointer.startsWith(`${pointer}/`));

  it('are more than a hundred', () => expect(HOSTILE.length + RAW.length).toBeGreaterThan(180));

  it('are each refused, and the field is named', async () => {
    const wrong: string[] = [];
    for (const [what, pointer, over] of HOSTILE) {
      const answer = await post('/v1/docker-services', over);
      if (!names(answer, pointer)) wrong.push(`${what}: ${answer.status} ${JSON.stringify(answer.body).slice(0, 300)} instead of ${pointer}`);
    }
    expect(wrong).toEqual([]);
  }, 300_000);

  it('are refused in a patch, in a deployment and in a job, too', async () => {
    const { docker_service_id } = await world.createService({ replicas: 0, name: 'patched' });
    const wrong: string[] = [];
    for (const [what, , over] of HOSTILE) {
      const { environment_id: _environment, project_id: _project, ...patch } = over;
      if (Object.values(patch).every((value) => value === undefined) || 'plan' in over) continue;
      const patched = await world.call('PATCH', `/v1/docker-services/${docker_service_id}`, patch);
      if (patched.status < 400 || patched.status >= 500) wrong.push(`PATCH ${what}: ${patched.status} ${JSON.stringify(patched.body).slice(0, 200)}`);
      if (!('image' in over)) continue;
      for (const [path, body] of [[`/v1/docker-services/${docker_service_id}/deployments`, over], ['/v1/jobs', { environment_id: world.environmentId, ...over }]] as const) {
        const answer = await world.call('POST', path, body);
        if (!names(answer, '/image')) wrong.push(`POST ${path} ${what}: ${answer.status} ${JSON.stringify(answer.body).slice(0, 200)}`);
      }
    }
    expect(wrong).toEqual([]);
    expect((await world.service(docker_service_id)).release).toBe(1);
  }, 300_000);

  it.each(RAW)('as a body: %s', async (_, status, code, body) => {
    const headers = { authorization: `Bearer ${world.installation.token}`, 'content-type': 'application/json' };
    const answer = await world.sent('POST', '/v1/docker-services', { headers, body: body as string });
    expect([answer.status, answer.headers.get('content-type'), (JSON.parse(answer.text) as Doc).code]).toEqual([status, expect.stringContaining('application/problem+json'), code]);
  });

  it('what only looks like one runs as it stands, and no container but its own is there', async () => {
    const { docker_service_id: id } = await world.createService({ name: 'literal', command: ['/bin/sh'], ...LITERAL });
    await world.running(id, 1);
    const all = await world.containers();
    const own = await world.containers(id);
    expect(all.map((container) => container.id)).toEqual(own.map((container) => container.id));
    const { Config, HostConfig } = await world.inspect(own[0]!.id);
    expect(Config.Env).toEqual(expect.arrayContaining(Object.entries(LITERAL.env).map(([key, value]) => `${key}=${value}`)));
    expect(Config.Labels).toMatchObject(LITERAL.labels);
    expect(HostConfig).toMatchObject({ Privileged: false, CapDrop: ['ALL'], SecurityOpt: expect.arrayContaining(['no-new-privileges:true']), PidMode: '', UTSMode: '' });
    expect(HostConfig.Devices ?? []).toEqual([]);
    expect(HostConfig.NetworkMode).not.toBe('host');
    expect((HostConfig.Binds ?? []).concat(HostConfig.Mounts ?? [])).toEqual([]);
    await expect(world.docker(['exec', own[0]!.id, 'ls', '/pwned'])).rejects.toThrow();
    expect((await world.docker(['volume', 'ls', '--quiet'])).split('\n').filter(Boolean)).toEqual([]);
  }, 90_000);
});
