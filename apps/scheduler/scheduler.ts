import { queues, subjects, type AgentStand, type Heartbeat, type ValueRequest } from '#contracts';
import { type DockerServiceId, type NodeId, type ProjectId, type ReplicaId, upcast, type VolumeId } from '#domain';
import { followLog, type Recorded } from '#event-store';
import { WorkQueue, type WorkQueueOptions } from '#reconcile';
import { Dispatcher } from './dispatch/dispatcher.ts';
import { INDEXED_PREFIXES, LogIndex } from './log-index.ts';
import { FreeOrphans } from './names/free-orphans.ts';
import { ReconcileNetworks } from './networks/reconcile-networks.ts';
import { ReleaseReplicas } from './nodes/release-replicas.ts';
import { ReconcilePlacement } from './placement/reconcile-placement.ts';
import type { SchedulerPorts } from './ports.ts';
import { ReconcileService } from './services/reconcile-service.ts';
import { ReconcileVolumes } from './volumes/reconcile-volumes.ts';
import { FollowVersions } from './values/follow-versions.ts';
import { HandOver } from './values/hand-over.ts';
import { allWakes, type Wakes, wakesOf } from './wakes.ts';

const RESYNC_MS = 30_000;
/** Many replicas of one service, or on one node, move at the same time: they are looked at together. */
const BURST_MS = 50;

export interface SchedulerOptions extends SchedulerPorts {
  /** What environments' subnets are cut from: `10.192.0.0/11`. */
  readonly subnetPool: string;
}

/** The scheduler: follows the log, and wakes a reconciler for whatever an event concerns. Any number of them may run on one
 *  log; what they do is decided by streams, so that of two who try the same thing one is heard. */
export class Scheduler {
  private readonly index = new LogIndex();
  private readonly dispatcher: Dispatcher;
  private readonly queues: ReturnType<Scheduler['makeQueues']>;
  private readonly stopping = new AbortController();
  private readonly unsubscribe: (() => void)[] = [];
  private following: Promise<void> = Promise.resolve();
  private caughtUp = false;
  private trouble: Error | null = null;

  constructor(private readonly options: SchedulerOptions) {
    this.dispatcher = new Dispatcher(options, this.index);
    this.queues = this.makeQueues();
  }

  /** Begins to follow the log. Nothing is decided before its end was reached once. */
  start(): void {
    const { store, clock, logger, bus } = this.options;
    const handOver = new HandOver(this.options);
    this.following = followLog({
      store,
      after: null,
      prefixes: INDEXED_PREFIXES,
      signal: this.stopping.signal,
      clock,
      onEvent: (event) => this.takeEvent(event),
      onCaughtUp: () => this.takeCaughtUp(),
      onDegraded: (error) => {
        this.trouble = error;
        logger.warn('log can not be followed', { error });
      },
    });
    this.unsubscribe.push(
      bus.subscribe<AgentStand>(subjects.sync('*'), (stand) => this.takeSync(stand), { queue: queues.scheduler }),
      bus.subscribe<Heartbeat>(subjects.heartbeat('*'), ({ stand }) => this.takeHeartbeat(stand)),
      bus.subscribe<ValueRequest>(subjects.value('*'), (request, subject) => handOver.answer(nodeIn(subject), request), { queue: queues.scheduler }),
    );
  }

  /** Begins nothing more. @returns when what was begun has ended; what was left undone is found by the next one. */
  async stop(): Promise<void> {
    this.stopping.abort();
    for (const end of this.unsubscribe.splice(0)) end();
    await Promise.all([this.following, ...this.allQueues().map((queue) => queue.stop())]);
  }

  /** Whether it decides anything yet, in a sentence. */
  readiness(): { ok: boolean; detail: string } {
    if (this.trouble) return { ok: false, detail: `the log can't be followed: ${this.trouble.message}` };
    return this.caughtUp ? { ok: true, detail: 'follows the log' } : { ok: false, detail: 'reads the log from its beginning' };
  }

