import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../deploy/processes.ts';
import { Canary } from './canary.ts';
import { deleted } from './deploying.ts';
import { importPostgres, POSTGRES } from './postgres-image.ts';
import { type Doc, QUICK, World } from './world.ts';

const FAST = { ...QUICK, monitor_ms: 0 };
const SIZE = { cpu_millis: 500, memory_bytes: 256 << 20 };
/** Counts itself in, says how many there were, and stays. */
const COUNTS = `psql "$DB_URL" -q -v ON_ERROR_STOP=1 -c "create table if not exists visits (at timestamptz default now())" -c "insert into visits default values" \
&& echo "visits $(psql "$DB_URL" -At -c "select count(*) from visits")"; trap "exit 0" TERM; while :; do sleep 1 & wait $!; done`;

describe('a real PostgreSQL and a real Redis', () => {
  let world: World;
  let redis: ChildProcess;
  let redisHome: string;
  let redisPort: number;
  let password: string;
  const canary = new Canary();
  beforeAll(async () => {
    world = await World.start();
    await importPostgres(world.engine.host);
    const [project] = (await world.get('/v1/projects')).items;
    password = (await world.post('/v1/secrets', { project_id: project.project_id, name: 'pg-password', value: canary.value })).secret_id;
    redisHome = await mkdtemp(join(tmpdir(), 'waybill-redis-'));
    redisPort = await freePort();
    redis = spawn('redis-server', ['--bind', world.engine.hostAddress, '--port', String(redisPort), '--requirepass', canary.value, '--dir', redisHome, '--save', ''], { stdio: 'ignore' });
  }, 240_000);
  afterAll(async () => {
    redis?.kill('SIGKILL');
    await world?.stop();
    await rm(redisHome, { recursive: true, force: true });
  }, 60_000);

  const service = async (over: Record<string, unknown>): Promise<string> => {
    const { docker_service_id } = await world.createService({ image: POSTGRES, command: undefined, resources: SIZE, deploy: FAST, ...over });
    return docker_service_id;
  };
  const database = (name: string) => service({
    name, ports: [{ container_port: 5432 }], secrets: { POSTGRES_PASSWORD: { secret_id: password, as: 'file' } }, volumes: [{ name: 'pg-data', mount_path: '/data', type: 'persistent' }],
    healthcheck: { type: 'command', command: ['pg_isready', '-q', '-h', '127.0.0.1', '-U', 'app'], interval_ms: 1_000, timeout_ms: 5_000 }, deploy: { ...FAST, strategy: 'recreate' },
  });
  const stands = (id: string) => world.serviceWhen(id, 'it stands', (s) => s.status === 'RUNNING' && s.deployment.status === 'SUCCEEDED', 120_000);
  const lines = async (id: string): Promise<string[]> => (await world.get(`/v1/docker-services/${id}/logs?tail=100`)).items.map(({ line }: Doc) => line);
  const said = async (id: string, line: string): Promise<void> => {
    let last: Doc = null;
    const look = async (): Promise<boolean> => (last = [(await world.service(id)).status_reason?.message, ...(await lines(id))]).includes(line);
    await world.eventually(`it says ${line}`, look, 90_000, () => JSON.stringify(last));
  };
  /** A visit by a service that comes, waits, writes and goes. */
  const visit = async (name: string, resource_id: string, count: number): Promise<void> => {
    const id = await service({ name, command: ['/bin/sh', '-c', COUNTS], dependencies: [{ resource_id, wait: 'healthy' }] });
    await said(id, `visits ${count}`);
    await deleted(world, id);
  };

  it('keeps what a dependant wrote: over a deployment, a pause, the death of the agent, and the service itself', async () => {
    const first = await database('pg');
    const { resource_id } = await world.post('/v1/resources', { environment_id: world.environmentId, name: 'main-db', hostname: 'postgres-123', kind: 'postgres', docker_service_id: first, user: 'app', database: 'postgres', password: { secret_id: password } });
    await visit('visitor', resource_id, 1);

    await world.post(`/v1/docker-services/${first}/restart`);
    await world.serviceWhen(first, 'it is restarted', ({ deployment, status }) => deployment.status === 'SUCCEEDED' && status === 'RUNNING', 120_000);
    await visit('after-restart', resource_id, 2);

    await world.post(`/v1/docker-services/${first}/pause`);
    await world.serviceWhen(first, 'it is paused', ({ lifecycle, replicas }) => lifecycle === 'PAUSED' && replicas.running === 0);
    await world.post(`/v1/docker-services/${first}/resume`);
    await world.running(first, 1, 120_000);
    await visit('after-pause', resource_id, 3);

    world.installation.part('node-agent').signal('SIGKILL');
    await visit('after-the-agent', resource_id, 4);

    // Another service on the same volume; the resource moves to it.
    const second = async (): Promise<string> => {
      await world.call('PATCH', `/v1/resources/${resource_id}`, { host: '10.255.0.5' });
      const { status } = await world.call('DELETE', `/v1/docker-services/${first}?volumes=keep`);
      expect(status).toBe(202);
      await world.serviceWhen(first, 'it is gone', ({ lifecycle }) => lifecycle === 'DELETED');
      return database('pg-again');
    };
    const next = await second();
    expect((await world.call('PATCH', `/v1/resources/${resource_id}`, { docker_service_id: next })).body).toMatchObject({ host: null, docker_service_id: next });
    await visit('after-all', resource_id, 5);
    await stands(next);
    expect(await canary.inFiles(world.home)).toEqual([]);
  }, 600_000);

  it('is reached elsewhere, on the host’s own address', async () => {
    const { resource_id } = await world.post('/v1/resources', { environment_id: world.environmentId, name: 'cache', kind: 'redis', host: world.engine.hostAddress, port: redisPort, password: { secret_id: password } });
    // Redis speaks lines: nothing but busybox is needed.
    const command = ['/bin/sh', '-c', 'printf "AUTH %s\\r\\nSET greeting hello\\r\\nGET greeting\\r\\nQUIT\\r\\n" "$REDIS_PASS" | nc "$REDIS_HOST" "$REDIS_PORT"; trap "exit 0" TERM; while :; do sleep 1 & wait $!; done'];
    const id = await world.createService({ name: 'caches', command, deploy: FAST, dependencies: [{ resource_id }] });
    await said(id.docker_service_id, 'hello');
    expect((await world.get(`/v1/docker-services/${id.docker_service_id}/env`)).items.map(({ name, value }: Doc) => `${name}=${value}`)).toEqual(['REDIS_HOST=cache', `REDIS_PASS=null`, `REDIS_PORT=${redisPort}`, 'REDIS_URL=null']);
    await deleted(world, id.docker_service_id);
  }, 90_000);
});
