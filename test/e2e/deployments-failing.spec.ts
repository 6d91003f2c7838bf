import { startRegistry, type TestRegistry } from '#testing';
import { BRISK, deleted, deploy, ended, standingService, truthfully, whatRuns } from './deploying.ts';
import { IMAGES, makeServiceImages, WELL } from './service-images.ts';
import { World, type Doc } from './world.ts';

/** Each replica of the deployment that fails has 8 s to count as started. */
const DEADLINE_MS = 8_000;
const STRICT = { healthy_deadline_ms: DEADLINE_MS, progress_deadline_ms: 30_000 };

describe('a deployment that cannot go well', () => {
  let world: World;
  let registry: TestRegistry;
  beforeAll(async () => {
    world = await World.start();
    await makeServiceImages(world);
    registry = await startRegistry(world.engine.hostAddress);
  }, 120_000);
  afterAll(async () => {
    await registry?.stop();
    await world?.stop();
  }, 60_000);

  /** Two replicas on release 1, then a deployment that has to fail. */
  async function failing(body: Record<string, unknown>, over: Record<string, unknown> = {}) {
    const service = await standingService(world, { replicas: 2, env: { COLOUR: 'red' }, deploy: BRISK, ...over });
    const id = service.docker_service_id as string;
    expect((await world.call('PATCH', `/v1/docker-services/${id}`, { deploy: STRICT })).status).toBe(200);
    const before = (await world.containers(id)).map((container) => container.id).sort();
    const began = Date.now();
    const { result: deployment, untrue, probe } = await truthfully(world, id, async () => ended(world, await deploy(world, id, body), 90_000));
    return { id, before, deployment, untrue, probe, tookMs: Date.now() - began };
  }

  /** Everything is as it was before. */
  async function isBack(id: string, before: readonly string[]): Promise<void> {
    const service = await world.serviceWhen(id, 'it runs on its first release', ({ status, release }) => status === 'RUNNING' && release === 1);
    expect(service).toMatchObject({ image: `docker.io/${IMAGES.first}`, env: { COLOUR: 'red' }, deployment: { status: 'ROLLED_BACK' } });
    await world.eventually('nothing of the failed release is left', async () => (await whatRuns(world, id)).every((each) => each === 'running release 1 VERSION=1'));
    expect((await world.containers(id)).map((container) => container.id).sort()).toEqual(before);
  }

  const neverOn = (release: number, statuses: readonly string[]) => expect(statuses.filter((each) => each.startsWith(`RUNNING on release ${release}`))).toEqual([]);

  it('returns from an image that crashes at once, and shows its exit code and last lines', async () => {
    const { id, before, deployment, untrue, probe, tookMs } = await failing({ image: IMAGES.crashing });
    expect(deployment).toMatchObject({ status: 'ROLLED_BACK', from_release: 1, to_release: 2, reason: { message: expect.stringMatching(/exit/) }, failures: [expect.objectContaining({ exit_code: 3, last_log_lines: expect.arrayContaining(['oh no']) })] });
    expect(deployment.steps.at(-1)).toMatchObject({ name: 'return', status: 'SUCCEEDED' });
    expect(tookMs).toBeLessThan(DEADLINE_MS + 15_000);
    await isBack(id, before);
    neverOn(2, probe.statuses);
    expect(untrue).toEqual([]);
    await deleted(world, id);
  }, 120_000);

  it('returns from an image that turns unhealthy while it is watched', async () => {
    const { id, deployment, untrue, probe } = await failing({ image: IMAGES.sickening }, { replicas: 1, healthcheck: WELL, deploy: { ...BRISK, monitor_ms: 10_000 } });
    expect(deployment).toMatchObject({ status: 'ROLLED_BACK', reason: { code: 'unhealthy' } });
    expect(deployment.steps.find(({ name }: Doc) => name === 'monitor')).toMatchObject({ status: 'FAILED' });
    const service = await world.serviceWhen(id, 'it runs on its first release', ({ status, release }) => status === 'RUNNING' && release === 1);
    expect(service).toMatchObject({ image: `docker.io/${IMAGES.first}`, env: { COLOUR: 'red' }, replicas: { healthy: 1 } });
    await world.eventually('nothing of the failed release is left', async () => (await whatRuns(world, id)).join() === 'running release 1 VERSION=1');
    expect(probe.samples).toBeGreaterThan(10);
    expect(untrue).toEqual([]);
    await deleted(world, id);
  }, 120_000);

  it('returns from an image that never becomes healthy, at its deadline', async () => {
    const { id, before, deployment, untrue, probe, tookMs } = await failing({ image: IMAGES.neverWell }, { healthcheck: WELL });
    expect(deployment).toMatchObject({ status: 'ROLLED_BACK', reason: { code: 'healthy_deadline' }, failures: [expect.objectContaining({ last_log_lines: expect.arrayContaining(['still warming up']) })] });
    expect([tookMs >= DEADLINE_MS - 500, tookMs < DEADLINE_MS + 15_000]).toEqual([true, true]);
    await isBack(id, before);
    neverOn(2, probe.statuses);
    expect(untrue).toEqual([]);
    await deleted(world, id);
  }, 120_000);

  it('returns from an image that no registry has, before anything was stopped', async () => {
    const { id, before, deployment, untrue, probe } = await failing({ image: `${registry.host}/absent:1` }, { pull_policy: 'missing' });
    expect(deployment).toMatchObject({ status: 'ROLLED_BACK', reason: { code: expect.stringMatching(/image_not_found|pull/), message: expect.stringMatching(/absent:1.*(manifest|not found|unknown)/) } });
    await isBack(id, before);
    neverOn(2, probe.statuses);
    expect(untrue).toEqual([]);
    await deleted(world, id);
  }, 120_000);

  it('touches nothing where its pre_deploy ends with 3, and shows what that said', async () => {
    const { id, before, deployment, untrue, probe } = await failing({ image: IMAGES.second, pre_deploy: { script: 'echo no such table; exit 3' } });
    expect(deployment).toMatchObject({ status: 'ROLLED_BACK', replicas: [], reason: { message: expect.stringMatching(/exit code 3|exited.*3/) } });
    const hook = deployment.steps[0];
    expect(hook).toMatchObject({ name: 'pre_deploy', status: 'FAILED', job_id: expect.stringMatching(/^job_/) });
    expect(await world.get(`/v1/jobs/${hook.job_id}`)).toMatchObject({ status: 'FAILED', exit_code: 3, trigger: { type: 'pre_deploy', deployment_id: deployment.deployment_id } });
    expect((await world.get(`/v1/jobs/${hook.job_id}/logs`)).items.map(({ line }: Doc) => line)).toEqual(['no such table']);
    await isBack(id, before);
    neverOn(2, probe.statuses);
    expect(untrue).toEqual([]);
    await deleted(world, id);
  }, 120_000);

  it('is FAILED and halts the service where it may not return', async () => {
    const { id, deployment, untrue } = await failing({ image: IMAGES.crashing, auto_rollback: false });
    expect(deployment).toMatchObject({ status: 'FAILED', failures: [expect.objectContaining({ exit_code: 3 })] });
    await world.serviceWhen(id, 'it is halted', ({ status, status_reason }) => status === 'FAILED' && /exit/.test(status_reason.message));
    expect(untrue).toEqual([]);
    const { deployment_id } = await world.post(`/v1/docker-services/${id}/start`);
    expect(await ended(world, deployment_id)).toMatchObject({ status: 'SUCCEEDED', kind: 'restart', to_release: 1 });
    await world.running(id, 2);
    await deleted(world, id);
  }, 120_000);
});
