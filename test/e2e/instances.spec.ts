import { breaches, openLog, readLog, unfinished } from '../chaos/laws.ts';
import { openRollCall, type RollCall } from '../chaos/roll-call.ts';
import { IMAGE, World, type Answer, type Doc } from './world.ts';

const GATEWAYS = ['api-gateway', 'api-gateway-2'] as const;

/** Two processes of every app that may have two, on one log and one file of views. */
describe('two instances of everything', () => {
  let world: World;
  let rollCall: RollCall;

  beforeAll(async () => {
    world = await World.start({ instances: { 'api-gateway': 2, scheduler: 2, 'health-monitor': 2, 'job-runner': 2 } });
    rollCall = await openRollCall(world.engine.hostAddress);
  }, 120_000);
  afterAll(async () => {
    await rollCall?.close();
    await world?.stop();
  }, 60_000);

  /** The same request to both gateways at once, `times` each. */
  const toBoth = (method: string, path: string, body: (index: number) => unknown, headers: Record<string, string> = {}, times = 1): Promise<Answer[]> =>
    Promise.all(Array.from({ length: 2 * times }, (_, index) => world.call(method, path, body(index), headers, GATEWAYS[index % 2])));

  const eventsOf = async (id: string, type: string): Promise<Doc[]> => {
    const store = await openLog(world.home, world.stores.env.EVENT_STORE_URL);
    try {
      return (await readLog(store)).filter((event) => event.type === type && event.stream.endsWith(id));
    } finally {
      await store.close();
    }
  };

  it('make one service of one Idempotency-Key that both are sent', async () => {
    const answers = await toBoth('POST', '/v1/docker-services', () => world.serviceBody({ name: 'once' }), { 'idempotency-key': 'both' }, 5);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
    const [id, ...others] = new Set(answers.map(({ body }) => body.docker_service_id));
    expect(others).toEqual([]);
    await world.running(id, 1);
    expect(await world.containers(id)).toHaveLength(1);
  }, 60_000);

  it('give a name once, whichever is asked', async () => {
    const answers = await toBoth('POST', '/v1/docker-services', () => world.serviceBody({ name: 'wanted', replicas: 0 }), {}, 3);
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 409, 409, 409, 409, 409]);
  }, 30_000);

  it('let one of two changes at one revision win', async () => {
    const { docker_service_id: id } = await world.createService({ name: 'contested', replicas: 0 });
    await world.serviceWhen(id, 'its deployment has ended', (service) => service.deployment?.status === 'SUCCEEDED');
    const etag = (await world.call('GET', `/v1/docker-services/${id}`)).headers.get('etag')!;
    const answers = await toBoth('POST', `/v1/docker-services/${id}/scale`, (index) => ({ replicas: index + 1 }), { 'if-match': etag });
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 412]);
    const winner = answers.findIndex(({ status }) => status === 202) + 1;
    for (const gateway of GATEWAYS) {
      const position = answers[winner - 1]!.headers.get('waybill-position');
      expect((await world.call('GET', `/v1/docker-services/${id}?min_position=${position}`, undefined, {}, gateway)).body.replicas.desired).toBe(winner);
    }
  }, 30_000);

  it('scale up and down through both at once to what was said last, slot by slot', async () => {
    const services: string[] = [];
    for (const name of ['a', 'b', 'c']) services.push((await world.createService({ name: `scaled-${name}` })).docker_service_id);
    for (const numbers of [[4, 2], [1, 5], [3, 0], [2, 4]]) {
      const answers = await Promise.all(services.map((id) => toBoth('POST', `/v1/docker-services/${id}/scale`, (index) => ({ replicas: numbers[index] }))));
      expect(answers.flat().map(({ status }) => status)).toEqual([202, 202, 202, 202, 202, 202]);
    }
    for (const id of services) {
      const last = (await eventsOf(id, 'DockerServiceScaled')).at(-1)!.data.to;
      await world.running(id, last);
      await world.eventually('what is too much is gone', async () => (await world.containers(id)).length === last);
      const slots = (await world.docker(['ps', '--filter', `label=waybill.owner_id=${id}`, '--format', '{{.Label "waybill.slot"}}'])).split('\n').map(Number).sort();
      expect(slots).toEqual(Array.from({ length: last }, (_, index) => index + 1));
    }
  }, 120_000);

  it('run every job once', async () => {
    const keys = Array.from({ length: 6 }, (_, index) => `job-${index}`);
    const jobs = await Promise.all(
      keys.map(async (key, index) => {
        const body = { environment_id: world.environmentId, image: IMAGE, pull_policy: 'never', command: rollCall.command(key, 500, index % 2), resources: { cpu_millis: 20, memory_bytes: 16 << 20 } };
        const answers = await toBoth('POST', '/v1/jobs', () => body, { 'idempotency-key': key });
        expect(answers.map(({ status }) => status)).toEqual([202, 202]);
        expect(answers[0]!.body.job_id).toBe(answers[1]!.body.job_id);
        return answers[0]!.body.job_id as string;
      }),
    );
    for (const [index, id] of jobs.entries()) {
      await world.eventually('it has ended', async () => (await world.get(`/v1/jobs/${id}`)).status === (index % 2 ? 'FAILED' : 'SUCCEEDED'));
      expect(await eventsOf(id, 'JobAttemptStarted')).toHaveLength(1);
    }
    expect(Object.fromEntries(rollCall.calls)).toEqual(Object.fromEntries(keys.flatMap((key) => [[`began ${key}`, 1], [`ended ${key}`, 1]])));
  }, 90_000);

  it('delete once what both are told to delete, and give its name again', async () => {
    const services: Doc[] = (await world.get('/v1/docker-services?limit=100')).items;
    expect(services.length).toBeGreaterThanOrEqual(6);
    await Promise.all(
      services.map(async ({ docker_service_id: id }) => {
        const answers = await toBoth('DELETE', `/v1/docker-services/${id}`, () => undefined);
        for (const { status } of answers) expect([202, 204, 404, 409]).toContain(status);
        await world.serviceWhen(id, 'it is deleted', ({ lifecycle }) => lifecycle === 'DELETED');
        expect(await eventsOf(id, 'DockerServiceDeletionRequested')).toHaveLength(1);
      }),
    );
    await world.eventually('no container is left', async () => (await world.containers()).length === 0);
    await world.eventually('the name is free', async () => (await world.call('POST', '/v1/docker-services', world.serviceBody({ name: 'once', replicas: 0 }))).status === 202);
  }, 90_000);

  it('have done nothing twice, by the log', async () => {
    const store = await openLog(world.home, world.stores.env.EVENT_STORE_URL);
    try {
      let log = await readLog(store);
      await world.eventually('all has ended', async () => unfinished((log = await readLog(store))).length === 0);
      expect(log.length).toBeGreaterThan(100);
      expect(breaches(log, [])).toEqual([]);
    } finally {
      await store.close();
    }
  }, 60_000);
});
