import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { schemaOf, upcast } from '#domain';
import { AggregateStore, hintingOn, openEventStore, storeReadiness, wokenByHints } from '#event-store';
import { connectNats, tellFigures } from '#messaging';
import { type Check, createLogger, readConfig, Shutdown, startHealthServer, systemClock, systemRandom } from '#platform';
import { ReconcileTimes } from '#reconcile';
import { JobRunner } from './job-runner.ts';
import { JobRunnerModule } from './job-runner.module.ts';

const config = readConfig(process.env);
const logger = createLogger('job-runner', { level: config.logLevel });
const [clock, random] = [systemClock, systemRandom];
const shutdown = new Shutdown({ clock, logger });

/** The job-runner as a process. Any number of them may run on one event store. */
async function start(): Promise<void> {
  const checks: Record<string, Check> = { jobs: () => ({ ok: false, detail: 'is being started' }) };
  const health = await startHealthServer({ listen: config.healthListen, checks });
  shutdown.add('health server', () => health.close());
  logger.info('health is served', { url: health.url });

  const bus = await connectNats({ url: config.natsUrl, name: 'job-runner', logger, clock });
  shutdown.add('bus', () => bus.close());
  checks['event_store'] = () => ({ ok: false, detail: 'is being opened' });
  const store = await openEventStore(config.eventStoreUrl, { clock, random, logger, wake: wokenByHints(bus) });
  const times = new ReconcileTimes();
  checks['event_store'] = () => storeReadiness(store);
  shutdown.add('event store', () => store.close());
  const aggregates = new AggregateStore({ store, clock, random, upcast, schemaOf, onAppended: hintingOn(bus) });

  const app = await NestFactory.createApplicationContext(JobRunnerModule.on({ aggregates, store, bus, clock, random, logger, onReconciled: times.take }), { logger: false, abortOnError: false });
  shutdown.add('job-runner', () => app.close());
  checks['jobs'] = () => app.get(JobRunner).readiness();
  shutdown.add('figures', tellFigures({ bus, clock }, () => ({ app: 'job-runner', process: String(process.pid), queues: times.figures })));
  checks['bus'] = () => ({ ok: bus.connected, detail: bus.connected ? 'connected' : 'not connected' });
}

await shutdown.start(start);