  private makeQueues() {
    const { options, index, dispatcher } = this;
    const services = new ReconcileService(options, index, (nodeId) => this.wakeHolders(nodeId));
    const placements = new ReconcilePlacement(options, index);
    const releases = new ReleaseReplicas(options, index);
    const networks = new ReconcileNetworks(options, index, options.subnetPool);
    const names = new FreeOrphans(options, index);
    const volumes = new ReconcileVolumes(options, index);
    const followers = new FollowVersions(options, index);
    return {
      services: this.queue<DockerServiceId>('services', 4, (id) => services.reconcile(id), BURST_MS),
      // Many at once, so that what they write goes to the disk together.
      placements: this.queue<ReplicaId>('placements', 128, (id) => placements.reconcile(id)),
      releases: this.queue<NodeId>('releases', 2, (id) => releases.reconcile(id), BURST_MS),
      dispatches: this.queue<NodeId>('dispatches', 8, (id) => dispatcher.reconcile(id), 2 * BURST_MS),
      networks: this.queue<ProjectId>('networks', 1, (id) => networks.reconcile(id)),
      names: this.queue<string>('names', 1, (holder) => names.reconcile(holder)),
      volumes: this.queue<VolumeId>('volumes', 4, (id) => volumes.reconcile(id)),
      followers: this.queue<DockerServiceId>('followers', 2, (id) => followers.reconcile(id)),
    };
  }

  private queue<Key extends string>(name: string, concurrency: number, reconcile: WorkQueueOptions<Key>['reconcile'], restMs = 0): WorkQueue<Key> {
    const { clock, random, logger, onReconciled } = this.options;
    return new WorkQueue<Key>({ name, clock, random, logger, concurrency, restMs, reconcile, onReconciled });
  }

  private allQueues(): WorkQueue<never>[] {
    return Object.values(this.queues) as unknown as WorkQueue<never>[];
  }

  private takeEvent(recorded: Recorded): void {
    this.trouble = null;
    const event = upcast(recorded);
    this.index.take(event);
    // What reconcilers look at next needs no reading for what is heard here.
    this.options.aggregates.hear(event);
    if (this.caughtUp) this.wake(wakesOf(event, this.index));
  }

  private takeCaughtUp(): void {
    this.trouble = null;
    if (this.caughtUp) return;
    this.caughtUp = true;
    this.options.logger.info('caught up with the log', { services: this.index.services.size, nodes: this.index.nodes.size });
    this.wake(allWakes(this.index));
    for (const queue of this.allQueues()) queue.start();
    void this.resyncForever();
  }

  /** A lost message costs delay, never truth: all that isn't over is looked at again from time to time. */
  private async resyncForever(): Promise<void> {
    const { signal } = this.stopping;
    for (;;) {
      await this.options.clock.sleep(RESYNC_MS, signal);
      if (signal.aborted) return;
      const all = allWakes(this.index);
      this.wake({ ...all, dispatches: new Set([...all.dispatches].filter((nodeId) => this.dispatcher.isBehind(nodeId))) });
    }
  }

  private wake({ services, placements, releases, dispatches, networks, names, volumes, followers }: Wakes): void {
    for (const key of services) this.queues.services.add(key);
    for (const key of placements) this.queues.placements.add(key);
    for (const key of releases) this.queues.releases.add(key);
    for (const key of dispatches) this.queues.dispatches.add(key);
    for (const key of networks) this.queues.networks.add(key);
    for (const key of names) this.queues.names.add(key);
    for (const key of volumes) this.queues.volumes.add(key);
    for (const key of followers) this.queues.followers.add(key);
  }

  private takeSync(stand: AgentStand): void {
    this.dispatcher.heard(stand);
    this.queues.dispatches.add(stand.nodeId);
  }

  private takeHeartbeat(stand: AgentStand): void {
    if (this.dispatcher.heard(stand)) this.queues.dispatches.add(stand.nodeId);
  }

  private wakeHolders(nodeId: NodeId): void {
    for (const { placement } of this.index.nodes.get(nodeId)?.entries.values() ?? []) {
      if (placement.owner.type === 'docker_service') this.queues.services.add(placement.owner.id);
    }
  }
}

/** Whom a subject of `waybill.node.<id>.…` names. */
const nodeIn = (subject: string): NodeId => subject.split('.')[2] as NodeId;
