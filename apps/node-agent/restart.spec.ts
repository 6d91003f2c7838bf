import fc from 'fast-check';
import { ALWAYS, NO_RESTART, restartWindowMs, type RestartPolicy } from '#domain';
import { countUntold, isCrowded, keptRestarts, planRestart, type RunEnd } from './restart.ts';

const crashed: RunEnd = { state: 'FAILED', reason: { code: 'exited', message: 'it ended with exit code 3' }, byHand: false };
const done: RunEnd = { state: 'COMPLETED', reason: { code: 'exited', message: 'it ended with exit code 0' }, byHand: false };
const stopped: RunEnd = { ...crashed, byHand: true };
const policy = (change: Partial<RestartPolicy>): RestartPolicy => ({ ...ALWAYS, ...change });
const plan = (of: Partial<RestartPolicy>, end: RunEnd, restarts: readonly number[] = [], now = 1_000_000) => {
  const verdict = planRestart(policy(of), end, { ends: restarts.length + 1, restarts }, { now, jitter: 0 });
  return verdict.again ? `again in ${verdict.inMs}` : `${verdict.state} ${verdict.reason.code}`;
};

describe('after an end, the policy', () => {
  it.each<[RestartPolicy['name'], RunEnd, string]>([
    ['always', crashed, 'again in 0'],
    ['always', done, 'again in 0'],
    ['always', stopped, 'again in 0'],
    ['unless-stopped', crashed, 'again in 0'],
    ['unless-stopped', done, 'again in 0'],
    ['unless-stopped', stopped, 'STOPPED stopped_by_hand'],
    ['on-failure', crashed, 'again in 0'],
    ['on-failure', done, 'COMPLETED exited'],
    ['on-failure', stopped, 'again in 0'],
    ['no', crashed, 'FAILED exited'],
    ['no', done, 'COMPLETED exited'],
  ])('%s, %#', (name, end, expected) => expect(plan({ name }, end)).toBe(expected));

  it('allows so many restarts within its window, and says how often and why when they are spent', () => {
    const limited = { maxRetries: 3, windowMs: 60_000 };
    expect(plan(limited, crashed, [950_000, 960_000])).toBe('again in 2000');
    expect(plan(limited, crashed, [930_000, 950_000, 960_000])).toBe('again in 4000');
    expect(planRestart(policy(limited), crashed, { ends: 4, restarts: [950_000, 960_000, 970_000] }, { now: 1_000_000, jitter: 0 })).toEqual({
      again: false, state: 'FAILED', reason: { code: 'retries_spent', message: 'it was restarted 3 times within 1 min, all that its restart policy allows, and ended again: it ended with exit code 3' },
    });
  });

  it('counts an end with exit code 0 as one too, where it restarts after those', () => expect(plan({ maxRetries: 1 }, done, [990_000])).toBe('FAILED retries_spent'));
});

describe('restarts in a row', () => {
  /** Crashes at once after each start. @returns the starts' times, and how it ended */
  const loop = (of: RestartPolicy, jitter: number, limit = 200) => {
    let [now, ends] = [0, 0];
    let restarts: readonly number[] = [];
    const starts = [now];
    for (; starts.length < limit; starts.push(now)) {
      const verdict = planRestart(of, crashed, { ends: (ends += 1), restarts }, { now, jitter });
      if (!verdict.again) return { starts, verdict };
      now += verdict.inMs;
      restarts = keptRestarts(of, restarts, now);
    }
    return { starts, verdict: null };
  };
  const policies = fc.record({
    ...Object.fromEntries(Object.entries(ALWAYS).map(([key, value]) => [key, fc.constant(value)])),
    name: fc.constantFrom('always' as const, 'unless-stopped' as const, 'on-failure' as const),
    maxRetries: fc.integer({ min: 1, max: 60 }), delayMs: fc.option(fc.integer({ min: 0, max: 300_000 })), backoff: fc.constantFrom('constant' as const, 'exponential' as const),
  }) as fc.Arbitrary<RestartPolicy>;

  it('are as many as the policy allows when it has the window that fits, whatever it waits', () =>
    fc.assert(
      fc.property(policies, fc.double({ min: 0, max: 0.99, noNaN: true }), (of, jitter) => {
        const { starts, verdict } = loop(of, jitter);
        expect(starts).toHaveLength(of.maxRetries + 1);
        expect(verdict).toMatchObject({ again: false, state: 'FAILED', reason: { code: 'retries_spent' } });
        expect(starts.at(-1)! - starts[0]!).toBeLessThan(restartWindowMs(of));
      }),
    ));

  it('never end under a policy without a limit, and always do under "no"', () => {
    expect(loop(ALWAYS, 0).verdict).toBeNull();
    expect(loop(NO_RESTART, 0).starts).toEqual([0]);
  });

  it('are remembered as far as they count, and no further', () =>
    fc.assert(
      fc.property(policies, fc.array(fc.integer({ min: 0, max: 400_000 }), { maxLength: 100 }), (of, gaps) => {
        let now = 0;
        let kept: readonly number[] = [];
        const all: number[] = [];
        for (const gap of gaps) {
          all.push((now += gap));
          kept = keptRestarts(of, kept, now);
        }
        expect(kept.length).toBeLessThanOrEqual(Math.max(of.maxRetries, 11));
        const spent = (restarts: readonly number[]) => restarts.filter((at) => at > now - restartWindowMs(of)).length;
        expect(Math.min(spent(kept), of.maxRetries)).toBe(Math.min(spent(all), of.maxRetries));
        expect(isCrowded(kept, now)).toBe(isCrowded(all, now));
      }),
    ));

  it('are told one by one up to ten in ten minutes', () => {
    const each = (count: number) => Array.from({ length: count }, (_, i) => i * 1_000);
    expect(isCrowded(each(10), 10_000)).toBe(false);
    expect(isCrowded(each(11), 10_000)).toBe(true);
    expect(isCrowded(each(11), 600_500)).toBe(false);
  });

  it('are counted beyond that, with their causes', () => {
    const untold = [['exited', 5], ['oom_killed', 7], ['exited', 9]] as const;
    expect(untold.reduce<ReturnType<typeof countUntold> | null>((before, [cause, at]) => countUntold(before, cause, at), null)).toEqual({ count: 3, firstAt: 5, lastAt: 9, causes: { exited: 2, oom_killed: 1 } });
  });
});
