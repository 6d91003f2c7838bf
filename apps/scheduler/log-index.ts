import {
  followedBy,
  node as nodeRules,
  parseStream,
  OWN_NETWORK,
  PLATFORM,
  type ConfigEvent,
  type DeploymentEvent,
  type DockerServiceEvent,
  type DockerServiceId,
  type EnvironmentId,
  type JobEvent,
  type JobId,
  type NetworkEvent,
  type NetworkId,
  type NetworkPoolEvent,
  type Node,
  type NodeEvent,
  type NodeId,
  type ProjectEvent,
  type ProjectId,
  type ReplicaEvent,
  type ReplicaId,
  type ResourceEvent,
  type SecretEvent,
  type StreamCategory,
  usedBy,
  type VolumeEvent,
  type VolumeId,
} from '#domain';
import type { Recorded } from '#event-store';
import type { Cause } from './cause.ts';
import { HeldReplicas } from './dependencies/held-replicas.ts';
import { KnownClaims } from './names/known-claims.ts';
import { KnownSubnets } from './networks/known-subnets.ts';
import { KnownHolders } from './quotas/known-holders.ts';
import { LocalImages } from './placement/local-images.ts';
import { RecentFailures } from './placement/recent-failures.ts';
import { KnownVolumes } from './volumes/known-volumes.ts';

/** All that the index folds. */
export type IndexedEvent = DockerServiceEvent | DeploymentEvent | ReplicaEvent | NodeEvent | JobEvent | NetworkEvent | NetworkPoolEvent | ProjectEvent | VolumeEvent | SecretEvent | ConfigEvent | ResourceEvent;

/** The streams that the index reads. */
export const INDEXED_PREFIXES = ['docker_service-', 'deployment-', 'replica-', 'node-', 'job-', 'project-', 'network-', 'network_pool-', 'volume-', 'secret-', 'config-', 'resource-'] as const;

export interface ReplicaEntry {
  readonly replicaId: ReplicaId;
  readonly ownerId: DockerServiceId | JobId;
  readonly environmentId: EnvironmentId;
  readonly release: number | null;
  /** `waiting` for a node · `claimed`: one is to settle it · `placed`. */
  readonly phase: 'waiting' | 'claimed' | 'placed';
  /** Where it was claimed or placed last. */
  readonly nodeId: NodeId | null;
  readonly gone: boolean;
  /** Those that it is in; null: its environment's own alone. */
  readonly networks: readonly NetworkId[] | null;
}

export interface NetworkEntry {
  readonly networkId: NetworkId;
  readonly environmentId: EnvironmentId;
  readonly projectId: ProjectId;
  readonly name: string;
  readonly hasSubnet: boolean;
  /** Its subnet isn't back in the pool yet. */
  readonly deleted: boolean;
}

/** An agent's word that a subnet which its environment was given is in use on its host. */
export interface SubnetComplaint {
  readonly nodeId: NodeId;
  readonly message: string;
}

type Folds = { readonly [T in IndexedEvent['type']]?: (data: Extract<IndexedEvent, { type: T }>['data'], recorded: Recorded) => void };
type Fold = ((data: object, recorded: Recorded) => void) | undefined;

/** What reconcilers have to find across streams, kept in memory from the log: which replicas wait, what a node holds, which
 *  names are claimed. It says where to look, and never stands for a stream: what a decision rests on is read when it is made. */
export class LogIndex {
  /** Those that still have their name: it goes last. */
  readonly services = new Set<DockerServiceId>();
  /** Those that aren't abandoned or released. */
  readonly replicas = new Map<ReplicaId, ReplicaEntry>();
  /** Folds of the nodes' streams, for weighing them against each other; the node's own stream has the last word. */
  readonly nodes = new Map<NodeId, Node>();
  /** Until the subnet is free again. */
  readonly networks = new Map<NetworkId, NetworkEntry>();
  readonly #ownNetworks = new Map<EnvironmentId, NetworkId>();
  readonly claims = new KnownClaims();
  readonly holders = new KnownHolders();
  readonly subnets = new KnownSubnets();
  readonly #complaints = new Map<EnvironmentId, Map<string, SubnetComplaint>>();
  readonly projects = new Set<ProjectId>();
  /** Jobs that have ended, are being cancelled, or had an attempt that failed: what runs of them may have to go. */
  readonly endingJobs = new Set<JobId>();
  /** Services by the job that is a hook of theirs and hasn't ended. */
  readonly hooks = new Map<string, DockerServiceId>();
  /** Services by the secret or config of which a release of theirs followed the latest version, and by the resource or service that one used; whether one still
   *  does its own stream says. */
  readonly followers = new Map<string, Set<DockerServiceId>>();
  readonly held = new HeldReplicas();
  readonly failures = new RecentFailures();
  readonly localImages = new LocalImages();
  readonly volumes = new KnownVolumes();
  readonly #released = new Set<ReplicaId>();
  readonly #causes = new Map<string, Cause>();

