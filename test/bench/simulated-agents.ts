import { subjects, type AgentStand, type AssignmentSet, type Bus, type ChunkReply, type ObservationBatch, type ReportReply, type SetChunk } from '#contracts';
import { RUN_STATES, type NodeId, type Observation, type ReplicaId } from '#domain';
import { SetAssembler } from '#messaging';

const HEARTBEAT_MS = 5_000;
const REQUEST_MS = 10_000;

/** Agents of hosts that aren't there, all on one connection: each takes every set at once and is heard as a real one is.
 *  With `lives`, what it is to run is RUNNING and SETTLED at once, and said so to the health-monitor. */
export class SimulatedAgents {
  private readonly agents: SimulatedAgent[];
  private readonly ends: (() => void)[] = [];

  constructor(
    private readonly bus: Bus,
    nodeIds: readonly NodeId[],
    lives: boolean,
  ) {
    this.agents = nodeIds.map((nodeId) => new SimulatedAgent(bus, nodeId, lives));
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
  private readonly begun = new Set<ReplicaId>();
  private seq = 0;

  constructor(
    private readonly bus: Bus,
    nodeId: NodeId,
    private readonly lives: boolean,
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
    if (this.lives) void this.begin(set);
    return { stand: this.stand };
  }

  private async begin({ nodeId, entries }: AssignmentSet): Promise<void> {
    const fresh = entries.map(({ replicaId }) => replicaId).filter((replicaId) => !this.begun.has(replicaId));
    for (const replicaId of fresh) this.begun.add(replicaId);
    let observations = fresh.flatMap((replicaId) => STATES.map((state) => ({ ...seen(replicaId, state), seq: (this.seq += 1) })));
    while (observations.length > 0) {
      const batch: ObservationBatch = { nodeId, observations: observations.slice(0, 100) };
      const { acknowledged } = await this.bus.request<{ acknowledged: number[] }>(subjects.observations(nodeId), batch, REQUEST_MS);
      observations = observations.filter(({ seq }) => !acknowledged.includes(seq));
    }
  }
}

const STATES = RUN_STATES.slice(RUN_STATES.indexOf('PREPARING'), RUN_STATES.indexOf('SETTLED') + 1) as readonly Observation['state'][];

const seen = (replicaId: ReplicaId, state: Observation['state']): Observation => ({
  replicaId,
  run: 1,
  state,
  final: false,
  containerId: state === 'PREPARING' ? null : `container of ${replicaId}`,
  address: state === 'RUNNING' || state === 'SETTLED' ? '10.192.0.2' : null,
  imageId: null,
  exitCode: null,
  oomKilled: false,
  reason: null,
  at: new Date().toISOString(),
});
