import { World } from './world.ts';
import { IMAGE } from './world.ts';

describe('a standalone job', () => {
  let world: World;
  beforeAll(async () => (world = await World.start()), 90_000);
  afterAll(() => world?.stop(), 60_000);

  const run = async (over: Record<string, unknown>) => {
    const job = await world.post('/v1/jobs', { environment_id: world.environmentId, image: IMAGE, pull_policy: 'never', resources: { cpu_millis: 20, memory_bytes: 16 << 20 }, ...over });
    expect(job).toMatchObject({ status: 'PENDING', trigger: { type: 'manual' } });
    await world.eventually('the job has ended', async () => !['PENDING', 'RUNNING'].includes((await world.get(`/v1/jobs/${job.job_id}`)).status));
    await world.eventually('its container is gone', async () => (await world.containers(job.job_id)).length === 0);
    return world.get(`/v1/jobs/${job.job_id}`);
  };

  it('ends with its exit code, and its output outlives the container', async () => {
    const job = await run({ command: ['/bin/sh', '-c', 'echo out; echo err >&2; exit 0'] });
    expect(job).toMatchObject({ status: 'SUCCEEDED', exit_code: 0 });
    const lines = (await world.get(`/v1/jobs/${job.job_id}/logs`)).items;
    expect(lines.map((l: { stream: string; line: string }) => [l.stream, l.line]).sort()).toEqual([['stderr', 'err'], ['stdout', 'out']]);
  }, 60_000);

  it('fails with the exit code of its command', async () => {
    expect(await run({ command: ['/bin/sh', '-c', 'exit 7'] })).toMatchObject({ status: 'FAILED', exit_code: 7 });
  }, 60_000);

  it('is ended at its timeout, and says so', async () => {
    expect(await run({ command: ['/bin/sleep', '60'], timeout_ms: 1000 })).toMatchObject({ status: 'TIMEOUT' });
  }, 60_000);

  it('runs once, although the job-runner and the agent are killed meanwhile', async () => {
    const job = await world.post('/v1/jobs', { environment_id: world.environmentId, image: IMAGE, pull_policy: 'never', command: ['/bin/sh', '-c', 'echo started; sleep 2; echo done'] });
    await world.eventually('it runs', async () => (await world.get(`/v1/jobs/${job.job_id}`)).status === 'RUNNING');
    for (const part of ['job-runner', 'node-agent']) world.installation.part(part).signal('SIGKILL');
    await world.eventually('it has ended', async () => (await world.get(`/v1/jobs/${job.job_id}`)).status === 'SUCCEEDED');
    const lines = (await world.get(`/v1/jobs/${job.job_id}/logs`)).items.map((l: { line: string }) => l.line);
    expect(lines).toEqual(['started', 'done']);
  }, 60_000);
});
