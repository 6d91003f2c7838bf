import type { ExistingDockerService } from '../docker-service/docker-service.ts';
import type { Ordered } from '../docker-service/orders.ts';
import type { ContainerSpec } from '../docker-service/events.ts';
import type { NodeId, Owner, ReplicaId, VolumeId } from '../kernel/ids.ts';
import type { NodeEvent, Placement } from '../node/events.ts';
import { evolve as evolveNode, type Node } from '../node/node.ts';
import type { Candidate, ImageFacts, NodeForPlacement, VolumeNeed } from '../scheduling/candidate.ts';
import { place, type PlacementDecision } from '../scheduling/place.ts';
import { volumesIn } from '../volume/mount.ts';

/** What is known of the house that replicas would be placed in. */
export interface House {
  readonly nodes: readonly NodeForPlacement[];
  /** Of each release's image; one that is lacking refuses no node. */
  readonly images: ReadonlyMap<number, ImageFacts>;
  /** Of every volume that anything of it mounts. */
  readonly volumes: ReadonlyMap<VolumeId, VolumeNeed>;
}

/** Who asks for a place. */
export interface Seeker {
  readonly service: ExistingDockerService;
  readonly order: Ordered;
  readonly spec: ContainerSpec;
}

/** The nodes as they would be: what is placed takes its room, by the rules that the real ones go by. */
export class ForeseenHouse {
  readonly #nodes: Map<NodeId, Node>;
  readonly #volumes: Map<VolumeId, VolumeNeed>;

  constructor(private readonly house: House) {
    this.#nodes = new Map(house.nodes.map(({ nodeId, node }) => [nodeId, node]));
    this.#volumes = new Map(house.volumes);
  }

  /** Places a replica where the scheduler would, if it fits anywhere; the volumes that it mounts are there from then on. */
  place({ service, order, spec }: Seeker): PlacementDecision {
    const owner: Owner = { type: 'docker_service', id: service.dockerServiceId };
    const candidate = this.candidateOf(owner, service, order, spec);
    const decision = place(candidate, this.#present());
    if (decision.nodeId === null) return decision;
    const { replicaId, projectId, environmentId, slot, generation, release, request, ports, replaces } = candidate;
    const placement: Placement = { replicaId, owner, projectId, environmentId, slot, generation, attempt: 1, release, request, ports, replaces };
    this.#tell(decision.nodeId, { type: 'ReplicaPlaced', data: placement });
    for (const id of volumesIn(spec.volumes)) this.#bind(id, decision.nodeId);
    return decision;
  }

  /** Where a container of another kind would go, without being placed there. */
  weigh(candidate: Candidate): PlacementDecision {
    return place(candidate, this.#present());
  }

  /** It is on its way out of its node. */
  leave(nodeId: NodeId, replicaId: ReplicaId): void {
    const entry = this.#nodes.get(nodeId)?.entries.get(replicaId);
    if (!entry || entry.wanted === 'gone') return;
    this.#tell(nodeId, { type: 'ReplicaWantedChanged', data: { replicaId, owner: entry.placement.owner, from: entry.wanted, to: 'gone', reason: LEAVES } });
  }

  /** Its room is free again. */
  release(nodeId: NodeId, replicaId: ReplicaId): void {
    const entry = this.#nodes.get(nodeId)?.entries.get(replicaId);
    if (entry) this.#tell(nodeId, { type: 'ReplicaReleased', data: { replicaId, owner: entry.placement.owner, reason: LEAVES } });
  }

  nodeName(nodeId: NodeId): string {
    return this.#nodes.get(nodeId)?.facts?.name ?? nodeId;
  }

  /** What volumes among these are, and where. */
  needs(mounts: ContainerSpec['volumes']): readonly VolumeNeed[] {
    return volumesIn(mounts).flatMap((id) => this.#volumes.get(id) ?? []);
  }

  private candidateOf(owner: Owner, { projectId, environmentId }: ExistingDockerService, { replicaId, slot, generation, release, replaces }: Ordered, spec: ContainerSpec): Candidate {
    return {
      replicaId, owner, projectId, environmentId, slot, generation, release,
      request: spec.resources.request,
      ports: spec.ports,
      constraints: spec.constraints,
      volumes: spec.volumes,
      replaces: replaces ?? null,
      image: this.house.images.get(release),
      volumeNeeds: this.needs(spec.volumes),
    };
  }

  #present(): NodeForPlacement[] {
    return [...this.#nodes].map(([nodeId, node]) => ({ nodeId, node }));
  }

  #bind(id: VolumeId, nodeId: NodeId): void {
    const need = this.#volumes.get(id);
    if (need && need.nodeId === null) this.#volumes.set(id, { ...need, nodeId, nodeName: this.nodeName(nodeId) });
  }

  #tell(nodeId: NodeId, event: NodeEvent): void {
    this.#nodes.set(nodeId, evolveNode(this.#nodes.get(nodeId)!, event));
  }
}

const LEAVES = { code: 'foreseen', message: 'it would be stopped' } as const;
