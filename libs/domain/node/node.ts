import type { Cases } from '../kernel/decider.ts';
import type { NodeId, Owner, ReplicaId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';
import type { NodeEvent, NodeFacts, Placement, Wanted } from './events.ts';

/** One line of a node's assignment list. `placement.replaces` is kept true: it names a replica that is still on this node, or null. */
export interface NodeEntry {
  readonly placement: Placement;
  readonly wanted: Wanted;
  /** Why it isn't wanted `run` any more; null while it is. */
  readonly wantedReason: Reason | null;
  /** The revision of the node's stream at which it was placed: an agent that applied this one or a later must know the replica. */
  readonly placedAt: number;
}

/** The latest word on a slot of an owner; kept after its release, so that an older attempt can't come back. */
export interface SettledAttempt {
  readonly replicaId: ReplicaId;
  readonly generation: number;
  readonly attempt: number;
  readonly outcome: 'placed' | 'refused' | 'revoked';
  readonly reason: Reason;
}

/** A node: the fold of its stream is its assignment list. `unknown`: never registered, though attempts may have been refused here. */
export interface Node {
  readonly status: 'unknown' | 'registered' | 'removed';
  readonly nodeId: NodeId | null;
  readonly facts: NodeFacts | null;
  readonly publicKey: string | null;
  readonly drained: boolean;
  /** As the log last said; heartbeats are fresher, and aren't events. */
  readonly reachable: boolean;
  /** The revision of the latest `NodeAdopted`; null when there is none. */
  readonly adoptedAt: number | null;
  /** The stream's revision that this fold has reached; -1 before the first event. */
  readonly revision: number;
  /** In the order of placement. An entry leaves by its release only. */
  readonly entries: ReadonlyMap<ReplicaId, NodeEntry>;
  /** Of the released: what each replaced itself and is still on this node. Who is placed late in the place of one of them waits for that one. */
  readonly heirs: ReadonlyMap<ReplicaId, ReplicaId>;
  /** By `slotKey`. */
  readonly settled: ReadonlyMap<string, SettledAttempt>;
}

export const initial: Node = {
  status: 'unknown',
  nodeId: null,
  facts: null,
  publicKey: null,
  drained: false,
  reachable: false,
  adoptedAt: null,
  revision: -1,
  entries: new Map(),
  heirs: new Map(),
  settled: new Map(),
};

/** One try to place a slot's replica, as a claim and its settlement both name it. */
export type AttemptRef = Pick<Placement, 'owner' | 'slot' | 'generation' | 'attempt'>;

/** `docker_service|svc_…|1`: the settlement record of a slot stands under this. */
export const slotKey = ({ owner, slot }: { readonly owner: Owner; readonly slot: number }): string => `${owner.type}|${owner.id}|${slot}`;

/** Negative when `a` came before `b`, 0 for the same attempt. */
export const compareAttempts = (a: Pick<AttemptRef, 'generation' | 'attempt'>, b: Pick<AttemptRef, 'generation' | 'attempt'>): number =>
  a.generation - b.generation || a.attempt - b.attempt;

/** The node's word on exactly this attempt. null when it gave none; also for one that it doesn't hold (any more) once a later
 *  attempt of the slot was settled. */
export function settlementOf(node: Node, attempt: AttemptRef & { readonly replicaId: ReplicaId }): SettledAttempt | null {
  const latest = node.settled.get(slotKey(attempt));
  if (latest && compareAttempts(attempt, latest) === 0) return latest;
  const { replicaId, generation, attempt: count } = attempt;
  const held = node.entries.get(replicaId)?.placement.attempt === count;
  return held ? { replicaId, generation, attempt: count, outcome: 'placed', reason: PLACED } : null;
}

const PLACED: Reason = { code: 'placed', message: 'the node took it' };

function settle(node: Node, attempt: AttemptRef & { replicaId: ReplicaId }, outcome: SettledAttempt['outcome'], reason: Reason): Node['settled'] {
  const latest = node.settled.get(slotKey(attempt));
  if (latest && compareAttempts(attempt, latest) <= 0) return node.settled;
  const { replicaId, generation } = attempt;
  return new Map(node.settled).set(slotKey(attempt), { replicaId, generation, attempt: attempt.attempt, outcome, reason });
}

const evolutions: Cases<NodeEvent, Node, Node> = {
  NodeRegistered(node, { data: { nodeId, publicKey, ...facts } }) {
    return { ...node, status: 'registered', nodeId, publicKey, facts, reachable: true };
  },
  NodeFactsChanged: (node, { data }) => ({ ...node, facts: data }),
  NodeDrained: (node) => ({ ...node, drained: true }),
  NodeActivated: (node) => ({ ...node, drained: false }),
  NodeUnreachable: (node) => ({ ...node, reachable: false }),
  NodeReachable: (node) => ({ ...node, reachable: true }),
  NodeAdopted: (node) => ({ ...node, adoptedAt: node.revision }),
  NodeRemoved: (node) => ({ ...node, status: 'removed', reachable: false }),

  ReplicaPlaced(node, { data }) {
    const replaces = replacedHere(node, data);
    const entry: NodeEntry = { placement: { ...data, replaces }, wanted: 'run', wantedReason: null, placedAt: node.revision };
    return {
      ...node,
      entries: new Map(node.entries).set(data.replicaId, entry),
      settled: settle(node, data, 'placed', PLACED),
    };
  },
  PlacementRefused: (node, { data }) => ({ ...node, settled: settle(node, data, 'refused', data.reason) }),
  PlacementRevoked: (node, { data }) => ({ ...node, settled: settle(node, data, 'revoked', data.reason) }),

  ReplicaWantedChanged(node, { data }) {
    const entry = node.entries.get(data.replicaId);
    if (!entry) throw new Error(`history out of order: ${data.replicaId} is not placed here`);
    const wantedReason = data.to === 'run' ? null : data.reason;
    return { ...node, entries: new Map(node.entries).set(data.replicaId, { ...entry, wanted: data.to, wantedReason }) };
  },

  /** Whoever replaced it now replaces what it replaced itself: a chain stays whole, and its room is never counted short. */
  ReplicaReleased(node, { data }) {
    const released = node.entries.get(data.replicaId);
    const heir = released?.placement.replaces ?? null;
    const entries = new Map<ReplicaId, NodeEntry>();
    for (const [id, entry] of node.entries) {
      if (id === data.replicaId) continue;
      const inherits = entry.placement.replaces === data.replicaId;
      entries.set(id, inherits ? { ...entry, placement: { ...entry.placement, replaces: heir } } : entry);
    }
    return { ...node, entries, heirs: inherited(node.heirs, data.replicaId, heir) };
  },
};

function inherited(heirs: Node['heirs'], released: ReplicaId, heir: ReplicaId | null): Node['heirs'] {
  const next = new Map([...heirs].flatMap(([id, known]) => (known !== released ? [[id, known] as const] : heir ? [[id, heir] as const] : [])));
  return heir ? next.set(released, heir) : next;
}

/** The replica whose room this placement takes over, and whose end it waits for: one of the same owner that is still on this node, or null. Where the
 *  one that it replaces was released meanwhile, it is what that one was waiting for. */
export function replacedHere(node: Pick<Node, 'entries' | 'heirs'>, { owner, replaces }: Pick<Placement, 'owner' | 'replaces'>): ReplicaId | null {
  const standing = replaces && (node.heirs.get(replaces) ?? replaces);
  const replaced = standing && node.entries.get(standing);
  return replaced && replaced.placement.owner.id === owner.id ? standing : null;
}

export const evolve = (node: Node, event: NodeEvent): Node => evolutions[event.type]({ ...node, revision: node.revision + 1 }, event as never);
