import { startRegistry, startSilentRegistry, type TestRegistry } from '#testing';
import { type Doc, IMAGE, World } from './world.ts';

const SOON = { deploy: { min_healthy_ms: 300, monitor_ms: 0 } };

describe('images from a registry', () => {
  let world: World;
  let registry: TestRegistry;
  beforeAll(async () => {
    world = await World.start();
    registry = await startRegistry(world.engine.hostAddress);
  }, 90_000);
  afterAll(async () => {
    await world?.stop();
    await registry?.stop();
  }, 60_000);

  /** Puts busybox, told apart by a label, under a name there, and leaves nothing of it on the engine. @returns its digest there */
  const push = async (name: string, label: string): Promise<string> => {
    const reference = `${registry.host}/${name}`;
    const container = await world.docker(['create', '--network', 'none', IMAGE]);
    await world.docker(['commit', '--change', `LABEL edition=${label}`, container, reference]);
    await world.docker(['rm', container]);
    const said = await world.docker(['push', reference]);
    await world.docker(['rmi', reference]);
    return /digest: (sha256:[0-9a-f]{64})/.exec(said)![1]!;
  };
  const create = (name: string, image: string, over: Record<string, unknown> = {}): Promise<Doc> => world.createService({ name, image, pull_policy: 'missing', ...SOON, ...over });
  const replica = async (id: string): Promise<Doc> => (await world.get(`/v1/docker-services/${id}/replicas`)).items[0];
  const remove = (id: string): Promise<unknown> => world.call('DELETE', `/v1/docker-services/${id}`);

  it('are pulled when they are missing, and known by their digest', async () => {
    const digest = await push('shop/web:1', 'one');
    const { docker_service_id: id } = await create('missing', `${registry.host}/shop/web:1`);
    await world.running(id, 1);
    expect((await replica(id)).image_digest).toBe(digest);
    await remove(id);
  }, 90_000);

  it('stay what they are under a tag that has moved, unless they are always asked for', async () => {
    const first = await push('shop/moved:1', 'first');
    const { docker_service_id: before } = await create('before', `${registry.host}/shop/moved:1`);
    await world.running(before, 1);
    // The tag of the engine itself, as a pull has left it, still names the first.
    const held = await world.docker(['inspect', '--format', '{{.Image}}', (await world.containers(before))[0]!.id]);
    const second = await push('shop/moved:1', 'second');
    expect(second).not.toBe(first);
    await world.docker(['tag', held, `${registry.host}/shop/moved:1`]);
    const { docker_service_id: kept } = await create('kept', `${registry.host}/shop/moved:1`);
    // The other one's pull moves the engine's own tag.
    await world.running(kept, 1);
    const { docker_service_id: asked } = await create('asked', `${registry.host}/shop/moved:1`, { pull_policy: 'always' });
    await world.running(asked, 1);
    expect((await replica(kept)).image_digest).toBe(first);
    expect((await replica(asked)).image_digest).toBe(second);
    for (const id of [before, kept, asked]) await remove(id);
  }, 120_000);

  it('are never pulled under that policy, and the reason says so', async () => {
    await push('shop/never:1', 'never');
    const { docker_service_id: id } = await create('never', `${registry.host}/shop/never:1`, { pull_policy: 'never' });
    const failed = await world.serviceWhen(id, 'it has failed', (s) => s.status === 'FAILED');
    expect(JSON.stringify(failed.status_reason)).toContain('pull policy is \\"never\\"');
    await remove(id);
  }, 90_000);

  it('are waited for while their registry is away or says nothing, with that reason, and come when it is back', async () => {
    await push('shop/late:1', 'late');
    await registry.kill();
    const silent = await startSilentRegistry(world.engine.hostAddress);
    try {
      const { docker_service_id: late } = await create('late', `${registry.host}/shop/late:1`);
      const { docker_service_id: stalled } = await create('stalled', `${silent.host}/shop/stalled:1`);
      const away = await world.serviceWhen(late, 'it says why', (s) => s.status_reason?.message.includes('connection refused'));
      expect(away.status).toBe('PENDING');
      await registry.restart();
      await world.running(late, 1, 90_000);
      await world.eventually('the other one says why', async () => ['registry_unreachable', 'pull_stalled'].includes((await replica(stalled)).reason?.code), 90_000);
      expect((await world.service(stalled)).status).toBe('PENDING');
      for (const id of [late, stalled]) await remove(id);
      await world.serviceWhen(stalled, 'nothing of it is left', (s) => s.lifecycle === 'DELETED');
    } finally {
      await silent.stop();
    }
  }, 200_000);
});
