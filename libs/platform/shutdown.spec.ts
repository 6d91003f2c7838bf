import { spawn } from 'node:child_process';
import { once } from 'node:events';
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

  it('closes what a failed start had opened and exits with 1', async () => {
    const { logger, steps, shutdown } = setUp();
    await shutdown.start(() => {
      shutdown.add('bus', () => steps.push('bus'));
      return Promise.reject(new Error('the store is no store'));
    });
    expect(steps).toEqual(['bus', 'exit 1']);
    expect(logger.messages('error')).toEqual(['start failed']);
  });

  it('takes a start that was cut short by a signal for no failure', async () => {
    const { logger, steps, shutdown } = setUp();
    shutdown.add('health server', () => Promise.resolve());
    await shutdown.start(async () => {
      process.emit('SIGTERM', 'SIGTERM');
      shutdown.add('bus', () => steps.push('bus'));
      throw new Error('closed under its hands');
    });
    expect(steps).toEqual(['bus', 'exit 0']);
    expect(logger.messages('error')).toEqual([]);
  });
});

describe('a process', () => {
  it('lives while it is being opened, though nothing but a wait keeps it, until it is told to end', async () => {
    const child = processThat('await new Promise(() => undefined)');
    expect(await Promise.race([ended(child), new Promise((resolve) => setTimeout(() => resolve('lives'), 1_500))])).toBe('lives');
    child.kill('SIGTERM');
    expect(await ended(child)).toBe(0);
  });

  it('ends with 1 when it could not be opened', async () => {
    expect(await ended(processThat("throw new Error('no store')"))).toBe(1);
  });
});

/** A process of its own whose start is these words. */
function processThat(opens: string) {
  const quiet = '{ debug() {}, info() {}, warn() {}, error() {} }';
  const script = `
    import { systemClock as clock } from ${JSON.stringify(new URL('clock.ts', import.meta.url).href)};
    import { Shutdown } from ${JSON.stringify(new URL('shutdown.ts', import.meta.url).href)};
    await new Shutdown({ clock, logger: ${quiet} }).start(async () => { ${opens} });`;
  const { NODE_OPTIONS: _options, ...env } = process.env;
  return spawn(process.execPath, ['--experimental-transform-types', '--input-type=module', '--eval', script], { env, stdio: 'ignore' });
}

const ended = async (child: ReturnType<typeof processThat>): Promise<unknown> => (child.exitCode === null ? (await once(child, 'exit'))[0] : child.exitCode) as unknown;
