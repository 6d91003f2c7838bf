import { subjects, type AgentStand, type Bus, type ChunkReply, type ReportReply, type SetChunk } from '#contracts';
import type { NodeId } from '#domain';
import { SetAssembler } from '#messaging';

const HEARTBEAT_MS = 5_000;

/** Agents of hosts that aren't there, all on one connection: each takes every set at once, runs nothing of it, and is heard as a
 *  real one is. */
export class SimulatedAgents {
  private readonly agents: SimulatedAgent[];
  private readonly ends: (() => void)[] = [];

  constructor(
    private readonly bus: Bus,
    nodeIds: readonly NodeId[],
  ) {
    this.agents = nodeIds.map((nodeId) => new SimulatedAgent(bus, nodeId));
  }

  start(): void {
    for (const agent of this.agents) this.ends.push(...agent.start());
    const timer = setInterval(() => this.beat(), HEARTBEAT_MS);
    this.ends.push(() => clearInterval(timer));
    this.beat();
  }

  stop(): void {
    for (const end of this.ends.splice(0)) end();
  }

  private beat(): void {
    for (const { stand } of this.agents) this.bus.publish(subjects.heartbeat(stand.nodeId), { stand, beat: 1 });
  }
}

class SimulatedAgent {
  stand: AgentStand;
  private readonly assembler = new SetAssembler();

  constructor(
    private readonly bus: Bus,
    nodeId: NodeId,
  ) {
    this.stand = { nodeId, storeId: null, applied: null, refusing: null };
  }

  start(): (() => void)[] {
    const { nodeId } = this.stand;
    return [
      this.bus.subscribe<SetChunk>(subjects.set(nodeId), (chunk) => this.take(chunk)),
      this.bus.subscribe(subjects.reportNow(nodeId), (): ReportReply => ({ taken: true })),
    ];
  }

  private take(chunk: SetChunk): ChunkReply {
    const set = this.assembler.take(chunk);
    if (!set) return { stand: null };
    this.stand = { nodeId: set.nodeId, storeId: set.storeId, applied: set.head, refusing: null };
    return { stand: this.stand };
  }
}
