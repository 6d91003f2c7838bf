import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { REGISTRY_USER, startNats, startRegistry, type TestBroker } from '#testing';
import { Canary, listenToAll } from './canary.ts';
import { deleted } from './deploying.ts';
import { type Answer, type Doc, IMAGE, QUICK, SLEEP, World } from './world.ts';

const FAST = { deploy: { ...QUICK, monitor_ms: 0 } };

describe('secrets', () => {
  let world: World;
  let broker: TestBroker;
  let bus: Awaited<ReturnType<typeof listenToAll>>;
  let projectId: string;
  const answers: string[] = [];
  beforeAll(async () => {
    broker = await startNats();
    bus = await listenToAll(broker.url);
    world = await World.start({ env: { NATS_URL: broker.url, LOG_LEVEL: 'debug' } });
    projectId = (await world.get('/v1/projects')).items[0].project_id;
  }, 120_000);
  afterAll(async () => {
    await world?.stop();
    await bus?.close();
    await broker?.stop();
  }, 60_000);

  const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> => {
    const answer = await world.call(method, path, body, headers);
    answers.push(JSON.stringify([answer.body, [...answer.headers]]));
    return answer;
  };
  const keep = async (name: string, value: string): Promise<Doc> => {
    const { status, body } = await call('POST', '/v1/secrets', { project_id: projectId, name, value });
    expect([status, body]).toEqual([201, expect.objectContaining({ name, version: 1, used_by: [] })]);
    return body;
  };
  const run = async (over: Record<string, unknown>): Promise<string> => {
    const { docker_service_id: id } = await world.createService({ ...FAST, ...over });
    await world.running(id, 1);
    return id;
  };
  const inside = async (id: string, ...command: string[]): Promise<string> => world.docker(['exec', (await world.containers(id)).find(({ state }) => state === 'running')!.id, ...command]);
  /** Says it again and again until the deployment under way has ended. */
  const settled = (id: string): Promise<Doc> => world.serviceWhen(id, 'its deployment has ended', ({ deployment }) => !['PENDING', 'RUNNING'].includes(deployment.status));

  /** An answer as text: an export is many documents. */
  const read = async (path: string): Promise<string> => {
    const answer = await fetch(`${world.installation.urlOf('api-gateway')}${path}`, { headers: { authorization: `Bearer ${world.installation.token}` } });
    expect([path, answer.status]).toEqual([path, 200]);
    const text = await answer.text();
    answers.push(text);
    return text;
  };
  /** Asks everything that tells anything of a service and what it was given; each of these also as of now, and what became different since it was made. */
  const askAll = async (id: string, secretId: string, more: readonly string[] = []): Promise<void> => {
    const ofService = `/v1/docker-services/${id}`;
    const things = [ofService, `${ofService}/env`, `${ofService}/secrets`, `${ofService}/configs`, `${ofService}/replicas`, `${ofService}/releases`, `${ofService}/deployments`, `/v1/secrets/${secretId}`, ...more];
    const now = new Date().toISOString();
    for (const path of things) for (const query of ['', `?at=${now}`]) await read(`${path}${query}`);
    for (const path of things.filter((each) => /_[a-z2-7]{26}$/.test(each))) await read(`/v1/audit/diff?resource=${path.split('/').at(-1)}&from=2001-01-01T00:00:00Z`);
    for (const path of ['events', 'explain', 'logs', 'metrics', 'quota']) await read(`${ofService}/${path}`);
    for (const path of ['audit', 'secrets', 'nodes', 'resources', 'networks', 'jobs', 'docker-services']) await read(`/v1/${path}?limit=500`);
    expect(await read('/v1/audit/export')).toContain(secretId);
    const patch = { replicas: 2, secrets: { AGAIN: { secret_id: secretId, as: 'env' } }, env: { MORE: 'shown' } };
    const previewed = await call('POST', `${ofService}/preview`, { patch });
    expect([previewed.status, JSON.stringify(previewed.body)]).toEqual([200, expect.stringContaining('AGAIN')]);
    expect((await call('POST', `${ofService}/preview`, { deployment: { strategy: 'recreate' } })).status).toBe(200);
  };
  const nowhere = async (canary: Canary): Promise<void> => {
    expect(answers.filter((answer) => canary.isIn(answer))).toEqual([]);
    expect(bus.messages.filter(({ bytes }) => canary.isIn(bytes)).map(({ subject }) => subject)).toEqual([]);
    expect(await canary.inFiles(world.home)).toEqual([]);
    expect(await canary.inProcesses('cmdline')).toEqual([]);
  };

  it('are given as a file in memory, and stand nowhere else', async () => {
    const canary = new Canary();
    const { secret_id } = await keep('db-password', canary.value);
    const id = await run({ name: 'with-file', secrets: { DB_PASS: { secret_id, as: 'file' } } });

    expect(await inside(id, 'cat', '/run/secrets/DB_PASS')).toBe(canary.value);
    expect(await inside(id, 'sh', '-c', 'echo x > /run/secrets/DB_PASS || echo refused')).toBe('refused');
    expect(await inside(id, 'sh', '-c', 'grep " /run/secrets " /proc/mounts')).toMatch(/tmpfs .* ?ro[, ]|^tmpfs \/run\/secrets tmpfs ro/);

    await askAll(id, secret_id);
    await nowhere(canary);
    expect(bus.messages.some(({ subject }) => subject.endsWith('.value'))).toBe(true);
    const [container] = await world.containers(id);
    expect(canary.isIn(JSON.stringify(await world.inspect(container!.id)))).toBe(false);
    expect(await canary.inProcesses('environ')).toEqual([]);
    // The search does find what is there to be found.
    expect(await canary.inFiles('/dev/shm')).toHaveLength(1);

    await deleted(world, id);
    expect(await canary.inFiles('/dev/shm')).toEqual([]);
  }, 90_000);

  it('are there again after the host forgot its memory', async () => {
    const { secret_id } = await keep('reboots', 'kept');
    const id = await run({ name: 'reboots', secrets: { KEPT: { secret_id, as: 'file' } } });
    const container = (await world.containers(id))[0]!.id;
    const folder = (await world.inspect(container)).Mounts[0].Source as string;
    await rm(join(folder, '..'), { recursive: true });
    await world.docker(['kill', container]);
    await world.eventually('it runs again', async () => (await inside(id, 'cat', '/run/secrets/KEPT')) === 'kept');
    await deleted(world, id);
  }, 60_000);

  it('are rolled to a new version where the latest is followed, once', async () => {
    const { secret_id } = await keep('rolled', 'one');
    const id = await run({ name: 'follower', secrets: { KEY: { secret_id, as: 'file' } } });
    const fixed = await run({ name: 'fixed', secrets: { KEY: { secret_id, version: 1, as: 'file' } } });
    await settled(id);
    expect((await call('PUT', `/v1/secrets/${secret_id}`, { value: 'two' })).body).toMatchObject({ version: 2 });
    await world.serviceWhen(id, 'it stands on release 2', ({ release, status, deployment }) => release === 2 && status === 'RUNNING' && deployment.status === 'SUCCEEDED');
    expect(await inside(id, 'cat', '/run/secrets/KEY')).toBe('two');
    expect(await world.service(id)).toMatchObject({ secrets: { KEY: { secret_id, version: 2, latest: true, as: 'file' } } });
    expect(await inside(fixed, 'cat', '/run/secrets/KEY')).toBe('one');
    expect(await world.service(fixed)).toMatchObject({ release: 1, secrets: { KEY: { version: 1, latest: false } } });

    // One that waits: the next deployment has it.
    await call('PUT', `/v1/secrets/${secret_id}?apply=next_deploy`, { value: 'three' });
    await world.post(`/v1/docker-services/${id}/scale`, { replicas: 1 });
    expect(await world.service(id)).toMatchObject({ release: 2 });
    await world.post(`/v1/docker-services/${id}/deployments`, {});
    await world.serviceWhen(id, 'it stands on release 3', ({ release, deployment }) => release === 3 && deployment.status === 'SUCCEEDED');
    expect(await inside(id, 'cat', '/run/secrets/KEY')).toBe('three');
    const cut = (await world.get(`/v1/docker-services/${id}/events?limit=200`)).items.filter(({ type }: Doc) => type === 'ReleaseCut');
    expect(cut.map(({ actor }: Doc) => actor.id)).toEqual(['tok_operator', 'scheduler', 'tok_operator']);

    const refused = await call('DELETE', `/v1/secrets/${secret_id}`);
    expect([refused.status, refused.body.code]).toEqual([409, 'secret.in_use']);
    expect(refused.body.facts.used_by.map(({ id }: Doc) => id).sort()).toEqual([id, fixed].sort());
    for (const each of [id, fixed]) await deleted(world, each);
    expect((await call('DELETE', `/v1/secrets/${secret_id}`)).status).toBe(204);
    expect((await call('GET', `/v1/secrets/${secret_id}`)).status).toBe(404);
  }, 120_000);

  it('as env are in the container’s configuration, and in nothing of Waybill’s', async () => {
    const canary = new Canary();
    const { secret_id } = await keep('as-env', canary.value);
    const id = await run({ name: 'with-env', env: { PLAIN: 'shown' }, secrets: { API_KEY: { secret_id } } });
    expect(await inside(id, 'sh', '-c', 'echo $PLAIN $API_KEY')).toBe(`shown ${canary.value}`);
    await world.docker(['exec', (await world.containers(id))[0]!.id, 'sh', '-c', 'echo told: $API_KEY > /proc/1/fd/1']);
    await world.eventually('what it says of it is masked', async () => JSON.stringify((await world.get(`/v1/docker-services/${id}/logs`)).items).includes('told: [secret]'));
    expect((await world.inspect((await world.containers(id))[0]!.id)).Config.Env).toContain(`API_KEY=${canary.value}`);
    expect(await canary.inFiles(world.home)).toEqual([]);
    expect(bus.messages.filter(({ bytes }) => canary.isIn(bytes))).toEqual([]);
    expect(await canary.inProcesses('cmdline')).toEqual([]);
    await deleted(world, id);
  }, 60_000);

  it('of a resource are in the variables of its dependants, and stand nowhere else', async () => {
    const canary = new Canary();
    const { secret_id } = await keep('of-a-resource', canary.value);
    const { resource_id } = await world.post('/v1/resources', { environment_id: world.environmentId, name: 'far-db', kind: 'postgres', host: '10.255.0.5', user: 'app', database: 'shop', password: { secret_id } });
    const id = await run({ name: 'depends', dependencies: [{ resource_id }] });
    expect(await inside(id, 'sh', '-c', 'echo "$DB_PASS $DB_URL"')).toBe(`${canary.value} postgres://app:${canary.value}@far-db:5432/shop`);
    await askAll(id, secret_id, [`/v1/resources/${resource_id}`]);
    await nowhere(canary);
    const refused = await call('DELETE', `/v1/resources/${resource_id}`);
    expect([refused.status, refused.body.facts.used_by]).toEqual([409, [expect.objectContaining({ id })]]);
    await deleted(world, id);
    expect((await call('DELETE', `/v1/resources/${resource_id}`)).status).toBe(204);
    await nowhere(canary);
  }, 90_000);

  it('of people and programs, passwords and tokens, are in no event, view, log, message or later answer', async () => {
    const [first, second, wrong] = [new Canary(), new Canary(), new Canary()];
    const { user_id } = (await call('POST', '/v1/users', { login: 'canary', password: first.value })).body;
    await call('PUT', `/v1/projects/${projectId}/members/${user_id}`, { role: 'owner' });
    // What these answer is shown this once.
    const session = (await world.call('POST', '/v1/sessions', { login: 'canary', password: first.value })).body.token as string;
    const issued = (await world.call('POST', `/v1/projects/${projectId}/tokens`, { name: 'canary', role: 'viewer', expires_in_ms: 3_600_000 })).body;
    const [sessions, tokens] = [new Canary(session), new Canary(issued.token)];
    const as = (token: string) => ({ authorization: `Bearer ${token}` });
    for (const token of [session, issued.token, wrong.value]) await call('GET', '/v1/docker-services', undefined, as(token));
    expect((await call('POST', '/v1/sessions', { login: 'canary', password: wrong.value })).status).toBe(401);
    expect((await call('PUT', `/v1/users/${user_id}/password`, { password: second.value, current_password: wrong.value }, as(session))).status).toBe(403);
    expect((await call('PUT', `/v1/users/${user_id}/password`, { password: second.value, current_password: first.value }, as(session))).status).toBe(204);

    for (const path of ['/v1/users', `/v1/users/${user_id}`, `/v1/projects/${projectId}/members`, `/v1/projects/${projectId}/tokens`, `/v1/audit?resource=${user_id}`, `/v1/audit?resource=${issued.token_id}`]) {
      expect(await read(path)).toMatch(new RegExp(`${user_id}|${issued.token_id}`));
    }
    expect(await read('/v1/audit/export')).toContain(issued.token_id);
    for (const canary of [first, second, wrong, sessions, tokens]) await nowhere(canary);
    // The search does find what a value of such a kind leads to.
    expect(await new Canary(user_id).inFiles(world.home)).not.toEqual([]);
  }, 60_000);

  it('are had by jobs, by what their service has and by what they are given themselves', async () => {
    const [one, two] = [await keep('job-one', 'first'), await keep('job-two', 'second')];
    const id = await run({ name: 'has-jobs', secrets: { ONE: { secret_id: one.secret_id, as: 'file' } }, deploy: { ...FAST.deploy, pre_deploy: { script: 'test "$HOOK" = second', secrets: { HOOK: { secret_id: two.secret_id } } } } });
    const script = 'cat /run/secrets/ONE; echo; echo $TWO';
    const inherits = await world.post('/v1/jobs', { docker_service_id: id, script });
    const own = await world.post('/v1/jobs', { environment_id: world.environmentId, image: IMAGE, pull_policy: 'never', script, secrets: { ONE: { secret_id: one.secret_id, as: 'file' }, TWO: { secret_id: two.secret_id } } });
    const output = async (jobId: string): Promise<string[]> => {
      await world.eventually('it has succeeded', async () => (await world.get(`/v1/jobs/${jobId}`)).status === 'SUCCEEDED');
      return (await world.get(`/v1/jobs/${jobId}/logs`)).items.map(({ line }: Doc) => line);
    };
    expect(await output(inherits.job_id)).toEqual(['first', '']);
    expect(await output(own.job_id)).toEqual(['first', 'second']);
    await deleted(world, id);
  }, 60_000);

  it('open a registry that gives nothing to anybody else', async () => {
    const registry = await startRegistry(world.engine.hostAddress, { isPrivate: true });
    try {
      const reference = `${registry.host}/shop/private:1`;
      await world.docker(['tag', IMAGE, reference]);
      const own = ['--config', join(world.home, 'docker')];
      await world.docker([...own, 'login', '-u', REGISTRY_USER.username, '-p', REGISTRY_USER.password, registry.host]);
      await world.docker([...own, 'push', reference]);
      await world.docker(['rmi', reference]);
      const wrong = await keep('registry-wrong', 'puller:somebody-else');
      const right = await keep('registry-right', `${REGISTRY_USER.username}:${REGISTRY_USER.password}`);
      const shown = { image: reference, pull_policy: 'always', ...FAST };
      const { docker_service_id: refused } = await world.createService({ name: 'shut-out', ...shown, registry_credentials: { secret_id: wrong.secret_id } });
      const failed = await world.serviceWhen(refused, 'it is refused', ({ status }) => status === 'FAILED');
      expect(failed.status_reason.message).toMatch(/unauthorized|authentication|denied|no basic auth/);
      const id = await run({ name: 'let-in', ...shown, registry_credentials: { secret_id: right.secret_id } });
      expect(await world.service(id)).toMatchObject({ image: reference, registry_credentials: { secret_id: right.secret_id, version: null } });
      for (const each of [refused, id]) await deleted(world, each);
    } finally {
      await registry.stop();
    }
  }, 90_000);

  it('outlive a rotation of the key that they are kept under', async () => {
    const { secret_id } = await keep('rotated', 'still the same');
    const before = await readFile(join(world.home, 'values.key'), 'utf8');
    const { NODE_OPTIONS: _jests, ...environment } = process.env;
    const { stdout } = await promisify(execFile)(process.execPath, [join(import.meta.dirname, '../../deploy/rotate-key.ts')], { env: { ...environment, WAYBILL_HOME: world.home } });
    expect(stdout).toMatch(/kek_[0-9a-f]+ is the key now; \d+ data keys were wrapped anew/);
    expect((await readFile(join(world.home, 'values.key'), 'utf8')).split('\n')[1]).toBe(before.trim());
    const id = await run({ name: 'after-rotation', secrets: { KEY: { secret_id, as: 'file' } } });
    expect(await inside(id, 'cat', '/run/secrets/KEY')).toBe('still the same');

    // Without the key the replica waits, and says for what.
    const key = await readFile(join(world.home, 'values.key'), 'utf8');
    await writeFile(join(world.home, 'values.key'), `kek_other ${Buffer.alloc(32).toString('base64url')}\n`);
    const { docker_service_id: waiting } = await world.createService({ name: 'without-key', ...FAST, secrets: { KEY: { secret_id, as: 'file' } } });
    await world.eventually('it says why', async () => JSON.stringify((await world.get(`/v1/docker-services/${waiting}/replicas`)).items).includes('value.key_unknown'));
    await writeFile(join(world.home, 'values.key'), key);
    await world.running(waiting, 1);
    for (const each of [id, waiting]) await deleted(world, each);
  }, 90_000);
});

