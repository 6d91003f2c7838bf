import fc from 'fast-check';
import { retryDelayMs } from './retry-delay.ts';

it('tries again after 1 s doubling to 60 s', () => {
  expect([1, 2, 3, 4, 5, 6, 7, 8, 1_000].map((times) => retryDelayMs(times, 0))).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
});

it('takes a fifth at most away, so that many don’t come back at once', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000 }), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (times, jitter) => {
      const full = retryDelayMs(times, 0);
      expect(retryDelayMs(times, jitter)).toBeLessThanOrEqual(full);
      expect(retryDelayMs(times, jitter)).toBeGreaterThan(full * 0.8 - 1);
    }),
  );
});
