import type { Clock, Logger, Random } from '#contracts';
import { systemClock } from './clock.ts';
import { type Config, readConfig } from './config.ts';
import { startHealthServer, type Check } from './health.ts';
import { createLogger } from './logger.ts';
import { systemRandom } from './random.ts';
import { Shutdown } from './shutdown.ts';

/** What an app is opened with. */
export interface AppStart {
  readonly config: Config;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: Random;
  /** What is opened is added here, and closed in the reverse order. */
  readonly shutdown: Shutdown;
  /** What `/readyz` answers by; `part` isn't ready until its own check stands here. */
  readonly checks: Record<string, Check>;
}

/** Runs an app without REST as a process: its health is served before anything else is opened, and it ends at a signal.
 *  @param part the check of what the app is for. @throws ConfigError */
export function startApp(name: string, part: string, open: (app: AppStart) => Promise<void>): Promise<void> {
  const config = readConfig(process.env);
  const logger = createLogger(name, { level: config.logLevel });
  const shutdown = new Shutdown({ clock: systemClock, logger });
  return shutdown.start(async () => {
    const checks: Record<string, Check> = { [part]: () => ({ ok: false, detail: 'is being started' }) };
    const health = await startHealthServer({ listen: config.healthListen, checks });
    shutdown.add('health server', () => health.close());
    logger.info('health is served', { url: health.url });
    await open({ config, logger, clock: systemClock, random: systemRandom, shutdown, checks });
  });
}
