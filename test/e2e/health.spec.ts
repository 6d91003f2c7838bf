import { EngineWatch } from './engine-watch.ts';
import { type Doc, World } from './world.ts';

/** Serves a page on port 8080, and a bare port on 8081, until it is told to stop. */
const SERVER = ['/bin/sh', '-c', 'touch /tmp/well; httpd -p 8080 -h /www; httpd -p 8081 -h /tmp; trap "exit 0" TERM; while :; do sleep 1 & wait $!; done'];
const CPU = { resources: { cpu_millis: 500, memory_bytes: 16 << 20 } };
/** Without a monitor window: what turns ill afterwards is nothing to a deployment. */
const SOON = { ...CPU, deploy: { min_healthy_ms: 300, monitor_ms: 0 } };
const QUICKLY = { interval_ms: 300, timeout_ms: 3_000, unhealthy_threshold: 2 };

/** What each kind of probe asks for, and how it is made to fail and to succeed again from inside. */
const KINDS = {
  http: { check: { type: 'http', path: '/index.html', port: 8080 }, spoil: 'mv /www/index.html /www/away', mend: 'mv /www/away /www/index.html', says: 'answered 404' },
  tcp: { check: { type: 'tcp', port: 8081 }, spoil: 'kill $(pidof httpd)', mend: 'httpd -p 8081 -h /tmp', says: 'ECONNREFUSED' },
  command: { check: { type: 'command', command: ['test', '-e', '/tmp/well'] }, spoil: 'rm /tmp/well', mend: 'touch /tmp/well', says: 'exit code 1' },
} as const;

describe('health, asked by the agent on the real engine', () => {
  let world: World;
  let events: EngineWatch;
  beforeAll(async () => {
    world = await World.start();
    events = await EngineWatch.begin(world.engine.host);
  }, 90_000);
  afterAll(async () => {
    events?.stop();
    await world?.stop();
  }, 60_000);

  const replica = async (id: string): Promise<Doc> => (await world.get(`/v1/docker-services/${id}/replicas`)).items[0];
  const replicaWhen = async (id: string, what: string, test: (replica: Doc) => boolean): Promise<Doc> => {
    let last: Doc = null;
    await world.eventually(what, async () => test((last = await replica(id))), 30_000, () => JSON.stringify(last));
    return last;
  };
  const inside = async (id: string, script: string): Promise<void> => {
    await world.docker(['exec', (await world.containers(id))[0]!.id, '/bin/sh', '-c', script]);
  };
  const deployed = (id: string): Promise<Doc> => world.serviceWhen(id, 'it is deployed', (s) => s.status === 'RUNNING' && s.deployment.status === 'SUCCEEDED');
  const gone = async (id: string): Promise<void> => {
    await world.call('DELETE', `/v1/docker-services/${id}`);
    await world.serviceWhen(id, 'it is deleted', (s) => s.lifecycle === 'DELETED');
  };

  it.each(Object.keys(KINDS) as (keyof typeof KINDS)[])('turns by a probe of kind %s, there and back', async (kind) => {
    const { check, spoil, mend, says } = KINDS[kind];
    const { docker_service_id: id } = await world.createService({ name: `turns-${kind}`, command: SERVER, healthcheck: { ...check, ...QUICKLY, on_unhealthy: 'mark' }, ...SOON });
    await deployed(id);
    expect(await replica(id)).toMatchObject({ health: 'healthy', settled: true });
    await inside(id, spoil);
    const ill = await replicaWhen(id, 'it is unhealthy', ({ health }) => health === 'unhealthy');
    expect(ill).toMatchObject({ state: 'RUNNING', reason: { code: 'unhealthy', message: expect.stringContaining(says) } });
    await world.serviceWhen(id, 'its service says so', (s) => s.status !== 'RUNNING' && s.replicas.healthy === 0);
    await inside(id, mend);
    await replicaWhen(id, 'it is healthy again', ({ health }) => health === 'healthy');
    await world.running(id, 1);
    expect(events.count(id, 'start')).toBe(1);
    await gone(id);
  }, 90_000);

  it('restarts what turns unhealthy, within its policy, and says why', async () => {
    const { docker_service_id: id } = await world.createService({ name: 'restarted', command: SERVER, healthcheck: { ...KINDS.http.check, ...QUICKLY }, ...SOON });
    await deployed(id);
    await inside(id, KINDS.http.spoil);
    await world.eventually('it was started again', async () => events.count(id, 'start') === 2);
    await inside(id, KINDS.http.mend);
    await replicaWhen(id, 'it is healthy again', ({ health, run }) => health === 'healthy' && run === 2);
    const seen: Doc[] = (await world.get(`/v1/docker-services/${id}/events?limit=200`)).items.filter((event: Doc) => event.type === 'ReplicaObserved').map((event: Doc) => event.data);
    expect(seen.find(({ state }) => state === 'FAILED')).toMatchObject({ run: 1, final: false, reason: { code: 'unhealthy' } });
    await gone(id);
  }, 90_000);

  it('never says RUNNING of what has not been healthy yet, and gives it up at its deadline with what was wrong', async () => {
    const { docker_service_id: id } = await world.createService({
      ...CPU, name: 'never', command: SERVER, healthcheck: { type: 'http', path: '/nothing-here', port: 8080, ...QUICKLY }, deploy: { min_healthy_ms: 300, healthy_deadline_ms: 8_000, auto_rollback: false },
    });
    const said = new Set<string>();
    await world.serviceWhen(id, 'it has failed', (s) => said.add(s.status) && s.status === 'FAILED');
    expect(said).toEqual(new Set(['PENDING', 'FAILED']));
    const seen: Doc[] = (await world.get(`/v1/docker-services/${id}/events?limit=200`)).items.filter((event: Doc) => event.type === 'ReplicaObserved').map((event: Doc) => event.data);
    expect(seen.filter(({ state }) => state === 'SETTLED')).toEqual([]);
    expect(seen.filter(({ health }) => health === 'healthy')).toEqual([]);
    await gone(id);
  }, 90_000);
});
