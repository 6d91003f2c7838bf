import { type Apply, type CommandMetadata, type ContainerSpec, type DeploymentId, type DeploySettings, deployment, dockerService, type DockerServiceCommand, type DockerServiceId, type EnvironmentId, type ExistingDockerService, type ExistingVolume, job, type JobId, type NameClaim, network, type Network, type NetworkCommand, type NetworkId, type NodeId, type OpenedDeployment, PLATFORM, project, type ProjectId, replica, replicaState, type ReplicaId, schemaOf, secret, Sensitive, streamOf, upcast, volume, type VolumeCommand, type VolumeId, type VolumeMount, ALWAYS, DEFAULT_DEPLOY_SETTINGS, DEFAULT_TARGETS } from '#domain';
import { AggregateStore, type EventStore, type Recorded } from '#event-store';
import { commandIdOf, randomCommandId, replicaIdOf } from '#platform';
import { MemoryBroker, type MemoryBus, MemoryEventStore, MemoryLogger, memoryVault, seededRandom, VirtualClock } from '#testing';
import { Scheduler } from '../../apps/scheduler/scheduler.ts';
import { FaultyStore } from './faulty-store.ts';
import { ScriptedNode } from './scripted-node.ts';

export const MIB = 1024 * 1024;
export const IDS = {
  projectId: 'prj_shop' as ProjectId,
  environmentId: 'env_production' as EnvironmentId,
  networkId: 'net_production' as NetworkId,
  serviceId: 'svc_api' as DockerServiceId,
  deploymentId: 'dep_first',
  jobId: 'job_migrate' as JobId,
} as const;

const SERVICE_NAME = { scope: 'docker_service', name: 'api', holder: IDS.serviceId } as const;

export const DEPLOY: DeploySettings = { ...DEFAULT_DEPLOY_SETTINGS, monitorMs: 0, minHealthyMs: 1_000, healthyDeadlineMs: 60_000, progressDeadlineMs: 120_000, maxFailures: 0 };
export const SPEC: ContainerSpec = {
  image: 'docker.io/library/api:1',
  pullPolicy: 'missing',
  command: null,
  args: null,
  env: {},
  ports: [],
  plan: null,
  resources: { request: { cpuMillis: 100, memoryBytes: 64 * MIB }, limit: { cpuMillis: 200, memoryBytes: 128 * MIB } },
  labels: {},
  constraints: [],
  restartPolicy: ALWAYS,
  healthcheck: null, ...DEFAULT_TARGETS,
};

/** A process of the scheduler's, with a store, a bus and memory of its own. */
export interface SchedulerProcess {
  readonly scheduler: Scheduler;
  readonly store: FaultyStore;
  readonly bus: MemoryBus;
  readonly logger: MemoryLogger;
}

/** Schedulers and scripted nodes on one log, under virtual time: the rest of the house is played by hand. */
export class SchedulerWorld {
  readonly clock = new VirtualClock();
  readonly broker: MemoryBroker;
  readonly store: MemoryEventStore;
  readonly aggregates: AggregateStore;
  readonly nodes: ScriptedNode[] = [];
  readonly processes: SchedulerProcess[] = [];
  readonly vault = memoryVault();
  private readonly over = new AbortController();

  constructor(private readonly seed = 1) {
    this.broker = new MemoryBroker(this.clock, 1);
    this.store = new MemoryEventStore();
    this.aggregates = this.aggregatesOn(this.store);
  }

  /** With an environment, ready nodes and one scheduler. */
  static async begin(options: { nodes?: number; schedulers?: number; capacity?: { cpuMillis: number; memoryBytes: number } } = {}): Promise<SchedulerWorld> {
    const world = new SchedulerWorld();
    await world.createProject();
    for (let i = 1; i <= (options.nodes ?? 1); i += 1) await world.addNode(`n${i}`, options.capacity);
    for (let i = 0; i < (options.schedulers ?? 1); i += 1) world.addScheduler();
    await world.clock.advance(100);
    return world;
  }

  addScheduler(subnetPool = '10.192.0.0/11'): SchedulerProcess {
    const store = new FaultyStore(this.store);
    const bus = this.broker.bus(`scheduler-${this.processes.length + 1}`);
    const logger = new MemoryLogger();
    const random = seededRandom(this.seed + this.processes.length);
    const scheduler = new Scheduler({ store, aggregates: this.aggregatesOn(store), bus, clock: this.clock, random, logger, vault: this.vault, subnetPool });
    const made = { scheduler, store, bus, logger };
    this.processes.push(made);
    scheduler.start();
    return made;
  }

  /** SIGKILL at an append; `then` runs at that moment. */
  kill(process: SchedulerProcess, appends: number, when: 'before' | 'after', then: () => void): void {
    process.store.dieAtAppend(appends, when, () => {
      void process.bus.close();
      then();
    });
  }

