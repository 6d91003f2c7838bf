import { MemoryLogger, VirtualClock } from '#testing';
import { Shutdown } from './shutdown.ts';

const setUp = () => {
  const clock = new VirtualClock();
  const logger = new MemoryLogger();
  const steps: string[] = [];
  const shutdown = new Shutdown({ clock, logger, exit: (code) => steps.push(`exit ${code}`) });
  return { clock, logger, steps, shutdown };
};

describe('shutdown', () => {
  it('closes what was opened last first, one after another, and exits with 0', async () => {
    const { clock, steps, shutdown } = setUp();
    shutdown.add('store', () => steps.push('store'));
    shutdown.add('bus', async () => {
      await clock.sleep(100);
      steps.push(`bus, aborted: ${shutdown.signal.aborted}`);
    });
    const done = shutdown.run('SIGTERM');
    void shutdown.run('again');
    await clock.advance(100);
    await done;
    expect(steps).toEqual(['bus, aborted: true', 'store', 'exit 0']);
    expect(clock.pending).toBe(0);
  });

  it('logs a closer that fails and goes on', async () => {
    const { logger, steps, shutdown } = setUp();
    shutdown.add('store', () => steps.push('store'));
    shutdown.add('bus', () => Promise.reject(new Error('broken')));
    await shutdown.run('SIGTERM');
    expect(steps).toEqual(['store', 'exit 0']);
    expect(logger.messages('error')).toEqual(['closing failed']);
  });

  it('exits with 1 when closing takes longer than 10 s', async () => {
    const { clock, steps, shutdown } = setUp();
    shutdown.add('bus', () => new Promise(() => undefined));
    void shutdown.run('SIGTERM');
    await clock.advance(10_000);
    expect(steps).toEqual(['exit 1']);
  });

  it('begins with a signal and exits at once with the second', async () => {
    const { steps, shutdown } = setUp();
    shutdown.add('bus', () => new Promise(() => undefined));
    const end = shutdown.listen();
    try {
      process.emit('SIGTERM', 'SIGTERM');
      expect(shutdown.signal.aborted).toBe(true);
      expect(steps).toEqual([]);
      process.emit('SIGINT', 'SIGINT');
      expect(steps).toEqual(['exit 130']);
    } finally {
      end();
    }
  });
});
