import { parseStream, type DockerServiceId, type EnvironmentId, type NetworkId, type NodeEvent, type NodeId, type Owner, type ProjectId, type ReplicaId, type VolumeId } from '#domain';
import type { Recorded } from '#event-store';
import type { IndexedEvent, LogIndex } from './log-index.ts';

/** What each reconciler looks at, by key. */
export interface Wakes {
  readonly services: ReadonlySet<DockerServiceId>;
  readonly placements: ReadonlySet<ReplicaId>;
  /** Nodes that hold what may be over. */
  readonly releases: ReadonlySet<NodeId>;
  /** Nodes whose agents may need another set. */
  readonly dispatches: ReadonlySet<NodeId>;
  readonly networks: ReadonlySet<ProjectId>;
  /** Holders of names. */
  readonly names: ReadonlySet<string>;
  readonly volumes: ReadonlySet<VolumeId>;
  /** Services that may lack the latest version of what they follow. */
  readonly followers: ReadonlySet<DockerServiceId>;
  /** Jobs and volumes that hold room of a quota, or may have to; and services, where nothing else may be left to look at. */
  readonly rooms: ReadonlySet<string>;
}

/** Whom an event concerns: keys and nothing more, since a reconciler reads what stands. `index` has folded the event. */
export function wakesOf(recorded: Recorded, index: LogIndex): Wakes {
  const found = new Found(index);
  const event = recorded as unknown as IndexedEvent;
  const { category, id } = parseStream(recorded.stream);
  if (category === 'docker_service') wakeByService(id as DockerServiceId, event, found);
  if (category === 'secret' || category === 'config' || category === 'resource') found.followersOf(id);
  if (category === 'deployment' && 'dockerServiceId' in event.data) found.service(event.data.dockerServiceId);
  if (category === 'replica') wakeByReplica(event, found);
  if (category === 'node') wakeByNode(id as NodeId, event as NodeEvent, found);
  if (category === 'job') wakeByJob(id, event, found);
  if (category === 'network') found.network(id as NetworkId, event);
  if (category === 'volume') wakeByVolume(id as VolumeId, event, found);
  if (category === 'project') wakeByProject(id, event, found);
  return found;
}

/** Everything that isn't over, for a start and for the timer underneath. */
export function allWakes(index: LogIndex): Wakes {
  const found = new Found(index);
  for (const dockerServiceId of index.services) found.service(dockerServiceId);
  for (const { replicaId } of index.unplaced()) found.placements.add(replicaId);
  for (const nodeId of index.nodes.keys()) {
    found.releases.add(nodeId);
    found.dispatches.add(nodeId);
  }
  for (const projectId of index.projects) found.networks.add(projectId);
  for (const holder of index.claims.unborne()) found.names.add(holder);
  for (const volumeId of index.volumes.all()) found.volumes.add(volumeId);
  for (const holder of index.holders.all()) {
    found.room(holder);
    found.rooms.add(holder);
  }
  for (const id of index.followers.keys()) found.followersOf(id);
  return found;
}

/** A version may have come before the release that follows it was heard of, or while the service was at rest. */
const MAY_LACK: ReadonlySet<string> = new Set(['ReleaseCut', 'DockerServiceResumed', 'DockerServiceStarted']);

function wakeByService(id: DockerServiceId, { type }: IndexedEvent, found: Found): void {
  found.changed(id);
  found.heldBy(id);
  if (MAY_LACK.has(type)) found.followers.add(id);
  // Its first port may be another one now.
  if (type === 'DeploymentEnded') found.followersOf(id);
}

function wakeByJob(id: string, { type }: IndexedEvent, found: Found): void {
  if (type === 'JobEnded' || type === 'JobAttemptFailed' || type === 'JobCancelRequested') found.owned(id);
  found.hookOf(id);
  found.rooms.add(id);
}

function wakeByReplica(event: IndexedEvent, found: Found): void {
  switch (event.type) {
    case 'ReplicaCreated':
    case 'PlacementClaimed':
      found.placements.add(event.data.replicaId);
      return found.owner(event.data.owner);
    case 'PlacementSettled':
      // Placed is placed for good.
      if (event.data.outcome !== 'placed') found.placements.add(event.data.replicaId);
      if (event.data.outcome !== 'placed') found.awaited(event.data.replicaId);
      return found.owner(event.data.owner);
    case 'ReplicaAbandoned':
      found.holder(event.data.owner);
      found.awaited(event.data.replicaId);
      return found.owner(event.data.owner);
    case 'ReplicaObserved':
      if (event.data.state === 'GONE') found.releases.add(event.data.nodeId);
      if (event.data.state === 'GONE') found.awaited(event.data.replicaId);
      if (event.data.subnet) found.complaint(event.data.replicaId);
      found.heldBy(event.data.owner.id);
      return found.owner(event.data.owner);
  }
}

function wakeByNode(nodeId: NodeId, event: NodeEvent, found: Found): void {
  switch (event.type) {
    case 'ReplicaPlaced':
    case 'PlacementRefused':
    case 'PlacementRevoked':
      found.placements.add(event.data.replicaId);
      if (event.type === 'ReplicaPlaced') found.dispatches.add(nodeId);
      return found.owner(event.data.owner);
    case 'ReplicaWantedChanged':
      found.dispatches.add(nodeId);
      return found.owner(event.data.owner);
    case 'ReplicaReleased':
      found.dispatches.add(nodeId);
      found.owner(event.data.owner);
      found.volumesOf(event.data.owner.id);
      found.holder(event.data.owner);
      return found.waiting();
    default:
      if (event.type === 'NodeRemoved') found.volumesOn(nodeId);
      found.releases.add(nodeId);
      found.dispatches.add(nodeId);
      found.holders(nodeId);
      return found.waiting();
  }
}