  async addNode(name: string, capacity = { cpuMillis: 4_000, memoryBytes: 4_096 * MIB }): Promise<ScriptedNode> {
    const nodeId = `node_${name}` as NodeId;
    const facts = { name, address: '10.0.0.1', architecture: 'amd64', engineVersion: '24', capacity, labels: {}, backends: ['local', 'tmpfs'] as const };
    const made = new ScriptedNode(nodeId, this, this.broker.bus(nodeId), facts, this.over.signal);
    this.nodes.push(made);
    await made.register();
    return made;
  }

  async end(): Promise<void> {
    this.over.abort();
    const living = this.processes.filter(({ store }) => !store.isDead);
    for (const { store } of living) store.thaw();
    let stopped = false;
    void Promise.all(living.map(({ scheduler }) => scheduler.stop())).then(() => (stopped = true));
    await this.clock.advanceUntil(() => stopped);
  }

  async createProject(): Promise<void> {
    const { projectId, environmentId, networkId } = IDS;
    const environment = { environmentId, networkId, name: 'production' };
    await this.aggregates.handle(project, streamOf('project', projectId), { type: 'CreateProject', data: { projectId, name: 'shop', environment } }, this.metadata());
  }

  async deleteEnvironment(): Promise<void> {
    const { projectId, environmentId } = IDS;
    await this.aggregates.handle(project, streamOf('project', projectId), { type: 'DeleteEnvironment', data: { environmentId } }, this.metadata());
  }

  async deleteProject(): Promise<void> {
    await this.aggregates.handle(project, streamOf('project', IDS.projectId), { type: 'DeleteProject', data: {} }, this.metadata());
  }

  /** A version of `sec_db`, kept and told of; the first one makes it. */
  async keepSecret(version: number, apply: Apply = 'now'): Promise<void> {
    const { projectId } = IDS;
    const ref = { projectId, id: 'sec_db', version, valueId: `value ${version}` } as const;
    await this.vault.keep(ref, new Sensitive(`value ${version}`));
    const first = { type: 'CreateSecret', data: { secretId: ref.id, projectId, environmentId: null, name: 'db', valueId: ref.valueId } } as const;
    const command = version === 1 ? first : ({ type: 'AddSecretVersion', data: { version, valueId: ref.valueId, apply } } as const);
    await this.aggregates.handle(secret, streamOf('secret', ref.id), command, this.metadata());
  }

  async claimName({ scope, name, holder }: Pick<NameClaim, 'scope' | 'name' | 'holder'> = SERVICE_NAME, on: string = IDS.projectId): Promise<void> {
    const commandId = randomCommandId();
    const environmentId = scope === 'project' ? null : IDS.environmentId;
    await this.aggregates.handle(project, streamOf('project', on), { type: 'ClaimName', data: { scope, environmentId, name, holder, commandId } }, this.metadata(commandId));
  }

  async createService(replicas: number, change: { spec?: Partial<ContainerSpec>; deploy?: Partial<DeploySettings> } = {}): Promise<void> {
    const { projectId, environmentId, networkId, serviceId, deploymentId } = IDS;
    await this.claimName();
    await this.onService({
      type: 'CreateDockerService',
      data: {
        dockerServiceId: serviceId,
        projectId,
        environmentId,
        networkId,
        name: 'api',
        hostname: 'api.production.shop.internal',
        kind: 'worker',
        replicas,
        deploy: { ...DEPLOY, ...change.deploy },
        spec: { ...SPEC, ...change.spec },
        deploymentId,
      },
    });
  }

  /** The next release, of another image, and its deployment. */
  async deploy(deploymentId: DeploymentId, image: string, change: { spec?: Partial<ContainerSpec>; settings?: Partial<DeploySettings> } = {}): Promise<void> {
    const spec = { ...SPEC, ...change.spec, image };
    await this.onService({ type: 'DeployDockerService', data: { deploymentId, spec, settings: change.settings ?? {}, sameSpec: 'nothing' } });
  }

  scale = (replicas: number): Promise<void> => this.onService({ type: 'ScaleDockerService', data: { replicas } });
  deleteService = (volumes?: 'keep' | 'delete'): Promise<void> => this.onService({ type: 'RequestDockerServiceDeletion', data: volumes ? { volumes } : {} });

  /** As the gateway makes a network: its name first. */
  async nameNetwork(networkId: NetworkId, name: string): Promise<void> {
    const { projectId, environmentId } = IDS;
    await this.claimNetworkName(networkId, name);
    await this.onNetwork(networkId, { type: 'CreateNetwork', data: { networkId, projectId, environmentId, name, driver: 'bridge', subnet: null } });
  }

  async claimNetworkName(networkId: NetworkId, name: string): Promise<void> {
    const { projectId, environmentId } = IDS;
    const commandId = randomCommandId();
    const data = { scope: 'network', environmentId, name, holder: networkId, commandId } as const;
    await this.aggregates.handle(project, streamOf('project', projectId), { type: 'ClaimName', data }, this.metadata(commandId));
  }

  async onNetwork(networkId: NetworkId, command: NetworkCommand): Promise<void> {
    await this.aggregates.handle(network, streamOf('network', networkId), command, this.metadata());
  }

