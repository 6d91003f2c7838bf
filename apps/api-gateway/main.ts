import 'reflect-metadata';
import { Dispatcher } from '#application';
import { schemaOf, upcast } from '#domain';
import { AggregateStore, hintingOn, openEventStore, wokenByHints } from '#event-store';
import { connectNats } from '#messaging';
import { createLogger, readConfig, Shutdown, systemClock, systemRandom } from '#platform';
import { everyView, LogPages, openReadModelStore, Projector, views } from '#read-models';
import { openIdentityStore, openSessions } from '#identity';
import { openVault } from '#secrets';
import { createGateway } from './app.ts';
import { AuditChain } from './audit/audit-chain.ts';
import { openOperatorToken } from './edge/operator-token.ts';
import { firstStart } from './first-start.ts';
import { PlatformFigures } from './metrics/platform-figures.ts';
import { HeardNodes } from './nodes/heard-nodes.ts';
import { NodeIndex } from './nodes/node-index.ts';
import { Projections } from './projections/projections.ts';
import { answerEventReads } from './subscribers/answer-reads.ts';

const config = readConfig(process.env);
const logger = createLogger('api-gateway', { level: config.logLevel });
const shutdown = new Shutdown({ clock: systemClock, logger });

await shutdown.start(start);

/** Opened in this order, closed in the reverse one. */
async function start(): Promise<void> {
  const common = { clock: systemClock, random: systemRandom, logger };
  const token = await openOperatorToken(config.home);
  const bus = await connectNats({ url: config.natsUrl, name: 'api-gateway', logger, clock: systemClock });
  shutdown.add('bus', () => bus.close());
  const store = await openEventStore(config.eventStoreUrl, { ...common, wake: wokenByHints(bus) });
  shutdown.add('event store', () => store.close());
  const models = await openReadModelStore(config.readModelUrl, common);
  shutdown.add('read models', () => models.close());

  const values = await openVault({ url: config.valueStoreUrl, keyFile: config.keyFile, clock: systemClock });
  shutdown.add('value store', () => values.close());

  const identities = await openIdentityStore(config.identityStoreUrl, systemClock);
  shutdown.add('identity store', () => identities.close());
  const sessions = await openSessions(config.sessionKeyFile);
  const rates = { perPrincipal: config.requestsPerToken, perAddress: config.requestsPerAddress };

  const pages = new LogPages(store, upcast);
  const projectors = everyView.map((view) => new Projector({ store, models, view, upcast, pages, ...common }));
  const projections = new Projections(projectors, views, { store, models, upcast, pages, logger, signal: shutdown.signal });
  const aggregates = new AggregateStore({ ...common, store, upcast, schemaOf, onAppended: hintingOn(bus) });
  const heard = new HeardNodes(systemClock);
  shutdown.add('heartbeats', heard.listen(bus));
  const nodes = new NodeIndex();
  const following = nodes.follow({ ...common, store, signal: shutdown.signal });
  shutdown.add('node index', () => following);
  const figures = new PlatformFigures(systemClock);
  shutdown.add('figures', figures.listen(bus));
  const counting = figures.follow({ store, logger, signal: shutdown.signal });
  shutdown.add('deployment counts', () => counting);
  projections.start();
  shutdown.add('projections', () => projections.stop());

  const auditChain = await AuditChain.open(config.home, { store, clock: systemClock, logger });
  const chaining = auditChain.keep(shutdown.signal);
  shutdown.add('audit chain', () => chaining);

  const app = await createGateway({ ...common, bus, store, vault: values.vault, identities, sessions, rates, trustedProxies: config.trustedProxies, aggregates, models, projections, heard, nodes, figures, auditChain, token, stopping: shutdown.signal });
  shutdown.add('http', () => app.close());
  await firstStart({ dispatcher: app.get(Dispatcher), aggregates, clock: systemClock });
  shutdown.add('event reads', answerEventReads(bus, store));
  await app.listen(config.listen.port, config.listen.host);
  logger.info('listening', { url: await app.getUrl() });
}
