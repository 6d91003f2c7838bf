import { eventNameOf, queues, subjects, type AgentStand, type ObservationReply, type RegisterReply, type ReportReply } from '#contracts';
import {
  node,
  type NodeCommand,
  type NodeFacts,
  type NodeId,
  type Observation,
  type Placement,
  replica,
  type ReplicaCommand,
  type ReplicaId,
  schemaOf,
  streamOf,
  upcast,
  type CommandMetadata,
} from '#domain';
import { AggregateStore } from '#event-store';
import { commandIdOf } from '#platform';
import { MemoryBroker, type MemoryBus, MemoryEventStore, MemoryLogger, seededRandom, VirtualClock } from '#testing';
import { HealthMonitor } from '../../apps/health-monitor/health-monitor.ts';
import { nodeOfSubject } from '../../apps/health-monitor/ports.ts';

const MIB = 1024 * 1024;
export const FACTS: NodeFacts = { name: 'host-1', address: '10.0.0.5', architecture: 'amd64', engineVersion: '20.10', capacity: { cpuMillis: 4000, memoryBytes: 4096 * MIB }, labels: {} };

/** Something that an agent saw. */
export const saw = (replicaId: ReplicaId, state: Observation['state'], more: Partial<Observation> = {}): Observation => ({
  replicaId, run: 1, state, final: state === 'GONE', containerId: 'c', address: null, imageId: null, exitCode: null, oomKilled: false, health: 'unknown', reason: null, at: '2026-01-01T00:00:00.000Z', ...more,
});

const OWNER = { type: 'docker_service', id: 'svc_1' } as const;
const needsIn = (slot: number) =>
  ({ projectId: 'prj_1', environmentId: 'env_1', slot, generation: 1, release: 1, request: { cpuMillis: 100, memoryBytes: MIB }, ports: [], replaces: null }) as const;

/** Monitors on one log and one broker, and an agent's side of the conversation. */
export class MonitorWorld {
  readonly clock = new VirtualClock();
  readonly store = new MemoryEventStore();
  readonly logger = new MemoryLogger();
  readonly agent: MemoryBus;
  readonly monitors: { readonly monitor: HealthMonitor; readonly bus: MemoryBus }[] = [];
  readonly aggregates: AggregateStore;
  readonly #broker = new MemoryBroker(this.clock);
  #commands = 0;

  constructor() {
    this.agent = this.#broker.bus('agent');
    this.aggregates = this.#aggregatesOf(0);
  }