  /** Folds one event of the log in. They have to come in order, from the first on. */
  take(recorded: Recorded): void {
    const event = recorded as unknown as IndexedEvent;
    const { category, id } = parseStream(recorded.stream);
    this.claims.take(event, recorded);
    if (category === 'volume') this.volumes.take(id as VolumeId, event as VolumeEvent);
    if (category === 'job' || category === 'project' || category === 'volume') this.holders.take(id, event as JobEvent | ProjectEvent | VolumeEvent);
    if (category === 'project' || category === 'network' || category === 'network_pool') this.subnets.take(event as ProjectEvent | NetworkEvent | NetworkPoolEvent);
    if (category === 'node') this.#takeNode(id as NodeId, event as NodeEvent);
    if (event.type === 'ReleaseCut' || event.type === 'ReleaseImagePinned' || event.type === 'JobCreated') this.localImages.take(id, event);
    if (category === 'project' && id !== PLATFORM) this.projects.add(id as ProjectId);
    (this.#folds[event.type] as Fold)?.(event.data, recorded);
    this.#remember(category, id, event, recorded);
  }

  /** The latest event about a thing, by the thing's id; null when none is known. */
  causeOf(id: string): Cause | null {
    return this.#causes.get(id) ?? null;
  }

  /** Replicas of a service or job. */
  replicasOf(ownerId: string): ReplicaEntry[] {
    return [...this.replicas.values()].filter((entry) => entry.ownerId === ownerId);
  }

  /** The network that an environment has for its own. */
  ownNetworkOf(environmentId: EnvironmentId): NetworkEntry | null {
    return this.networks.get(this.#ownNetworks.get(environmentId) ?? 'net_') ?? null;
  }

  /** Whether a node holds something that joined this network, or is about to. */
  isJoined(networkId: NetworkId): boolean {
    return [...this.replicas.values()].some(({ networks, phase }) => phase !== 'waiting' && networks?.includes(networkId));
  }

  /** What was said of this subnet in an environment; null where nothing was. One that it had before is no matter. */
  complaintOf(environmentId: EnvironmentId, subnet: string): SubnetComplaint | null {
    return this.#complaints.get(environmentId)?.get(subnet) ?? null;
  }

  /** Nothing is left to do about a deleted network: its subnet is back in the pool, or it never had one. */
  dropNetwork(networkId: NetworkId): void {
    const entry = this.networks.get(networkId);
    if (!entry?.deleted) return;
    this.networks.delete(networkId);
    if (entry.name !== OWN_NETWORK) return;
    this.#ownNetworks.delete(entry.environmentId);
    this.#complaints.delete(entry.environmentId);
  }

  /** Replicas that no node holds yet. */
  unplaced(): ReplicaEntry[] {
    return [...this.replicas.values()].filter(({ phase }) => phase !== 'placed');
  }

  /** Nodes that hold something of an environment. */
  nodesOf(environmentId: EnvironmentId): NodeId[] {
    const holds = (node: Node): boolean => [...node.entries.values()].some(({ placement }) => placement.environmentId === environmentId);
    return [...this.nodes].filter(([, node]) => holds(node)).map(([nodeId]) => nodeId);
  }

  readonly #folds: Folds = {
    DockerServiceCreated: ({ dockerServiceId }) => void this.services.add(dockerServiceId),
    ReleaseCut: ({ spec }, { stream }) => this.#follow(parseStream(stream).id as DockerServiceId, [...followedBy(spec).keys(), ...usedBy(spec)]),
    DockerServiceDeleted: (_, { stream }) => this.#forget(stream),

    ReplicaCreated: ({ replicaId, owner, environmentId, release, waitsFor = [], networks = null }) => {
      this.replicas.set(replicaId, { replicaId, ownerId: owner.id, environmentId, release, phase: 'waiting', nodeId: null, gone: false, networks });
      this.held.hold(replicaId, waitsFor);
    },
    ReplicaAbandoned: ({ replicaId }) => this.#drop(replicaId),
    PlacementClaimed: ({ replicaId, nodeId }) => {
      this.#place(replicaId, { phase: 'claimed', nodeId });
      this.held.forget(replicaId);
    },
    PlacementSettled: ({ replicaId, outcome }) => this.#settle(replicaId, outcome),
    ReplicaObserved: (data, { metadata }) => this.#observe(data, Date.parse(metadata.at)),
    ReplicaReleased: ({ replicaId }) => this.#release(replicaId),

    DeploymentStageBegan: ({ jobId, dockerServiceId }) => void (jobId && this.hooks.set(jobId, dockerServiceId)),
    DeploymentStageEnded: ({ stage, dockerServiceId }) => this.#forgetHook(stage, dockerServiceId),

    JobAttemptFailed: (_, { stream }) => this.#ending(stream),
    JobCancelRequested: (_, { stream }) => this.#ending(stream),
    JobEnded: (_, { stream }) => this.#endJob(stream),

    NetworkCreated: (data) => this.#addNetwork(data),
    NetworkSubnetChanged: (_, { stream }) => this.#changeNetwork(parseStream(stream).id as NetworkId, { hasSubnet: true }),
    NetworkDeleted: (_, { stream }) => this.#changeNetwork(parseStream(stream).id as NetworkId, { deleted: true }),
    SubnetFreed: ({ networkId }) => this.dropNetwork(networkId),

    NameReleased: ({ holder }) => void this.services.delete(holder as DockerServiceId),
  };

  #follow(dockerServiceId: DockerServiceId, ids: Iterable<string>): void {
    for (const id of ids) this.followers.set(id, (this.followers.get(id) ?? new Set()).add(dockerServiceId));
  }

