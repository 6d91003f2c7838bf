import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BRISK, comesTo, deleted, deploy, deploymentWhen, ended, standingService, truthfully, whatRuns } from './deploying.ts';
import { IMAGES, makeServiceImages } from './service-images.ts';
import { World, type Doc } from './world.ts';

const allOn = (release: number, version: number, count: number): string[] => Array(count).fill(`running release ${release} VERSION=${version}`);

describe('a deployment that something comes in between of', () => {
  let world: World;
  let stuck: Server;
  beforeAll(async () => {
    world = await World.start({ instances: { scheduler: 2 } });
    await makeServiceImages(world);
    // A registry that takes every question and answers none but the first.
    stuck = createServer(({ url }, response) => void (url === '/v2/' && response.end('{}')));
    await new Promise<void>((resolve) => stuck.listen(0, world.engine.hostAddress, resolve));
  }, 120_000);
  afterAll(async () => {
    stuck?.closeAllConnections();
    stuck?.close();
    await world?.stop();
  }, 60_000);

  const onlyThese = (id: string, expected: readonly string[]) =>
    world.eventually('nothing else is left', async () => (await whatRuns(world, id)).join() === expected.join(), 60_000);
  const cancel = (deploymentId: string) => world.post(`/v1/deployments/${deploymentId}/cancel`);

  it('gives way to a second one, and leaves no orphan', async () => {
    const { docker_service_id: id } = await standingService(world, { replicas: 4, deploy: { ...BRISK, min_healthy_ms: 1_500 } });
    const { result, untrue } = await truthfully(world, id, async () => {
      const first = await deploy(world, id, { image: IMAGES.second });
      await deploymentWhen(world, first, 'one of the second release runs', ({ replicas }) => replicas.some(({ release, state }: Doc) => release === 2 && state === 'RUNNING'));
      const second = await deploy(world, id, { image: IMAGES.third });
      const last = await ended(world, second, 90_000);
      return { first: await ended(world, first), last };
    });
    expect(result.first).toMatchObject({ status: 'SUPERSEDED', superseded_by: result.last.deployment_id });
    expect(result.last).toMatchObject({ status: 'SUCCEEDED', from_release: 1, to_release: 3 });
    await onlyThese(id, allOn(3, 3, 4));
    expect(untrue).toEqual([]);
    await deleted(world, id);
  }, 180_000);

  it('is cancelled while it pulls: nothing was touched', async () => {
    const { docker_service_id: id } = await standingService(world, { replicas: 2, pull_policy: 'missing' });
    const before = (await world.containers(id)).map((container) => container.id).sort();
    const { result, untrue } = await truthfully(world, id, async () => {
      const deploymentId = await deploy(world, id, { image: `${world.engine.hostAddress}:${(stuck.address() as AddressInfo).port}/stuck:1` });
      await deploymentWhen(world, deploymentId, 'its image is being pulled', ({ replicas }) => replicas.some(({ release, state }: Doc) => release === 2 && state === 'PREPARING'));
      await cancel(deploymentId);
      return ended(world, deploymentId);
    });
    expect(result).toMatchObject({ status: 'CANCELLED', cancel_requested_at: expect.any(String) });
    await onlyThese(id, allOn(1, 1, 2));
    expect((await world.containers(id)).map((container) => container.id).sort()).toEqual(before);
    expect(await world.running(id, 2)).toMatchObject({ release: 1 });
    expect(await world.call('POST', `/v1/deployments/${result.deployment_id}/cancel`, {})).toMatchObject({ status: 409, body: { code: 'deployment.ended' } });
    expect(untrue).toEqual([]);
    await deleted(world, id);
  }, 120_000);

  it.each(['replace', 'monitor'])('is cancelled in its stage %s: it goes back to the release before', async (stage) => {
    const { docker_service_id: id } = await standingService(world, { replicas: 3, deploy: { ...BRISK, min_healthy_ms: 1_000, monitor_ms: 30_000 }, env: { COLOUR: 'red' } });
    const { result, untrue } = await truthfully(world, id, async () => {
      const deploymentId = await deploy(world, id, { image: IMAGES.second });
      await comesTo(world, deploymentId, stage);
      await deploymentWhen(world, deploymentId, 'some of the second release runs', ({ replicas }) => replicas.some(({ release, state }: Doc) => release === 2 && state === 'RUNNING'));
      await cancel(deploymentId);
      return ended(world, deploymentId, 90_000);
    });
    expect(result).toMatchObject({ status: 'CANCELLED', to_release: 2 });
    await onlyThese(id, allOn(1, 1, 3));
    expect(await world.running(id, 3)).toMatchObject({ release: 1, env: { COLOUR: 'red' }, image: `docker.io/${IMAGES.first}` });
    expect(untrue).toEqual([]);
    await deleted(world, id);
  }, 180_000);

  it.each<[string, () => Promise<void>]>([
    ['the schedulers', async () => ['scheduler', 'scheduler-2'].forEach((part) => world.installation.part(part).signal('SIGKILL'))],
    ['the agent', async () => world.installation.part('node-agent').signal('SIGKILL')],
    ['the gateway', async () => world.installation.part('api-gateway').signal('SIGKILL')],
    ['the engine', async () => {
      await world.engine.kill();
      await world.engine.restart();
    }],
  ])('comes to its end through a kill of %s in the middle', async (_, kill) => {
    const { docker_service_id: id } = await standingService(world, { replicas: 4, deploy: { ...BRISK, min_healthy_ms: 1_000 } });
    const { result, untrue } = await truthfully(world, id, async () => {
      const deploymentId = await deploy(world, id, { image: IMAGES.second });
      await deploymentWhen(world, deploymentId, 'one of the second release runs', ({ replicas }) => replicas.some(({ release, state }: Doc) => release === 2 && state === 'RUNNING'));
      await kill();
      return ended(world, deploymentId, 120_000);
    });
    expect(result).toMatchObject({ status: 'SUCCEEDED' });
    await onlyThese(id, allOn(2, 2, 4));
    expect(await world.running(id, 4)).toMatchObject({ release: 2 });
    expect(untrue).toEqual([]);
    await deleted(world, id);
  }, 240_000);
});
