import { ALWAYS, NO_RESTART, type RestartPolicy } from './restart-policy.ts';
import { restartViolations } from './restart-rules.ts';

const five: RestartPolicy = { name: 'on-failure', maxRetries: 5, delayMs: 1_000, backoff: 'constant', windowMs: 600_000, onExhausted: 'fail' };
const found = (parts: Partial<RestartPolicy>) => restartViolations({ ...five, ...parts }).map(({ pointer, code }) => `${pointer} ${code}`);

describe('a restart policy', () => {
  it.each([ALWAYS, NO_RESTART, five])('may be $name with $maxRetries retries', (policy) => expect(restartViolations(policy)).toEqual([]));

  it('names every wrong field', () =>
    expect(found({ name: 'sometimes' as 'no', maxRetries: -1, delayMs: 0.5, windowMs: 0, backoff: 'linear' as 'constant', onExhausted: 'give up' as 'fail' })).toEqual([
      '/restart_policy/name invalid',
      '/restart_policy/max_retries out_of_range',
      '/restart_policy/delay_ms out_of_range',
      '/restart_policy/window_ms out_of_range',
      '/restart_policy/backoff invalid',
      '/restart_policy/on_exhausted invalid',
    ]));

  it('says the delay that is to stay the same', () => expect(found({ delayMs: null })).toEqual(['/restart_policy/delay_ms required']));

  it('has a window in which its retries come to their end', () => {
    expect(found({ windowMs: 5_001 })).toEqual([]);
    expect(restartViolations({ ...five, windowMs: 5_000 })).toEqual([
      { pointer: '/restart_policy/window_ms', code: 'out_of_range', message: 'must be above 5000: so long do 5 retries wait; leave it out to have it wide enough' },
    ]);
    expect(found({ windowMs: 1, maxRetries: 0 })).toEqual([]);
  });
});
