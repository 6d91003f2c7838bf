import { hash } from 'node:crypto';
import { subjects, type AgentStand, type Assignment, type AssignmentSet, type ChunkReply, type Clock, type ImageReply, type ImageRequest, type ProbeWord, type ReportNowReply, type SetChunk } from '#contracts';
import { type CommandMetadata, node, type NodeFacts, type NodeId, type Observation, PLATFORM, type Reason, replica, Rejection, type ReplicaId, streamOf } from '#domain';
import type { AggregateStore } from '#event-store';
import { SetAssembler } from '#messaging';
import { randomCommandId } from '#platform';
import { publicKeyOf, userSeedOf } from '#secrets';
import type { MemoryBus } from '#testing';
import { AppliedSet, type Held } from '../../apps/node-agent/applied-set.ts';
import type { Disk } from '../../apps/node-agent/disk.ts';

/** What becomes of a container that is wanted to run. */
export type Fate = 'settles' | 'fails' | 'hangs' | 'completes' | 'meets_taken_subnet';

interface Container {
  readonly assignment: Assignment;
  state: Observation['state'];
  run: number;
}

const STEP_MS = 200;
const SETTLES_AFTER_MS = 1_000;
const HEARTBEAT_MS = 5_000;

/** An agent with an engine that obeys, and the health-monitor that takes in what it says, in one: it judges sets as the real
 *  agent does, and records what its containers go through on the replicas' streams. */
export class ScriptedNode {
  readonly containers = new Map<ReplicaId, Container>();
  /** Every container that was ever made, or was gone before it could be, in order. */
  readonly made: ReplicaId[] = [];
  readonly sets: AssignmentSet[] = [];
  /** The private half of its nkey. */
  readonly seed: string;
  reportsAreTaken = true;
  /** What its probes said last. */
  probes: readonly ProbeWord[] = [];
  /** Whether its engine has an image. */
  hasImage: (reference: string) => boolean = () => true;
  fateOf: (assignment: Assignment) => Fate = () => 'settles';
  /** The id of the image that a container is made from; null: nothing is said of it. */
  imageOf: ((assignment: Assignment) => string) | null = null;
  /** Stopped, and kept for later. */
  private readonly held = new Set<ReplicaId>();
  private readonly assembler = new SetAssembler();
  private readonly disk = new MemoryDisk();
  private applied: AppliedSet;
  private beat = 0;

  constructor(
    readonly nodeId: NodeId,
    private readonly world: { readonly clock: Clock; readonly aggregates: AggregateStore },
    private readonly bus: MemoryBus,
    private readonly facts: NodeFacts,
    private readonly signal: AbortSignal,
  ) {
    this.seed = userSeedOf(hash('sha256', nodeId, 'buffer'));
    this.applied = this.appliedFromDisk();
    bus.subscribe<SetChunk>(subjects.set(nodeId), (chunk) => this.takeChunk(chunk));
    bus.subscribe(subjects.reportNow(nodeId), (): ReportNowReply => ({ taken: this.reportsAreTaken, probes: this.probes }));
    bus.subscribe<ImageRequest>(subjects.image(nodeId), ({ reference }): ImageReply => ({ present: this.hasImage(reference) }));
    void this.beatForever();
  }

  /** Containers that are there, in any state. */
  get alive(): Assignment[] {
    return [...this.containers.values()].map(({ assignment }) => assignment);
  }

  get stand(): AgentStand {
    return this.applied.stand;
  }

  /** Its process begins anew, with its disk. */
  async restart(): Promise<void> {
    this.applied = this.appliedFromDisk();
    await this.applied.load();
  }

  async register(): Promise<void> {
    await this.onNode({ type: 'RegisterNode', data: { nodeId: this.nodeId, facts: this.facts, publicKey: publicKeyOf(this.seed) } });
  }

  drain = (): Promise<void> => this.onNode({ type: 'DrainNode', data: {} });
  activate = (): Promise<void> => this.onNode({ type: 'ActivateNode', data: {} });

  adopt = (): Promise<void> => this.onNode({ type: 'AdoptNode', data: {} });

  /** Its disk is another one: what it held is from elsewhere. */
  async forgetInto(held: Held): Promise<void> {
    await this.disk.write('applied-set.json', JSON.stringify(held));
    await this.applied.load();
  }

