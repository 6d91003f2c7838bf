import { MemoryLogger, VirtualClock } from '#testing';
import { WorkQueue } from './work-queue.ts';

type Outcome = void | { againInMs: number };

/** A queue whose reconciler notes what it does; with `byHand`, a run ends when `finish(key)` says so. */
function harness(options: { concurrency?: number; restMs?: number; byHand?: boolean; jitter?: number; reconcile?: (key: string, run: number) => Outcome } = {}) {
  const clock = new VirtualClock();
  const logger = new MemoryLogger();
  const runs: { key: string; at: number }[] = [];
  const open = new Map<string, () => void>();
  let atOnce = 0;
  const most = { atOnce: 0 };
  const queue = new WorkQueue<string>({
    name: 'test',
    clock,
    random: () => options.jitter ?? 0,
    logger,
    concurrency: options.concurrency ?? 4,
    restMs: options.restMs,
    reconcile: async (key) => {
      if (open.has(key)) throw new Error(`${key} runs twice at once`);
      runs.push({ key, at: clock.monotonic() });
      most.atOnce = Math.max(most.atOnce, (atOnce += 1));
      try {
        if (options.byHand) await new Promise<void>((resolve) => open.set(key, resolve));
        return options.reconcile?.(key, runs.filter((run) => run.key === key).length);
      } finally {
        open.delete(key);
        atOnce -= 1;
      }
    },
  });
  const keys = (): string[] => runs.map(({ key }) => key);
  const times = (): number[] => runs.map(({ at }) => at);
  return { clock, logger, queue, keys, times, most, finish: (key: string) => open.get(key)!() };
}

const fail = (): never => {
  throw new Error('no luck');
};

