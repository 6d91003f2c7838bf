import { LABELS, type ContainerState } from '#docker';
import type { ReplicaId } from '#domain';
import type { Host } from '../house/host.ts';
import type { Breach, World } from '../world.ts';
import { lateStarts } from './job-laws.ts';
import { restartBreaches } from './restart-laws.ts';
import { givenBreaches } from './value-laws.ts';
import { mountBreaches } from './volume-laws.ts';

/** What must hold of the engines whenever anything happens to a container.
 *  What the log can't know of is left out: what a restored log has lost, and what ran on a node that an operator gave up for lost. */
export function containerBreaches(world: World, host: Host, container: ContainerState, action: string): Breach[] {
  if (action === 'destroy') return killedGhost(world, host, container);
  if (action !== 'start') return [];
  const replicaId = container.labels[LABELS.replicaId] as ReplicaId;
  const ofKnown = (): Breach[] => [
    ...restartBreaches(world, host, container), ...lateStarts(world, container), ...mountBreaches(world, host, container, replicaId), ...givenBreaches(world, host, container, replicaId),
  ];
  return [...twins(world, host, container), ...overCapacity(world, host), ...(answersFor(world, host, replicaId) ? ofKnown() : [])];
}

/** Two live containers for one slot, but for the one that goes and the one that comes in a roll; and more of a service than may be. */
function twins(world: World, host: Host, container: ContainerState): Breach[] {
  const [ownerId, slot, replicaId] = [container.labels[LABELS.ownerId]!, Number(container.labels[LABELS.slot]), container.labels[LABELS.replicaId] as ReplicaId];
  if (!answersFor(world, host, replicaId)) return [];
  const alive = world.containers().filter((other) => other.container.status === 'running' && other.ownerId === ownerId && answersFor(world, other.host, other.replicaId));
  if (alive.length <= 1) return [];
  const inSlot = alive.filter((other) => other.slot === slot);
  const law = 'one live container for a slot';
  const where = (each: (typeof alive)[number]): string => `${each.replicaId} (slot ${each.slot}, generation ${each.generation}) on ${each.host.name}`;
  const { origins } = world.ledger.rolls;
  const standing = world.ledger.ordersOf(ownerId);
  const isRoll = inSlot.some((each) => origins.get(each.replicaId)?.deploymentId != null);
  const staying = isRoll ? inSlot.filter((each) => standing.get(each.replicaId)?.stopped === null) : inSlot;
  const isTwice = inSlot.some((one) => inSlot.some((other) => other !== one && other.replicaId === one.replicaId));
  const replaced = inSlot.find((each) => inSlot.some((other) => origins.get(other.replicaId)?.order.replaces === each.replicaId));
  if (isTwice || replaced || staying.length > (isRoll ? 2 : 1)) return [{ law, what: `slot ${slot} of ${ownerId} lives as ${inSlot.map(where).join(' and ')}` }];
  return crowd(world, ownerId, alive.map((each) => ({ ...each, stays: standing.get(each.replicaId)?.stopped === null, where: where(each) })));
}

/** More live than are wanted and the surge of a roll allows, as of when the last of them was ordered: nobody may be ordered beyond that. One that
 *  waits for another's end and comes in its place makes them no more, so what was allowed before it still is. */
function crowd(world: World, ownerId: string, alive: readonly { readonly replicaId: ReplicaId; readonly stays: boolean; readonly where: string }[]): Breach[] {
  const { rolls } = world.ledger;
  const known = alive.flatMap((each) => ({ ...each, origin: rolls.roomOf(each.replicaId) })).filter(({ origin }) => origin?.order.orderedAt !== undefined);
  const newest = known.sort((a, b) => b.origin!.order.orderedAt!.localeCompare(a.origin!.order.orderedAt!))[0]?.origin;
  const service = world.ledger.services.get(ownerId);
  if (!newest || !service) return [];
  const counted = newest.deploymentId === null ? known.filter(({ stays }) => stays) : known;
  const most = rolls.most(newest.order.replicaId, service);
  return counted.length > most ? [{ law: 'no more live than a roll allows', what: `${counted.length} of ${ownerId} live, and ${most} may: ${counted.map(({ where }) => where).join(', ')}` }] : [];
}

function overCapacity(world: World, host: Host): Breach[] {
  const nodeId = world.nodeIds.get(host);
  const requests = host.engine.containers
    .filter(({ status, labels }) => status === 'running' && answersFor(world, host, labels[LABELS.replicaId]!) && world.ledger.nodeOf(labels[LABELS.replicaId]!) === nodeId)
    .flatMap(({ labels }) => {
      const replica = world.ledger.replicas.get(labels[LABELS.replicaId] as ReplicaId);
      return replica?.status === 'present' ? [replica.request] : [];
    });
  const cpuMillis = requests.reduce((sum, request) => sum + request.cpuMillis, 0);
  return cpuMillis > host.capacity.cpuMillis ? [{ law: 'no node runs beyond its capacity', what: `${host.name} runs ${cpuMillis} of ${host.capacity.cpuMillis} millicores` }] : [];
}

/** What a restored log has lost runs on, until an operator says otherwise. */
function killedGhost(world: World, host: Host, { labels }: ContainerState): Breach[] {
  const nodeId = world.sparedUnder(host, labels[LABELS.replicaId]!);
  return nodeId ? [{ law: 'a restored log kills nothing', what: `${labels[LABELS.replicaId]} on ${nodeId} was removed` }] : [];
}

/** Whether the log knows of it there, and answers for it. */
export function answersFor(world: World, host: Host, replicaId: string): boolean {
  if (world.isGhost(host, replicaId)) return false;
  const nodeId = world.ledger.nodeOf(replicaId);
  return nodeId !== null && world.hostOf(nodeId) === host && world.ledger.nodes.get(nodeId)?.status !== 'removed';
}
