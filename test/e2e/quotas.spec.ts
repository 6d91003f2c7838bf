import { IMAGE, SLEEP, World, type Answer, type Doc } from './world.ts';

const ROOM = 7;
const MANY = 50;

describe('quotas', () => {
  let world: World;
  let projectId = '';
  beforeAll(async () => {
    world = await World.start();
    projectId = (await world.get('/v1/projects?name=default')).items[0].project_id;
  }, 90_000);
  afterAll(() => world?.stop(), 60_000);

  const quota = (): Promise<Doc> => world.get(`/v1/projects/${projectId}/quota`);
  const allow = async (limits: Record<string, number>, of = `projects/${projectId}`): Promise<Answer> => world.call('PUT', `/v1/${of}/quota`, limits);
  const reservedIs = (reserved: Record<string, number>): Promise<void> => {
    let last: Doc = null;
    return world.eventually(`reserved is ${JSON.stringify(reserved)}`, async () => {
      last = (await quota()).reserved;
      return Object.entries(reserved).every(([name, amount]) => last[name] === amount);
    }, 90_000, () => JSON.stringify(last));
  };
  const allRunning = async (): Promise<number> => (await world.docker(['ps', '--filter', 'label=waybill.owner_id', '--format', '{{.ID}}'])).split('\n').filter(Boolean).length;
  const removeAll = async (ids: readonly string[]): Promise<void> => {
    for (const id of ids) await world.call('DELETE', `/v1/docker-services/${id}`);
    await reservedIs({ cpu_millis: 0, memory_bytes: 0, replicas: 0, volumes_bytes: 0 });
    await world.eventually('no container is left', async () => (await allRunning()) === 0);
  };

  it('gives exactly the room that there is to 50 requests at once, also over the death of the gateway', async () => {
    const ids: string[] = [];
    for (let number = 1; number <= MANY; number += 1) ids.push((await world.createService({ name: `many-${number}`, replicas: 0 })).docker_service_id);
    expect((await allow({ max_replicas: ROOM })).status).toBe(200);

    const scale = (id: string): Promise<Answer | null> => world.call('POST', `/v1/docker-services/${id}/scale`, { replicas: 1 }, { 'idempotency-key': `grow-${id}` }).catch(() => null);
    const first = ids.map((id) => scale(id));
    await Promise.race(first);
    world.installation.part('api-gateway').signal('SIGKILL');
    await Promise.all(first);
    await world.installation.ready('api-gateway');

    const answers = await Promise.all(ids.map((id) => scale(id)));
    expect(answers.map((answer) => answer?.status).sort()).toEqual([...Array<number>(ROOM).fill(202), ...Array<number>(MANY - ROOM).fill(409)]);
    const refused = answers.find((answer) => answer?.status === 409)!;
    expect(refused.body).toMatchObject({ code: 'quota.exceeded', facts: { quota: 'project', limit_name: 'max_replicas', used: ROOM, asked: 1, limit: ROOM } });

    await reservedIs({ replicas: ROOM, cpu_millis: ROOM * 20, memory_bytes: ROOM * (16 << 20) });
    await world.eventually('as many containers run', async () => (await allRunning()) === ROOM, 90_000);
    expect((await quota()).warnings).toEqual([expect.objectContaining({ code: 'quota_reserved_95' })]);
    const grown = ids[answers.findIndex((answer) => answer?.status === 202)]!;
    expect((await world.service(grown)).warnings).toEqual([expect.objectContaining({ code: 'quota_reserved_95' })]);
    await allow({});
    await removeAll(ids);
  }, 300_000);

  it('holds what is paused, gives back what is stopped, and asks anew at the start', async () => {
    const { docker_service_id: id } = await world.createService({ name: 'moved', replicas: 2 });
    // A pause would end a first deployment that is still under way, and leave nothing to go on with.
    await world.serviceWhen(id, 'it stands', ({ status, deployment }) => status === 'RUNNING' && deployment.status === 'SUCCEEDED');
    await reservedIs({ replicas: 2, cpu_millis: 40 });
    expect((await allow({ max_replicas: 2, max_cpu_millis: 60 })).status).toBe(200);

    await world.post(`/v1/docker-services/${id}/pause`);
    await world.eventually('its containers have stopped', async () => (await allRunning()) === 0);
    expect((await quota()).reserved).toMatchObject({ replicas: 2, cpu_millis: 40 });
    await world.post(`/v1/docker-services/${id}/resume`);
    await world.running(id, 2);

    await world.post(`/v1/docker-services/${id}/stop`);
    await reservedIs({ replicas: 0, cpu_millis: 0 });
    const { docker_service_id: other } = await world.createService({ name: 'other', replicas: 1 });
    const start = await world.call('POST', `/v1/docker-services/${id}/start`);
    expect(start).toMatchObject({ status: 409, body: { code: 'quota.exceeded', facts: { limit_name: 'max_replicas', used: 1, asked: 2, limit: 2 } } });
    await removeAll([other]);
    await world.post(`/v1/docker-services/${id}/start`);
    await world.running(id, 2);

    // Two and a surge of one fit into 60; a larger surge is refused, not stuck.
    const deploy = (max_surge: number): Promise<Answer> => world.call('POST', `/v1/docker-services/${id}/deployments`, { image: IMAGE, max_surge });
    expect((await deploy(2)).body).toMatchObject({ code: 'quota.exceeded', facts: { limit_name: 'max_cpu_millis', used: 40, asked: 40, limit: 60 } });
    expect((await deploy(1)).status).toBe(202);
    await world.serviceWhen(id, 'it has rolled', (service) => service.deployment?.status === 'SUCCEEDED' && service.release === 2, 90_000);
    await reservedIs({ replicas: 2, cpu_millis: 40 });

    expect((await world.call('PUT', `/v1/docker-services/${id}/quota`, { max_replicas: 3 })).body).toMatchObject({ code: 'quota.above_project' });
    await allow({});
    await removeAll([id]);
    expect((await world.service(id)).lifecycle).toBe('DELETED');
  }, 300_000);

  it('counts a job until it has ended, and a schedule’s that finds no room says so', async () => {
    expect((await allow({ max_cpu_millis: 20 })).status).toBe(200);
    const job = (name: string): Promise<Answer> => world.call('POST', '/v1/jobs', { environment_id: world.environmentId, name, image: IMAGE, pull_policy: 'never', command: SLEEP, resources: { cpu_millis: 20, memory_bytes: 16 << 20 } });
    const { job_id: id } = (await job('long')).body;
    expect((await job('second')).body).toMatchObject({ code: 'quota.exceeded', facts: { used: 20, asked: 20, limit: 20 } });
    const body = { cron: '* * * * *', job: { environment_id: world.environmentId, name: 'tick', image: IMAGE, pull_policy: 'never', command: ['/bin/true'], resources: { cpu_millis: 20, memory_bytes: 16 << 20 } } };
    const { schedule_id: schedule } = await world.post('/v1/schedules', body);
    let ticked: Doc = null;
    await world.eventually('a job of the schedule has failed for lack of room', async () => {
      ticked = (await world.get(`/v1/jobs?schedule_id=${schedule}`)).items[0];
      return ticked?.status === 'FAILED';
    }, 120_000, () => JSON.stringify(ticked));
    expect(ticked.status_reason).toMatchObject({ code: 'quota_exceeded' });
    await world.call('DELETE', `/v1/schedules/${schedule}`);
    await world.post(`/v1/jobs/${id}/cancel`);
    await reservedIs({ cpu_millis: 0, replicas: 0 });
    await allow({});
  }, 240_000);
});
