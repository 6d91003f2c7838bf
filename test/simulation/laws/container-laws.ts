import { LABELS, type ContainerState } from '#docker';
import type { ReplicaId } from '#domain';
import type { Host } from '../house/host.ts';
import type { Breach, World } from '../world.ts';

/** What must hold of the engines whenever anything happens to a container.
 *  What the log can't know of is left out: what a restored log has lost, and what ran on a node that an operator gave up for lost. */
export function containerBreaches(world: World, host: Host, container: ContainerState, action: string): Breach[] {
  if (action === 'destroy') return killedGhost(world, host, container);
  if (action !== 'start') return [];
  return [...twins(world, host, container), ...overCapacity(world, host), ...startedAgain(world, container)];
}

/** Two live containers for one slot. */
function twins(world: World, host: Host, container: ContainerState): Breach[] {
  const [ownerId, slot, replicaId] = [container.labels[LABELS.ownerId], Number(container.labels[LABELS.slot]), container.labels[LABELS.replicaId]!];
  if (!counts(world, host, replicaId)) return [];
  const alive = world.containers().filter((other) => other.container.status === 'running' && other.ownerId === ownerId && other.slot === slot && counts(world, other.host, other.replicaId));
  if (alive.length <= 1) return [];
  return [{ law: 'one live container for a slot', what: `slot ${slot} of ${ownerId} lives as ${alive.map((each) => `${each.replicaId} (generation ${each.generation}) on ${each.host.name}`).join(' and ')}` }];
}

function overCapacity(world: World, host: Host): Breach[] {
  const nodeId = world.nodeIds.get(host);
  const requests = host.engine.containers
    .filter(({ status, labels }) => status === 'running' && counts(world, host, labels[LABELS.replicaId]!) && world.ledger.nodeOf(labels[LABELS.replicaId]!) === nodeId)
    .flatMap(({ labels }) => {
      const replica = world.ledger.replicas.get(labels[LABELS.replicaId] as ReplicaId);
      return replica?.status === 'present' ? [replica.request] : [];
    });
  const cpuMillis = requests.reduce((sum, request) => sum + request.cpuMillis, 0);
  return cpuMillis > host.capacity.cpuMillis ? [{ law: 'no node runs beyond its capacity', what: `${host.name} runs ${cpuMillis} of ${host.capacity.cpuMillis} millicores` }] : [];
}

/** A job's command runs once, for all that the log knows. */
function startedAgain(world: World, { labels }: ContainerState): Breach[] {
  const replicaId = labels[LABELS.replicaId]!;
  const { startsInThisLog } = world.truths.of(replicaId);
  return labels[LABELS.ownerType] === 'job' && startsInThisLog > 1 ? [{ law: 'an attempt of a job runs once', what: `${replicaId} was started ${startsInThisLog} times` }] : [];
}

/** What a restored log has lost runs on, until an operator says otherwise. */
function killedGhost(world: World, host: Host, { labels }: ContainerState): Breach[] {
  const nodeId = world.sparedUnder(host, labels[LABELS.replicaId]!);
  return nodeId ? [{ law: 'a restored log kills nothing', what: `${labels[LABELS.replicaId]} on ${nodeId} was removed` }] : [];
}

/** Whether the log knows of it there, and answers for it. */
function counts(world: World, host: Host, replicaId: string): boolean {
  if (world.isGhost(host, replicaId)) return false;
  const nodeId = world.ledger.nodeOf(replicaId);
  return nodeId !== null && world.hostOf(nodeId) === host && world.ledger.nodes.get(nodeId)?.status !== 'removed';
}
