import type { TenantContext } from '#contracts';
import { node as nodeRules, type NodeEntry, type NodeFacts, type NodeId, type Placement, type Reason, type ReplicaId, reserved, type Wanted } from '#domain';
import type { Page } from '../port.ts';
import { answered, asQuery, type Paging, type Reads } from '../reads.ts';
import { evolveBy, type Folds, type Of, type View } from '../view.ts';
import { amountDocument, type AmountDocument } from './container-spec.ts';

export type NodeStatus = 'READY' | 'DRAINED' | 'UNREACHABLE' | 'REMOVED';

/** A Docker host. */
export interface NodeAnswer {
  readonly node_id: NodeId;
  readonly name: string;
  readonly address: string;
  readonly status: NodeStatus;
  /** Why it is UNREACHABLE; null with every other status. */
  readonly status_reason: Reason | null;
  readonly architecture: string;
  readonly engine_version: string;
  readonly capacity: AmountDocument;
  /** Promised to replicas; what is left of the capacity is free. */
  readonly reserved: AmountDocument;
  readonly labels: Readonly<Record<string, string>>;
  /** What it can hold data in. */
  readonly volume_backends: readonly string[];
  /** Folders of the host that containers may have, with all below. */
  readonly host_paths: readonly string[];
  /** RFC 3339; null where nothing was heard since this gateway started, nor was it recorded. */
  readonly last_heard_at: string | null;
  readonly drained: boolean;
  readonly replicas: readonly { readonly replica_id: ReplicaId; readonly owner: Placement['owner']; readonly wanted: Wanted }[];
  readonly registered_at: string;
  readonly revision: number;
}

export interface NodeDocument extends Omit<NodeAnswer, 'replicas'> {
  readonly id: string;
  readonly position: string;
  readonly reachable: boolean;
  readonly removed: boolean;
  /** As the node's rules keep them, in the order of placement. */
  readonly entries: readonly NodeEntry[];
}

/** Nodes, the removed ones too, folded from their own streams by the node's own rules. */
export const nodes: View<NodeDocument> = {
  schema: { view: 'nodes', version: 3, indexes: [['name'], ['status']] },
  prefixes: ['node-'],
  keys: ({ stream }) => [stream.slice('node-'.length)],
  evolve(doc, event, id) {
    const next = fold(doc, event, id);
    return next && { ...next, status: statusOf(next), revision: Number(event.revision) };
  },
  complete: (node) => ({ ...node, reserved: amountDocument(reserved(rulesOf(node))) }),
};

const folds: Folds<NodeDocument> = {
  NodeRegistered: (node, { data }) => ({ ...node, ...facts(data), removed: false, reachable: true, status_reason: null }),
  NodeFactsChanged: (node, { data }) => ({ ...node, ...facts(data) }),
  NodeDrained: (node) => ({ ...node, drained: true }),
  NodeActivated: (node) => ({ ...node, drained: false }),
  NodeUnreachable: (node, { data }) => ({ ...node, reachable: false, status_reason: data.reason, last_heard_at: data.lastHeardAt ?? node.last_heard_at }),
  NodeReachable: (node) => ({ ...node, reachable: true, status_reason: null }),
  NodeRemoved: (node) => ({ ...node, removed: true, reachable: false, status_reason: null }),
  ReplicaPlaced: withEntries,
  ReplicaWantedChanged: withEntries,
  ReplicaReleased: withEntries,
};

const fold = evolveBy<NodeDocument>(
  {
    NodeRegistered: ({ data, metadata, position, revision }) => ({
      id: data.nodeId,
      position,
      node_id: data.nodeId,
      ...facts(data),
      status: 'READY',
      status_reason: null,
      reserved: { cpu_millis: 0, memory_bytes: 0 },
      last_heard_at: metadata.at,
      drained: false,
      reachable: true,
      removed: false,
      entries: [],
      registered_at: metadata.at,
      revision: Number(revision),
    }),
  },
  folds,
);

function withEntries(node: NodeDocument, event: Of<'ReplicaPlaced' | 'ReplicaWantedChanged' | 'ReplicaReleased'>): NodeDocument {
  const after = nodeRules.evolve({ ...rulesOf(node), revision: Number(event.revision) - 1 }, event);
  return { ...node, entries: [...after.entries.values()] };
}

const rulesOf = ({ entries }: NodeDocument) => ({ ...nodeRules.initial, entries: new Map(entries.map((entry) => [entry.placement.replicaId, entry])) });

const facts = ({ name, address, architecture, engineVersion, capacity, labels, backends, hostPaths }: NodeFacts) => ({
  name,
  address,
  architecture,
  engine_version: engineVersion,
  capacity: amountDocument(capacity),
  labels,
  volume_backends: backends ?? [],
  host_paths: hostPaths ?? [],
});

function statusOf({ removed, reachable, drained }: NodeDocument): NodeStatus {
  if (removed) return 'REMOVED';
  if (!reachable) return 'UNREACHABLE';
  return drained ? 'DRAINED' : 'READY';
}

/** One node, for those who reach every project; null for others. */
export async function getNode(reads: Reads, tenant: TenantContext, id: string): Promise<NodeAnswer | null> {
  const node = tenant.projects === 'all' ? await reads.models.get<NodeDocument>('nodes', id) : null;
  return node && answer(node, reads);
}

/** The nodes, by id, for those who reach every project: they belong to none. Removed ones only when asked for. */
export async function listNodes(reads: Reads, tenant: TenantContext, list: Paging & { status?: NodeStatus; name?: string } = {}): Promise<Page<NodeAnswer>> {
  if (tenant.projects !== 'all') return { items: [], next: null };
  const { status, name, ...paging } = list;
  const statuses = status ? [status] : ['READY', 'DRAINED', 'UNREACHABLE'];
  return answered(await reads.models.find<NodeDocument>('nodes', asQuery({ ...paging, eq: { name }, in: { status: statuses } })), (node) => answer(node, reads));
}

function answer(node: NodeDocument, { liveness }: Reads): NodeAnswer {
  const { id: _id, position: _position, reachable: _reachable, removed: _removed, entries, ...rest } = node;
  return {
    ...rest,
    last_heard_at: liveness.lastHeardAt(node.node_id) ?? node.last_heard_at,
    replicas: entries.map(({ placement, wanted }) => ({ replica_id: placement.replicaId, owner: placement.owner, wanted })),
  };
}
