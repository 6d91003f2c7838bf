import fc from 'fast-check';
import { ALWAYS, NO_RESTART, type RestartPolicy } from '#domain';
import { entry, NodeUnderTest } from './under-test.ts';

const IMAGES = {
  'crashes fast': { run: () => ({ exitAfterMs: 10, exitCode: 3 }) },
  'runs out of memory': { run: (start: number) => ({ exitAfterMs: 10, exitCode: 137, oomKilled: start % 2 === 0 }) },
  'ends well': { run: () => ({ exitAfterMs: 1_000, exitCode: 0 }) },
  'settles at last': { run: (start: number) => (start < 100 ? { exitAfterMs: 10, exitCode: 3 } : {}) },
};
const policy = (change: Partial<RestartPolicy>): RestartPolicy => ({ ...ALWAYS, ...change });
const replica = (image: string, change: Partial<RestartPolicy> = {}) => entry('rep_a', image, { of: { restartPolicy: policy(change) }, healthyDeadlineMs: null });
const starts = (node: NodeUnderTest): number => node.started('rep_a');

describe('a replica whose container ends', () => {
  it.each<[RestartPolicy['name'], string, string, number]>([
    ['on-failure', 'ends well', '1 COMPLETED final exited', 1],
    ['no', 'ends well', '1 COMPLETED final exited', 1],
    ['no', 'crashes fast', '1 FAILED final exited', 1],
    ['no', 'runs out of memory', '1 FAILED final exited', 1],
  ])('under "%s" that %s is %s', async (name, image, last, times) => {
    const node = await new NodeUnderTest(IMAGES).start();
    await node.apply(replica(image, { name }));
    await node.clock.advance(300_000);
    expect(node.told('rep_a').at(-1)).toBe(last);
    expect(starts(node)).toBe(times);
    await node.stop();
  });

  it.each<[RestartPolicy['name'], string]>([['always', 'ends well'], ['unless-stopped', 'ends well'], ['unless-stopped', 'crashes fast'], ['on-failure', 'crashes fast'], ['on-failure', 'runs out of memory']])(
    'under "%s" that %s is started again and again',
    async (name, image) => {
      const node = await new NodeUnderTest(IMAGES).start();
      await node.apply(replica(image, { name }));
      await node.clock.advance(300_000);
      expect(starts(node)).toBeGreaterThan(8);
      expect(node.said.some(({ seen }) => seen.final)).toBe(false);
      await node.stop();
    },
  );

  it('has so many retries, over a restart of the agent too, and says how often and why when they are spent', async () => {
    const node = await new NodeUnderTest(IMAGES).start();
    await node.apply(replica('crashes fast', { name: 'on-failure', maxRetries: 5, delayMs: 3_000, backoff: 'constant' }));
    await node.clock.advance(7_000);
    expect(starts(node)).toBe(3);
    await node.restart();
    await node.clock.advance(3_600_000);
    expect(starts(node)).toBe(6);
    expect(node.told('rep_a').at(-1)).toBe('6 FAILED final retries_spent');
    expect(node.said.at(-1)!.seen).toMatchObject({ exitCode: 3, reason: { message: 'it was restarted 5 times within 615 s, all that its restart policy allows, and ended again: it ended with exit code 3' } });
    await node.stop();
  });

  it('waits as long as it is told to, before the first restart too, also while the agent is away', async () => {
    const node = await new NodeUnderTest(IMAGES).start();
    await node.apply(replica('crashes fast', { delayMs: 120_000, backoff: 'constant' }));
    await node.clock.advance(60_000);
    await node.restart();
    await node.clock.advance(59_000);
    expect(starts(node)).toBe(1);
    await node.clock.advance(2_000);
    expect(starts(node)).toBe(2);
    await node.stop();
  });
});

