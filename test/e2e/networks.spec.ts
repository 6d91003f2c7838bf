import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ended } from './deploying.ts';
import { type Doc, IMAGE, SLEEP, World } from './world.ts';

const run = promisify(execFile);
const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` };
const BRISK = { min_healthy_ms: 300, monitor_ms: 0 };
const WEB = { command: ['/bin/sh', '-c', 'echo "this is $(hostname)" > /tmp/index.html; trap "exit 0" TERM; httpd -f -p 8080 -h /tmp & wait $!'], ports: [{ container_port: 8080 }] };

/** Whether something answers at an address, asked from where a command runs; nothing waits longer than two seconds. */
const asks = (where: string): string[] => ['timeout', '2', 'wget', '-q', '-O', '-', `http://${where}:8080/`];

describe('networks', () => {
  let world: World;
  beforeAll(async () => void (world = await World.start()), 120_000);
  afterAll(() => world?.stop(), 60_000);
  afterEach(() => world.eventually('no network is left on the engine but those of services that stand', async () => (await onEngine()).length === 0, 60_000), 90_000);

  const onEngine = async (): Promise<string[]> => (await world.docker(['network', 'ls', '--filter', 'label=waybill.network_id', '--format', '{{.Name}}'])).split('\n').filter(Boolean);
  const networkOf = async (name: string, environment = world.environmentId): Promise<Doc> => (await world.get(`/v1/networks?name=${name}&environment_id=${environment}`)).items[0];

  async function standing(name: string, over: Record<string, unknown> = {}): Promise<string> {
    const { docker_service_id: id } = await world.createService({ name, deploy: BRISK, ...over });
    await world.serviceWhen(id, `${name} stands`, ({ status, deployment }) => status === 'RUNNING' && deployment.status === 'SUCCEEDED');
    return id;
  }

  async function deleted(...ids: string[]): Promise<void> {
    for (const id of ids) expect((await world.call('DELETE', `/v1/docker-services/${id}`)).status).toBe(202);
    for (const id of ids) await world.serviceWhen(id, 'it is deleted', ({ lifecycle }) => lifecycle === 'DELETED');
  }

  async function networkDeleted(name: string): Promise<void> {
    const { network_id } = await networkOf(name);
    expect((await world.call('DELETE', `/v1/networks/${network_id}`)).status).toBe(204);
    expect((await world.call('GET', `/v1/networks/${network_id}`)).status).toBe(404);
  }

  /** In the one running container of a service. @returns what it wrote; null where that failed */
  async function inside(id: string, command: readonly string[]): Promise<string | null> {
    const { id: container } = (await world.containers(id)).find(({ state }) => state === 'running')!;
    return world.docker(['exec', container, ...command]).catch(() => null);
  }

  /** By the names of its networks. */
  async function addressesOf(id: string): Promise<Record<string, string>> {
    const { id: container } = (await world.containers(id)).find(({ state }) => state === 'running')!;
    const { Networks } = (await world.inspect(container)).NetworkSettings;
    return Object.fromEntries(Object.entries(Networks as Doc).map(([name, endpoint]) => [name.split('-').at(-1)!, (endpoint as Doc).IPAddress]));
  }

  it('are made with the first service that names them, which answers in each to all of its names', async () => {
    const store = await standing('store', { ...WEB, networks: [{ name: 'backend', aliases: ['db', 'cache'] }], default_network: false });
    const api = await standing('api', { networks: [{ name: 'backend' }] });
    const outsider = await standing('outsider');
    const backend = await networkOf('backend');
    expect(backend).toMatchObject({ name: 'backend', driver: 'bridge', environment_id: world.environmentId, subnet: expect.stringMatching(/^10\.\d+\.\d+\.0\/24$/) });
    expect(backend.used_by.map(({ name }: Doc) => name).sort()).toEqual(['api', 'store']);
    expect((await networkOf('default')).used_by.map(({ name }: Doc) => name).sort()).toEqual(['api', 'outsider']);
    expect(await world.service(store)).toMatchObject({ networks: [{ network_id: backend.network_id, name: 'backend', aliases: ['db', 'cache'] }], default_network: false });

    for (const name of ['store', store, 'store.default.default.internal', 'db', 'cache']) expect(await inside(api, asks(name))).toMatch(/^this is /);
    expect(Object.keys(await addressesOf(store))).toEqual([backend.network_id]);
    expect(Object.keys(await addressesOf(api))).toHaveLength(2);
    for (const where of ['store', 'db', Object.values(await addressesOf(store))[0]!]) expect(await inside(outsider, asks(where))).toBeNull();

    const refused = await world.call('DELETE', `/v1/networks/${backend.network_id}`);
    expect(refused).toMatchObject({ status: 409, body: { code: 'network.in_use' } });
    for (const id of [store, api]) expect(refused.body.detail).toContain(id);
    await deleted(store, api, outsider);
    await networkDeleted('backend');
  }, 180_000);

  it('are changed by a release, and stand in hooks and jobs', async () => {
    const store = await standing('store', { ...WEB, networks: [{ name: 'backend', aliases: ['db'] }], default_network: false });
    const api = await standing('api');
    expect(await inside(api, asks('db'))).toBeNull();
    const { deployment_id } = (await world.call('PATCH', `/v1/docker-services/${api}`, { networks: [{ name: 'backend' }, { name: 'default', aliases: ['front'] }] })).body;
    expect((await ended(world, deployment_id)).status).toBe('SUCCEEDED');
    expect(await inside(api, asks('db'))).toMatch(/^this is /);
    expect(await inside(api, ['nslookup', 'front'])).not.toBeNull();

    const job = await world.post('/v1/jobs', { environment_id: world.environmentId, image: IMAGE, pull_policy: 'never', script: asks('db').join(' '), networks: [{ name: 'backend' }], default_network: false, timeout_ms: 30_000 });
    await world.eventually('the job has ended well', async () => (await world.get(`/v1/jobs/${job.job_id}`)).status === 'SUCCEEDED');
    const hooked = await world.post(`/v1/docker-services/${api}/deployments`, { pre_deploy: { script: asks('db').join(' '), networks: [{ name: 'backend' }] } });
    expect((await ended(world, hooked.deployment_id)).status).toBe('SUCCEEDED');
    await deleted(store, api);
    await networkDeleted('backend');
  }, 180_000);

  it('wall one project off from another: neither by name nor by address, from inside a container', async () => {
    const project = await world.post('/v1/projects', { name: 'others' });
    const environment = (await world.get(`/v1/environments?project_id=${project.project_id}`)).items[0];
    const target = await standing('target', { ...WEB, networks: [{ name: 'shared', aliases: ['well-known'] }] });
    const theirs = await standing('theirs', { environment_id: environment.environment_id, networks: [{ name: 'shared' }] });
    const neighbour = await standing('neighbour', { networks: [{ name: 'shared' }] });
    const ours = await networkOf('shared');
    const addresses = Object.values(await addressesOf(target));
    expect(addresses).toHaveLength(2);
    const wheres = ['target', target, 'target.default.default.internal', 'well-known', ...addresses];
    for (const where of wheres) expect(await inside(neighbour, asks(where))).toMatch(/^this is /);
    expect(await Promise.all(wheres.map((where) => inside(theirs, asks(where))))).toEqual(wheres.map(() => null));
    // A name that resolves is told at once; whom the engine doesn't know it asks others for.
    for (const name of ['target', 'well-known']) expect(await inside(neighbour, ['timeout', '2', 'nslookup', '-type=a', name])).toContain(name);
    for (const name of ['target', 'well-known']) expect(await inside(theirs, ['timeout', '2', 'nslookup', '-type=a', name])).toBeNull();
    // Two networks of one name, and another project's is not to be had by its id either.
    expect((await networkOf('shared', environment.environment_id)).network_id).not.toBe(ours.network_id);
    const body = world.serviceBody({ environment_id: environment.environment_id, networks: [{ network_id: ours.network_id }] });
    expect(await world.call('POST', '/v1/docker-services', body)).toMatchObject({ status: 422, body: { code: 'network.not_found', errors: [{ pointer: '/networks/0/network_id' }] } });
    await deleted(target, theirs, neighbour);
    await networkDeleted('shared');
    // The other one goes with its environment.
    expect((await world.call('DELETE', `/v1/environments/${environment.environment_id}`)).status).toBe(204);
    await world.eventually('its networks are gone', async () => (await world.get(`/v1/networks?project_id=${project.project_id}`)).items.length === 0);
  }, 180_000);

  it('keep a port without host_port to themselves: no other address of the host leads to it', async () => {
    const closed = await standing('closed', WEB);
    const open = await standing('open', { ...WEB, ports: [{ container_port: 8080, host_port: 18_080 }] });
    const [address] = Object.values(await addressesOf(closed));
    const gateway = address!.replace(/\d+$/, '1');
    const get = (where: string, port = 8080): string[] => ['curl', '-s', '--max-time', '2', '-o', '/dev/null', '-w', '%{http_code}', `http://${where}:${port}/`];
    // Through the bridge the host itself is in the network: that is how it asks whether a replica is well.
    expect(await fromHost(get(address!))).toBe('200');
    for (const where of ['127.0.0.1', world.engine.address, gateway!]) await expect(fromHost(get(where))).rejects.toThrow();
    await expect(run('curl', get(world.engine.address).slice(1), { env })).rejects.toThrow();
    expect((await run('curl', get(world.engine.address, 18_080).slice(1), { env })).stdout).toBe('200');
    await deleted(closed, open);
  }, 120_000);

  const fromHost = async (command: string[]): Promise<string> => (await run(world.engine.enter[0]!, [...world.engine.enter.slice(1), ...command], { env })).stdout.trim();

  it('give way to what the host has there already', async () => {
    const first = await world.post('/v1/networks', { environment_id: world.environmentId, name: 'first' });
    await world.eventually('it has its subnet', async () => (await networkOf('first')).subnet !== null);
    const [a, b, c] = /^(\d+)\.(\d+)\.(\d+)\./.exec((await networkOf('first')).subnet)!.slice(1).map(Number) as [number, number, number];
    const [next, further] = [`${a}.${b}.${c + 1}.0/24`, `${a}.${b}.${c + 2}.0/24`];
    await world.docker(['network', 'create', '--subnet', next, 'somebody-elses']);
    const id = await standing('displaced', { networks: [{ name: 'second' }] });
    expect((await networkOf('second')).subnet).toBe(further);
    expect(await world.docker(['network', 'inspect', '--format', '{{(index .IPAM.Config 0).Subnet}}', 'somebody-elses'])).toBe(next);
    await deleted(id);
    await world.docker(['network', 'rm', 'somebody-elses']);
    for (const name of ['first', 'second']) await networkDeleted(name);
    expect((await world.call('GET', `/v1/networks/${first.network_id}`)).status).toBe(404);
  }, 120_000);

  it('are joined to the last, and none is left, wherever the agent is killed', async () => {
    const agent = () => world.installation.part('node-agent');
    const networks = ['one', 'two', 'three'].map((name) => ({ name }));
    for (const [round, stage] of (['the first network', 'the container', 'the second network'] as const).entries()) {
      const { docker_service_id: id } = await world.createService({ name: `killed-${round}`, networks, deploy: BRISK });
      await world.eventually(`${stage} is there`, async () => (stage === 'the container' ? (await world.containers(id)).length > 0 : (await onEngine()).length >= (stage === 'the first network' ? 1 : 2)));
      agent().signal('SIGKILL');
      await world.serviceWhen(id, 'it stands', ({ status, deployment }) => status === 'RUNNING' && deployment.status === 'SUCCEEDED');
      expect(Object.keys(await addressesOf(id))).toHaveLength(4);
      await world.call('DELETE', `/v1/docker-services/${id}`);
      agent().signal('SIGKILL');
      await world.serviceWhen(id, 'it is deleted', ({ lifecycle }) => lifecycle === 'DELETED');
      await world.eventually('its networks are gone', async () => (await onEngine()).length === 0, 60_000);
    }
    for (const { name } of networks) await networkDeleted(name);
  }, 240_000);

  it('are refused with the field and the way out', async () => {
    const asked = async (body: object) => (await world.call('POST', '/v1/docker-services', world.serviceBody({ name: 'refused', command: SLEEP, ...body }))).body;
    expect(await asked({ default_network: false })).toMatchObject({ status: 422, errors: [{ pointer: '/networks', code: 'required' }] });
    expect(await asked({ networks: [{ name: 'Back End' }] })).toMatchObject({ status: 422, errors: [{ pointer: '/networks/0/name', code: 'invalid' }] });
    expect(await asked({ networks: [{ name: 'a', aliases: ['x', 'x'] }] })).toMatchObject({ status: 422, errors: [{ pointer: '/networks/0/aliases/1', code: 'duplicate' }] });
    expect(await asked({ networks: Array.from({ length: 17 }, (_, i) => ({ name: `n${i}` })) })).toMatchObject({ status: 422, errors: [{ pointer: '/networks', code: 'too_many' }] });
    expect(await asked({ networks: [{ aliases: ['x'] }] })).toMatchObject({ status: 422, errors: [{ pointer: '/networks/0/name', code: 'required' }] });
    expect((await world.get('/v1/networks')).items.map(({ name }: Doc) => name)).toEqual(['default']);

    const own = await networkOf('default');
    expect(await world.call('DELETE', `/v1/networks/${own.network_id}`)).toMatchObject({ status: 409, body: { code: 'network.of_environment' } });
    expect(await world.call('POST', '/v1/networks', { environment_id: world.environmentId, name: 'default' })).toMatchObject({ status: 409, body: { code: 'network.name_reserved' } });
    await world.post('/v1/networks', { environment_id: world.environmentId, name: 'twice' });
    expect(await world.call('POST', '/v1/networks', { environment_id: world.environmentId, name: 'twice' })).toMatchObject({ status: 409, body: { code: 'name.taken' } });
    await networkDeleted('twice');
  }, 60_000);
});