describe('configs', () => {
  let world: World;
  let projectId: string;
  beforeAll(async () => {
    world = await World.start();
    projectId = (await world.get('/v1/projects')).items[0].project_id;
  }, 90_000);
  afterAll(() => world?.stop(), 60_000);

  it('are files with mode and owner; a change of one makes a release and rolls to it', async () => {
    const { config_id } = await world.post('/v1/configs', { project_id: projectId, environment_id: world.environmentId, name: 'app', content: 'a: 1\n' });
    const body = { name: 'configured', ...FAST, command: SLEEP, configs: [{ path: '/etc/app/app.yaml', config_id, mode: '0440', uid: 33, gid: 44 }, { path: '/etc/motd', content: 'hello\n' }] };
    const { docker_service_id: id } = await world.createService(body);
    await world.running(id, 1);
    const inside = async (...command: string[]): Promise<string> => world.docker(['exec', (await world.containers(id)).find(({ state }) => state === 'running')!.id, ...command]);
    expect(await inside('cat', '/etc/app/app.yaml', '/etc/motd')).toBe('a: 1\nhello');
    expect(await inside('stat', '-c', '%a %u %g', '/etc/app/app.yaml', '/etc/motd')).toBe('440 33 44\n444 0 0');
    await world.serviceWhen(id, 'its first deployment has ended', ({ deployment }) => deployment.status === 'SUCCEEDED');
    const changed = await world.call('PUT', `/v1/configs/${config_id}`, { content: 'a: 2\n' });
    expect(changed.body).toMatchObject({ version: 2, content: 'a: 2\n', used_by: [{ type: 'docker_service', id }] });
    await world.serviceWhen(id, 'it stands on release 2', ({ release, status, deployment }) => release === 2 && status === 'RUNNING' && deployment.status === 'SUCCEEDED');
    expect(await inside('cat', '/etc/app/app.yaml')).toBe('a: 2');

    // Back to what it was: the config that was the latest is so still, the content that stood in the release is as it stood.
    const patched = await world.call('PATCH', `/v1/docker-services/${id}`, { configs: [{ path: '/etc/motd', content: 'bye\n' }] });
    expect([patched.status, patched.body.configs.length]).toEqual([202, 1]);
    await deleted(world, id);
    expect((await world.call('DELETE', `/v1/configs/${config_id}`)).status).toBe(204);
  }, 90_000);
});
