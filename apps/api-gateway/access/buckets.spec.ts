import * as fc from 'fast-check';
import { VirtualClock } from '#testing';
import { Buckets } from './buckets.ts';

describe('token buckets', () => {
  it('give a burst, then as many as flow in, each key for itself', async () => {
    const clock = new VirtualClock();
    const buckets = new Buckets(clock, { perSecond: 2, burst: 3 });
    expect([1, 2, 3, 4].map(() => buckets.take('a'))).toEqual([0, 0, 0, 500]);
    expect(buckets.take('b')).toBe(0);
    await clock.advance(500);
    expect([buckets.take('a'), buckets.take('a')]).toEqual([0, 500]);
    buckets.giveBack('a');
    expect(buckets.take('a')).toBe(0);
    await clock.advance(60_000);
    expect([1, 2, 3, 4].map(() => buckets.take('a') === 0)).toEqual([true, true, true, false]);
  });

  it('give what costs more for more, and what is more than they hold out of a full one', async () => {
    const clock = new VirtualClock();
    const buckets = new Buckets(clock, { perSecond: 2, burst: 10 });
    expect([buckets.take('a', 8), buckets.take('a', 4), buckets.take('a', 2)]).toEqual([0, 1_000, 0]);
    expect([buckets.take('b'), buckets.take('b', 30)]).toEqual([0, 500]);
    await clock.advance(500);
    expect([buckets.take('b', 30), buckets.take('b')]).toEqual([0, 10_500]);
    await clock.advance(10_500);
    expect(buckets.take('b')).toBe(0);
  });

  it('never give more than the burst and what has flowed in since, however it is asked', () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.nat(300), { maxLength: 60 }), fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 20 }), async (pauses, perSecond, burst) => {
        const clock = new VirtualClock();
        const buckets = new Buckets(clock, { perSecond, burst });
        let given = 0;
        for (const pause of pauses) {
          await clock.advance(pause);
          if (buckets.take('a') === 0) given += 1;
        }
        const flowed = (pauses.reduce((sum, pause) => sum + pause, 0) / 1_000) * perSecond;
        expect(given).toBeLessThanOrEqual(Math.floor(burst + flowed + 1e-6));
      }),
      { numRuns: 100 },
    ));
});
