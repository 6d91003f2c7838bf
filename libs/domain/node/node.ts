import type { Cases } from '../kernel/decider.ts';
import type { NodeId, Owner, ReplicaId } from '../kernel/ids.ts';
import { LargeMap } from '../kernel/large-map.ts';
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
  /** Of the released: who is to be waited for instead. Whoever was to come in their place before, or what they replaced themselves. */
  readonly heirs: ReadonlyMap<ReplicaId, ReplicaId>;
  /** By `slotKey`. */
  readonly settled: LargeMap<string, SettledAttempt>;
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
  settled: LargeMap.empty(),
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
  return node.settled.with(slotKey(attempt), { replicaId, generation, attempt: attempt.attempt, outcome, reason });
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
      heirs: without(node.heirs, data.replicaId),
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

  /** Whoever replaced it now replaces what it replaced itself; of several, one after the other, each waits for the one before, which may have begun.
   *  A chain stays whole, and its room is never counted short. */
  ReplicaReleased(node, { data }) {
    const released = node.entries.get(data.replicaId);
    const heir = released?.placement.replaces ?? null;
    const entries = new Map(node.entries);
    entries.delete(data.replicaId);
    const successors = [...entries.values()].filter(({ placement }) => placement.replaces === data.replicaId).sort((a, b) => a.placement.generation - b.placement.generation);
    let before = heir;
    for (const entry of successors) {
      entries.set(entry.placement.replicaId, { ...entry, placement: { ...entry.placement, replaces: before } });
      before = entry.placement.replicaId;
    }
    return { ...node, entries, heirs: inherited(node.heirs, data.replicaId, heir, successors.at(-1)?.placement.replicaId ?? null) };
  },
};

/** Where it has a successor, those that were released before it are named by nobody any more: one a successor is kept. */
function inherited(heirs: Node['heirs'], released: ReplicaId, heir: ReplicaId | null, successor: ReplicaId | null): Node['heirs'] {
  const next = new Map<ReplicaId, ReplicaId>();
  for (const [id, known] of heirs) {
    if (known !== released) next.set(id, known);
    else if (heir && !successor) next.set(id, heir);
  }
  const waitedFor = successor ?? heir;
  return waitedFor ? next.set(released, waitedFor) : next;
}

function without(heirs: Node['heirs'], placed: ReplicaId): Node['heirs'] {
  if (!heirs.has(placed)) return heirs;
  const next = new Map(heirs);
  next.delete(placed);
  return next;
}

/** The replica whose room this placement takes over, and whose end it waits for: one of the same owner that is still on this node, or null. Where the
 *  one that it replaces was released meanwhile, it is whoever was to come in that place before it, or what that one was waiting for. */
export function replacedHere(node: Pick<Node, 'entries' | 'heirs'>, { owner, replaces }: Pick<Placement, 'owner' | 'replaces'>): ReplicaId | null {
  const standing = replaces && (node.heirs.get(replaces) ?? replaces);
  const replaced = standing && node.entries.get(standing);
  return replaced && replaced.placement.owner.id === owner.id ? standing : null;
}

export const evolve = (node: Node, event: NodeEvent): Node => evolutions[event.type]({ ...node, revision: node.revision + 1 }, event as never);
