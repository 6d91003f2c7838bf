import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Dispatcher, ToDockerService, ToNode } from '#application';
import type { Bus, Logger } from '#contracts';
import { dockerService, schemaOf, Sensitive, streamOf, upcast, type NodeId } from '#domain';
import { AggregateStore, openSqliteEventStore } from '#event-store';
import { openSqliteIdentities, Sessions } from '#identity';
import { randomCommandId, systemClock, systemRandom } from '#platform';
import { everyView, LogPages, openSqliteReadModels, Projector, views, type ReadModelStore } from '#read-models';
import { memoryVault } from '#testing';
import type { RequestRates } from './access/request-limits.ts';
import { createGateway } from './app.ts';
import { AuditChain } from './audit/audit-chain.ts';
import { operatorToken } from './edge/operator-token.ts';
import { firstStart } from './first-start.ts';
import { PlatformFigures } from './metrics/platform-figures.ts';
import { HeardNodes } from './nodes/heard-nodes.ts';
import { NodeIndex } from './nodes/node-index.ts';
import { Projections } from './projections/projections.ts';

export const TOKEN = 'wbt_spec';
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- answers are read as any REST client would
export type Json = any;

/** For specs: a whole gateway on a store of its own, without a socket. */
export class GatewayUnderTest {
  private constructor(
    readonly app: NestFastifyApplication,
    readonly bus: Bus,
    readonly models: ReadModelStore,
    readonly close: () => Promise<void>,
  ) {}

  /** @param bus the spec's own, to play the agents' part on. */
  static async open({ bus, logger, rates = { perPrincipal: 0, perAddress: 0 } }: { bus: Bus; logger: Logger; rates?: RequestRates }): Promise<GatewayUnderTest> {
    const folder = await mkdtemp(join(tmpdir(), 'waybill-gateway-'));
    const stopping = new AbortController();
    const common = { clock: systemClock, random: systemRandom, logger };
    const store = await openSqliteEventStore({ ...common, file: join(folder, 'events.db') });
    const models = await openSqliteReadModels({ ...common, file: ':memory:' });
    const identities = await openSqliteIdentities({ file: ':memory:', clock: systemClock });
    const sessions = new Sessions(new Sensitive(new Uint8Array(32).fill(1)));
    const pages = new LogPages(store, upcast);
    const projectors = everyView.map((view) => new Projector({ store, models, view, upcast, pages, ...common }));
    const projections = new Projections(projectors, views, { store, models, upcast, pages, logger, signal: stopping.signal });
    const aggregates = new AggregateStore({ ...common, store, upcast, schemaOf });
    const heard = new HeardNodes(systemClock);
    heard.listen(bus);
    const nodes = new NodeIndex();
    const following = nodes.follow({ ...common, store, signal: stopping.signal });
    const figures = new PlatformFigures(systemClock);
    figures.listen(bus);
    const counting = figures.follow({ store, logger, signal: stopping.signal });
    projections.start();
    const auditChain = await AuditChain.open(folder, { store, clock: systemClock, logger, quietMs: 50, pollMs: 20 });
    const chaining = auditChain.keep(stopping.signal);
    const parts = { ...common, bus, store, vault: memoryVault(), identities, sessions, rates, trustedProxies: [], aggregates, models, projections, heard, nodes, figures, auditChain, token: operatorToken(TOKEN), stopping: stopping.signal };
    const app = await createGateway(parts);
    await firstStart({ dispatcher: app.get(Dispatcher), aggregates, clock: systemClock });
    const { next } = await store.readAll(null, { limit: 500 });
    await projections.reached('environments', next!, 5_000);
    return new GatewayUnderTest(app, bus, models, async () => {
      stopping.abort();
      await app.close();
      await projections.stop();
      await Promise.all([following, counting, chaining]);
      await models.close();
      await identities.close();
      await store.close();
      await rm(folder, { recursive: true });
    });
  }

  /** With the token, unless `headers` say otherwise. */
  async call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const payload = body === undefined ? {} : { payload: JSON.stringify(body) };
    const json = body === undefined ? {} : { 'content-type': 'application/json' };
    const answer = await this.app.inject({ method: method as 'GET', url: path, headers: { authorization: `Bearer ${TOKEN}`, ...json, ...headers }, ...payload });
    return { status: answer.statusCode, headers: answer.headers, body: (answer.body === '' ? null : JSON.parse(answer.body)) as Json };
  }

  async environmentId(): Promise<string> {
    return (await this.call('GET', '/v1/environments?name=default')).body.items[0].environment_id;
  }

  /** Registers a node by its agent's word, and waits until the gateway has read it. */
  async register(name: string, memoryBytes = 2 ** 33): Promise<NodeId> {
    const nodeId = `node_${name.padEnd(26, 'a')}` as NodeId;
    const facts = { name, address: '127.0.0.1', architecture: 'amd64', engineVersion: '20.10', capacity: { cpuMillis: 4_000, memoryBytes }, labels: {} };
    const { position } = await this.app.get(Dispatcher).send(new ToNode(nodeId, { type: 'RegisterNode', data: { nodeId, facts, publicKey: 'U' } }, systemMetadata('platform')));
    await this.call('GET', `/v1/nodes?min_position=${position}`);
    await systemClock.sleep(50);
    return nodeId;
  }

  /** Takes a node out again. */
  async remove(nodeId: NodeId): Promise<void> {
    await this.call('DELETE', `/v1/nodes/${nodeId}`);
    await systemClock.sleep(50);
  }

  /** Plays the scheduler's part: the deployment under way, and those that it superseded, have ended. */
  async succeed(dockerServiceId: string): Promise<void> {
    const { state } = await this.app.get(AggregateStore).load(dockerService, streamOf('docker_service', dockerServiceId));
    if (state.status !== 'present' || !state.activeDeployment) throw new Error('no deployment is under way');
    for (const { deploymentId, toRelease } of [...state.superseded, state.activeDeployment]) {
      const outcome = deploymentId === state.activeDeployment.deploymentId ? 'SUCCEEDED' : 'SUPERSEDED';
      const data = { deploymentId, outcome, toRelease, reason: { code: 'spec', message: 'as the spec has it' }, ordered: [], stopped: [], forgotten: [] } as const;
      await this.app.get(Dispatcher).send(new ToDockerService(dockerServiceId, { type: 'EndDeployment', data }, systemMetadata(state.projectId)));
    }
  }
}

const systemMetadata = (tenantId: string) =>
  ({ commandId: randomCommandId(), tenantId, actor: { type: 'system', id: 'spec' }, originId: null, now: systemClock.now(), correlationId: 'spec', causationId: null }) as const;
