import { Canary } from './canary.ts';
import { deleted } from './deploying.ts';
import { type Doc, QUICK, SLEEP, World } from './world.ts';

const FAST = { deploy: { ...QUICK, monitor_ms: 0 } };
/** Answers on 8080 once `/tmp/open` is there. */
const LATE = ['/bin/sh', '-c', 'trap "exit 0" TERM; while [ ! -e /tmp/open ]; do sleep 0.2; done; httpd -p 8080 -h /www; while :; do sleep 1 & wait $!; done'];
const CHECK = { type: 'tcp', port: 8080, interval_ms: 300, timeout_ms: 500 };
/** Says what it was given, as it is: masking is another test's. */
const TELLS = ['/bin/sh', '-c', 'env | sort | grep -E "^(DB|OTHER|CACHE)_"; wget -q -O - "http://$DB_HOST:$DB_PORT/" || echo unreachable; trap "exit 0" TERM; while :; do sleep 1 & wait $!; done'];

describe('resources', () => {
  let world: World;
  beforeAll(async () => (world = await World.start()), 120_000);
  afterAll(() => world?.stop(), 60_000);

  const make = (body: object) => world.post('/v1/resources', { environment_id: world.environmentId, kind: 'postgres', ...body });
  const backing = (name: string, command = SLEEP, over: object = {}) => world.createService({ ...FAST, name, command, ports: [{ container_port: 8080 }], healthcheck: CHECK, ...over });
  const container = async (id: string): Promise<string> => (await world.containers(id)).find(({ state }) => state === 'running')!.id;
  const inside = async (id: string, ...command: string[]): Promise<string> => world.docker(['exec', await container(id), ...command]);
  const lines = async (id: string): Promise<string[]> => (await world.get(`/v1/docker-services/${id}/logs?tail=100`)).items.map(({ line }: Doc) => line);
  const rolled = (id: string, release: number) => world.serviceWhen(id, `release ${release} stands`, (s) => s.release === release && s.status === 'RUNNING' && s.deployment.status === 'SUCCEEDED');
  const secretOf = async (value: string): Promise<string> => {
    const { items } = await world.get('/v1/projects');
    return (await world.post('/v1/secrets', { project_id: items[0].project_id, name: `s-${Date.now().toString(36)}`, value })).secret_id;
  };

  it('hold their dependants until they are healthy, tell how to be reached, and answer by their names', async () => {
    const canary = new Canary();
    const { docker_service_id: db } = await backing('late-web', LATE);
    const { resource_id } = await make({ name: 'main-db', hostname: 'postgres-123', docker_service_id: db, user: 'app', database: 'shop', password: { secret_id: await secretOf(canary.value) } });
    const { docker_service_id: app } = await world.createService({ ...FAST, name: 'waits', command: TELLS, dependencies: [{ resource_id, wait: 'healthy' }] });

    const held = await world.serviceWhen(app, 'it says for what it waits', (s) => s.status_reason?.message.includes('waiting for dependency'));
    expect(held).toMatchObject({ status: 'PENDING', status_reason: { message: expect.stringContaining(`main-db (late-web, ${db})`) } });
    expect(await world.containers(app)).toEqual([]);
    await world.eventually('it runs, and isn’t healthy', async () => (await world.get(`/v1/docker-services/${db}/replicas`)).items.some(({ health }: Doc) => health === 'starting'));
    expect(await world.containers(app)).toEqual([]);

    await inside(db, 'touch', '/tmp/open');
    await world.running(app, 1);
    await world.eventually('it has reached it', async () => (await lines(app)).includes('hello from waybill'));
    expect(await lines(app)).toEqual(['DB_HOST=postgres-123', 'DB_NAME=shop', 'DB_PASS=[secret]', 'DB_PORT=8080', 'DB_URL=[secret]', 'DB_USER=app', 'hello from waybill']);
    expect(await inside(app, 'sh', '-c', 'echo "$DB_PASS $DB_URL"')).toBe(`${canary.value} postgres://app:${canary.value}@postgres-123:8080/shop`);
    // Nobody else knows it by that name.
    expect(await inside(db, 'sh', '-c', 'nslookup postgres-123 > /dev/null 2>&1 && echo known || echo unknown')).toBe('unknown');

    const { items } = await world.get(`/v1/docker-services/${app}/env`);
    expect(items.map(({ name, source, value }: Doc) => [name, source, value])).toEqual([
      ['DB_HOST', 'dependency', 'postgres-123'], ['DB_NAME', 'dependency', 'shop'], ['DB_PASS', 'dependency', null], ['DB_PORT', 'dependency', '8080'], ['DB_URL', 'dependency', null], ['DB_USER', 'dependency', 'app'],
    ]);
    expect(await canary.inFiles(world.home)).toEqual([]);

    // The name leads to whatever replica there is: another one, after a restart of all of it.
    const before = await container(db);
    await world.post(`/v1/docker-services/${db}/restart`);
    await world.eventually('another container of it runs', async () => (await world.containers(db)).some(({ id, state }) => id !== before && state === 'running'));
    const next = (await world.containers(db)).find(({ id }) => id !== before)!.id;
    await world.docker(['exec', next, 'touch', '/tmp/open']);
    await world.serviceWhen(db, 'it is restarted', (s) => s.status === 'RUNNING' && s.deployment.status === 'SUCCEEDED');
    await world.eventually('it is reached again', async () => (await inside(app, 'wget', '-q', '-O', '-', 'http://postgres-123:8080/')) === 'hello from waybill');

    for (const [path, code] of [[`resources/${resource_id}`, 'resource.in_use'], [`docker-services/${db}`, 'docker_service.in_use']] as const) {
      const { status, body } = await world.call('DELETE', `/v1/${path}`);
      expect([status, body.code, body.facts.used_by.some(({ id }: Doc) => id === app)]).toEqual([409, code, true]);
    }
    await deleted(world, app);
    expect((await world.call('DELETE', `/v1/resources/${resource_id}`)).status).toBe(204);
    await deleted(world, db);
  }, 150_000);

  it('elsewhere are an address in the hosts file, or a name; their dependants are rolled when they move', async () => {
    const { resource_id } = await make({ name: 'far-db', host: '10.255.0.5', database: 'far' });
    const { resource_id: cache } = await make({ name: 'cache', kind: 'redis', host: 'cache.example.com' });
    const { docker_service_id: app } = await world.createService({ ...FAST, name: 'far', env: { CACHE_PORT: 'mine' }, dependencies: [{ resource_id, wait: 'healthy' }, { resource_id: cache, prefix: 'CACHE' }] });
    await world.running(app, 1);
    const env = () => inside(app, 'sh', '-c', 'env | sort | grep -E "^(DB|CACHE)_"');
    expect(await env()).toBe(['CACHE_HOST=cache.example.com', 'CACHE_PORT=mine', 'CACHE_URL=redis://cache.example.com:6379', 'DB_HOST=far-db', 'DB_NAME=far', 'DB_PORT=5432', 'DB_URL=postgres://far-db:5432/far'].join('\n'));
    expect(await inside(app, 'sh', '-c', 'grep far-db /etc/hosts')).toBe('10.255.0.5\tfar-db');
    await rolled(app, 1);

    expect((await world.call('PATCH', `/v1/resources/${resource_id}`, { host: '10.255.0.6', port: 6543 })).body.version).toBe(2);
    await rolled(app, 2);
    expect(await inside(app, 'sh', '-c', 'grep far-db /etc/hosts; echo $DB_PORT')).toBe('10.255.0.6\tfar-db\n6543');
    await deleted(world, app);
  }, 90_000);

  it('are reached by a service outside of the environment’s network, and by jobs and hooks', async () => {
    const { docker_service_id: web } = await backing('plain-web', ['/bin/sh', '-c', 'httpd -p 8080 -h /www; trap "exit 0" TERM; while :; do sleep 1 & wait $!; done']);
    const { resource_id } = await make({ name: 'site', kind: 'http', docker_service_id: web });
    const uses = { dependencies: [{ resource_id, prefix: 'DB', wait: 'healthy' }] };
    const { docker_service_id: apart } = await world.createService({ ...FAST, name: 'apart', command: TELLS, default_network: false, networks: [{ name: 'side' }], ...uses, deploy: { ...FAST.deploy, pre_deploy: { script: 'wget -q -O /dev/null "$DB_URL"' } } });
    await world.running(apart, 1);
    await world.eventually('it has reached it', async () => (await lines(apart)).includes('hello from waybill'));
    expect((await world.service(apart)).networks.map(({ name }: Doc) => name)).toEqual(['side']);

    const { image, pull_policy } = world.serviceBody() as Doc;
    const { job_id } = await world.post('/v1/jobs', { environment_id: world.environmentId, image, pull_policy, script: 'wget -q -O - "$DB_URL"', ...uses });
    await world.eventually('the job has succeeded', async () => (await world.get(`/v1/jobs/${job_id}`)).status === 'SUCCEEDED', 60_000);
    await deleted(world, apart);
  }, 120_000);

  it('of another project are nobody’s to use', async () => {
    const { project_id } = await world.post('/v1/projects', { name: 'theirs' });
    const [environment] = (await world.get(`/v1/environments?project_id=${project_id}`)).items;
    const { resource_id } = await make({ environment_id: environment.environment_id, name: 'their-db', host: '10.255.0.9' });
    const { status, body } = await world.call('POST', '/v1/docker-services', world.serviceBody({ dependencies: [{ resource_id }] }));
    expect([status, body.code]).toEqual([404, 'resource.not_found']);
  });
});
