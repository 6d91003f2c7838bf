import { VirtualClock } from './virtual-clock.ts';

describe('virtual time', () => {
  it('stands still until it is told to move', async () => {
    const clock = new VirtualClock(1_000);
    await clock.settle();
    expect([clock.now(), clock.monotonic()]).toEqual([1_000, 0]);
    await clock.advance(500);
    expect([clock.now(), clock.monotonic()]).toEqual([1_500, 500]);
  });

  it('fires timers in the order that they are due, each at its own time', async () => {
    const clock = new VirtualClock();
    const fired: [string, number][] = [];
    for (const [name, ms] of [['late', 300], ['early', 100], ['same a', 200], ['same b', 200]] as const) clock.after(ms, () => fired.push([name, clock.monotonic()]));
    await clock.advance(250);
    expect(fired).toEqual([['early', 100], ['same a', 200], ['same b', 200]]);
    await clock.advance(50);
    expect(fired.at(-1)).toEqual(['late', 300]);
  });

  it('lets everything that a timer sets off happen before the next one', async () => {
    const clock = new VirtualClock();
    const steps: string[] = [];
    const work = async (): Promise<void> => {
      for (let step = 0; step < 50; step += 1) await Promise.resolve();
      steps.push('worked');
      await clock.sleep(5);
      steps.push('slept');
    };
    clock.after(10, () => void work());
    clock.after(20, () => steps.push('next'));
    await clock.advance(20);
    expect(steps).toEqual(['worked', 'slept', 'next']);
  });

  it('forgets a timer that was cancelled', async () => {
    const clock = new VirtualClock();
    let fired = false;
    clock.after(10, () => (fired = true))();
    await clock.advance(20);
    expect(fired).toBe(false);
    expect(clock.pending).toBe(0);
  });

  it('ends a sleep at once when it is aborted', async () => {
    const clock = new VirtualClock();
    const abort = new AbortController();
    const slept = clock.sleep(10_000, abort.signal).then(() => clock.monotonic());
    abort.abort();
    expect(await slept).toBe(0);
    expect(clock.pending).toBe(0);
    await clock.sleep(10_000, abort.signal);
  });

  it('moves the wall clock without durations noticing', async () => {
    const clock = new VirtualClock(0);
    clock.shiftWall(-3_600_000);
    await clock.advance(1_000);
    expect([clock.now(), clock.monotonic()]).toEqual([-3_599_000, 1_000]);
  });

  it('moves on until something is so, and gives up at the limit', async () => {
    const clock = new VirtualClock();
    let done = false;
    clock.after(730, () => (done = true));
    await clock.advanceUntil(() => done);
    expect(clock.monotonic()).toBe(800);
    await expect(clock.advanceUntil(() => false, 1_000)).rejects.toThrow('not so within 1000 ms');
  });
});
