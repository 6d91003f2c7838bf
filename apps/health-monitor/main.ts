import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { Transport, type MicroserviceOptions } from '@nestjs/microservices';
import { queues } from '#contracts';
import { schemaOf, upcast } from '#domain';
import { AggregateStore, hintingOn, openEventStore, storeReadiness, wokenByHints } from '#event-store';
import { connectNats } from '#messaging';
import { startApp } from '#platform';
import { HealthMonitor } from './health-monitor.ts';
import { HealthMonitorModule } from './health-monitor.module.ts';

/** The health monitor as a process. Any number of them may run on one event store. */
await startApp('health-monitor', 'monitor', async ({ config, clock, random, logger, shutdown, checks }) => {
  const bus = await connectNats({ url: config.natsUrl, name: 'health-monitor', logger, clock });
  shutdown.add('bus', () => bus.close());
  checks['event_store'] = () => ({ ok: false, detail: 'is being opened' });
  const store = await openEventStore(config.eventStoreUrl, { clock, random, logger, wake: wokenByHints(bus) });
  checks['event_store'] = () => storeReadiness(store);
  shutdown.add('event store', () => store.close());
  const aggregates = new AggregateStore({ store, clock, random, upcast, schemaOf, onAppended: hintingOn(bus) });

  const app = await NestFactory.createMicroservice<MicroserviceOptions>(HealthMonitorModule.on({ aggregates, store, bus, clock, random, logger }), {
    ...requestsOver(config.natsUrl),
    logger: false,
    abortOnError: false,
  });
  shutdown.add('monitor', () => app.close());
  let answers = false;
  app.status.subscribe((status) => {
    answers = status === 'connected';
  });
  await app.listen();
  checks['monitor'] = () => app.get(HealthMonitor).readiness();
  checks['bus'] = () => ({ ok: bus.connected, detail: bus.connected ? 'connected' : 'not connected' });
  checks['requests'] = () => ({ ok: answers, detail: answers ? 'agents are answered' : 'not connected' });
});

/** Nest's transport opens a connection of its own. One member of the queue group gets each request. */
function requestsOver(natsUrl: string): MicroserviceOptions {
  return {
    transport: Transport.NATS,
    options: {
      servers: [natsUrl],
      name: 'health-monitor requests',
      queue: queues.monitor,
      maxReconnectAttempts: -1,
      waitOnFirstConnect: true,
      reconnectTimeWait: 250,
      pingInterval: 5_000,
      maxPingOut: 2,
      // Whoever was asked answers before it leaves; an agent would wait in vain else.
      gracefulShutdown: true,
      gracePeriod: 250,
    },
  };
}