  #endJob(stream: string): void {
    this.#ending(stream);
    this.#forget(stream);
  }

  #forget(stream: string): void {
    this.failures.forget(parseStream(stream).id);
    this.localImages.forget(parseStream(stream).id);
    for (const [id, services] of this.followers) if (services.delete(parseStream(stream).id as DockerServiceId) && services.size === 0) this.followers.delete(id);
  }

  #ending(stream: string): void {
    this.endingJobs.add(parseStream(stream).id as JobId);
  }

  #takeNode(nodeId: NodeId, event: NodeEvent): void {
    this.nodes.set(nodeId, nodeRules.evolve(this.nodes.get(nodeId) ?? nodeRules.initial, event));
  }

  #place(replicaId: ReplicaId, change: Partial<ReplicaEntry>): void {
    const entry = this.replicas.get(replicaId);
    if (entry) this.replicas.set(replicaId, { ...entry, ...change });
  }

  /** Released before its settlement was copied: it stays until then, since a claim is still open. */
  #settle(replicaId: ReplicaId, outcome: 'placed' | 'refused' | 'revoked'): void {
    this.#place(replicaId, { phase: outcome === 'placed' ? 'placed' : 'waiting' });
    if (this.#released.has(replicaId)) this.#drop(replicaId);
  }

  #release(replicaId: ReplicaId): void {
    if (this.replicas.get(replicaId)?.phase === 'claimed') this.#released.add(replicaId);
    else this.#drop(replicaId);
  }

  #drop(replicaId: ReplicaId): void {
    this.replicas.delete(replicaId);
    this.held.forget(replicaId);
    this.#released.delete(replicaId);
    this.#causes.delete(replicaId);
  }

  #observe({ replicaId, nodeId, owner, state, final, reason, subnet }: Extract<ReplicaEvent, { type: 'ReplicaObserved' }>['data'], at: number): void {
    if (state === 'GONE') this.#place(replicaId, { gone: true });
    const entry = this.replicas.get(replicaId);
    if (state === 'FAILED' && entry) this.failures.take({ ownerId: owner.id, release: entry.release, nodeId, isFinal: final }, at);
    const environmentId = entry?.environmentId;
    if (!environmentId || !subnet || !reason) return;
    const known = this.#complaints.get(environmentId) ?? new Map<string, SubnetComplaint>();
    this.#complaints.set(environmentId, known.set(subnet, { nodeId, message: reason.message }));
  }

  #forgetHook(stage: string, dockerServiceId: DockerServiceId): void {
    if (stage !== 'pre_deploy' && stage !== 'post_deploy') return;
    for (const [jobId, serviceId] of this.hooks) if (serviceId === dockerServiceId) this.hooks.delete(jobId);
  }

  #addNetwork({ networkId, environmentId, projectId, name, subnet }: Extract<NetworkEvent, { type: 'NetworkCreated' }>['data']): void {
    this.networks.set(networkId, { networkId, environmentId, projectId, name, hasSubnet: subnet !== null, deleted: false });
    if (name === OWN_NETWORK) this.#ownNetworks.set(environmentId, networkId);
  }

  #changeNetwork(networkId: NetworkId, change: Partial<NetworkEntry>): void {
    const entry = this.networks.get(networkId);
    if (entry) this.networks.set(networkId, { ...entry, ...change });
  }

  /** Under the id of the stream, and of whose it is: what happens to a replica makes its service look. */
  #remember(category: StreamCategory, id: string, { data }: IndexedEvent, { id: eventId, metadata }: Recorded): void {
    const cause: Cause = { eventId, correlationId: metadata.correlationId };
    if (category !== 'replica' || this.replicas.has(id as ReplicaId)) this.#causes.set(id, cause);
    if ('owner' in data) this.#causes.set(data.owner.id, cause);
    if (category === 'deployment' && 'dockerServiceId' in data) this.#causes.set(data.dockerServiceId, cause);
  }
}
