import type { Logger } from '#contracts';
import { LABELS, type ContainerState } from '#docker';
import { parseStream, type NodeId, type ReplicaId, type VolumeId } from '#domain';
import type { Recorded } from '#event-store';
import { MemoryReadModels } from '#testing';
import type { Weakness } from './guards.ts';
import { Host, MIB } from './house/host.ts';
import { Life } from './house/life.ts';
import { Network } from './house/network.ts';
import { startAgent, startGateway, startJobRunner, startMonitor, startScheduler, type SimulatedGateway, type Surroundings } from './house/parts.ts';
import { Shelf } from './house/shelf.ts';
import { Timeline } from './house/timeline.ts';
import { images } from './images.ts';
import type { Deed } from './script.ts';
import { Amnesia } from './house/amnesia.ts';
import { AskedDeletions } from './laws/asked-deletions.ts';
import { containerBreaches } from './laws/container-laws.ts';
import { usedDeletions } from './laws/dependency-laws.ts';
import { Ledger } from './laws/ledger.ts';
import { breachesOf, nodeBreaches } from './laws/log-laws.ts';
import { Truths } from './laws/truths.ts';
import { Canaries, deletionBreaches } from './laws/value-laws.ts';
import { Clearances, lossBreaches, makingBreaches, volumeBreaches, volumesOf } from './laws/volume-laws.ts';

export interface Breach {
  readonly law: string;
  readonly what: string;
}

/** A part of the house, over all of its lives. */
export interface Part {
  readonly name: string;
  readonly kind: 'scheduler' | 'gateway' | 'job-runner' | 'health-monitor' | 'agent';
  readonly host: Host | null;
  life: Life | null;
  lives: number;
}

export interface WorldOptions {
  readonly seed: number;
  readonly weakness: Weakness;
  /** Hears every line of the story; null: nobody does. */
  readonly tell: ((line: string) => void) | null;
}

/** The whole house in one process, under one seed: two of each part of the control plane, some hosts with their agents, a log, a
 *  network; and everybody who watches that the laws hold. */
export class World {
  readonly timeline: Timeline;
  readonly network: Network;
  readonly shelf: Shelf;
  readonly hosts: Host[] = [];
  readonly parts: Part[] = [];
  models = new MemoryReadModels();
  readonly truths: Truths;
  readonly weakness: Weakness;
  readonly amnesia = new Amnesia();
  readonly canaries = new Canaries((where) => this.accuse('no value is seen anywhere', where));
  readonly clearances = new Clearances();
  readonly deletions = new AskedDeletions();
  ledger = new Ledger();
  #once = new Set<string>();
  /** Who wrote which event: by its id. */
  readonly writers = new Map<string, Life | null>();
  /** Containers of a future that a restored log has lost: by host and replica, the node under which nobody may touch them. */
  readonly #ghosts = new Map<string, NodeId | null>();
  readonly gateways = new Map<Part, SimulatedGateway>();
  /** Under which id each host's agent is known. */
  readonly nodeIds = new Map<Host, NodeId>();
  /** The same the other way round, ids of former agents included. */
  readonly #hostsByNode = new Map<NodeId | null, Host>();
  readonly cut = new Set<string>();
  /** One node is enough to be given up for lost. */
  removedOnce = false;
  breach: Breach | null = null;
  readonly #cameTo = new Map<Deed, number>();

