import { EngineWatch } from './engine-watch.ts';
import { type Doc, SLEEP, World } from './world.ts';

const ENDS = {
  crashing: ['/bin/sh', '-c', 'sleep 0.3; exit 3'],
  'ending well': ['/bin/sh', '-c', 'sleep 0.3; exit 0'],
  'running out of memory': ['/bin/sh', '-c', 'sleep 0.3; head -c 200m /dev/zero | tail'],
} as const;
type End = keyof typeof ENDS;

/** Starts that the engine has to tell of, with two retries: the first one and what the policy allows. */
const STARTS: Readonly<Record<string, Readonly<Record<End, number>>>> = {
  always: { crashing: 3, 'ending well': 3, 'running out of memory': 3 },
  'unless-stopped': { crashing: 3, 'ending well': 3, 'running out of memory': 3 },
  'on-failure': { crashing: 3, 'ending well': 1, 'running out of memory': 3 },
  no: { crashing: 1, 'ending well': 1, 'running out of memory': 1 },
};

const CPU = { resources: { cpu_millis: 300, memory_bytes: 16 << 20 } };
/** None of them stays up for that long: no deployment takes a start for a success, and then its end for a failure of its own. */
const NEVER_SETTLES = { ...CPU, deploy: { min_healthy_ms: 120_000, monitor_ms: 0 } };
const SETTLES = { ...CPU, deploy: { min_healthy_ms: 300, monitor_ms: 0 } };

describe('restart policies, counted by the engine', () => {
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

  /** The observations of a service's replicas, as they stand in the log. */
  const observations = async (id: string): Promise<Doc[]> => {
    const found: Doc[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: Doc = await world.get(`/v1/docker-services/${id}/events?limit=200${cursor ? `&cursor=${cursor}` : ''}`);
      found.push(...page.items.filter((event: Doc) => event.type === 'ReplicaObserved').map((event: Doc) => event.data));
      cursor = page.items.length === 200 ? page.next_cursor : null;
    }
    return found;
  };
  const finalWord = async (id: string): Promise<Doc> => {
    let last: Doc;
    await world.eventually('its replica has ended for good', async () => (last = (await observations(id)).find(({ final, state }) => final && state !== 'GONE')) !== undefined, 60_000);
    return last;
  };

  describe.each(Object.keys(STARTS))('%s', (name) => {
    it.each(Object.keys(ENDS) as End[])('a container %s', async (end) => {
      const policy = name === 'no' ? { name } : { name, max_retries: 2, delay_ms: 100 };
      const { docker_service_id: id } = await world.createService({ name: `${name}-${end.replaceAll(' ', '-')}`, command: ENDS[end], restart_policy: policy, ...NEVER_SETTLES });
      const last = await finalWord(id);
      const starts = STARTS[name]![end];
      const isCompleted = starts === 1 && end === 'ending well';
      expect(last).toMatchObject({ state: isCompleted ? 'COMPLETED' : 'FAILED', run: starts, oom_killed: end === 'running out of memory' });
      const cause = { crashing: 'exit code 3', 'ending well': 'exit code 0', 'running out of memory': 'more memory than its limit' }[end];
      expect(last.reason.message).toContain(cause);
      expect(last.reason.code).toBe(starts === 3 ? 'retries_spent' : end === 'running out of memory' ? 'oom_killed' : 'exited');
      expect(events.count(id, 'start')).toBe(starts);
      expect(events.count(id, 'die')).toBe(starts);
      // It stays so: what would come next comes within its delay.
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      expect(events.count(id, 'start')).toBe(starts);
      expect((await observations(id)).filter(({ state }) => state === 'STARTING').map(({ run }) => run)).toEqual(Array.from({ length: starts }, (_, i) => i + 1));
      await world.call('DELETE', `/v1/docker-services/${id}`);
    }, 90_000);
  });

  it('a container that somebody stops stays stopped under "unless-stopped", and is started again under "always"', async () => {
    const [kept, again] = await Promise.all(
      ['unless-stopped', 'always'].map((name) => world.createService({ name: `by-hand-${name}`, command: SLEEP, restart_policy: { name }, ...SETTLES }).then(({ docker_service_id: id }) => id as string)),
    );
    for (const id of [kept!, again!]) {
      await world.serviceWhen(id, 'it is deployed', (s) => s.status === 'RUNNING' && s.deployment.status === 'SUCCEEDED');
      await world.docker(['stop', (await world.containers(id))[0]!.id]);
    }
    expect(await finalWord(kept!)).toMatchObject({ state: 'STOPPED', reason: { code: 'stopped_by_hand' } });
    await world.eventually('the other one runs again', async () => events.count(again!, 'start') === 2 && (await world.service(again!)).status === 'RUNNING');
    expect(events.count(kept!, 'start')).toBe(1);
    expect((await world.containers(kept!)).filter(({ state }) => state === 'running')).toEqual([]);
    for (const id of [kept!, again!]) await world.call('DELETE', `/v1/docker-services/${id}`);
  }, 90_000);

  it('a crash loop is told ten times, then summed up, and the log grows no more', async () => {
    const { docker_service_id: id } = await world.createService({ name: 'loop', command: ['/bin/sh', '-c', 'exit 7'], restart_policy: { name: 'always', delay_ms: 10 }, ...NEVER_SETTLES });
    await world.eventually('it was started forty times', async () => events.count(id, 'start') >= 40, 90_000);
    const seen = await observations(id);
    expect(seen.filter(({ state }) => state === 'STARTING')).toHaveLength(11);
    const [summary, ...more] = seen.filter(({ restarts }) => restarts);
    expect(summary).toMatchObject({ state: 'FAILED', final: false, exit_code: 7, restarts: { count: 1, causes: { exited: 1 } } });
    expect(more).toEqual([]);
    expect(seen.length).toBeLessThan(40);
    expect((await world.service(id)).status).not.toBe('RUNNING');
    await world.call('DELETE', `/v1/docker-services/${id}`);
    await world.serviceWhen(id, 'it is deleted', (s) => s.lifecycle === 'DELETED');
    const last = (await observations(id)).at(-1);
    expect(last.state).toBe('GONE');
  }, 120_000);
});
