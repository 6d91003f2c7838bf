import type { Cases, Decider } from '../kernel/decider.ts';
import type { NodeId, ReplicaId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';
import { Rejection } from '../kernel/rejection.ts';
import type { NodeEvent, NodeFacts, Placement, Wanted } from './events.ts';
import { checkFacts, sameFacts } from './facts.ts';
import { type AttemptRef, compareAttempts, evolve, initial, type Node, settlementOf, slotKey } from './node.ts';
import { refusalOf } from './settle.ts';

type Nothing = Record<never, never>;

export type NodeCommand =
  /** An agent says who it is and what its host has: the first time registers it, later ones change its facts. */
  | { type: 'RegisterNode'; data: { nodeId: NodeId; facts: NodeFacts; publicKey: string } }
  | { type: 'DrainNode'; data: Nothing }
  | { type: 'ActivateNode'; data: Nothing }
  | { type: 'MarkNodeUnreachable'; data: { lastHeardAt: string | null; reason: Reason } }
  | { type: 'MarkNodeReachable'; data: Nothing }
  | { type: 'AdoptNode'; data: Nothing }
  | { type: 'RemoveNode'; data: Nothing }
  /** Settles a claim: the node's word is `ReplicaPlaced` or `PlacementRefused`. Works on a node that nobody knows, too. */
  | { type: 'PlaceReplica'; data: Placement }
  /** Settles a claim that isn't wanted any more, if nothing settled it before. */
  | { type: 'RevokePlacement'; data: AttemptRef & { replicaId: ReplicaId; reason: Reason } }
  | { type: 'ChangeWanted'; data: { replicaId: ReplicaId; to: Wanted; reason: Reason } }
  /** Only when its container was observed GONE, or the node is removed. */
  | { type: 'ReleaseReplica'; data: { replicaId: ReplicaId; reason: Reason } };

const decisions: Cases<NodeCommand, Node, readonly NodeEvent[]> = {
  RegisterNode(node, { data: { nodeId, facts, publicKey } }) {
    checkFacts(facts);
    if (node.status === 'removed') throw removed();
    if (node.status === 'unknown') return [{ type: 'NodeRegistered', data: { ...facts, nodeId, publicKey } }];
    if (node.publicKey !== publicKey) throw new Rejection('forbidden', 'node.other_key', 'another agent registered under this id; give this one its own folder');
    return node.facts && sameFacts(node.facts, facts) ? [] : [{ type: 'NodeFactsChanged', data: facts }];
  },

  DrainNode: (node) => (registered(node).drained ? [] : [{ type: 'NodeDrained', data: {} }]),
  ActivateNode: (node) => (registered(node).drained ? [{ type: 'NodeActivated', data: {} }] : []),

  /** A monitor that looked away may still speak of a removed node: nothing is left to say of it. */
  MarkNodeUnreachable: (node, { data }) => (known(node).reachable ? [{ type: 'NodeUnreachable', data }] : []),
  MarkNodeReachable: (node) => (known(node).reachable || node.status === 'removed' ? [] : [{ type: 'NodeReachable', data: {} }]),

  /** Each time anew: what an operator accepts is the history as it stands now. */
  AdoptNode(node) {
    registered(node);
    return [{ type: 'NodeAdopted', data: {} }];
  },
  RemoveNode: (node) => (known(node).status === 'removed' ? [] : [{ type: 'NodeRemoved', data: { lost: [...node.entries.keys()] } }]),

  PlaceReplica(node, { data }) {
    if (settlementOf(node, data)) return [];
    const reason = refusalOf(node, data);
    return [reason ? { type: 'PlacementRefused', data: { ...attemptOf(data), reason } } : { type: 'ReplicaPlaced', data }];
  },

  RevokePlacement(node, { data }) {
    if (settlementOf(node, data)) return [];
    const latest = node.settled.get(slotKey(data));
    const settledLongAgo = latest?.generation === data.generation && compareAttempts(data, latest) < 0;
    return settledLongAgo ? [] : [{ type: 'PlacementRevoked', data: { ...attemptOf(data), reason: data.reason } }];
  },

  /** Silent for a replica that was released meanwhile: it can't be more gone. */
  ChangeWanted(node, { data: { replicaId, to, reason } }) {
    const entry = node.entries.get(replicaId);
    if (!entry || entry.wanted === to) return [];
    if (entry.wanted === 'gone') throw new Rejection('conflict', 'node.replica_going', 'it is being removed; order the next generation of its slot', { replicaId });
    return [{ type: 'ReplicaWantedChanged', data: { replicaId, owner: entry.placement.owner, from: entry.wanted, to, reason } }];
  },

  ReleaseReplica(node, { data: { replicaId, reason } }) {
    const entry = node.entries.get(replicaId);
    return entry ? [{ type: 'ReplicaReleased', data: { replicaId, owner: entry.placement.owner, reason } }] : [];
  },
};

const attemptOf = ({ replicaId, owner, slot, generation, attempt }: AttemptRef & { replicaId: ReplicaId }) => ({ replicaId, owner, slot, generation, attempt });

const removed = () => new Rejection('conflict', 'node.removed', 'it was removed for good; register it under a new id');

function known(node: Node): Node {
  if (node.status === 'unknown') throw new Rejection('not_found', 'node.not_found', 'no such node ever registered');
  return node;
}

function registered(node: Node): Node {
  if (known(node).status === 'removed') throw removed();
  return node;
}

/** The rules of one node: its stream is where a placement is settled, once. */
export const node: Decider<Node, NodeCommand, NodeEvent> = {
  initial,
  evolve,
  decide: (state, command) => decisions[command.type](state, command as never),
};
