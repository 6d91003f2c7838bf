import { subjects } from '#contracts';
import { ALWAYS, DEFAULT_HEALTHCHECK, type Healthcheck, type RestartPolicy } from '#domain';
import { entry, NodeUnderTest } from './under-test.ts';

const SECOND = 1_000;
/** Its check's answer by how long it has run. */
const answering = (isWell: (runningMs: number, start: number) => boolean | null) => ({
  run: (start: number) => ({ exec: (_command: readonly string[], ms: number) => ({ true: 0, false: 1, null: null })[String(isWell(ms, start)) as 'true'] }),
});
const IMAGES = {
  well: answering(() => true),
  'well after 20 s': answering((ms) => ms > 20 * SECOND),
  'well for 30 s': answering((ms) => ms < 30 * SECOND),
  'well for 30 s once': answering((ms, start) => start > 1 || ms < 30 * SECOND),
  'well in its first run only': answering((ms, start) => start === 1 && ms < 30 * SECOND),
  never: answering(() => false),
  wavers: answering((ms) => Math.floor(ms / (40 * SECOND)) % 2 === 0),
  hangs: answering((ms) => (ms < 25 * SECOND ? true : null)),
};
const check = (change: Partial<Healthcheck> = {}): Healthcheck => ({ probe: { type: 'command', command: ['check'] }, ...DEFAULT_HEALTHCHECK, ...change });
const replica = (image: string, change: Partial<Healthcheck> = {}, restartPolicy: RestartPolicy = ALWAYS) =>
  entry('rep_a', image, { of: { healthcheck: check(change), restartPolicy }, minHealthyMs: 10 * SECOND, healthyDeadlineMs: 60 * SECOND });

async function running(image: string, change?: Partial<Healthcheck>, policy?: RestartPolicy): Promise<NodeUnderTest> {
  const node = await new NodeUnderTest(IMAGES).start();
  await node.apply(replica(image, change, policy));
  return node;
}

