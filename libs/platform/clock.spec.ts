import { systemClock } from './clock.ts';

describe('the machine’s time', () => {
  it('calls back once after the time given, and not when cancelled', async () => {
    const started = systemClock.monotonic();
    const elapsed = await new Promise<number>((resolve) => systemClock.after(30, () => resolve(systemClock.monotonic() - started)));
    expect(elapsed).toBeGreaterThanOrEqual(29);
    let fired = false;
    systemClock.after(1, () => (fired = true))();
    await systemClock.sleep(20);
    expect(fired).toBe(false);
  });

  it('doesn’t fire at once for waits beyond what Node’s timers can hold', async () => {
    let fired = false;
    const cancel = systemClock.after(2 ** 40, () => (fired = true));
    await systemClock.sleep(20);
    cancel();
    expect(fired).toBe(false);
  });

  it('ends a sleep at once when it is aborted', async () => {
    const abort = new AbortController();
    const slept = systemClock.sleep(60_000, abort.signal);
    abort.abort();
    await slept;
    await systemClock.sleep(60_000, abort.signal);
  });
});
