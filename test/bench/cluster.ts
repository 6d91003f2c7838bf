import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import {
  dockerService,
  node as nodeRules,
  PLATFORM,
  project,
  schemaOf,
  streamOf,
  upcast,
  type CommandMetadata,
  type DeploymentId,
  type DockerServiceId,
  type EnvironmentId,
  type NetworkId,
  type NodeId,
  type ProjectId,
} from '#domain';
import { AggregateStore, hintingOn, openEventStore, wokenByHints, type EventStore } from '#event-store';
import { connectNats, type ClosableBus } from '#messaging';
import { createLogger, digest, randomCommandId, systemClock, systemRandom } from '#platform';
import { aContainerSpec, aDeploySettings, aNodeFacts, startNats } from '#testing';
import { nodeArgsOf } from '../../deploy/installation.ts';
import { answers, freePort, Supervised, until } from '../../deploy/processes.ts';
import { RESOURCES } from './container.ts';
import { SimulatedAgents } from './simulated-agents.ts';

const DIST = resolve(import.meta.dirname, '../../dist');
/** Room for more than is ever placed. */
const CAPACITY = { cpuMillis: 256_000, memoryBytes: 1024 * 2 ** 30 };

export interface ClusterOptions {
  /** For the log and the scheduler's own; it is left there. */
  readonly folder: string;
  readonly nodes: number;
}

/** A scheduler as a process, on a real broker and a real log, with agents that have no engine: for what no engine could keep up with. */
export class Cluster {
  readonly projectId = idOf('prj', 0) as ProjectId;
  private readonly environmentId = idOf('env', 0) as EnvironmentId;
  private readonly networkId = idOf('net', 0) as NetworkId;
  private scheduler: Supervised | null = null;
  private services = 0;

  private constructor(
    readonly store: EventStore,
    private readonly aggregates: AggregateStore,
    private readonly closing: AsyncDisposableStack,
  ) {}

  static async start({ folder, nodes }: ClusterOptions): Promise<Cluster> {
    await using opened = new AsyncDisposableStack();
    await mkdir(folder, { recursive: true });
    const broker = await startNats();
    opened.defer(() => broker.stop());
    const logger = createLogger('bench', { level: 'error' });
    const common = { clock: systemClock, random: systemRandom, logger };
    const bus = await connectNats({ url: broker.url, name: 'bench', logger, clock: systemClock });
    opened.defer(() => bus.close());
    const store = await openEventStore(`sqlite:${join(folder, 'events.db')}`, { ...common, wake: wokenByHints(bus) });
    opened.defer(() => store.close());
    const aggregates = new AggregateStore({ ...common, store, upcast, schemaOf, onAppended: hintingOn(bus) });
    const cluster = new Cluster(store, aggregates, new AsyncDisposableStack());
    await cluster.addNodes(bus, nodes);
    await cluster.startScheduler(folder, broker.url);
    await cluster.createProject();
    cluster.closing.use(opened.move());
    return cluster;
  }

  stop(): Promise<void> {
    return this.closing.disposeAsync();
  }

  get schedulerPid(): number {
    return this.scheduler!.pid!;
  }

  /** Creates so many services without replicas, and waits until their deployments have ended. */
  async createServices(count: number, deadlineMs = 120_000): Promise<DockerServiceId[]> {
    const ids = Array.from({ length: count }, () => idOf('svc', (this.services += 1)) as DockerServiceId);
    await Promise.all(ids.map((id) => this.createService(id)));
    for (const id of ids) {
      await until(`the deployment of ${id} has not ended`, deadlineMs, async () => {
        const { state } = await this.aggregates.load(dockerService, streamOf('docker_service', id));
        return state.status === 'present' && state.activeDeployment === null;
      });
    }
    return ids;
  }

  async scale(dockerServiceId: DockerServiceId, replicas: number): Promise<void> {
    await this.aggregates.handle(dockerService, streamOf('docker_service', dockerServiceId), { type: 'ScaleDockerService', data: { replicas } }, this.metadata());
  }

  private async createService(dockerServiceId: DockerServiceId): Promise<void> {
    const { projectId, environmentId, networkId } = this;
    const name = dockerServiceId.replace('_', '-');
    const commandId = randomCommandId();
    const claim = { scope: 'docker_service', environmentId, name, holder: dockerServiceId, commandId } as const;
    await this.aggregates.handle(project, streamOf('project', projectId), { type: 'ClaimName', data: claim }, this.metadata(commandId));
    const data = {
      ...{ dockerServiceId, projectId, environmentId, networkId, name, hostname: `${name}.default.bench.internal`, kind: 'worker', replicas: 0 } as const,
      deploy: aDeploySettings(),
      spec: aContainerSpec({ resources: RESOURCES_OF_MANY }),
      deploymentId: `dep_${digest([dockerServiceId])}` as DeploymentId,
    };
    await this.aggregates.handle(dockerService, streamOf('docker_service', dockerServiceId), { type: 'CreateDockerService', data }, this.metadata(commandId));
  }

  private async addNodes(bus: ClosableBus, count: number): Promise<void> {
    const nodeIds = Array.from({ length: count }, (_, index) => idOf('node', index) as NodeId);
    await Promise.all(
      nodeIds.map((nodeId, index) => {
        const facts = aNodeFacts({ name: `host-${index + 1}`, capacity: CAPACITY });
        const command = { type: 'RegisterNode', data: { nodeId, facts, publicKey: `U${nodeId}` } } as const;
        return this.aggregates.handle(nodeRules, streamOf('node', nodeId), command, this.metadata());
      }),
    );
    const agents = new SimulatedAgents(bus, nodeIds);
    agents.start();
    this.closing.defer(() => agents.stop());
  }

  private async startScheduler(folder: string, natsUrl: string): Promise<void> {
    const health = `127.0.0.1:${await freePort()}`;
    const env = { ...process.env, WAYBILL_HOME: folder, WAYBILL_HEALTH_LISTEN: health, NATS_URL: natsUrl, LOG_LEVEL: 'warn' };
    const scheduler = new Supervised({ name: 'scheduler', command: process.execPath, args: nodeArgsOf('scheduler', DIST), env, logFile: join(folder, 'scheduler.log') });
    this.scheduler = scheduler;
    scheduler.start();
    this.closing.defer(() => scheduler.stop());
    await until('the scheduler is not ready', 30_000, () => answers(`http://${health}/healthz`));
  }

  private async createProject(): Promise<void> {
    const { projectId, environmentId, networkId } = this;
    const environment = { environmentId, networkId, name: 'default' };
    await this.aggregates.handle(project, streamOf('project', projectId), { type: 'CreateProject', data: { projectId, name: 'bench', environment } }, this.metadata());
  }

  private metadata(commandId = randomCommandId()): CommandMetadata {
    return { commandId, tenantId: PLATFORM, actor: { type: 'token', id: 'tok_bench' }, originId: null, now: Date.now(), correlationId: commandId, causationId: null };
  }
}

const RESOURCES_OF_MANY = {
  request: { cpuMillis: RESOURCES.request.cpu_millis, memoryBytes: RESOURCES.request.memory_bytes },
  limit: { cpuMillis: RESOURCES.limit.cpu_millis, memoryBytes: RESOURCES.limit.memory_bytes },
};

/** As the gateway makes them: each prefix with 26 base32 characters. */
const idOf = (prefix: string, index: number): string => `${prefix}_${digest(['bench', prefix, String(index)])}`;