  /** The host is lost: nothing is heard of it, and an operator removes it. */
  async loseAndRemove(): Promise<void> {
    this.bus.disconnect();
    await this.onNode({ type: 'RemoveNode', data: {} });
  }

  /** Nothing is heard of it any more, as the monitor records. */
  async vanish(): Promise<void> {
    this.bus.disconnect();
    const reason = { code: 'silent', message: 'no heartbeat for 15 s' };
    await this.onNode({ type: 'MarkNodeUnreachable', data: { lastHeardAt: null, reason } });
  }

  /** A container goes behind everybody's back. */
  async lose(replicaId: ReplicaId): Promise<void> {
    const container = this.containers.get(replicaId)!;
    this.containers.delete(replicaId);
    await this.say(container, 'GONE', true);
  }

  /** Its container ends, and its agent gives it up. */
  async crash(replicaId: ReplicaId): Promise<void> {
    await this.say(this.containers.get(replicaId)!, 'FAILED', true, { code: 'exited', message: 'exit code 1' });
  }

  private appliedFromDisk(): AppliedSet {
    const quiet = (): void => undefined;
    return new AppliedSet({ nodeId: this.nodeId, disk: this.disk, logger: { debug: quiet, info: quiet, warn: quiet, error: quiet } });
  }

  private async beatForever(): Promise<void> {
    while (!this.signal.aborted) {
      this.bus.publish(subjects.heartbeat(this.nodeId), { stand: this.applied.stand, beat: (this.beat += 1) });
      await this.world.clock.sleep(HEARTBEAT_MS, this.signal);
    }
  }

  private async takeChunk(chunk: SetChunk): Promise<ChunkReply> {
    const set = this.assembler.take(chunk);
    if (!set) return { stand: null };
    const stand = await this.applied.offer(set);
    if (!stand.refusing) this.converge(set);
    return { stand };
  }

  private converge(set: AssignmentSet): void {
    this.sets.push(set);
    for (const assignment of set.entries) {
      const container = this.containers.get(assignment.replicaId);
      if (assignment.wanted === 'hold' && container && !this.held.has(assignment.replicaId)) void this.hold(container);
      if (assignment.wanted === 'run' && container && this.held.delete(assignment.replicaId)) void this.start({ ...container, run: container.run + 1 });
      if (assignment.wanted === 'run' && !container && assignment.last?.state !== 'GONE' && !this.made.includes(assignment.replicaId)) void this.live(assignment);
      if (assignment.wanted === 'gone' && (container ? container.state !== 'GONE' : !this.made.includes(assignment.replicaId))) void this.end(assignment);
    }
  }

  private async live(assignment: Assignment): Promise<void> {
    const container: Container = { assignment, state: 'PREPARING', run: 1 };
    this.made.push(assignment.replicaId);
    this.containers.set(assignment.replicaId, container);
    const fate = this.fateOf(assignment);
    if (fate === 'meets_taken_subnet') return this.waitForSubnet(container);
    if (assignment.replaces && this.containers.has(assignment.replaces)) await this.waitForReplaced(container, assignment.replaces);
    if (container.state !== 'GONE') await this.start(container);
  }

  /** Prepared, and started once the one that it replaces is gone. */
  private async waitForReplaced(container: Container, replaced: ReplicaId): Promise<void> {
    await this.say(container, 'PREPARED');
    while (this.containers.has(replaced) && container.state !== 'GONE' && !this.signal.aborted) await this.world.clock.sleep(STEP_MS, this.signal);
  }

  /** Stopped, and kept. */
  private async hold(container: Container): Promise<void> {
    this.held.add(container.assignment.replicaId);
    await this.say(container, 'STOPPED');
  }

  private async start(container: Container): Promise<void> {
    const fate = this.fateOf(container.assignment);
    this.containers.set(container.assignment.replicaId, container);
    await this.say(container, 'STARTING');
    if (fate === 'hangs') return;
    await this.world.clock.sleep(STEP_MS);
    if (fate === 'fails') return this.say(container, 'FAILED', true);
    if (this.isOver(container)) return;
    await this.say(container, 'RUNNING');
    await this.world.clock.sleep(SETTLES_AFTER_MS);
    if (this.isOver(container)) return;
    await (fate === 'completes' ? this.say(container, 'COMPLETED', true) : this.say(container, 'SETTLED'));
  }

