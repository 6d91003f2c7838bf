import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { schemaOf, upcast } from '#domain';
import { AggregateStore, hintingOn, openEventStore, storeReadiness, wokenByHints } from '#event-store';
import { connectNats, tellFigures } from '#messaging';
import { startApp } from '#platform';
import { ReconcileTimes } from '#reconcile';
import { openVault } from '#secrets';
import { SchedulerModule } from './scheduler.module.ts';
import { Scheduler } from './scheduler.ts';

/** The scheduler as a process. Any number of them may run on one event store. */
await startApp('scheduler', 'scheduler', async ({ config, clock, random, logger, shutdown, checks }) => {
  const bus = await connectNats({ url: config.natsUrl, name: 'scheduler', logger, clock });
  shutdown.add('bus', () => bus.close());
  checks['event_store'] = () => ({ ok: false, detail: 'is being opened' });
  const store = await openEventStore(config.eventStoreUrl, { clock, random, logger, wake: wokenByHints(bus) });
  checks['event_store'] = () => storeReadiness(store);
  shutdown.add('event store', () => store.close());
  const aggregates = new AggregateStore({ store, clock, random, upcast, schemaOf, onAppended: hintingOn(bus) });
  const values = await openVault({ url: config.valueStoreUrl, keyFile: config.keyFile, clock });
  shutdown.add('value store', () => values.close());
  const times = new ReconcileTimes();

  const module = SchedulerModule.on({ aggregates, store, vault: values.vault, bus, clock, random, logger, subnetPool: config.subnetPool, onReconciled: times.take });
  const app = await NestFactory.createApplicationContext(module, { logger: false, abortOnError: false });
  shutdown.add('scheduler', () => app.close());
  checks['scheduler'] = () => app.get(Scheduler).readiness();
  shutdown.add('figures', tellFigures({ bus, clock }, () => ({ app: 'scheduler', process: String(process.pid), queues: times.figures })));
  checks['bus'] = () => ({ ok: bus.connected, detail: bus.connected ? 'connected' : 'not connected' });
});
