import fc from 'fast-check';
import { ALWAYS, type RestartPolicy } from './restart-policy.ts';
import { restartDelayMs, restartWindowMs, retriesTakeMs } from './restart-schedule.ts';

const delays = (policy: Partial<RestartPolicy>, count = 5) => Array.from({ length: count }, (_, i) => restartDelayMs({ ...ALWAYS, ...policy }, i + 1, 0));

describe('the wait before a restart', () => {
  it('is none at first, then a second that doubles up to a minute', () => expect(delays({}, 10)).toEqual([0, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]));
  it('is what was asked for, before the first one too', () => expect(delays({ delayMs: 5_000, backoff: 'constant' })).toEqual([5_000, 5_000, 5_000, 5_000, 5_000]));
  it('doubles from what was asked for, if that was asked for', () => expect(delays({ delayMs: 20_000, backoff: 'exponential' })).toEqual([0, 20_000, 40_000, 60_000, 60_000]));
  it('is never shorter than what was asked for', () => expect(delays({ delayMs: 90_000, backoff: 'exponential' }, 4)).toEqual([0, 90_000, 90_000, 90_000]));
  it('is up to a fifth shorter by chance, where it grows', () => {
    expect(restartDelayMs(ALWAYS, 4, 0.5)).toBe(3_600);
    expect(restartDelayMs({ delayMs: 5_000, backoff: 'constant' }, 4, 0.5)).toBe(5_000);
  });
});

describe('the window in which retries count', () => {
  it('is the one that was asked for', () => expect(restartWindowMs({ ...ALWAYS, maxRetries: 3, windowMs: 7_000 })).toBe(7_000));
  it('is else ten minutes and the time that the retries wait', () => {
    expect(restartWindowMs({ ...ALWAYS, maxRetries: 4 })).toBe(607_000);
    expect(restartWindowMs({ ...ALWAYS, maxRetries: 10, delayMs: 120_000, backoff: 'constant' })).toBe(1_800_000);
  });
  it('has room for all retries, whatever they wait', () =>
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 50 }), fc.option(fc.integer({ min: 0, max: 600_000 })), fc.constantFrom('constant' as const, 'exponential' as const), fc.double({ min: 0, max: 0.99, noNaN: true }), (maxRetries, delayMs, backoff, jitter) => {
        const policy = { ...ALWAYS, maxRetries, delayMs, backoff };
        const waits = Array.from({ length: maxRetries }, (_, i) => restartDelayMs(policy, i + 1, jitter)).reduce((sum, each) => sum + each, 0);
        expect(waits).toBeLessThanOrEqual(retriesTakeMs(policy));
        expect(retriesTakeMs(policy)).toBeLessThan(restartWindowMs(policy));
      }),
    ));
});