  async network(networkId: NetworkId): Promise<Network> {
    return (await this.aggregates.load(network, streamOf('network', networkId))).state;
  }

  /** As the gateway does with a service that mounts it, as an agent does with what it has made or taken away, or as anybody does. */
  async onVolume(volumeId: VolumeId, command: VolumeCommand): Promise<void> {
    await this.aggregates.handle(volume, streamOf('volume', volumeId), command, this.metadata());
  }

  async volume(volumeId: VolumeId): Promise<ExistingVolume> {
    const { state } = await this.aggregates.load(volume, streamOf('volume', volumeId));
    if (state.status !== 'present') throw new Error(`the volume is ${state.status}`);
    return state;
  }

  /** As job-runner does: the job, its first attempt and the replica of that. */
  async runJob(volumes: readonly VolumeMount[] = []): Promise<ReplicaId> {
    const { projectId, environmentId, networkId, jobId } = IDS;
    const owner = { type: 'job', id: jobId } as const;
    const replicaId = replicaIdOf(owner, 0, 1);
    const definition = { jobId, projectId, environmentId, networkId, name: 'migrate', spec: { ...SPEC, volumes }, timeoutMs: 60_000, retries: 0, trigger: { type: 'manual' }, inheritsFrom: null, rerunOf: null } as const;
    await this.aggregates.handle(job, streamOf('job', jobId), { type: 'CreateJob', data: definition }, this.metadata());
    await this.aggregates.handle(job, streamOf('job', jobId), { type: 'StartAttempt', data: { attempt: 1, replicaId } }, this.metadata());
    const placeable = { projectId, environmentId, slot: 0, generation: 1, release: null, request: SPEC.resources.request, ports: [], constraints: [], replaces: null, volumes };
    const command = { type: 'CreateReplica', data: { replicaId, owner, ...placeable, deploymentId: null } } as const;
    await this.aggregates.handle(replica, streamOf('replica', replicaId), command, this.metadata(commandIdOf('create', replicaId)));
    return replicaId;
  }

  async endJob(): Promise<void> {
    const data = { outcome: 'SUCCEEDED', attempt: 1, exitCode: 0, oomKilled: false, reason: { code: 'completed', message: 'exit code 0' } } as const;
    await this.aggregates.handle(job, streamOf('job', IDS.jobId), { type: 'EndJob', data }, this.metadata());
  }

  /** Containers of the service on all nodes, by slot. */
  slots(): number[] {
    return this.nodes.flatMap(({ alive }) => alive.map(({ slot }) => slot)).sort((a, b) => a - b);
  }

  async service(): Promise<ExistingDockerService> {
    const { state } = await this.aggregates.load(dockerService, streamOf('docker_service', IDS.serviceId));
    if (state.status !== 'present') throw new Error(`the service is ${state.status}`);
    return state;
  }

  async deployment(deploymentId: DeploymentId = IDS.deploymentId): Promise<OpenedDeployment> {
    const { state } = await this.aggregates.load(deployment, streamOf('deployment', deploymentId));
    if (state.status !== 'opened') throw new Error('the deployment was not opened');
    return state;
  }

  async replicaState(replicaId: ReplicaId): Promise<string | null> {
    const { state } = await this.aggregates.load(replica, streamOf('replica', replicaId));
    return state.status === 'abandoned' ? 'abandoned' : replicaState(state);
  }

  /** The service stands at its number, with nothing under way. */
  async isStable(replicas: number): Promise<boolean> {
    const service = await this.service();
    return !service.activeDeployment && service.orders.replicas.size === replicas && this.slots().length === replicas;
  }

  /** Events of a type, in the order of the log. */
  events(type: string): Recorded[] {
    return this.store.log.filter((event) => event.type === type);
  }

  /** Breaches of what must hold at any time: no replica placed twice, none begun twice, no slot's container made twice. */
  breaches(): string[] {
    const found: string[] = [];
    const placed = this.events('ReplicaPlaced').map(({ data }) => (data as { replicaId: string }).replicaId);
    const created = this.events('ReplicaCreated').map(({ stream }) => stream);
    const made: string[] = this.nodes.flatMap((each) => each.made);
    for (const [what, all] of Object.entries({ placed, created, made })) {
      for (const each of all.filter((id, index) => all.indexOf(id) !== index)) found.push(`${each} was ${what} twice`);
    }
    return found;
  }

  async onService(command: DockerServiceCommand): Promise<void> {
    await this.aggregates.handle(dockerService, streamOf('docker_service', IDS.serviceId), command, this.metadata());
  }

  private aggregatesOn(store: EventStore): AggregateStore {
    return new AggregateStore({ store, clock: this.clock, random: seededRandom(this.seed), upcast, schemaOf });
  }

  private metadata(commandId = randomCommandId()): CommandMetadata {
    return { commandId, tenantId: PLATFORM, actor: { type: 'token', id: 'tok_test' }, originId: null, now: this.clock.now(), correlationId: commandId, causationId: null };
  }
}
