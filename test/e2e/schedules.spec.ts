import { IMAGE, World, type Doc } from './world.ts';

/** Two job-runners, so that whatever fires twice would be seen. */
describe('a schedule', () => {
  let world: World;
  const runners = ['job-runner', 'job-runner-2'];
  beforeAll(async () => (world = await World.start({ instances: { 'job-runner': 2 } })), 90_000);
  afterAll(() => world?.stop(), 60_000);

  const job = (over: Record<string, unknown> = {}) => ({ environment_id: world.environmentId, image: IMAGE, pull_policy: 'never', command: ['/bin/sh', '-c', 'echo fired'], resources: { cpu_millis: 20, memory_bytes: 16 << 20 }, ...over });
  const create = (over: Record<string, unknown> = {}): Promise<Doc> => world.post('/v1/schedules', { cron: '* * * * *', job: job(), ...over });
  const schedule = (id: string): Promise<Doc> => world.get(`/v1/schedules/${id}`);

  it('makes good once for a minute that passed while no job-runner was there', async () => {
    await Promise.all(runners.map((name) => world.installation.part(name).stop()));
    const { schedule_id: id, next_at: due } = await create();
    await world.eventually('its minute has passed', async () => Date.now() > Date.parse(due) + 500, 65_000);
    expect(await schedule(id)).toMatchObject({ last_fired: null, paused: false, concurrency: 'forbid', time_zone: 'UTC' });

    for (const name of runners) world.installation.part(name).start();
    await Promise.all(runners.map((name) => world.installation.ready(name)));
    await world.eventually('it has fired', async () => (await schedule(id)).last_fired !== null);
    const paused = await world.call('PATCH', `/v1/schedules/${id}`, { paused: true });
    expect(paused.body).toMatchObject({ paused: true, paused_reason: { code: 'paused' }, next_at: null, last_fired: { minute: due, missed_since: null } });

    const made = async (): Promise<Doc[]> => (await world.get(`/v1/jobs?schedule_id=${id}`)).items;
    await world.eventually('its job has succeeded', async () => (await made())[0]?.status === 'SUCCEEDED');
    expect(await made()).toMatchObject([{ job_id: paused.body.last_fired.job_id, trigger: { type: 'schedule', schedule_id: id }, attempts: [{ attempt: 1 }] }]);
    expect((await world.get(`/v1/jobs/${paused.body.last_fired.job_id}/logs`)).items.map(({ line }: Doc) => line)).toEqual(['fired']);
    const types = (await world.get(`/v1/schedules/${id}/events`)).items.map(({ type }: Doc) => type);
    expect(types).toEqual(['ScheduleCreated', 'ScheduleFired', 'SchedulePaused']);
    expect((await world.get(`/v1/schedules/${id}/explain`)).summary).toContain('is paused: it was paused by request');
  }, 150_000);

  it('is read, changed and deleted', async () => {
    const created = await create({ cron: '0 3 * * MON', time_zone: 'Europe/Berlin', concurrency: 'replace', job: job({ name: 'report' }) });
    const { schedule_id: id } = created;
    expect(created).toMatchObject({ cron: '0 3 * * MON', time_zone: 'Europe/Berlin', concurrency: 'replace', job: { name: 'report', docker_service_id: null, retries: 0, timeout_ms: 600_000 }, next_at: expect.any(String) });
    const changed = await world.call('PATCH', `/v1/schedules/${id}`, { cron: '30 4 * * *', job: job({ name: 'other', retries: 2 }) });
    expect(changed.body).toMatchObject({ cron: '30 4 * * *', concurrency: 'replace', job: { name: 'other', retries: 2 } });
    expect((await world.get(`/v1/schedules?environment_id=${world.environmentId}`)).items.map(({ schedule_id }: Doc) => schedule_id)).toContain(id);
    expect((await world.call('DELETE', `/v1/schedules/${id}`)).status).toBe(204);
    expect(await world.call('GET', `/v1/schedules/${id}`)).toMatchObject({ status: 404, body: { code: 'schedule.not_found' } });
    expect((await world.call('PATCH', `/v1/schedules/${id}`, { paused: true })).status).toBe(404);
  }, 30_000);

  it('takes a service’s release, and stays in its environment', async () => {
    const service = await world.createService({ name: 'shop', replicas: 0 });
    const created = await create({ cron: '0 3 * * *', job: { docker_service_id: service.docker_service_id, script: 'bin/report' } });
    expect(created).toMatchObject({ environment_id: world.environmentId, job: { docker_service_id: service.docker_service_id, name: 'shop', command: ['/bin/sh', '-c', 'bin/report'], args: null } });
    const { project_id } = service;
    const { environment_id: elsewhere } = await world.post(`/v1/projects/${project_id}/environments`, { name: 'elsewhere' });
    const moved = await world.call('PATCH', `/v1/schedules/${created.schedule_id}`, { job: job({ environment_id: elsewhere }) });
    expect(moved).toMatchObject({ status: 422, body: { errors: [{ pointer: '/job/environment_id', code: 'immutable' }] } });
  }, 60_000);

  it('is refused with the field that is wrong', async () => {
    const refused = async (over: Record<string, unknown>) => {
      const { status, body } = await world.call('POST', '/v1/schedules', { cron: '* * * * *', job: job(), ...over });
      return [status, body.code, body.errors?.[0]?.pointer];
    };
    expect(await refused({ cron: '* * * *' })).toEqual([422, 'schedule.cron_invalid', '/cron']);
    expect(await refused({ cron: '0 0 30 2 *' })).toEqual([422, 'schedule.cron_invalid', '/cron']);
    expect(await refused({ time_zone: 'Mars/Base' })).toEqual([422, 'schedule.time_zone_unknown', '/time_zone']);
    expect(await refused({ concurrency: 'maybe' })).toEqual([422, 'request.invalid', '/concurrency']);
    expect(await refused({ job: {} })).toEqual([422, 'request.invalid', '/job/environment_id']);
    expect(await refused({ job: job({ image: 'UPPER' }) })).toEqual([422, 'image.invalid_reference', '/job/image']);
    expect(await refused({ job: job({ env: { 'no spaces': '1' } }) })).toEqual([422, 'job.invalid', '/job/env/no spaces']);
    expect(await refused({ job: job({ retries: 99 }) })).toEqual([422, 'job.retries_out_of_range', '/job/retries']);
  }, 30_000);
});
