import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Dispatcher, ToNode } from '#application';
import { schemaOf, upcast, type NodeId } from '#domain';
import { AggregateStore, openSqliteEventStore } from '#event-store';
import { randomCommandId, systemClock, systemRandom } from '#platform';
import { everyView, openSqliteReadModels, Projector, views } from '#read-models';
import { MemoryBroker, MemoryBus, MemoryLogger } from '#testing';
import { createGateway } from './app.ts';
import { operatorToken } from './edge/operator-token.ts';
import { firstStart } from './first-start.ts';
import { HeardNodes } from './nodes/heard-nodes.ts';
import { NodeIndex } from './nodes/node-index.ts';
import { Projections } from './projections/projections.ts';

const TOKEN = 'wbt_spec';
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- answers are read as any REST client would
type Json = any;

/** A whole gateway on a store of its own, without a socket. */
class GatewayUnderTest {
  private constructor(
    readonly app: NestFastifyApplication,
    readonly logger: MemoryLogger,
    private readonly close: () => Promise<void>,
  ) {}

  static async open(): Promise<GatewayUnderTest> {
    const folder = await mkdtemp(join(tmpdir(), 'waybill-gateway-'));
    const logger = new MemoryLogger();
    const stopping = new AbortController();
    const common = { clock: systemClock, random: systemRandom, logger };
    const bus = new MemoryBus(new MemoryBroker(systemClock), 'api-gateway');
    const store = await openSqliteEventStore({ ...common, file: join(folder, 'events.db') });
    const models = await openSqliteReadModels({ ...common, file: ':memory:' });
    const projectors = everyView.map((view) => new Projector({ store, models, view, upcast, ...common }));
    const projections = new Projections(projectors, views, { store, models, upcast, logger, signal: stopping.signal });
    const aggregates = new AggregateStore({ ...common, store, upcast, schemaOf });
    const heard = new HeardNodes(systemClock);
    heard.listen(bus);
    const nodes = new NodeIndex();
    const following = nodes.follow({ ...common, store, signal: stopping.signal });
    projections.start();
    const parts = { ...common, bus, store, aggregates, models, projections, heard, nodes, token: operatorToken(TOKEN), stopping: stopping.signal };
    const app = await createGateway(parts);
    await firstStart({ dispatcher: app.get(Dispatcher), aggregates, clock: systemClock });
    return new GatewayUnderTest(app, logger, async () => {
      stopping.abort();
      await app.close();
      await projections.stop();
      await following;
      await models.close();
      await store.close();
      await rm(folder, { recursive: true });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

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
    const metadata = { commandId: randomCommandId(), tenantId: 'platform', actor: { type: 'system', id: 'spec' }, originId: null, now: Date.now(), correlationId: 'spec', causationId: null } as const;
    const { position } = await this.app.get(Dispatcher).send(new ToNode(nodeId, { type: 'RegisterNode', data: { nodeId, facts, publicKey: 'U' } }, metadata));
    await this.call('GET', `/v1/nodes?min_position=${position}`);
    await systemClock.sleep(50);
    return nodeId;
  }
}

describe('the gateway', () => {
  let gateway: GatewayUnderTest;
  let environment_id: string;
  beforeAll(async () => {
    gateway = await GatewayUnderTest.open();
    environment_id = await gateway.environmentId();
  });
  afterAll(() => gateway[Symbol.asyncDispose]());

  const post = (body: object, headers: Record<string, string> = {}) => gateway.call('POST', '/v1/docker-services', { environment_id, image: 'nginx:1.27', replicas: 0, ...body }, headers);

  it('creates a service with its defaults, and finds it at once', async () => {
    const created = await post({ image: 'myorg/api:v1', ports: [{ container_port: 3000 }], replicas: undefined, env: { PORT: '3000' } });
    expect(created.status).toBe(202);
    const { docker_service_id: id } = created.body;
    expect(created.headers).toMatchObject({ location: `/v1/docker-services/${id}`, etag: '"2"', 'waybill-position': expect.any(String) });
    expect(created.body).toMatchObject({
      name: expect.stringMatching(/^api-[a-z2-7]{6}$/),
      type: 'web',
      image: 'docker.io/myorg/api:v1',
      pull_policy: 'missing',
      status: 'PENDING',
      lifecycle: 'ACTIVE',
      release: 1,
      plan: 'small',
      resources: { limit: { cpu_millis: 250, memory_bytes: 256 * 1024 ** 2 } },
      replicas: { desired: 1, running: 0 },
      deploy: { min_healthy_ms: 10_000, healthy_deadline_ms: 300_000, progress_deadline_ms: 600_000, max_failures: 0 },
      deployment: { deployment_id: expect.stringMatching(/^dep_/), status: 'PENDING' },
      created_by: { type: 'token', id: 'tok_operator' },
      revision: 2,
    });
    const read = await gateway.call('GET', `/v1/docker-services/${id}`);
    expect(read).toMatchObject({ status: 200, headers: { etag: '"2"' }, body: created.body });
  });
});