  /** A monitor as its Nest shell hosts it. */
  startMonitor(): { monitor: HealthMonitor; bus: MemoryBus } {
    const number = this.monitors.length + 1;
    const bus = this.#broker.bus(`monitor-${number}`);
    const monitor = new HealthMonitor({ store: this.store, clock: this.clock, random: seededRandom(number), logger: this.logger, bus, aggregates: this.#aggregatesOf(number) });
    const options = { queue: queues.monitor };
    bus.subscribe(subjects.register('*'), (request: never, subject) => monitor.register(nodeOfSubject(subject), request), options);
    bus.subscribe(subjects.observations('*'), (batch: never, subject) => monitor.takeObservations(nodeOfSubject(subject), batch), options);
    bus.subscribe(subjects.report('*'), (report: never, subject) => monitor.takeReport(nodeOfSubject(subject), report), options);
    bus.subscribe(subjects.volumes('*'), (report: never, subject) => monitor.takeVolumes(nodeOfSubject(subject), report), options);
    monitor.start();
    this.monitors.push({ monitor, bus });
    return { monitor, bus };
  }

  async end(): Promise<void> {
    await Promise.all(this.monitors.splice(0).map(({ monitor }) => monitor.stop()));
    await this.clock.settle();
  }

  register(nodeId: NodeId, facts: NodeFacts = FACTS, publicKey = 'UA'): Promise<RegisterReply> {
    return this.#asked(this.agent.request<RegisterReply>(subjects.register(nodeId), { nodeId, facts, publicKey }, 5_000));
  }

  observe(nodeId: NodeId, ...observations: Observation[]): Promise<ObservationReply> {
    const batch = { nodeId, observations: observations.map((observation, index) => ({ ...observation, seq: index + 1 })) };
    return this.#asked(this.agent.request<ObservationReply>(subjects.observations(nodeId), batch, 10_000));
  }

  report(nodeId: NodeId, stand: Partial<AgentStand>, ...replicas: unknown[]): Promise<ReportReply> {
    const payload = { stand: { nodeId, storeId: this.store.storeId, applied: null, refusing: null, ...stand }, replicas };
    return this.#asked(this.agent.request<ReportReply>(subjects.report(nodeId), payload, 10_000));
  }

  /** A beat of each of these nodes every 5 s, for so long. */
  async beatFor(ms: number, ...nodeIds: NodeId[]): Promise<void> {
    for (let passed = 0; passed < ms; passed += 5_000) {
      this.beat(...nodeIds);
      await this.clock.advance(5_000);
    }
  }

  beat(...nodeIds: NodeId[]): void {
    for (const nodeId of nodeIds) this.agent.publish(subjects.heartbeat(nodeId), { stand: { nodeId, storeId: null, applied: null, refusing: null }, beat: 1 });
  }

  /** Orders a replica, and nothing more. */
  async order(replicaId: ReplicaId, slot = 1): Promise<void> {
    await this.toReplica(replicaId, { type: 'CreateReplica', data: { replicaId, owner: OWNER, ...needsIn(slot), constraints: [], deploymentId: null } });
  }

  /** Orders a replica and lets the node settle its claim. `copied`: its own stream has the node's word, too. */
  async place(replicaId: ReplicaId, nodeId: NodeId, { copied = true, slot = 1 } = {}): Promise<void> {
    const reason = { code: 'only_fit', message: '' };
    await this.order(replicaId, slot);
    await this.toReplica(replicaId, { type: 'ClaimPlacement', data: { attempt: 1, nodeId, reason, nodes: [] } });
    const placement: Placement = { replicaId, owner: OWNER, ...needsIn(slot), attempt: 1 };
    const commandId = commandIdOf('settle', replicaId, '1');
    await this.aggregates.handle(node, streamOf('node', nodeId), { type: 'PlaceReplica', data: placement }, { ...this.#metadata(), commandId });
    if (copied) await this.toReplica(replicaId, { type: 'CopySettlement', data: { attempt: 1, nodeId, outcome: 'placed', reason, eventId: 'e' } });
  }

  async toReplica(replicaId: ReplicaId, command: ReplicaCommand): Promise<void> {
    await this.aggregates.handle(replica, streamOf('replica', replicaId), command, this.#metadata());
  }

  async toNode(nodeId: NodeId, command: NodeCommand): Promise<void> {
    await this.aggregates.handle(node, streamOf('node', nodeId), command, this.#metadata());
  }

  /** The point that an agent has applied when it has applied all that there is now. */
  headOf(nodeId: NodeId): { revision: string; eventId: string } {
    const last = this.store.log.findLast(({ stream }) => stream === streamOf('node', nodeId));
    return { revision: String(last?.revision), eventId: last ? eventNameOf(last) : 'nothing' };
  }

  /** Types of what stands in a stream, oldest first. */
  typesIn(category: 'node' | 'replica', id: string): string[] {
    return this.store.log.filter(({ stream }) => stream === streamOf(category, id)).map(({ type }) => type);
  }

  /** What was recorded of a replica as seen, in order. */
  statesOf(replicaId: ReplicaId): string[] {
    return this.store.log.filter(({ stream, type }) => stream === streamOf('replica', replicaId) && type === 'ReplicaObserved').map(({ data }) => (data as Observation).state);
  }

  dataOfLast(category: 'node' | 'replica', id: string): object | undefined {
    return this.store.log.findLast(({ stream }) => stream === streamOf(category, id))?.data;
  }

  #aggregatesOf(seed: number): AggregateStore {
    return new AggregateStore({ store: this.store, clock: this.clock, random: seededRandom(seed), upcast, schemaOf });
  }

  /** Lets time pass until the answer is there. */
  async #asked<T>(answer: Promise<T>): Promise<T> {
    let done = false;
    const settled = answer.finally(() => {
      done = true;
    });
    settled.catch(() => undefined);
    await this.clock.advanceUntil(() => done, 60_000, 50);
    return settled;
  }

  #metadata(): CommandMetadata {
    this.#commands += 1;
    return { commandId: commandIdOf('world', String(this.#commands)), tenantId: 'prj_1', actor: { type: 'system', id: 'scheduler' }, originId: null, now: this.clock.now(), correlationId: 'c', causationId: null };
  }
}