  private isOver({ assignment: { replicaId }, state, run }: Container): boolean {
    return state === 'GONE' || this.held.has(replicaId) || this.containers.get(replicaId)?.run !== run;
  }

  /** The engine refuses the network; a set with another subnet makes it try again. */
  private async waitForSubnet(container: Container): Promise<void> {
    const { replicaId, network } = container.assignment;
    await this.say(container, 'PREPARING', false, { code: 'subnet_taken', message: `${network.subnet} is in use on this host` }, network.subnet);
    const present = (): Assignment => this.sets.at(-1)?.entries.find((entry) => entry.replicaId === replicaId) ?? container.assignment;
    while (present().network.subnet === network.subnet && !this.signal.aborted) await this.world.clock.sleep(STEP_MS, this.signal);
    if (this.signal.aborted) return;
    this.made.splice(this.made.indexOf(replicaId), 1);
    await this.live(present());
  }

  private async end(assignment: Assignment): Promise<void> {
    const container = this.containers.get(assignment.replicaId) ?? { assignment, state: 'STARTING' as const, run: 1 };
    if (!this.made.includes(assignment.replicaId)) this.made.push(assignment.replicaId);
    container.state = 'GONE';
    await this.world.clock.sleep(STEP_MS);
    this.containers.delete(assignment.replicaId);
    await this.say(container, 'GONE', true);
  }

  /** Says it until it stands, as a journal does. */
  private async say(container: Container, state: Observation['state'], final = false, reason: Reason | null = null, subnet?: string): Promise<void> {
    if (container.state === 'GONE' && state !== 'GONE') return;
    container.state = state;
    const { replicaId } = container.assignment;
    const observation: Observation = {
      replicaId,
      run: container.run,
      state,
      final,
      containerId: `container of ${replicaId}`,
      address: null,
      imageId: this.imageOf ? this.imageOf(container.assignment) : null,
      exitCode: state === 'COMPLETED' ? 0 : null,
      oomKilled: false,
      health: 'unknown',
      reason: state === 'FAILED' ? (reason ?? { code: 'image_not_found', message: 'no such image' }) : reason,
      ...(subnet ? { subnet } : {}),
      at: new Date(this.world.clock.now()).toISOString(),
    };
    while (!this.signal.aborted) {
      try {
        const command = { type: 'RecordObservation', data: { nodeId: this.nodeId, observation } } as const;
        await this.world.aggregates.handle(replica, streamOf('replica', replicaId), command, this.metadata('health-monitor'));
        return;
      } catch (error) {
        if (!(error instanceof Rejection)) throw error;
        await this.world.clock.sleep(STEP_MS, this.signal);
      }
    }
  }

  private async onNode(command: Parameters<typeof node.decide>[1]): Promise<void> {
    await this.world.aggregates.handle(node, streamOf('node', this.nodeId), command, this.metadata('operator'));
  }

  private metadata(by: string): CommandMetadata {
    const commandId = randomCommandId();
    return { commandId, tenantId: PLATFORM, actor: { type: 'system', id: by }, originId: null, now: this.world.clock.now(), correlationId: commandId, causationId: null };
  }
}

class MemoryDisk implements Disk {
  private readonly files = new Map<string, string>();

  async read(name: string): Promise<string | null> {
    return this.files.get(name) ?? null;
  }
  async readBytes(name: string, from: number, length: number): ReturnType<Disk['readBytes']> {
    const text = this.files.get(name);
    return text === undefined ? null : Buffer.from(text).subarray(from, from + length);
  }
  async write(name: string, text: string): Promise<void> {
    this.files.set(name, text);
  }
  async append(name: string, text: string): Promise<void> {
    this.files.set(name, (this.files.get(name) ?? '') + text);
  }
  async remove(name: string): Promise<void> {
    this.files.delete(name);
  }
  async rename(from: string, to: string): Promise<void> {
    const text = this.files.get(from);
    if (text === undefined) return;
    this.files.set(to, text);
    this.files.delete(from);
  }
  async list(): ReturnType<Disk['list']> {
    return [...this.files].map(([name, text]) => ({ name, bytes: text.length, changedAt: 0 }));
  }
}
