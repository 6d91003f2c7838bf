import { subjects, type Heartbeat } from '#contracts';
import { node as nodeRules, PLATFORM, streamOf, type NodeCommand, type NodeEvent, type NodeId } from '#domain';
import { commandIdOf } from '#platform';
import { monitorMetadata, type MonitorPorts } from './ports.ts';

/** How often an agent is heard. */
export const HEARTBEAT_MS = 5_000;

/** Three beats missed, or three that spoke of an engine that is away: long enough for a lost message or a restart of the engine,
 *  short enough to say in time that nothing is known of its replicas. */
export const UNREACHABLE_AFTER_MS = 3 * HEARTBEAT_MS;

const TICK_MS = 1_000;

/** What the monitor knows of one node. Times are `Clock.monotonic()`. */
interface Watched {
  /** As the log says. */
  reachable: boolean;
  /** Its silence counts from here: the last beat, or when the monitor began to listen. */
  since: number;
  /** The same for its engine's silence: the last beat that spoke of none. */
  engineSince: number;
  engineTrouble: string | null;
  /** Wall time of the last beat; null when this monitor never heard one. */
  heardAt: number | null;
  /** A change of its state is being recorded. */
  busy: boolean;
}

/** Decides whether nodes are alive. Beats have no queue group: every monitor hears them all and judges by its own clock.
 *  Whenever it may itself have been deaf (start, reconnect, a stall of its own), it begins to count anew. */
export class Liveness {
  private readonly nodes = new Map<NodeId, Watched>();
  private lastTick = 0;
  private readonly ends: (() => void)[] = [];

  constructor(private readonly ports: Pick<MonitorPorts, 'aggregates' | 'bus' | 'clock' | 'logger'>) {}

  /** Keeps account of which nodes there are. Called with each event of the nodes' streams, in order. */
  takeEvent(nodeId: NodeId, event: NodeEvent): void {
    if (event.type === 'NodeRegistered') this.nodes.set(nodeId, this.fresh());
    if (event.type === 'NodeRemoved') this.nodes.delete(nodeId);
    const watched = this.nodes.get(nodeId);
    if (watched && event.type === 'NodeUnreachable') watched.reachable = false;
    if (watched && event.type === 'NodeReachable') watched.reachable = true;
  }

  /** Nodes that the log says are heard from. */
  reachable(): readonly NodeId[] {
    return [...this.nodes].filter(([, { reachable }]) => reachable).map(([nodeId]) => nodeId);
  }

  /** Begins to listen and to judge; only once the log was read, since before that nobody knows which nodes there are. */
  start(signal: AbortSignal): void {
    const { bus } = this.ports;
    this.countAnew();
    this.ends.push(
      bus.subscribe<Heartbeat>(subjects.heartbeat('*'), (beat, subject) => this.takeHeartbeat(beat, subject)),
      bus.onConnect(() => this.countAnew()),
    );
    void this.tickForever(signal);
  }

  stop(): void {
    for (const end of this.ends.splice(0)) end();
  }

  private fresh(): Watched {
    const now = this.ports.clock.monotonic();
    return { reachable: true, since: now, engineSince: now, engineTrouble: null, heardAt: null, busy: false };
  }

  /** An agent without its engine sees nothing of its containers: its beat doesn't vouch for the node. */
  private takeHeartbeat({ stand, engineTrouble }: Heartbeat, subject: string): void {
    const watched = this.nodes.get(stand.nodeId);
    if (!watched || subject !== subjects.heartbeat(stand.nodeId)) return;
    watched.since = this.ports.clock.monotonic();
    watched.heardAt = this.ports.clock.now();
    watched.engineTrouble = engineTrouble ?? null;
    if (watched.engineTrouble !== null) return;
    watched.engineSince = watched.since;
    if (!watched.reachable) void this.record(stand.nodeId, watched, { type: 'MarkNodeReachable', data: {} });
  }

  private countAnew(): void {
    const now = this.ports.clock.monotonic();
    this.lastTick = now;
    for (const watched of this.nodes.values()) watched.since = watched.engineSince = now;
  }

  private async tickForever(signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.ports.clock.sleep(TICK_MS, signal);
      if (signal.aborted) return;
      this.tick();
    }
  }

  /** A tick that comes too late means that this process stood still: beats may wait unread, so silence proves nothing. */
  private tick(): void {
    const now = this.ports.clock.monotonic();
    const stalled = now - this.lastTick > HEARTBEAT_MS;
    this.lastTick = now;
    if (stalled || !this.ports.bus.connected) return this.countAnew();
    for (const [nodeId, watched] of this.nodes) {
      if (!watched.reachable || now - watched.engineSince < UNREACHABLE_AFTER_MS) continue;
      const silent = now - watched.since >= UNREACHABLE_AFTER_MS;
      void this.record(nodeId, watched, unreachable(watched, silent ? null : watched.engineTrouble));
    }
  }

  /** A failure is logged and not repeated here: the next tick or beat finds the node as it was. */
  private async record(nodeId: NodeId, watched: Watched, command: NodeCommand): Promise<void> {
    if (watched.busy) return;
    watched.busy = true;
    const { aggregates, bus, clock, logger } = this.ports;
    const stream = streamOf('node', nodeId);
    try {
      const { revision } = await aggregates.load(nodeRules, stream);
      // Two monitors that see the same name the same command; at another point of the history it is another one.
      const commandId = commandIdOf(command.type, nodeId, String(revision));
      const { events } = await aggregates.handle(nodeRules, stream, command, monitorMetadata(commandId, PLATFORM, clock.now()));
      for (const { type } of events) logger.info('node liveness changed', { node_id: nodeId, event: type });
      if (command.type === 'MarkNodeReachable') bus.publish(subjects.reportNow(nodeId), null);
    } catch (error) {
      logger.warn('node liveness could not be recorded', { node_id: nodeId, command: command.type, error });
    } finally {
      watched.busy = false;
    }
  }
}

const unreachable = ({ heardAt }: Watched, engineTrouble: string | null): NodeCommand => ({
  type: 'MarkNodeUnreachable',
  data: {
    lastHeardAt: heardAt === null ? null : new Date(heardAt).toISOString(),
    reason:
      engineTrouble === null
        ? { code: 'silent', message: `nothing was heard of it for ${UNREACHABLE_AFTER_MS / 1000} s` }
        : { code: 'engine_unreachable', message: `its agent is heard, but the engine doesn't answer it: ${engineTrouble}` },
  },
});