  constructor(private readonly options: WorldOptions) {
    this.weakness = options.weakness;
    this.timeline = new Timeline(options.seed);
    this.network = new Network(this.timeline, (subject, text) => this.canaries.look(subject, text));
    this.truths = new Truths(() => this.timeline.now);
    this.shelf = new Shelf(this.timeline, (event, writer) => this.#takeEvent(event, writer));
    for (let number = 1; number <= 2; number += 1) {
      for (const kind of ['scheduler', 'gateway', 'job-runner', 'health-monitor'] as const) this.#add(`${kind}-${number}`, kind, null);
    }
    const hosts = this.timeline.between(2, 4);
    for (let number = 1; number <= hosts; number += 1) {
      const capacity = { cpuMillis: this.timeline.between(4, 12) * 100, memoryBytes: 2048 * MIB };
      const host = new Host(this.timeline, `host-${number}`, capacity, images, {
        onChange: (...change) => this.#takeChange(...change),
        onVolumeGone: (...gone) => this.#takeVolumeGone(...gone),
        onVolumeMade: (...made) => this.#takeVolumeMade(...made),
        onWritten: ({ name: where }, text) => this.canaries.look(`the disk of ${where}`, text),
      });
      this.hosts.push(host);
      this.#add(`agent-${number}`, 'agent', host);
    }
  }

  start(part: Part): void {
    if (part.life) return;
    part.lives += 1;
    const life = (part.life = new Life(this.timeline, `${part.name}#${part.lives}`));
    const bus = this.network.connect(life, part.name);
    if (this.cut.has(part.name)) bus.connected = false;
    const around: Surroundings = { life, bus: this.amnesia.bus(bus), shelf: this.shelf, logger: this.#loggerOf(life), weakness: this.weakness };
    this.tell(() => `${life.name} starts`);
    if (part.kind === 'scheduler') startScheduler(around);
    if (part.kind === 'job-runner') startJobRunner(around);
    if (part.kind === 'health-monitor') startMonitor(around);
    if (part.kind === 'gateway') this.gateways.set(part, startGateway(around, this.models));
    if (part.host) startAgent(around, part.host, (nodeId) => this.#identify(part.host!, nodeId));
  }

  /** SIGKILL. */
  crash(part: Part): void {
    if (!part.life) return;
    this.tell(() => `${part.life!.name} is killed`);
    part.life.kill();
    part.life = null;
    this.gateways.delete(part);
  }

  /** Whose node it is or was. */
  hostOf(nodeId: NodeId | null): Host | null {
    return this.#hostsByNode.get(nodeId) ?? null;
  }

  /** Its agent dies, and finds nothing when it is started again. */
  async loseDisk(host: Host, keepsIdentity: boolean): Promise<void> {
    this.crash(this.agentOf(host));
    // What it hadn't told anybody yet, nobody knows now.
    for (const { labels } of host.engine.containers) this.truths.forgive(labels[LABELS.replicaId]!);
    for (const [replicaId, replica] of this.ledger.replicas) if (replica.status === 'present' && replica.placement?.nodeId === this.nodeIds.get(host)) this.truths.forgive(replicaId);
    // It begins anew with what it is assigned, and speaks of all that.
    for (const replicaId of this.amnesia.forgotten) if (this.ledger.nodeOf(replicaId) === this.nodeIds.get(host)) this.amnesia.forgotten.delete(replicaId);
    this.disturb(host);
    await host.loseDisk(keepsIdentity);
  }

  partsOf(...kinds: Part['kind'][]): Part[] {
    return this.parts.filter(({ kind }) => kinds.includes(kind));
  }

  agentOf(host: Host): Part {
    return this.parts.find((part) => part.host === host)!;
  }

  /** The log is put back to its first `length` events, with everybody who had it open dead. */
  async restore(length: number, { storeId, withLaterValues }: { readonly storeId: string | undefined; readonly withLaterValues: boolean }): Promise<void> {
    for (const part of this.parts) if (part.kind !== 'agent') this.crash(part);
    const lost = this.ledger;
    this.shelf.restore(length, storeId);
    // As whoever puts a log back does: views that were folded from what it has lost can't always be told by looking at them.
    this.models = new MemoryReadModels();
    this.truths.logWasPutBack();
    await this.shelf.values.restore(length, withLaterValues);
    this.ledger = new Ledger();
    this.#once = new Set();
    for (const event of this.shelf.log) {
      breachesOf(event, this.ledger, this.truths, this.#once);
      this.ledger.take(event, this.timeline.now);
    }
    for (const host of this.hosts) await this.#markGhosts(host, lost);
    this.clearances.logWasPutBack(this.ledger);
  }

  /** From here on anybody may touch what a restored log has lost of this: somebody from outside has. */
  disturb(host: Host, replicaId?: string): void {
    for (const key of this.#ghosts.keys()) if (replicaId === undefined ? key.startsWith(ghostKey(host, '')) : key === ghostKey(host, replicaId)) this.#ghosts.set(key, null);
  }

  isGhost(host: Host, replicaId: string): boolean {
    return this.#ghosts.has(ghostKey(host, replicaId));
  }

  /** The node under which nobody may touch it; null where anybody may. */
  sparedUnder(host: Host, replicaId: string): NodeId | null {
    return this.#ghosts.get(ghostKey(host, replicaId)) ?? null;
  }

  /** Containers on all engines, running or not. */
  containers(): { host: Host; replicaId: ReplicaId; ownerId: string; slot: number; generation: number; container: ContainerState }[] {
    return this.hosts.flatMap((host) =>
      host.engine.containers.map((container) => ({
        host,
        replicaId: container.labels[LABELS.replicaId] as ReplicaId,
        ownerId: container.labels[LABELS.ownerId]!,
        slot: Number(container.labels[LABELS.slot]),
        generation: Number(container.labels[LABELS.generation]),
        container,
      })),
    );
  }

  /** The first one stands. */
  accuse(law: string, what: string): void {
    this.tell(() => `BREACH: ${law}: ${what}`);
    this.breach ??= { law, what };
  }

  /** What the script wanted has happened: a request was granted and changed something, a fault found something to break. */
  comesAbout(deed: Deed): void {
    this.#cameTo.set(deed, (this.#cameTo.get(deed) ?? 0) + 1);
  }

  get cameTo(): Partial<Record<Deed, number>> {
    return Object.fromEntries(this.#cameTo);
  }

  tell(line: () => string): void {
    this.options.tell?.(`${(this.timeline.now / 1000).toFixed(3).padStart(9)}  ${line()}`);
  }

  #identify(host: Host, nodeId: NodeId): void {
    this.nodeIds.set(host, nodeId);
    this.#hostsByNode.set(nodeId, host);
  }

  #add(name: string, kind: Part['kind'], host: Host | null): void {
    this.parts.push({ name, kind, host, life: null, lives: 0 });
  }

  /** What its agent was told to run, and nothing else, by a log that knew more than this one does. */
  async #markGhosts(host: Host, lost: Ledger): Promise<void> {
    const own = this.nodeIds.get(host)!;
    const wanted = await host.wanted();
    for (const { labels } of host.engine.containers) {
      const replicaId = labels[LABELS.replicaId] as ReplicaId;
      const nodeId = this.ledger.nodeOf(replicaId);
      const isKnown = nodeId !== null && this.ledger.nodes.get(nodeId)?.entries.has(replicaId);
      const key = ghostKey(host, replicaId);
      if (!isKnown && !this.#ghosts.has(key)) this.#ghosts.set(key, wanted.has(replicaId) && lost.nodes.get(own)?.entries.get(replicaId)?.wanted === 'run' ? own : null);
    }
  }

  #takeEvent(event: Recorded, writer: Life | null): void {
    this.timeline.mark(`${event.stream}|${event.type}|${event.id}`);
    this.tell(() => `  log  ${event.stream} ${event.revision} ${event.type} ${storyOf(event.data)} by ${writer?.name ?? 'a late append'}`);
    this.writers.set(event.id, writer);
    this.canaries.look(`${event.stream} ${event.type}`, JSON.stringify([event.data, event.metadata]));
    for (const { law, what } of breachesOf(event, this.ledger, this.truths, this.#once)) this.accuse(law, what);
    this.ledger.take(event, this.timeline.now);
    this.clearances.take(event, this.ledger);
    this.canaries.take(event);
    this.deletions.revise(parseStream(event.stream).id);
    for (const { law, what } of [...volumeBreaches(this, event), ...deletionBreaches(this, event), ...usedDeletions(this, event)]) this.accuse(law, what);
    for (const { law, what } of nodeBreaches(event.stream, event.type, this.ledger)) this.accuse(law, what);
    // What the log gives to that very node again is no longer lost.
    if (event.type === 'ReplicaPlaced') this.#found(event);
    if (event.type === 'NodeAdopted') this.clearances.overtake(parseStream(event.stream).id as NodeId, null);
    if (event.type === 'NodeAdopted') for (const [host, nodeId] of this.nodeIds) if (event.stream === `node-${nodeId}`) this.disturb(host);
  }

  #found({ data, stream }: Recorded): void {
    const { replicaId } = data as { replicaId: string };
    const there = this.containers().find(({ host, ...container }) => container.replicaId === replicaId && stream === `node-${this.nodeIds.get(host)}`);
    if (there) this.#ghosts.delete(ghostKey(there.host, replicaId));
  }

  #takeChange(host: Host, container: ContainerState, action: string): void {
    const replicaId = container.labels[LABELS.replicaId]!;
    this.timeline.mark(`${host.name}|${container.name}|${action}`);
    // Checks ask all the time.
    if (action !== 'well' && action !== 'ill') this.tell(() => `  ${host.name}  ${replicaId} slot ${container.labels[LABELS.slot]} generation ${container.labels[LABELS.generation]}: ${action}${action === 'die' ? ` (${container.exitCode})` : ''}`);
    this.truths.take(host.name, container, action, this.hostOf(this.ledger.nodeOf(replicaId)) === host);
    for (const { law, what } of containerBreaches(this, host, container, action)) this.accuse(law, what);
    // Of one that it makes anew, since a log that was put back orders it again, an agent knows.
    if (action === 'create') this.amnesia.forgotten.delete(replicaId);
    if (action === 'start') for (const volumeId of volumesOf(host, container)) this.#takeUse(host, volumeId);
  }

  #takeUse(host: Host, volumeId: VolumeId): void {
    const nodeId = this.nodeIds.get(host);
    host.written.set(volumeId, nodeId);
    if (nodeId) this.clearances.overtake(nodeId, volumeId);
  }

  #takeVolumeGone(host: Host, volumeId: string): void {
    this.timeline.mark(`${host.name}|${volumeId}|gone`);
    this.tell(() => `  ${host.name}  the volume ${volumeId} is gone`);
    for (const { law, what } of lossBreaches(this, host, volumeId as VolumeId)) this.accuse(law, what);
    host.written.delete(volumeId);
  }

  #takeVolumeMade(host: Host, volumeId: string): void {
    host.robbed.delete(volumeId);
    for (const { law, what } of makingBreaches(this, host, volumeId as VolumeId)) this.accuse(law, what);
  }

  #loggerOf(life: Life): Logger {
    const say = (level: string) => (message: string, fields: Readonly<Record<string, unknown>> = {}): void => {
      this.canaries.lookThrough(`a log line of ${life.name}`, [message, fields]);
      if (level !== 'debug') this.tell(() => `    ${life.name} ${level}: ${message} ${storyOf(fields)}`);
    };
    return { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') };
  }
}

const ghostKey = (host: Host, replicaId: string): string => `${host.name}|${replicaId}`;

/** What of an event's data or a line's fields is worth a word. */
function storyOf(fields: object): string {
  return Object.entries(fields)
    .filter(([name]) => TOLD.has(name))
    .map(([name, value]) => `${name}=${value instanceof Error ? `${value.message}${value.cause ? ` (${(value.cause as Error).message})` : ''}` : typeof value === 'object' ? JSON.stringify(value) : String(value)}`)
    .join(' ');
}

const TOLD = new Set([
  'replicaId', 'slot', 'generation', 'attempt', 'outcome', 'run', 'state', 'final', 'reason', 'name', 'holder', 'from', 'to', 'replicas', 'lost', 'stops', 'creates', 'forgets', 'error', 'code', 'queue', 'key', 'nodeId',
  'replica_id', 'node_id',
]);