describe('a container that somebody else stops', () => {
  const stopped = async (change: Partial<RestartPolicy>, during?: (node: NodeUnderTest) => Promise<void>): Promise<NodeUnderTest> => {
    const node = await new NodeUnderTest().start();
    await node.apply(replica('web', change));
    await node.clock.advance(5_000);
    await (during ? during(node) : node.runtime.stopOutside('wb-mine-rep_a'));
    await node.clock.advance(120_000);
    return node;
  };

  it('stays stopped under "unless-stopped", and that is said', async () => {
    const node = await stopped({ name: 'unless-stopped' });
    expect(node.told('rep_a').slice(-2)).toEqual(['1 SETTLED', '1 STOPPED final stopped_by_hand']);
    expect(node.running).toEqual([]);
    await node.stop();
  });

  it('does so too when it was stopped while the agent was away', async () => {
    const node = await stopped({ name: 'unless-stopped' }, async (under) => {
      await under.stop();
      await under.runtime.stopOutside('wb-mine-rep_a');
      await under.clock.advance(60_000);
      await under.start();
    });
    expect(node.told('rep_a').at(-1)).toBe('1 STOPPED final stopped_by_hand');
    await node.stop();
  });

  it.each<Partial<RestartPolicy>>([{ name: 'always' }, { name: 'on-failure' }])('runs again under %j', async (change) => {
    const node = await stopped(change);
    expect(node.told('rep_a').slice(-4)).toEqual(['1 FAILED exited', '2 STARTING', '2 RUNNING', '2 SETTLED']);
    await node.stop();
  });

  it('and starts at once again is only restarted', async () => {
    const node = await stopped({ name: 'unless-stopped' }, async (under) => {
      await under.runtime.stopOutside('wb-mine-rep_a');
      await under.clock.advance(300);
      await under.runtime.startOutside('wb-mine-rep_a');
    });
    expect(node.told('rep_a').slice(-3)).toEqual(['1 FAILED restarted_outside', '2 RUNNING', '2 SETTLED']);
    expect(node.running).toEqual(['rep_a']);
    await node.stop();
  });

  it('is not taken for stopped by hand when it crashes, or when it is Waybill that stopped it', async () => {
    const node = await stopped({ name: 'unless-stopped' }, async (under) => under.runtime.kill('wb-mine-rep_a'));
    expect(node.told('rep_a').at(-1)).toBe('2 SETTLED');
    const held = replica('web', { name: 'unless-stopped' });
    await node.apply({ ...held, wanted: 'hold' });
    await node.apply(held);
    await node.clock.advance(5_000);
    expect(node.told('rep_a').slice(-4)).toEqual(['2 STOPPED stopped', '3 STARTING', '3 RUNNING', '3 SETTLED']);
    await node.stop();
  });
});

describe('a crash loop', () => {
  const hours = 3_600_000;

  it('is told restart by restart up to ten, then summed up every ten minutes with all of its causes, and nothing is left out', async () => {
    const node = await new NodeUnderTest(IMAGES).start();
    await node.apply(replica('runs out of memory', { delayMs: 1_990, backoff: 'constant' }));
    await node.clock.advance(hours);
    const words = node.said.map(({ seen }) => seen);
    expect(words.filter(({ state }) => state === 'STARTING').map(({ run }) => run)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    const summaries = words.filter(({ restarts }) => restarts);
    expect(summaries.length).toBeGreaterThanOrEqual(6);
    expect(words.length).toBe(11 * 3 + summaries.length + 1);
    summaries.forEach(({ run, restarts }, i) => expect(restarts!.count).toBe(run - (summaries[i - 1]?.run ?? 11)));
    const { restarts } = summaries.at(-1)!;
    expect(restarts!.causes['exited']! + restarts!.causes['oom_killed']!).toBe(restarts!.count);
    expect(Date.parse(restarts!.lastAt) - Date.parse(restarts!.firstAt)).toBeGreaterThan(595_000);
    expect(starts(node) - summaries.at(-1)!.run).toBeLessThan(310);
    await node.stop();
  });

  it('that ends in a replica that stays up says so at once, with the restarts that were not told', async () => {
    const node = await new NodeUnderTest(IMAGES).start();
    await node.apply(replica('settles at last', { delayMs: 90, backoff: 'constant' }));
    await node.clock.advance(60_000);
    const last = node.said.at(-1)!.seen;
    expect(last).toMatchObject({ run: 100, state: 'SETTLED', restarts: { count: 88, causes: { exited: 88 } } });
    await node.stop();
  });

  it('never says more than its rules allow, whatever it waits and however often the agent is restarted', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2_000, max: 30_000 }), fc.array(fc.integer({ min: 1_000, max: 700_000 }), { maxLength: 3 }), async (delayMs, lives) => {
        const node = await new NodeUnderTest(IMAGES).start();
        await node.apply(replica('crashes fast', { delayMs, backoff: 'constant' }));
        for (const life of [...lives, 60_000]) {
          await node.clock.advance(life);
          await node.restart();
        }
        const lasted = [...lives, 60_000].reduce((sum, each) => sum + each, 0);
        // Three words for each of ten restarts, in every ten minutes begun, and one for the rest.
        expect(node.said.length).toBeLessThanOrEqual(Math.ceil(lasted / 600_000 + 1) * 32 + 3);
        await node.stop();
      }),
      { numRuns: 5 },
    );
  }, 60_000);
});

it('a job’s container is never started again, whoever stops it', async () => {
  const node = await new NodeUnderTest().start();
  await node.apply(entry('rep_a', 'web', { of: { restartPolicy: NO_RESTART }, healthyDeadlineMs: null, timeoutMs: 600_000 }));
  await node.clock.advance(5_000);
  await node.runtime.stopOutside('wb-mine-rep_a');
  await node.clock.advance(120_000);
  expect(node.told('rep_a').at(-1)).toBe('1 FAILED final exited');
  expect(starts(node)).toBe(1);
  await node.stop();
});
