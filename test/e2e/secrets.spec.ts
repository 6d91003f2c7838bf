import { join } from 'node:path';
import { startNats, type TestBroker } from '#testing';
import { Canary, listenToAll } from './canary.ts';
import { deleted } from './deploying.ts';
import { type Answer, type Doc, QUICK, World } from './world.ts';

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

  it('are given as a file in memory, and stand nowhere else', async () => {
    const canary = new Canary();
    const { secret_id } = await keep('db-password', canary.value);
    const id = await run({ name: 'with-file', secrets: { DB_PASS: { secret_id, as: 'file' } } });

    expect(await inside(id, 'cat', '/run/secrets/DB_PASS')).toBe(canary.value);
    expect(await inside(id, 'sh', '-c', 'echo x > /run/secrets/DB_PASS || echo refused')).toBe('refused');
    expect(await inside(id, 'sh', '-c', 'grep " /run/secrets " /proc/mounts')).toMatch(/tmpfs .* ?ro[, ]|^tmpfs \/run\/secrets tmpfs ro/);

    // What is told of it, by everything that tells anything.
    await call('GET', `/v1/secrets/${secret_id}`);
    for (const path of [`docker-services/${id}`, `docker-services/${id}/events`, `docker-services/${id}/explain`, `docker-services/${id}/replicas`, `docker-services/${id}/releases`, 'audit', 'secrets', 'nodes']) await call('GET', `/v1/${path}`);
    expect(answers.some((answer) => answer.includes(secret_id))).toBe(true);
    expect(answers.filter((answer) => canary.isIn(answer))).toEqual([]);
    expect(bus.messages.some(({ subject }) => subject.endsWith('.value'))).toBe(true);
    expect(bus.messages.filter(({ bytes }) => canary.isIn(bytes)).map(({ subject }) => subject)).toEqual([]);
    expect(await canary.inFiles(world.home)).toEqual([]);
    const [container] = await world.containers(id);
    expect(canary.isIn(JSON.stringify(await world.inspect(container!.id)))).toBe(false);
    expect(await canary.inProcesses('cmdline')).toEqual([]);
    expect(await canary.inProcesses('environ')).toEqual([]);
    // The search does find what is there to be found.
    expect(await canary.inFiles('/dev/shm')).toHaveLength(1);

    await deleted(world, id);
    expect(await canary.inFiles('/dev/shm')).toEqual([]);
  }, 90_000);

  it('are there again after the host forgot its memory', async () => {
    const { secret_id } = await keep('reboots', 'kept');
    const id = await run({ name: 'reboots', secrets: { KEPT: { secret_id, as: 'file' } } });
    const [{ id: container }] = (await world.containers(id)) as [{ id: string }];
    const folder = (await world.inspect(container)).Mounts[0].Source as string;
    const { rm } = await import('node:fs/promises');
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
});
