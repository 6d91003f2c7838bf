import { EngineWatch } from './engine-watch.ts';
import { BRISK, deleted, deploy, ended, standingService, truthfully, whatRuns } from './deploying.ts';
import { IMAGES, makeServiceImages } from './service-images.ts';
import { IMAGE, SLEEP, World, type Doc } from './world.ts';

/** Use case 6 on a real engine: how a service is moved, by the engine's own word. */
describe('a deployment that goes well', () => {
  let world: World;
  beforeAll(async () => {
    world = await World.start();
    await makeServiceImages(world);
  }, 120_000);
  afterAll(() => world?.stop(), 60_000);

  it('rolls ten replicas without one too few or too many, and a client is served all the time', async () => {
    const { docker_service_id: id } = await standingService(world, { name: 'ten', replicas: 10, ports: [{ container_port: 8080 }], deploy: { ...BRISK, max_surge: 3, max_unavailable: 0 } });
    const caller = await world.createService({ name: 'client', image: IMAGE, command: SLEEP });
    await world.running(caller.docker_service_id, 1);
    const [client] = await world.containers(caller.docker_service_id);
    // As any client of a name with several addresses does: another one is tried where one doesn't answer.
    const calls = 'get() { timeout 2 wget -q -O /dev/null http://ten:8080/; }; ok=0; bad=0; while [ ! -e /tmp/enough ]; do if get || get || get; then ok=$((ok+1)); else bad=$((bad+1)); fi; sleep 0.1; done; echo $ok $bad';
    const calling = world.docker(['exec', client!.id, '/bin/sh', '-c', calls]);

    const watch = await EngineWatch.begin(world.engine.host, id);
    const { result, untrue } = await truthfully(world, id, async () => ended(world, await deploy(world, id, { image: IMAGES.second }), 120_000));
    await world.eventually('the old ones are gone', async () => (await world.containers(id)).length === 10);
    watch.stop();
    await world.docker(['exec', client!.id, 'touch', '/tmp/enough']);

    expect(result).toMatchObject({ status: 'SUCCEEDED', from_release: 1, to_release: 2, reason: { code: 'settled' }, failures: [] });
    expect([watch.least >= 10, watch.most <= 13, watch.count(id, 'start')]).toEqual([true, true, 10]);
    expect(await whatRuns(world, id)).toEqual(Array(10).fill('running release 2 VERSION=2'));
    expect(untrue).toEqual([]);
    const [served, lost] = (await calling).split(' ').map(Number);
    expect([served! > 10, lost]).toEqual([true, 0]);
    await deleted(world, caller.docker_service_id);
    await deleted(world, id);
  }, 240_000);

  it('stops as many first as may be lacking, where nothing may be above', async () => {
    const { docker_service_id: id } = await standingService(world, { replicas: 4, deploy: { ...BRISK, max_surge: 0, max_unavailable: '50%' } });
    const watch = await EngineWatch.begin(world.engine.host, id);
    const { result, untrue } = await truthfully(world, id, async () => ended(world, await deploy(world, id, { image: IMAGES.second })));
    watch.stop();
    expect(result.status).toBe('SUCCEEDED');
    expect([watch.least >= 2, watch.most <= 4, watch.count(id, 'start')]).toEqual([true, true, 4]);
    expect(untrue).toEqual([]);
    await deleted(world, id);
  }, 120_000);

  it('stops all and starts all where it recreates', async () => {
    const { docker_service_id: id } = await standingService(world, { replicas: 3 });
    const watch = await EngineWatch.begin(world.engine.host, id);
    const { result, untrue } = await truthfully(world, id, async () => ended(world, await deploy(world, id, { image: IMAGES.second, strategy: 'recreate' })));
    watch.stop();
    expect(result).toMatchObject({ status: 'SUCCEEDED', strategy: 'recreate' });
    expect([watch.least, watch.most, watch.count(id, 'start')]).toEqual([0, 3, 3]);
    const lastEnd = watch.changes.findLastIndex(({ what }) => what === 'die');
    expect(watch.changes.findIndex(({ what }) => what === 'start')).toBeGreaterThan(lastEnd);
    expect(untrue).toEqual([]);
    await deleted(world, id);
  }, 120_000);

  it('rolls with a host port on one node by stopping first, and refuses to start first there', async () => {
    const { docker_service_id: id } = await standingService(world, { ports: [{ container_port: 8080, host_port: 18_081 }] });
    expect(await world.call('POST', `/v1/docker-services/${id}/deployments`, { image: IMAGES.second, max_surge: 1, max_unavailable: 0 })).toMatchObject({
      status: 409,
      body: { code: 'docker_service.surge_does_not_fit', detail: expect.stringContaining('set max_surge to 0 and max_unavailable to 1 or more') },
    });
    expect((await ended(world, await deploy(world, id, { image: IMAGES.second }))).status).toBe('SUCCEEDED');
    expect(await whatRuns(world, id)).toEqual(['running release 2 VERSION=2']);
    await deleted(world, id);
  }, 120_000);

  it('cuts a release of what a patch changes, restarts one, and goes back to one whole', async () => {
    const { docker_service_id: id } = await standingService(world, { env: { COLOUR: 'red' } });
    const patched = await world.call('PATCH', `/v1/docker-services/${id}`, { env: { COLOUR: 'blue' }, image: IMAGES.second });
    expect(patched).toMatchObject({ status: 202, body: { release: 2 } });
    expect((await ended(world, patched.body.deployment_id)).status).toBe('SUCCEEDED');
    const before = await world.containers(id);
    const restarted = await world.post(`/v1/docker-services/${id}/restart`);
    expect(await ended(world, restarted.deployment_id)).toMatchObject({ status: 'SUCCEEDED', kind: 'restart', to_release: 2 });
    await world.eventually('only the new one is left', async () => (await world.containers(id)).length === 1);
    expect((await world.containers(id))[0]!.id).not.toBe(before[0]!.id);
    const back = await world.post(`/v1/docker-services/${id}/rollback`);
    expect(await ended(world, back.deployment_id)).toMatchObject({ status: 'SUCCEEDED', kind: 'rollback', to_release: 3 });
    expect(await world.service(id)).toMatchObject({ release: 3, env: { COLOUR: 'red' }, image: `docker.io/${IMAGES.first}`, status: 'RUNNING' });
    await world.eventually('only the new one is left', async () => (await world.containers(id)).length === 1);
    expect(await whatRuns(world, id)).toEqual(['running release 3 VERSION=1']);
    expect((await world.get(`/v1/docker-services/${id}/releases`)).items.map(({ release, copied_from, kept }: Doc) => [release, copied_from, kept])).toEqual([[3, 1, true], [2, null, true], [1, null, true]]);
    await deleted(world, id);
  }, 120_000);

  it('runs its hooks in the new image, before and after', async () => {
    const { docker_service_id: id } = await standingService(world);
    const hook = (word: string) => ({ script: `echo ${word} $VERSION` });
    const deployment = await ended(world, await deploy(world, id, { image: IMAGES.second, pre_deploy: hook('before'), post_deploy: hook('after') }));
    expect(deployment).toMatchObject({ status: 'SUCCEEDED' });
    const jobs = deployment.steps.filter(({ job_id }: Doc) => job_id);
    expect(jobs.map(({ name, status }: Doc) => [name, status])).toEqual([['pre_deploy', 'SUCCEEDED'], ['post_deploy', 'SUCCEEDED']]);
    const lines = await Promise.all(jobs.map(async ({ job_id }: Doc) => (await world.get(`/v1/jobs/${job_id}/logs`)).items.map(({ line }: Doc) => line)));
    expect(lines).toEqual([['before 2'], ['after 2']]);
    await deleted(world, id);
  }, 120_000);

  it('shows how it goes, whoever watches', async () => {
    const { docker_service_id: id } = await standingService(world, { replicas: 3 });
    const deployment_id = await deploy(world, id, { image: IMAGES.second });
    const states: Doc[] = [];
    for await (const event of world.stream(`/v1/deployments/${deployment_id}`, { accept: 'text/event-stream' })) states.push(JSON.parse(/^data: (.*)$/m.exec(event)![1]!));
    expect(states.at(-1)).toMatchObject({ status: 'SUCCEEDED', counts: null });
    const going = states.filter(({ counts }) => counts !== null);
    expect(Math.min(...going.map(({ counts }) => counts.settled))).toBe(0);
    expect(Math.max(...going.map(({ counts }) => counts.settled))).toBe(3);
    expect(going.every(({ counts }) => counts.wanted === 3)).toBe(true);
    // Whatever isn't done says until when it may take; before the replacing begins, the deployment does.
    const waiting = going.flatMap(({ replicas, deadline_at }) =>
      replicas.filter(({ settled, stopping, release, state }: Doc) => release === 2 && !settled && !stopping && state !== 'GONE').map((replica: Doc) => ({ own: replica.deadline_at, until: replica.deadline_at ?? deadline_at })),
    );
    expect(waiting.some(({ own }) => own !== null)).toBe(true);
    expect(waiting.every(({ until }) => Date.parse(until) > 0)).toBe(true);
    await deleted(world, id);
  }, 120_000);

  it('is paused with its containers, stopped without them, and comes back from both', async () => {
    const { docker_service_id: id } = await standingService(world, { replicas: 2 });
    const before = (await world.containers(id)).map((container) => container.id).sort();
    await world.post(`/v1/docker-services/${id}/pause`);
    await world.eventually('both are stopped, and kept', async () => {
      const now = await world.containers(id);
      return now.length === 2 && now.every(({ state }) => state === 'exited');
    });
    expect(await world.service(id)).toMatchObject({ lifecycle: 'PAUSED', status: null, status_reason: { code: 'paused' }, paused: { containers: 'held' } });
    await world.post(`/v1/docker-services/${id}/resume`);
    await world.running(id, 2);
    expect((await world.containers(id)).map((container) => container.id).sort()).toEqual(before);
    await world.post(`/v1/docker-services/${id}/stop`);
    await world.eventually('none is left', async () => (await world.containers(id)).length === 0);
    expect(await world.service(id)).toMatchObject({ lifecycle: 'PAUSED', status: null, status_reason: { code: 'stopped' } });
    await world.post(`/v1/docker-services/${id}/start`);
    await world.running(id, 2);
    expect(await world.service(id)).toMatchObject({ lifecycle: 'ACTIVE', release: 1 });
    await deleted(world, id);
  }, 120_000);
});
