import { IMAGE, SLEEP, World, type Doc } from './world.ts';

const shell = (script: string): string[] => ['/bin/sh', '-c', script];

describe('a job', () => {
  let world: World;
  beforeAll(async () => (world = await World.start()), 90_000);
  afterAll(() => world?.stop(), 60_000);

  const body = (over: Record<string, unknown> = {}) => ({ environment_id: world.environmentId, image: IMAGE, pull_policy: 'never', resources: { cpu_millis: 20, memory_bytes: 16 << 20 }, ...over });
  const start = (over: Record<string, unknown> = {}, headers: Record<string, string> = {}): Promise<Doc> => world.post('/v1/jobs', body(over), headers);
  const job = (id: string): Promise<Doc> => world.get(`/v1/jobs/${id}`);
  const linesOf = async (id: string): Promise<string[]> => (await world.get(`/v1/jobs/${id}/logs`)).items.map(({ line }: { line: string }) => line);

  /** Polls until it has ended and its container is gone. */
  const ended = async (id: string, deadlineMs = 40_000): Promise<Doc> => {
    let last: Doc;
    await world.eventually('the job has ended', async () => !['PENDING', 'RUNNING'].includes((last = await job(id)).status), deadlineMs, () => JSON.stringify(last));
    await world.eventually('its container is gone', async () => (await world.containers(id)).length === 0);
    return job(id);
  };
  const run = async (over: Record<string, unknown>): Promise<Doc> => {
    const created = await start(over);
    expect(created).toMatchObject({ status: 'PENDING', trigger: { type: 'manual' }, exit_code: null });
    return ended(created.job_id);
  };

  /** What the engine did with a job's containers, in its own order: `start 1a2b`, `die 1a2b`, `destroy 1a2b`. */
  const deedsOn = async (id: string, since: number): Promise<string[]> => {
    const until = String(Math.ceil(Date.now() / 1000));
    const filters = ['--filter', 'type=container', '--filter', `label=waybill.owner_id=${id}`];
    const events = await world.docker(['events', '--since', String(Math.floor(since / 1000)), '--until', until, ...filters, '--format', '{{.Action}} {{.ID}}']);
    return events.split('\n').filter((line) => /^(start|die|destroy) /.test(line)).map((line) => line.slice(0, line.indexOf(' ') + 5));
  };

  it('ends with its exit code, and its output outlives the container', async () => {
    const done = await run({ command: shell('echo out; echo err >&2; exit 0') });
    expect(done).toMatchObject({ status: 'SUCCEEDED', exit_code: 0, oom_killed: false, attempts: [{ attempt: 1, state: 'COMPLETED', started_at: expect.any(String), finished_at: expect.any(String) }] });
    const lines = (await world.get(`/v1/jobs/${done.job_id}/logs`)).items;
    expect(lines.map((l: { stream: string; line: string }) => [l.stream, l.line]).sort()).toEqual([['stderr', 'err'], ['stdout', 'out']]);
  }, 60_000);

  it('fails with the exit code of its command', async () => {
    expect(await run({ command: shell('exit 7') })).toMatchObject({ status: 'FAILED', exit_code: 7, attempts: [{ attempt: 1 }] });
  }, 60_000);

  it('is killed after its timeout and grace where it ignores SIGTERM, and that is an outcome of its own, not tried again', async () => {
    const done = await run({ command: shell('trap "" TERM; while :; do sleep 1; done'), timeout_ms: 1000, retries: 2 });
    expect(done).toMatchObject({ status: 'TIMEOUT', status_reason: { code: 'timeout' }, exit_code: 137, attempts: [{ attempt: 1 }] });
  }, 60_000);

  it('keeps 20 MiB of output to the last line', async () => {
    const done = await run({ command: shell('dd if=/dev/zero bs=1M count=20 2>/dev/null | tr "\\0" x | fold -w 99; echo; echo the end'), resources: { cpu_millis: 1000, memory_bytes: 32 << 20 } });
    expect(done.status).toBe('SUCCEEDED');
    const { items, cut } = await world.get(`/v1/jobs/${done.job_id}/logs?tail=3`);
    expect(cut).toBe(false);
    expect(items.map(({ line }: { line: string }) => line)).toEqual(['x'.repeat(99), expect.stringMatching(/^x+$/), 'the end']);
  }, 90_000);

  it('runs once, although the job-runner and the agent are killed meanwhile', async () => {
    const since = Date.now();
    const { job_id: id } = await start({ command: shell('echo started; sleep 2; echo done'), retries: 3 });
    await world.eventually('it runs', async () => (await job(id)).status === 'RUNNING');
    for (const part of ['job-runner', 'node-agent']) world.installation.part(part).signal('SIGKILL');
    expect(await ended(id)).toMatchObject({ status: 'SUCCEEDED', attempts: [{ attempt: 1 }] });
    expect(await linesOf(id)).toEqual(['started', 'done']);
    expect((await deedsOn(id, since)).filter((deed) => deed.startsWith('start'))).toHaveLength(1);
  }, 60_000);

  it('is one job under one Idempotency-Key, and another body under it is refused', async () => {
    const key = { 'idempotency-key': 'once' };
    const [first, second] = await Promise.all([start({ command: shell('exit 0') }, key), start({ command: shell('exit 0') }, key)]);
    expect(second.job_id).toBe(first.job_id);
    await ended(first.job_id);
    expect((await start({ command: shell('exit 0') }, key)).job_id).toBe(first.job_id);
    expect(await world.call('POST', '/v1/jobs', body({ command: shell('exit 1') }), key)).toMatchObject({ status: 422, body: { code: 'idempotency.key_reused' } });
  }, 60_000);

  it('is tried again after a failure, one container after the other', async () => {
    const since = Date.now();
    const done = await run({ command: shell('echo tried; exit 3'), retries: 1 });
    expect(done).toMatchObject({ status: 'FAILED', exit_code: 3, retries: 1, attempts: [{ attempt: 1, exit_code: 3, retry_at: expect.any(String) }, { attempt: 2, exit_code: 3, retry_at: null }] });
    const [first, second] = done.attempts;
    expect(Date.parse(second.started_at) - Date.parse(first.finished_at)).toBeGreaterThanOrEqual(9_900);
    expect(await linesOf(done.job_id)).toEqual(['tried', 'tried']);
    expect((await deedsOn(done.job_id, since)).map((deed) => deed.split(' ')[0])).toEqual(['start', 'die', 'destroy', 'start', 'die', 'destroy']);
  }, 90_000);

  it('is tried again where its container was taken away, which counts as a failure', async () => {
    const { job_id: id } = await start({ command: SLEEP, retries: 1 });
    await world.eventually('it runs', async () => (await job(id)).status === 'RUNNING');
    await world.docker(['rm', '--force', (await world.containers(id))[0]!.id]);
    await world.eventually('its second attempt runs', async () => (await job(id)).attempts[1]?.state === 'RUNNING', 40_000);
    expect((await job(id)).attempts[0]).toMatchObject({ reason: { code: 'container_lost' } });
    await world.post(`/v1/jobs/${id}/cancel`);
    await ended(id);
  }, 90_000);

  it('is CANCELLED when its container has stopped, and has an outcome only once', async () => {
    const { job_id: id } = await start({ command: shell('trap "echo told; exit 0" TERM; echo listening; while :; do sleep 1 & wait $!; done') });
    await world.eventually('it listens', async () => (await linesOf(id)).includes('listening'));
    await world.eventually('it runs', async () => (await job(id)).status === 'RUNNING');
    expect(await world.post(`/v1/jobs/${id}/cancel`)).toMatchObject({ status: 'RUNNING', status_reason: { code: 'cancelling' } });
    await world.eventually('it is CANCELLED', async () => {
      const [{ status }, containers] = [await job(id), await world.containers(id)];
      expect(status === 'CANCELLED' && containers.some(({ state }) => state === 'running')).toBe(false);
      return status === 'CANCELLED';
    });
    expect(await ended(id)).toMatchObject({ status_reason: { code: 'cancelled' }, attempts: [{ attempt: 1 }] });
    expect(await linesOf(id)).toEqual(['listening', 'told']);
    expect(await world.call('POST', `/v1/jobs/${id}/cancel`)).toMatchObject({ status: 409, body: { code: 'job.ended' } });
  }, 60_000);

  it('runs again as a new job, of the same container', async () => {
    const first = await run({ name: 'greet', command: shell('echo hello'), env: { A: '1' } });
    const key = { 'idempotency-key': 'again' };
    const again = await world.post(`/v1/jobs/${first.job_id}/run`, {}, key);
    expect(again).toMatchObject({ name: 'greet', env: { A: '1' }, status: 'PENDING', trigger: { type: 'manual' }, rerun_of: first.job_id });
    expect(again.job_id).not.toBe(first.job_id);
    expect((await world.post(`/v1/jobs/${first.job_id}/run`, {}, key)).job_id).toBe(again.job_id);
    expect((await ended(again.job_id)).status).toBe('SUCCEEDED');
    expect(await linesOf(again.job_id)).toEqual(['hello']);
  }, 60_000);

  it('takes all of a service’s release but what is given', async () => {
    const service = await world.createService({ name: 'shop', env: { GREETING: 'hello' } });
    await world.running(service.docker_service_id, 1);
    const created = await world.post('/v1/jobs', { docker_service_id: service.docker_service_id, script: 'echo $GREETING' });
    expect(created).toMatchObject({ name: 'shop', docker_service_id: service.docker_service_id, release: 1, image: service.image, env: { GREETING: 'hello' } });
    expect((await ended(created.job_id)).status).toBe('SUCCEEDED');
    expect(await linesOf(created.job_id)).toEqual(['hello']);
    const found = (await world.get(`/v1/jobs?docker_service_id=${service.docker_service_id}&trigger=manual&status=SUCCEEDED`)).items;
    expect(found.map(({ job_id }: Doc) => job_id)).toEqual([created.job_id]);
    await world.call('DELETE', `/v1/docker-services/${service.docker_service_id}`);
    await world.eventually('the service is gone', async () => (await world.service(service.docker_service_id)).lifecycle === 'DELETED');
    expect(await world.call('POST', '/v1/jobs', { docker_service_id: service.docker_service_id })).toMatchObject({ status: 409, body: { code: 'docker_service.deleted' } });
  }, 90_000);

  it('is refused with every wrong field', async () => {
    expect(await world.call('POST', '/v1/jobs', {})).toMatchObject({ status: 422, body: { errors: [{ pointer: '/environment_id', code: 'required' }, { pointer: '/image', code: 'required' }] } });
    expect(await world.call('POST', '/v1/jobs', body({ retries: 21 }))).toMatchObject({ status: 422, body: { code: 'job.retries_out_of_range', errors: [{ pointer: '/retries' }] } });
    expect(await world.call('POST', '/v1/jobs', body({ timeout_ms: 0 }))).toMatchObject({ status: 422, body: { code: 'job.timeout_out_of_range', errors: [{ pointer: '/timeout_ms' }] } });
    expect(await world.call('POST', '/v1/jobs', body({ ports: [] }))).toMatchObject({ status: 422, body: { errors: [{ pointer: '/ports', code: 'unknown_field' }] } });
  }, 30_000);
});
