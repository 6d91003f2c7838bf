import type { ContainerState } from '#docker';
import { isKeptOn, parseStream, volumesIn, wantedOn, type DockerService, type ExistingVolume, type NodeId, type ReplicaId, type VolumeId } from '#domain';
import type { Recorded } from '#event-store';
import type { Host } from '../house/host.ts';
import { BEGINNING } from '../house/timeline.ts';
import type { Breach, World } from '../world.ts';
import { answersFor } from './container-laws.ts';
import type { Ledger } from './ledger.ts';

/** What may be said of volumes; `ledger` lacks the event yet. */
export const VOLUME_LAWS = {
  'no two volumes have one name': ({ type, data }: Recorded, ledger: Ledger): string | null => {
    if (type !== 'VolumeCreated') return null;
    const { volumeId, environmentId, name } = data as Pick<ExistingVolume, 'volumeId' | 'environmentId' | 'name'>;
    const before = [...ledger.volumes].find(([, each]) => each.status === 'present' && each.lifecycle !== 'DELETED' && each.environmentId === environmentId && each.name === name);
    return before ? `${volumeId} is called ${name}, as ${before[0]} is` : null;
  },

  'a volume is on one node at a time': ({ type, stream, data }: Recorded, ledger: Ledger): string | null => {
    const binding = type === 'VolumeBound' ? bindingOf(ledger, parseStream(stream).id) : null;
    return binding ? `${stream} was bound to ${(data as { nodeId: string }).nodeId} while it was on ${binding.nodeId}` : null;
  },

  'a replica is placed where its volumes are': ({ type, stream, data }: Recorded, ledger: Ledger): string | null => {
    if (type !== 'ReplicaPlaced') return null;
    const { replicaId } = data as { replicaId: ReplicaId };
    const replica = ledger.replicas.get(replicaId);
    const volumes = replica?.status === 'present' ? volumesIn(replica.volumes) : [];
    const elsewhere = volumes.find((volumeId) => bindingOf(ledger, volumeId)?.nodeId !== parseStream(stream).id);
    return elsewhere ? `${replicaId} was placed on ${stream}, and its ${elsewhere} is on ${bindingOf(ledger, elsewhere)?.nodeId ?? 'no node'}` : null;
  },
};

const bindingOf = (ledger: Ledger, volumeId: string) => {
  const volume = ledger.volumes.get(volumeId as VolumeId);
  return volume?.status === 'present' ? volume.binding : null;
};

/** The nodes of which somebody said, in this log or in one that was put back since, that a volume is to be gone from there. */
export class Clearances {
  readonly #said = new Set<string>();
  /** Those of a log that was put back since, until their agents go by the present one. */
  readonly #lost = new Set<string>();
  #wasPutBack = false;

  /** `ledger` has the event. */
  take({ stream }: Recorded, ledger: Ledger): void {
    const { category, id } = parseStream(stream);
    const volume = category === 'volume' ? ledger.volumes.get(id as VolumeId) : undefined;
    if (volume?.status !== 'present') return;
    for (const nodeId of [...(volume.binding ? [volume.binding.nodeId] : []), ...volume.leftOn]) if (wantedOn(volume, nodeId) === 'gone') this.#said.add(`${nodeId}|${id}`);
  }

  /** The log was put back: `ledger` is what is left of it. What agents were told before they may carry out whenever they come to it. */
  logWasPutBack(ledger: Ledger): void {
    this.#wasPutBack = true;
    for (const key of this.#said) {
      const [nodeId, id] = key.split('|') as [NodeId, VolumeId];
      if (wantedOn(ledger.volumes.get(id) ?? { status: 'absent' }, nodeId) !== 'gone') this.#lost.add(key);
    }
  }

