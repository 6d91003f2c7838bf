import { deleted } from './deploying.ts';
import { type Doc, IMAGE, World } from './world.ts';

describe('nodes', () => {
  let world: World;
  beforeAll(async () => (world = await World.start({ nodes: ['host-2'] })), 120_000);
  afterAll(() => world?.stop(), 60_000);

  const node = async (name: string): Promise<Doc> => (await world.get('/v1/nodes')).items.find((n: Doc) => n.name === name);
  const nodesOf = async (id: string): Promise<string[]> => (await world.service(id)).nodes.map((n: Doc) => n.name).sort();

  it('spreads replicas over both, and places none on a drained one', async () => {
    const { docker_service_id: id } = await world.createService({ name: 'spread', replicas: 2 });
    await world.running(id, 2);
    expect(await nodesOf(id)).toEqual(['host-1', 'host-2']);
    const second = await node('host-2');
    expect((await world.call('POST', `/v1/nodes/${second.node_id}/drain`)).status).toBeLessThan(300);
    const { docker_service_id: other } = await world.createService({ name: 'avoiding', replicas: 2 });
    await world.running(other, 2);
    expect(await nodesOf(other)).toEqual(['host-1']);
    await world.post(`/v1/nodes/${second.node_id}/activate`);
    await world.eventually('it is ready again', async () => (await node('host-2')).status === 'READY');
  }, 90_000);

  it('run what can’t be pulled where it is, and who lacks it is named', async () => {
    const image = 'waybill-test/here-only:1';
    const container = await world.docker(['create', '--network', 'none', IMAGE]);
    await world.docker(['commit', '--change', 'LABEL edition=here-only', container, image]);
    await world.docker(['rm', container]);
    const { docker_service_id: id } = await world.createService({ name: 'here-only', image, pull_policy: 'never', replicas: 3 });
    await world.running(id, 3);
    expect(await nodesOf(id)).toEqual(['host-1']);
    const { placement } = (await world.get(`/v1/docker-services/${id}/replicas`)).items[0];
    expect(placement.nodes.find(({ name }: Doc) => name === 'host-2')).toMatchObject({ fits: false, reasons: [{ filter: 'image', detail: expect.stringMatching(/^it does not have the image /) }] });
    await deleted(world, id);
  }, 90_000);

  it('says that a frozen agent is unreachable, takes its replicas out of running, and back when it is heard', async () => {
    const { docker_service_id: id } = await world.createService({ name: 'silent', replicas: 2 });
    await world.running(id, 2);
    world.installation.part('host-2').signal('SIGSTOP');
    const degraded = await world.serviceWhen(id, 'it is degraded', (s) => s.degraded && s.replicas.running === 1, 30_000);
    expect(degraded.status).toBe('PENDING');
    expect(degraded.status_reason.message).toMatch(/host-2|heard|unreachable/i);
    await world.eventually('the node is unreachable', async () => (await node('host-2')).status === 'UNREACHABLE');
    world.installation.part('host-2').signal('SIGCONT');
    await world.running(id, 2);
    await world.eventually('the node is ready', async () => (await node('host-2')).status === 'READY');
  }, 90_000);

  it('makes a removed node good elsewhere', async () => {
    const { docker_service_id: id } = await world.createService({ name: 'moved', replicas: 2 });
    await world.running(id, 2);
    expect(await nodesOf(id)).toEqual(['host-1', 'host-2']);
    const second = await node('host-2');
    await world.installation.part('host-2').stop();
    expect((await world.call('DELETE', `/v1/nodes/${second.node_id}`)).status).toBeLessThan(300);
    await world.serviceWhen(id, 'both run on the other node', (s) => s.status === 'RUNNING' && s.nodes.length === 1 && s.nodes[0].name === 'host-1');
    expect(await world.containers(id)).toHaveLength(2);
  }, 90_000);
});