describe('work queue', () => {
  it('works on nothing before it is started, then on all that was added, in order', async () => {
    const { clock, queue, keys } = harness();
    queue.add('a');
    queue.add('b');
    await clock.settle();
    expect(keys()).toEqual([]);
    queue.start();
    await queue.idle();
    expect(keys()).toEqual(['a', 'b']);
  });

  it('works once on a key that was added several times while it waited', async () => {
    const { queue, keys } = harness();
    queue.start();
    for (const key of ['a', 'b', 'a', 'a']) queue.add(key);
    await queue.idle();
    expect(keys()).toEqual(['a', 'b']);
  });

  it('works once more on a key that was called while it was worked on, however often, and never at the same time', async () => {
    const { clock, queue, keys, finish } = harness({ byHand: true });
    queue.start();
    queue.add('a');
    await clock.settle();
    queue.add('a');
    queue.add('a');
    await clock.settle();
    expect(keys()).toEqual(['a']);
    finish('a');
    await clock.settle();
    expect(keys()).toEqual(['a', 'a']);
    finish('a');
    await queue.idle();
    expect(keys()).toEqual(['a', 'a']);
  });

  it('works on as many keys at once as it was given, and on the rest as places come free', async () => {
    const { clock, queue, keys, finish, most } = harness({ byHand: true, concurrency: 2 });
    queue.start();
    for (const key of ['a', 'b', 'c', 'd']) queue.add(key);
    await clock.settle();
    expect(keys()).toEqual(['a', 'b']);
    finish('b');
    await clock.settle();
    expect(keys()).toEqual(['a', 'b', 'c']);
    for (const key of ['a', 'c']) finish(key);
    await clock.settle();
    finish('d');
    await queue.idle();
    expect(most.atOnce).toBe(2);
  });

  it('tries a failed key again after 100 ms, then twice as long each time, up to 30 s', async () => {
    const { clock, queue, times, logger } = harness({ reconcile: fail });
    queue.start();
    queue.add('a');
    await clock.advance(120_000);
    const gaps = times().map((at, index, all) => at - (all[index - 1] ?? 0));
    expect(gaps).toEqual([0, 100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000]);
    expect(logger.entries[1]).toMatchObject({ level: 'warn', message: 'reconcile failed', fields: { queue: 'test', key: 'a', failures: 2 } });
    await queue.stop();
  });

  it('takes up to half of the wait away by jitter', async () => {
    const { clock, queue, times } = harness({ reconcile: fail, jitter: 0.5 });
    queue.start();
    queue.add('a');
    await clock.advance(225);
    expect(times()).toEqual([0, 75, 225]);
    await queue.stop();
  });

  it('begins with the short wait again after a success', async () => {
    const { clock, queue, times } = harness({ reconcile: (_, run) => (run === 3 ? undefined : fail()) });
    queue.start();
    queue.add('a');
    await clock.advance(1_000);
    expect(times()).toEqual([0, 100, 300]);
    queue.add('a');
    await clock.advance(100);
    expect(times()).toEqual([0, 100, 300, 1_000, 1_100]);
    await queue.stop();
  });

  it('looks at a failed key at once when something calls it', async () => {
    const { clock, queue, times } = harness({ reconcile: (_, run) => (run === 1 ? fail() : undefined) });
    queue.start();
    queue.add('a');
    await clock.advance(10);
    queue.add('a');
    await clock.settle();
    expect(times()).toEqual([0, 10]);
  });

  it('waits no longer for its own next try, however often it is called in vain before that', async () => {
    const { clock, queue, times } = harness({ reconcile: (_, run) => (run < 13 ? fail() : undefined) });
    queue.start();
    queue.add('a');
    for (let call = 0; call < 10; call += 1) {
      await clock.advance(5);
      queue.add('a');
    }
    await clock.advance(1_000);
    expect(times().slice(-2)).toEqual([100, 300]);
  });

  it('lets the other keys go on while one fails', async () => {
    const { queue, keys } = harness({ concurrency: 1, reconcile: (key) => (key === 'a' ? fail() : undefined) });
    queue.start();
    queue.add('a');
    queue.add('b');
    await queue.idle();
    expect(keys()).toEqual(['a', 'b']);
    await queue.stop();
  });

  it('looks again when the reconciler wishes so', async () => {
    const { clock, queue, times } = harness({ reconcile: (_, run) => (run === 1 ? { againInMs: 5_000 } : undefined) });
    queue.start();
    queue.add('a');
    await clock.advance(60_000);
    expect(times()).toEqual([0, 5_000]);
  });

  it('keeps the earliest of several later times', async () => {
    const { clock, queue, times } = harness();
    queue.start();
    queue.addAfter('a', 3_000);
    queue.addAfter('a', 1_000);
    queue.addAfter('a', 2_000);
    await clock.advance(10_000);
    expect(times()).toEqual([1_000]);
  });

  it('keeps a later time though the key is called before', async () => {
    const { clock, queue, times } = harness();
    queue.start();
    queue.addAfter('a', 1_000);
    queue.add('a');
    await clock.advance(10_000);
    expect(times()).toEqual([0, 1_000]);
  });

  it('is idle though keys are to be looked at later', async () => {
    const { queue, keys } = harness();
    queue.start();
    queue.addAfter('a', 1_000);
    await queue.idle();
    expect(keys()).toEqual([]);
  });

  it('lets a key rest after it was worked on, the longer the more it is called, and then looks once for all that called', async () => {
    const { clock, queue, times } = harness({ restMs: 50 });
    const callFor = async (ms: number): Promise<void> => {
      for (const end = clock.monotonic() + ms; clock.monotonic() < end; await clock.advance(5)) queue.add('a');
    };
    queue.start();
    await callFor(180);
    await clock.advance(820);
    await callFor(15);
    await clock.advance(100);
    expect(times()).toEqual([0, 10, 30, 70, 120, 170, 220, 1_000, 1_010, 1_030]);
    await queue.stop();
    expect(clock.pending).toBe(0);
  });

  it('stops when those that run have ended, begins nothing more and leaves no timer', async () => {
    const { clock, queue, keys, finish } = harness({ byHand: true, concurrency: 1, reconcile: () => ({ againInMs: 100 }) });
    queue.start();
    queue.add('a');
    queue.add('b');
    queue.addAfter('c', 100);
    await clock.settle();
    queue.add('a');
    let stopped = false;
    const stopping = queue.stop().then(() => (stopped = true));
    await clock.settle();
    expect(stopped).toBe(false);
    finish('a');
    await stopping;
    queue.add('d');
    queue.addAfter('e', 10);
    await clock.advance(1_000);
    expect(keys()).toEqual(['a']);
    expect(clock.pending).toBe(0);
  });
});