  /** A container of its has started there, or an operator has let the node change over: its agent goes by the present log. */
  overtake(nodeId: NodeId, volumeId: VolumeId | null): void {
    for (const key of this.#lost) if (key === `${nodeId}|${volumeId}` || (volumeId === null && key.startsWith(`${nodeId}|`))) this.#lost.delete(key);
  }

  /** Whether what its users wrote is to stay as long as nobody has asked for its removal. What is left of an ephemeral one is cleared where the log takes it
   *  for empty, and a log that was put back may be wrong. */
  areKept({ kind }: ExistingVolume): boolean {
    return kind === 'persistent' || !this.#wasPutBack;
  }

  isOfLostLog(nodeId: NodeId | undefined, volumeId: string): boolean {
    return this.#lost.has(`${nodeId}|${volumeId}`);
  }

  have(nodeId: NodeId | undefined, volumeId: string): boolean {
    return this.#said.has(`${nodeId}|${volumeId}`);
  }
}

/** What must hold as a volume is given up; the ledger has the event. */
export function volumeBreaches(world: World, { type, stream, metadata }: Recorded): Breach[] {
  if (type !== 'VolumeDeletionRequested') return [];
  const { ledger } = world;
  const volume = ledger.volumes.get(parseStream(stream).id as VolumeId);
  if (volume?.status !== 'present') return [];
  const holder = world.containers().find(({ host, replicaId, container }) => answersFor(world, host, replicaId) && volumesOf(host, container).includes(volume.volumeId));
  const isAsked = metadata.actor.type === 'token' || isOnItsWay(volume, ledger);
  return [
    ...(volume.users.size > 0 || holder ? [{ law: 'a volume that is used is not deleted', what: `${stream} is to go, and ${holder?.replicaId ?? [...volume.users.keys()].join(', ')} has it` }] : []),
    ...(isAsked ? [] : [{ law: 'data is lost on an explicit word only', what: `${stream} is to go, and nobody has asked for that` }]),
  ];
}

/** Nobody asked for it itself: it goes with its service, or nobody ever had it. */
function isOnItsWay(volume: ExistingVolume, { services }: Ledger): boolean {
  const { madeFor, kind, volumeId } = volume;
  const maker = madeFor ? services.get(madeFor) : undefined;
  const isMakerGone = maker?.status !== 'present' || maker.lifecycle === 'DELETED';
  const isTaken = [...services.values()].some((service) => service.status === 'present' && service.lifecycle === 'DELETED' && service.takesVolumes && mentions(service, volumeId));
  // A log that was put back to the middle of an append has it without the service that it was made for: that one never came to mount it.
  const neverHadIt = maker?.status === 'present' && !mentions(maker, volumeId);
  return isTaken || (kind === 'ephemeral' && (isMakerGone || neverHadIt)) || (isMakerGone && volume.binding === null && volume.unbound === null);
}

/** An engine has removed a volume. */
export function lossBreaches(world: World, host: Host, volumeId: VolumeId): Breach[] {
  const law = 'data is lost on an explicit word only';
  const nodeId = world.nodeIds.get(host);
  const volume = world.ledger.volumes.get(volumeId);
  if (!world.clearances.have(nodeId, volumeId)) return [{ law, what: `${host.name} has removed ${volumeId}, and nobody has told ${nodeId} to` }];
  const isWanted = volume?.status === 'present' && volume.lifecycle === 'ACTIVE' && world.clearances.areKept(volume);
  return isWanted && host.written.has(volumeId) && host.written.get(volumeId) === nodeId && !world.clearances.isOfLostLog(nodeId, volumeId) ? [{ law, what: `${host.name} has removed ${volumeId} with what its users wrote, and it is to stay` }] : [];
}

/** Longer than a set may be on its way, with whoever sends it standing still. */
const SURELY_TOLD_MS = 240_000;

/** An agent has made a volume: where the log has long known it as made, what was in it is lost, and nobody would be told. */
export function makingBreaches({ ledger, nodeIds, shelf }: World, host: Host, volumeId: VolumeId): Breach[] {
  const nodeId = nodeIds.get(host);
  const volume = ledger.volumes.get(volumeId);
  if (!nodeId || volume?.status !== 'present' || !isKeptOn(volume, nodeId)) return [];
  const made = shelf.log.findLast(({ stream, type }) => stream === `volume-${volumeId}` && type === 'VolumeProvisioned');
  const isTold = made !== undefined && Date.parse(made.metadata.at) - BEGINNING <= host.toldAt - SURELY_TOLD_MS;
  return isTold ? [{ law: 'what was made and is lost is not made anew', what: `${host.name} has made ${volumeId}, which is known as made on ${nodeId}` }] : [];
}

/** A container is started. */
export function mountBreaches(world: World, host: Host, container: ContainerState, replicaId: ReplicaId): Breach[] {
  const has = volumesOf(host, container);
  const nodeId = world.nodeIds.get(host)!;
  const due = volumesIn(world.ledger.specOf(replicaId)?.volumes);
  const astray = due.find((volumeId) => bindingOf(world.ledger, volumeId)?.nodeId !== nodeId);
  return [
    ...(astray ? [{ law: 'a container runs where its volumes are', what: `${replicaId} was started on ${nodeId}, and its ${astray} is on ${bindingOf(world.ledger, astray)?.nodeId ?? 'no node'}` }] : []),
    ...([...has].sort().join() === [...due].sort().join() ? [] : [{ law: 'a container has the volumes of its release', what: `${replicaId} has [${has}] instead of [${due}]` }]),
  ];
}

/** The volumes that a container has, each once. */
export function volumesOf({ engine }: Host, { name }: ContainerState): readonly VolumeId[] {
  const { Mounts = [] } = (engine.configOf(name) as { HostConfig?: { Mounts?: readonly { Type: string; Source?: string }[] } }).HostConfig ?? {};
  return [...new Set(Mounts.flatMap(({ Type, Source = '' }) => (Type === 'volume' ? (engine.volumes.get(Source)?.volumeId ?? Source) : [])))] as VolumeId[];
}

/** Whether a release that is kept, or a hook, mounts it. */
export function mentions(service: Extract<DockerService, { status: 'present' }>, volumeId: VolumeId): boolean {
  const hooks = [service.deploy.preDeploy?.overrides, service.deploy.postDeploy?.overrides];
  return [...service.releases.values(), ...hooks].some((spec) => volumesIn(spec?.volumes).includes(volumeId));
}

/** What isn't at rest about volumes. */
export function volumesLeft(world: World): string[] {
  return [...world.ledger.volumes].flatMap(([id, volume]) => {
    if (volume.status !== 'present') return [];
    const host = volume.binding && [...world.nodeIds].find(([, nodeId]) => nodeId === volume.binding!.nodeId)?.[0];
    const there = world.hosts.filter((each) => each.has(id) && world.clearances.have(world.nodeIds.get(each), id));
    if (volume.lifecycle === 'DELETED') return there.map(({ name }) => `${id} is deleted, and still on ${name}`);
    if (volume.lifecycle === 'DELETING') return [`${id} is still DELETING`];
    return [...(host ? lossLeft(world, host, volume) : []), ...[...volume.users.keys()].filter((user) => isOver(world.ledger, user, volume)).map((user) => `${user} still uses ${id}`)];
  });
}

/** What is lost is told of, and nothing else is. An ephemeral one is made anew without a word, where somebody needs it. */
function lossLeft(world: World, host: Host, volume: ExistingVolume): string[] {
  const { volumeId, kind, binding } = volume;
  const isThere = host.keeps(volume);
  if (!binding?.provisioned) return [];
  if (isThere && binding.lost) return [`${volumeId} is on ${host.name}, and said to be lost`];
  if (isThere || binding.lost) return [];
  return kind === 'ephemeral' && (world.clearances.have(binding.nodeId, volumeId) || host.robbed.has(volumeId)) ? [] : [`${volumeId} is not on ${host.name} any more, and nobody says so`];
}

function isOver({ services, jobs }: Ledger, user: string, { volumeId, kind, madeFor }: ExistingVolume): boolean {
  const [service, job] = [services.get(user), jobs.get(user as never)];
  if (job) return job.status === 'ended';
  if (service?.status !== 'present' || service.lifecycle === 'DELETED') return true;
  return !(kind === 'ephemeral' && madeFor === user) && !mentions(service, volumeId);
}