describe('a replica with a check', () => {
  it('settles when it has been well for long enough', async () => {
    const node = await running('well after 20 s');
    await node.clock.advance(40 * SECOND);
    expect(node.told('rep_a')).toEqual(['1 PREPARING', '1 STARTING', '1 RUNNING starting', '1 RUNNING healthy', '1 SETTLED healthy']);
    const [, began, , well, settled] = node.said.map(({ at }) => at);
    expect(well! - began!).toBeGreaterThanOrEqual(20 * SECOND);
    expect(well! - began!).toBeLessThanOrEqual(21.1 * SECOND);
    expect(settled! - well!).toBeGreaterThanOrEqual(10 * SECOND);
    await node.stop();
  });

  it('that never gets well is stopped for good when its time is over, with what was wrong', async () => {
    const node = await running('never');
    await node.clock.advance(300 * SECOND);
    expect(node.told('rep_a').slice(-2)).toEqual(['1 RUNNING starting', '1 FAILED final healthy_deadline']);
    expect(node.said.at(-1)!.seen.reason!.message).toBe("it hasn't been healthy for 10 s within 60 s of its first start: the command ended with exit code 1");
    await node.stop();
  });

  it.each([
    ['was stopped by somebody just before it was to be stopped for that stays stopped', true, '1 STOPPED final stopped_by_hand'],
    ['had crashed just before it was to be stopped for that has crashed', false, '2 SETTLED healthy'],
  ] as const)('that is ill, and %s', async (_, byHand, last) => {
    const node = await running('well for 30 s once', { onUnhealthy: 'restart' }, { ...ALWAYS, name: 'unless-stopped' });
    const stop = node.runtime.stopContainer.bind(node.runtime);
    node.runtime.stopContainer = async (id, graceMs) => {
      node.runtime.stopContainer = stop;
      if (byHand) await node.runtime.stopOutside('wb-mine-rep_a');
      else node.runtime.kill('wb-mine-rep_a', { exitCode: 3 });
      return stop(id, graceMs);
    };
    await node.clock.advance(200 * SECOND);
    expect(node.told('rep_a').at(-1)).toBe(last);
    expect(node.told('rep_a').some((word) => word.startsWith('1 FAILED'))).toBe(!byHand);
    if (!byHand) expect(node.said.find(({ seen }) => seen.state === 'FAILED')!.seen).toMatchObject({ exitCode: 3, reason: { code: 'exited' } });
    await node.stop();
  });

  it('that isn’t well says what its last probe found, to whom asks for a report before judging it', async () => {
    const node = await running('well after 20 s');
    const ask = async () => {
      const asked = node.monitor.request(subjects.reportNow(node.agent.identity.nodeId), {}, 25_000);
      await node.clock.advance(10);
      return asked;
    };
    await node.clock.advance(10 * SECOND);
    expect(await ask()).toEqual({ taken: true, probes: [{ replicaId: 'rep_a', run: 1, detail: 'the command ended with exit code 1' }] });
    expect(node.told('rep_a').at(-1)).toBe('1 RUNNING starting');
    await node.clock.advance(20 * SECOND);
    expect(await ask()).toEqual({ taken: true });
    await node.stop();
  });

  it('that falls ill is restarted within its policy', async () => {
    const node = await running('well for 30 s once', { intervalMs: 2 * SECOND });
    await node.clock.advance(100 * SECOND);
    expect(node.told('rep_a').slice(3)).toEqual([
      '1 RUNNING healthy', '1 SETTLED healthy', '1 SETTLED unhealthy unhealthy', '1 FAILED unhealthy', '2 STARTING', '2 RUNNING starting', '2 RUNNING healthy', '2 SETTLED healthy',
    ]);
    expect(node.said.find(({ seen }) => seen.health === 'unhealthy')!.seen).toMatchObject({ healthChange: 2, reason: { message: 'its check has failed 3 times in a row, at last: the command ended with exit code 1' } });
    await node.stop();
  });

  it('that falls ill is only marked where that was asked for, and marked well again', async () => {
    const node = await running('wavers', { intervalMs: 5 * SECOND, onUnhealthy: 'mark' });
    await node.clock.advance(150 * SECOND);
    expect(node.told('rep_a').slice(4)).toEqual(['1 SETTLED healthy', '1 SETTLED unhealthy unhealthy', '1 SETTLED healthy', '1 SETTLED unhealthy unhealthy']);
    expect(node.started('rep_a')).toBe(1);
    await node.stop();
  });

  it('that falls ill again and again uses up its retries, and one that isn’t to be restarted fails at once', async () => {
    const ill = await running('well for 30 s', { intervalMs: 2 * SECOND }, { ...ALWAYS, maxRetries: 2 });
    const once = await running('well for 30 s', { intervalMs: 2 * SECOND }, { ...ALWAYS, name: 'no' });
    for (const node of [ill, once]) await node.clock.advance(400 * SECOND);
    expect(ill.told('rep_a').at(-1)).toBe('3 FAILED final retries_spent');
    expect(once.told('rep_a').at(-1)).toBe('1 FAILED final unhealthy');
    for (const node of [ill, once]) await node.stop();
  });

  it('that doesn’t get well again after a restart is restarted when its time is over', async () => {
    const node = await running('well in its first run only', { intervalMs: 2 * SECOND });
    await node.clock.advance(200 * SECOND);
    expect(node.told('rep_a').filter((word) => word.includes('FAILED'))).toEqual(['1 FAILED unhealthy', '2 FAILED healthy_deadline', '3 FAILED healthy_deadline']);
    await node.stop();
  });

  it('whose check doesn’t answer falls ill, and is asked once at a time', async () => {
    const node = await running('hangs', { intervalMs: 5 * SECOND, onUnhealthy: 'mark' });
    await node.clock.advance(60 * SECOND);
    expect(node.told('rep_a').at(-1)).toBe('1 SETTLED unhealthy unhealthy');
    expect(node.said.at(-1)!.seen.reason!.message).toBe('its check has failed 3 times in a row, at last: the command of an earlier probe still runs');
    await node.stop();
  });

  it('is well still after a restart of the agent, and settled still; nothing is said twice', async () => {
    const node = await running('well', { intervalMs: 2 * SECOND });
    await node.clock.advance(20 * SECOND);
    const told = node.told('rep_a');
    expect(told.at(-1)).toBe('1 SETTLED healthy');
    await node.restart();
    await node.clock.advance(60 * SECOND);
    expect(node.told('rep_a')).toEqual(told);
    await node.stop();
  });

  it('is neither well nor ill while its engine is away', async () => {
    const node = await running('well', { intervalMs: 2 * SECOND });
    await node.clock.advance(20 * SECOND);
    node.runtime.goDown();
    await node.clock.advance(120 * SECOND);
    node.runtime.comeUp();
    await node.clock.advance(60 * SECOND);
    expect(node.told('rep_a').at(-1)).toBe('1 SETTLED healthy');
    await node.stop();
  });

  it('that wavers for hours says so ten times in ten minutes, then once a minute', async () => {
    const node = await running('wavers', { intervalMs: SECOND, unhealthyThreshold: 1, onUnhealthy: 'mark' });
    await node.clock.advance(2 * 3_600 * SECOND);
    const changes = node.said.filter(({ seen }) => seen.state === 'SETTLED').map(({ at }) => at);
    expect(changes.length).toBeLessThanOrEqual(10 + 120);
    const healths = node.said.map(({ seen }) => seen.healthChange ?? 0);
    expect(healths).toEqual(healths.toSorted((a, b) => a - b));
    await node.stop();
  });
});