/** Whoever waits may find its place now; the agents of the nodes concerned have something to do. */
function wakeByVolume(volumeId: VolumeId, event: IndexedEvent, found: Found): void {
  found.volumes.add(volumeId);
  if (event.type === 'VolumeCreated' || event.type === 'VolumeDeleted') found.rooms.add(volumeId);
  found.nodesOf(volumeId);
  if (event.type === 'VolumeDeleted') found.names.add(volumeId);
  if (event.type === 'VolumeCleared') found.dispatches.add(event.data.nodeId);
  if (event.type === 'VolumeBound' || event.type === 'VolumeUnbound' || event.type === 'VolumeCleared' || event.type === 'VolumeDeletionRequested') found.waiting();
}

function wakeByProject(id: string, event: IndexedEvent, found: Found): void {
  if (event.type === 'NameClaimed') found.names.add(event.data.holder);
  if (event.type === 'RoomReserved') found.room(event.data.holder);
  if (event.type === 'EnvironmentCreated' || event.type === 'EnvironmentDeleted') found.networks.add(id as ProjectId);
}

class Found implements Wakes {
  readonly services = new Set<DockerServiceId>();
  readonly placements = new Set<ReplicaId>();
  readonly releases = new Set<NodeId>();
  readonly dispatches = new Set<NodeId>();
  readonly networks = new Set<ProjectId>();
  readonly names = new Set<string>();
  readonly volumes = new Set<VolumeId>();
  readonly followers = new Set<DockerServiceId>();
  readonly rooms = new Set<string>();

  constructor(private readonly index: LogIndex) {}

  service(id: string): void {
    this.services.add(id as DockerServiceId);
  }

  /** Something of its own has happened to it: it may mount other volumes, too. */
  changed(id: string): void {
    this.service(id);
    this.volumesOf(id);
  }

  /** The services that follow a secret or a config. */
  followersOf(id: string): void {
    for (const serviceId of this.index.followers.get(id) ?? []) this.followers.add(serviceId);
  }

  /** Replicas that wait for a service to be well. */
  heldBy(serviceId: string): void {
    for (const replicaId of this.index.held.by(serviceId)) this.placements.add(replicaId);
  }

  owner({ type, id }: Owner): void {
    if (type === 'docker_service') this.service(id);
  }

  holder({ type, id }: Owner): void {
    if (type === 'job') this.rooms.add(id);
  }

  /** Whoever holds room. */
  room(holder: string): void {
    if (holder.startsWith('svc_')) this.service(holder);
    else this.rooms.add(holder);
  }

  /** The service whose deployment waits for this job, and what the job uses. */
  hookOf(jobId: string): void {
    this.volumesOf(jobId);
    const serviceId = this.index.hooks.get(jobId);
    if (serviceId) this.service(serviceId);
  }

  /** Whatever a job of which something is over still has. */
  owned(ownerId: string): void {
    for (const { phase, replicaId, nodeId } of this.index.replicasOf(ownerId)) {
      if (phase === 'placed' && nodeId) this.releases.add(nodeId);
      else this.placements.add(replicaId);
    }
  }

  /** Everything that waits for a place. */
  waiting(): void {
    for (const { replicaId } of this.index.unplaced()) this.placements.add(replicaId);
  }

  /** Services that have something on a node. */
  holders(nodeId: NodeId): void {
    for (const { placement } of this.index.nodes.get(nodeId)?.entries.values() ?? []) this.owner(placement.owner);
  }

  /** What hangs on a network: its own subnet, and whatever its environment has. */
  network(networkId: NetworkId, event: IndexedEvent): void {
    if (event.type === 'NetworkDeleted' || event.type === 'NetworkReservationVoided') this.names.add(networkId);
    const network = this.index.networks.get(networkId);
    if (!network) return;
    this.networks.add(network.projectId);
    this.environment(network.environmentId);
  }

  environment(environmentId: EnvironmentId): void {
    for (const nodeId of this.index.nodesOf(environmentId)) this.dispatches.add(nodeId);
    for (const entry of this.index.unplaced()) if (entry.environmentId === environmentId) this.placements.add(entry.replicaId);
  }

  /** What a service or job uses. */
  volumesOf(ownerId: string): void {
    for (const volumeId of this.index.volumes.usedBy(ownerId)) this.volumes.add(volumeId);
  }

  volumesOn(nodeId: NodeId): void {
    for (const volumeId of this.index.volumes.on(nodeId)) this.volumes.add(volumeId);
  }

  /** What a replica was sent to its node for. */
  awaited(replicaId: ReplicaId): void {
    for (const volumeId of this.index.volumes.awaitedBy(replicaId)) this.volumes.add(volumeId);
  }

  /** Nodes that have something to do about a volume. */
  nodesOf(volumeId: VolumeId): void {
    for (const nodeId of this.index.volumes.nodesOf(volumeId)) this.dispatches.add(nodeId);
  }

  complaint(replicaId: ReplicaId): void {
    const environmentId = this.index.replicas.get(replicaId)?.environmentId;
    const network = environmentId && this.index.ownNetworkOf(environmentId);
    if (network) this.networks.add(network.projectId);
  }
}
