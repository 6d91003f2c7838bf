import { execFile } from 'node:child_process';
import { type Doc, SLEEP, World } from './world.ts';

/** What the real Prometheus has to say of a text; empty: nothing. */
function promtool(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile('promtool', ['check', 'metrics'], (error, stdout, stderr) => {
      if (error && (error as NodeJS.ErrnoException).code === 'ENOENT') reject(new Error('promtool is missing: install Debian’s package prometheus'));
      else resolve(`${stdout}${stderr}${error && !stdout && !stderr ? String(error) : ''}`);
    });
    child.stdin!.end(text);
  });
}

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const samplesIn = (text: string): Sample[] =>
  text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).map((line) => {
    const [, name, labels = '', value] = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line)!;
    return { name: name!, labels: Object.fromEntries([...labels.matchAll(/([a-z_]+)="([^"]*)"/g)].map(([, key, text]) => [key!, text!])), value: Number(value) };
  });

describe('figures', () => {
  let world: World;
  beforeAll(async () => (world = await World.start()), 90_000);
  afterAll(() => world?.stop(), 60_000);

  const scrape = async (token = world.installation.token) => {
    const { status, headers, text } = await world.sent('GET', '/metrics', { headers: token ? { authorization: `Bearer ${token}` } : {} });
    return { status, type: headers.get('content-type'), text };
  };
  const containerSamples = (text: string, service: string) => samplesIn(text).filter(({ name, labels }) => name.startsWith('container_') && labels['docker_service'] === service);

  it('of a busy loop are near its limit, by replica and as Prometheus text that its own tool finds nothing wrong with', async () => {
    const busy = await world.createService({ name: 'busy', command: ['/bin/sh', '-c', 'while :; do :; done'], resources: { cpu_millis: 500, memory_bytes: 16 << 20 } });
    const idle = await world.createService({ name: 'idle', metrics_target: { type: 'none' } });
    const shown = await world.service(idle.docker_service_id);
    expect(shown).toMatchObject({ metrics_target: { type: 'none' }, logging_target: { type: 'local_only' } });
    await Promise.all([world.running(busy.docker_service_id, 1), world.running(idle.docker_service_id, 1)]);
    let [one]: Doc[] = [];
    const sampled = async (id: string) => ([one] = (await world.get(`/v1/docker-services/${id}/metrics`)).replicas);
    // The kernel gives the limit out in slices of 100 ms: over a short first while it may look like a little more.
    await world.eventually('the loop is near its limit', async () => (await sampled(busy.docker_service_id)) && one.cpu_millis > 250 && one.cpu_millis < 600, 60_000, () => JSON.stringify(one));
    expect(one).toMatchObject({ restarts: 0, oom_kills: 0 });
    expect(one.memory_bytes).toBeGreaterThan(10_000);
    expect(Date.now() - Date.parse(one.sampled_at)).toBeLessThan(25_000);
    await world.eventually('the other is sampled, too', async () => (await sampled(idle.docker_service_id)) && one.cpu_millis !== null);
    expect(one.cpu_millis).toBeLessThan(100);

    const { status, type, text } = await scrape();
    expect([status, type]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
    expect(await promtool(text)).toBe('');
    expect(containerSamples(text, 'busy').find(({ name }) => name === 'container_cpu_usage_seconds_total')).toMatchObject({
      labels: { project: 'default', environment: 'default', docker_service: 'busy', replica: expect.stringMatching(/^rep_/), node: 'host-1', slot: '1' },
      value: expect.any(Number),
    });
    expect(containerSamples(text, 'idle')).toEqual([]);
    const names = new Set(samplesIn(text).map(({ name }) => name));
    for (const name of ['container_memory_usage_bytes', 'waybill_deployments_total', 'waybill_projection_lag_seconds', 'waybill_node_heartbeat_age_seconds']) expect(names).toContain(name);
    await world.eventually('processes told how long they reconcile', async () => samplesIn((await scrape()).text).some(({ name, labels }) => name === 'waybill_reconcile_duration_seconds_count' && labels['queue'] === 'services'));
  }, 120_000);

  it('of the platform count how deployments ended, and which replicas wait for what', async () => {
    const failing = await world.createService({ name: 'failing', image: 'waybill-test/absent:1' });
    await world.serviceWhen(failing.docker_service_id, 'it has failed', (s) => s.status === 'FAILED');
    const constrained = { constraints: ['node.labels.zone==nowhere'] };
    const refused = await world.call('POST', '/v1/docker-services', world.serviceBody({ name: 'nowhere', ...constrained }));
    expect(refused.body.code).toBe('placement.constraint');
    const count = async (name: string, label: string, value: string) => samplesIn((await scrape()).text).find((s) => s.name === name && s.labels[label] === value)?.value ?? 0;
    await world.eventually('it is counted', async () => (await count('waybill_deployments_total', 'result', 'FAILED')) === 1);
    expect(await count('waybill_node_up', 'node', 'host-1')).toBe(1);
    expect(await promtool((await scrape()).text)).toBe('');
  }, 60_000);

  it('are for whoever brings an operator’s token', async () => {
    expect((await scrape('')).status).toBe(401);
    expect((await scrape('wbt_wrong')).status).toBe(401);
  });

  it('are not stored as wanted where they can’t be brought', async () => {
    for (const [field, type] of [['logging_target', 'loki'], ['logging_target', 'syslog'], ['metrics_target', 'remote_write']] as const) {
      const answer = await world.call('POST', '/v1/docker-services', world.serviceBody({ name: 'far', command: SLEEP, [field]: { type, url: 'https://logs.example.com' } }));
      expect(answer).toMatchObject({ status: 422, body: { code: 'request.invalid', errors: [{ pointer: `/${field}/type`, code: 'unsupported', detail: expect.stringContaining(type) }] } });
    }
    expect((await world.get('/v1/docker-services?name=far')).items).toEqual([]);
  });

  it('say whose node does not answer', async () => {
    const { docker_service_id: id } = await world.createService({ name: 'unheard' });
    await world.running(id, 1);
    world.installation.part('node-agent').signal('SIGSTOP');
    const metrics = await world.get(`/v1/docker-services/${id}/metrics`);
    world.installation.part('node-agent').signal('SIGCONT');
    expect(metrics).toMatchObject({ replicas: [{ cpu_millis: null, sampled_at: null }], missing: [{ replica_id: metrics.replicas[0].replica_id }] });
  }, 60_000);
});
