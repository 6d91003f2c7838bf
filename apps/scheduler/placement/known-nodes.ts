import type { Node, NodeEntry, NodeForPlacement, NodeId, Placement, ReplicaId } from '#domain';
import type { LogIndex } from '../log-index.ts';

/** The nodes as this scheduler knows them, for weighing them against each other: as the log was heard, newer where a stream was
 *  read since, and with what is claimed there and not settled yet. So that many replicas find their places at once, each seeing
 *  what the others are about to take; the node's own stream has the last word. */
export class KnownNodes {
  readonly #read = new Map<NodeId, Node>();
  readonly #claims = new Map<NodeId, Map<ReplicaId, Placement>>();
  readonly #claimed = new Map<ReplicaId, NodeId>();
  /** What was made of a node as it was heard, until that, what was read, or its claims change. A thousand are asked for at each claim. */
  readonly #made = new Map<NodeId, { readonly of: Node; readonly on: NodeForPlacement }>();

  constructor(private readonly index: Pick<LogIndex, 'nodes'>) {}

  /** Every node that there is or was. */
  all(): NodeForPlacement[] {
    const all: NodeForPlacement[] = [];
    for (const [nodeId, heard] of this.index.nodes) {
      const known = this.#made.get(nodeId);
      all.push(known?.of === heard ? known.on : this.#make(nodeId, heard));
    }
    return all;
  }

  /** A replica is about to take room there, and nowhere else. */
  claim(nodeId: NodeId, placement: Placement): void {
    this.unclaim(placement.replicaId);
    const claims = this.#claims.get(nodeId) ?? new Map<ReplicaId, Placement>();
    this.#claims.set(nodeId, claims.set(placement.replicaId, placement));
    this.#claimed.set(placement.replicaId, nodeId);
    this.#made.delete(nodeId);
  }

  /** This scheduler is about to have it take room somewhere. */
  isClaimed(replicaId: ReplicaId): boolean {
    return this.#claimed.has(replicaId);
  }

  /** It isn't any more, whatever came of it. */
  unclaim(replicaId: ReplicaId): void {
    const nodeId = this.#claimed.get(replicaId);
    if (!nodeId) return;
    this.#claimed.delete(replicaId);
    this.#claims.get(nodeId)!.delete(replicaId);
    this.#made.delete(nodeId);
  }

  /** As the node's stream says now. */
  read(nodeId: NodeId, node: Node): void {
    this.#read.set(nodeId, node);
    this.#made.delete(nodeId);
  }

  #make(nodeId: NodeId, heard: Node): NodeForPlacement {
    const on = { nodeId, node: this.#withClaims(nodeId, this.#newest(nodeId, heard)) };
    this.#made.set(nodeId, { of: heard, on });
    return on;
  }

  #newest(nodeId: NodeId, heard: Node): Node {
    const read = this.#read.get(nodeId);
    if (read && read.revision > heard.revision) return read;
    this.#read.delete(nodeId);
    return heard;
  }

  #withClaims(nodeId: NodeId, node: Node): Node {
    const claims = this.#claims.get(nodeId);
    if (!claims?.size) return node;
    const claimed = [...claims.values()].map((placement): [ReplicaId, NodeEntry] => [placement.replicaId, { placement, wanted: 'run', wantedReason: null, placedAt: node.revision }]);
    return { ...node, entries: new Map([...node.entries, ...claimed]) };
  }
}
