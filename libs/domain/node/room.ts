import type { Port } from '../docker-service/events.ts';
import type { ReplicaId } from '../kernel/ids.ts';
import { type Amount, larger, minus, NOTHING, plus } from '../kernel/units.ts';
import type { Placement } from './events.ts';
import { type Node, replacedHere } from './node.ts';

/** What of a placement takes room on a node. */
export type RoomTaker = Pick<Placement, 'replicaId' | 'owner' | 'request' | 'ports' | 'replaces'>;

/** What is promised on this node. A replica and those that replace it never run at once: the larger of the two sides counts. */
export function reserved({ entries }: Pick<Node, 'entries'>): Amount {
  const known = sums.get(entries);
  if (known) return known;
  const sum = sumOfChains([...entries.values()].map(({ placement }) => placement));
  sums.set(entries, sum);
  return sum;
}

/** A list is never changed, only replaced: it is summed up once, however many ask. */
const sums = new WeakMap<Node['entries'], Amount>();

/** What is still to be had; negative where the node has shrunk. Nothing on a node without facts. */
export const freeRoom = (node: Node): Amount => minus(node.facts?.capacity ?? NOTHING, reserved(node));

/** What this placement would take on top of all that is promised: less than it asks for where it replaces another. */
export function additionalRoom(node: Node, taker: RoomTaker): Amount {
  const replaces = replacedHere(node, taker);
  if (replaces === null && !node.entries.has(taker.replicaId)) return taker.request;
  const candidate = { ...taker, replaces };
  const others = [...node.entries.values()].map(({ placement }) => placement);
  return minus(sumOfChains([...others, candidate]), sumOfChains(others));
}

/** `8080/tcp`: a host port as it is taken, or null for one that isn't published. */
export const hostPortKey = ({ hostPort, protocol }: Port): string | null => (hostPort === null ? null : `${hostPort}/${protocol}`);

/** The published ports of a list. */
export const hostPortKeys = (ports: readonly Port[]): string[] => ports.map(hostPortKey).filter((key) => key !== null);

/** Every host port that is promised, and to whom; more than one holder where a replica replaces another. */
export function portsTaken(node: Node): ReadonlyMap<string, readonly ReplicaId[]> {
  const taken = new Map<string, ReplicaId[]>();
  for (const { placement } of node.entries.values()) {
    for (const key of hostPortKeys(placement.ports)) taken.set(key, [...(taken.get(key) ?? []), placement.replicaId]);
  }
  return taken;
}

/** The host ports that this placement asks for and can't have here, with a holder. What it replaces, directly or through others, is no hindrance. */
export function portConflicts(node: Node, taker: RoomTaker): { readonly port: string; readonly heldBy: ReplicaId }[] {
  if (hostPortKeys(taker.ports).length === 0) return [];
  const makesWay = replacedChain(node, taker);
  const taken = portsTaken(node);
  return hostPortKeys(taker.ports).flatMap((port) => {
    const heldBy = taken.get(port)?.find((holder) => !makesWay.has(holder));
    return heldBy ? [{ port, heldBy }] : [];
  });
}

function replacedChain(node: Node, taker: RoomTaker): ReadonlySet<ReplicaId> {
  const chain = new Set<ReplicaId>();
  for (let id = replacedHere(node, taker); id && !chain.has(id); id = node.entries.get(id)?.placement.replaces ?? null) chain.add(id);
  return chain;
}

function sumOfChains(takers: readonly RoomTaker[]): Amount {
  if (takers.every(({ replaces }) => replaces === null)) return sumOf(takers);
  const successors = Map.groupBy(takers, ({ replaces }) => replaces);
  const need = (taker: RoomTaker): Amount => larger(taker.request, sum(successors.get(taker.replicaId) ?? []));
  const sum = (list: readonly RoomTaker[]): Amount => list.map(need).reduce(plus, NOTHING);
  return sum(successors.get(null) ?? []);
}

/** What is asked for where nothing makes way for anything. Added up in place: it is done anew for every placement. */
function sumOf(takers: readonly RoomTaker[]): Amount {
  let [cpuMillis, memoryBytes] = [0, 0];
  for (const { request } of takers) {
    cpuMillis += request.cpuMillis;
    memoryBytes += request.memoryBytes;
  }
  return { cpuMillis, memoryBytes };
}
