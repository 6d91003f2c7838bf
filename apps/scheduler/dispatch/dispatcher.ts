import { eventNameOf, subjects, Transient, type AgentStand, type AssignmentSet, type ChunkReply, type HistoryPoint } from '#contracts';
import { node as nodeRules, type Node, type NodeId, streamOf } from '#domain';
import { chunkSet } from '#messaging';
import type { LogIndex } from '../log-index.ts';
import type { SchedulerPorts } from '../ports.ts';
import { buildSet } from './build-set.ts';
import { assignedVolumes } from '../volumes/assigned-volumes.ts';
import { readSources } from './read-sources.ts';

const CHUNK_TIMEOUT_MS = 5_000;
/** A set that goes on from a point which the agent has left meanwhile is built anew, this often in one go. */
const BUILDS = 3;

/** Sends every agent its complete set, until the agent says that it holds it. What it refuses is left alone until something
 *  about it changes: an operator adopts the node, another event, another stand. */
export class Dispatcher {
  readonly #stands = new Map<NodeId, AgentStand>();
  /** What was refused, and hence isn't offered again. */
  readonly #refused = new Map<NodeId, string>();

  constructor(
    private readonly ports: Pick<SchedulerPorts, 'aggregates' | 'store' | 'bus' | 'logger'>,
    private readonly index: LogIndex,
  ) {}

  /** What an agent says that it holds. @returns whether it lacks something that this scheduler knows of. */
  heard(stand: AgentStand): boolean {
    this.#stands.set(stand.nodeId, stand);
    // It has forgotten that it refused (it was restarted), so nobody who hears it can tell why nothing happens: let it say so again.
    if (stand.refusing === null) this.#refused.delete(stand.nodeId);
    return this.isBehind(stand.nodeId);
  }

  /** Whether the agent, as far as it was heard, holds less than the log says. One that was never heard is. */
  isBehind(nodeId: NodeId): boolean {
    const node = this.index.nodes.get(nodeId);
    if (!node || node.status === 'unknown') return false;
    const stand = this.#stands.get(nodeId);
    if (!stand) return node.status === 'registered';
    const { storeId, applied } = stand;
    return storeId !== this.ports.store.storeId || !applied || BigInt(applied.revision) < BigInt(node.revision);
  }

  /** Sends the node's set as it stands now. Harmless to repeat.
   *  @throws Transient when a reachable agent doesn't answer */
  async reconcile(nodeId: NodeId): Promise<void> {
    for (let build = 1; build <= BUILDS; build += 1) {
      const set = await this.build(nodeId);
      if (!set || this.#refused.get(nodeId) === this.offerOf(set)) return;
      const stand = await this.send(nodeId, set);
      if (!stand) return;
      this.#stands.set(nodeId, stand);
      if (!stand.refusing) return this.taken(nodeId);
      if (stand.refusing.code !== 'unknown_base' && !(await this.isOutdated(set))) return this.refuse(set, stand.refusing);
    }
    throw new Transient('dispatch.base_moved', `the set of ${nodeId} was refused ${BUILDS} times for what it goes on from`);
  }

  /** @returns null where there is no such agent */
  private async build(nodeId: NodeId): Promise<AssignmentSet | null> {
    const { aggregates, store } = this.ports;
    const { state: node, revision } = await aggregates.load(nodeRules, streamOf('node', nodeId));
    if (revision === null || node.status === 'unknown') return null;
    const sources = await readSources(aggregates, node);
    const volumes = await assignedVolumes(aggregates, nodeId, this.index.volumes.on(nodeId), [...sources.values()].map(({ spec }) => spec));
    const head = await this.pointAt(nodeId, revision);
    if (!head.eventId) throw new Error(`${nodeId} was read up to revision ${revision}, which isn't there`);
    const adoption = node.adoptedAt === null ? null : (await this.pointAt(nodeId, BigInt(node.adoptedAt))).eventId;
    return buildSet({ storeId: store.storeId, nodeId, node, head: { revision: head.revision, eventId: head.eventId }, base: await this.baseOf(nodeId), adoption, sources, volumes });
  }

  /** The agent's last applied point, as this store has it: another event there, or none, is another history. */
  private async baseOf(nodeId: NodeId): Promise<AssignmentSet['base']> {
    const applied = this.#stands.get(nodeId)?.applied;
    return applied ? this.pointAt(nodeId, BigInt(applied.revision)) : null;
  }

  private async pointAt(nodeId: NodeId, revision: bigint): Promise<{ revision: string; eventId: string | null }> {
    for await (const event of this.ports.store.readStream(streamOf('node', nodeId), { from: revision, limit: 1 })) return { revision: String(revision), eventId: eventNameOf(event) };
    return { revision: String(revision), eventId: null };
  }

  /** @returns the agent's stand after the whole set; null where the agent isn't there: it asks for its set when it is */
  private async send(nodeId: NodeId, set: AssignmentSet): Promise<AgentStand | null> {
    let stand: AgentStand | null = null;
    try {
      for (const chunk of chunkSet(set)) ({ stand } = await this.ports.bus.request<ChunkReply>(subjects.set(nodeId), chunk, CHUNK_TIMEOUT_MS));
    } catch (error) {
      const away = error instanceof Transient && error.code === 'bus.no_responder';
      if (away || !this.isExpected(this.index.nodes.get(nodeId))) return null;
      throw error;
    }
    if (!stand) throw new Transient('dispatch.incomplete', `${nodeId} lacks pieces of its set; sending it again`);
    return stand;
  }

  private isExpected(node: Node | undefined): boolean {
    return node?.status === 'registered' && node.reachable;
  }

  private taken(nodeId: NodeId): void {
    if (this.#refused.delete(nodeId)) this.ports.logger.info('agent takes its sets again', { node_id: nodeId });
  }

  /** Another scheduler, or this one, has gone on meanwhile: what was refused as old may well be. */
  private async isOutdated({ nodeId, head }: AssignmentSet): Promise<boolean> {
    const { revision } = await this.ports.aggregates.load(nodeRules, streamOf('node', nodeId));
    return revision !== null && revision > BigInt(head.revision);
  }

  private refuse(set: AssignmentSet, { code, message }: NonNullable<AgentStand['refusing']>): void {
    const { nodeId, head } = set;
    if (!this.#refused.has(nodeId)) this.ports.logger.error('agent refuses its set', { node_id: nodeId, code, reason: message, node_revision: head.revision });
    this.#refused.set(nodeId, this.offerOf(set));
  }

  /** Two offers of the same name would be refused alike. */
  private offerOf({ nodeId, head, adoption }: AssignmentSet): string {
    const { storeId = null, applied = null } = this.#stands.get(nodeId) ?? {};
    return [head.eventId, adoption, storeId, pointName(applied)].join('|');
  }
}

const pointName = (point: HistoryPoint | null): string => (point ? `${point.revision}:${point.eventId}` : 'nothing');
