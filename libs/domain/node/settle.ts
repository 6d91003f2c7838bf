import type { Reason } from '../kernel/reason.ts';
import { fits, formatBytes, formatCpu, type Amount } from '../kernel/units.ts';
import type { Placement } from './events.ts';
import { compareAttempts, type Node, slotKey } from './node.ts';
import { additionalRoom, freeRoom, portConflicts } from './room.ts';

/** Why a node can't take a placement; codes `superseded`, `unknown_node`, `removed`, `unreachable`, `drained`, `host_port`, `capacity`. */
type Rule = (node: Node, placement: Placement) => Reason | null;

/** A thawed scheduler may settle what others have long gone past: only what is higher than all before can be placed. */
const superseded: Rule = (node, placement) => {
  if (node.entries.has(placement.replicaId)) return { code: 'superseded', message: 'the replica is on this node since an earlier attempt' };
  const latest = node.settled.get(slotKey(placement));
  if (!latest || compareAttempts(placement, latest) > 0) return null;
  return { code: 'superseded', message: `generation ${latest.generation}, attempt ${latest.attempt} of this slot was settled here before` };
};

const standing: Rule = ({ status, reachable, drained }) => {
  if (status === 'unknown') return { code: 'unknown_node', message: 'no such node ever registered' };
  if (status === 'removed') return { code: 'removed', message: 'the node was removed' };
  if (!reachable) return { code: 'unreachable', message: 'nothing is heard of the node' };
  return drained ? { code: 'drained', message: 'the node is drained' } : null;
};

const hostPort: Rule = (node, placement) => {
  const [conflict] = portConflicts(node, placement);
  return conflict ? { code: 'host_port', message: `host port ${conflict.port} is taken` } : null;
};

const capacity: Rule = (node, placement) => {
  const message = shortage(additionalRoom(node, placement), freeRoom(node));
  return message === null ? null : { code: 'capacity', message };
};

/** In this order: the first that speaks gives the reason. */
const rules: readonly Rule[] = [superseded, standing, hostPort, capacity];

/** @returns why the node refuses this attempt, or null when it takes it. */
export function refusalOf(node: Node, placement: Placement): Reason | null {
  for (const rule of rules) {
    const reason = rule(node, placement);
    if (reason) return reason;
  }
  return null;
}

/** `needs 256 MiB, 12 MiB free`; null when it fits. */
export function shortage(needed: Amount, free: Amount): string | null {
  if (fits(needed, free)) return null;
  const lacking: string[] = [];
  if (needed.memoryBytes > free.memoryBytes) lacking.push(`needs ${formatBytes(needed.memoryBytes)}, ${formatBytes(Math.max(0, free.memoryBytes))} free`);
  if (needed.cpuMillis > free.cpuMillis) lacking.push(`needs ${formatCpu(needed.cpuMillis)}, ${formatCpu(Math.max(0, free.cpuMillis))} free`);
  return lacking.join('; ');
}
