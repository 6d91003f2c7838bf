import {
  config, deployment, dockerService, isUnwritten, job, network, networkPool, node, parseStream, project, replica, resource, schedule, secret, upcast, volume,
  type Deployment, type DockerService, type Job, type Ordered, type JobId, type Network, type NetworkPool, type Node, type NodeId, type Project, type Replica, type ReplicaId, type Resource, type Schedule,
  type ConfigId, type ContainerSpec, type HeldValue, type SecretId, type StreamCategory, type Volume, type VolumeId,
} from '#domain';
import type { Recorded } from '#event-store';
import { Wells } from './dependency-laws.ts';
import { ordersOf, Rolls } from './rolls.ts';

/** The whole log, folded as it is written: what the house has decided so far. */
export class Ledger {
  readonly services = new Map<string, DockerService>();
  readonly deployments = new Map<string, Deployment>();
  readonly replicas = new Map<ReplicaId, Replica>();
  readonly nodes = new Map<NodeId, Node>();
  readonly jobs = new Map<JobId, Job>();
  readonly schedules = new Map<string, Schedule>();
  readonly projects = new Map<string, Project>();
  readonly networks = new Map<string, Network>();
  /** The one pool of subnets. */
  readonly pools = new Map<string, NetworkPool>();
  readonly volumes = new Map<VolumeId, Volume>();
  readonly resources = new Map<string, Resource>();
  /** Secrets and configs. */
  readonly values = new Map<string, HeldValue<SecretId | ConfigId>>();
  /** How many events of a type a command has caused: `<command id>|<type>`. */
  readonly effects = new Map<string, number>();
  readonly rolls = new Rolls();
  readonly wells = new Wells();

  readonly #folds: Readonly<Partial<Record<StreamCategory, (id: string, event: never) => void>>> = {
    docker_service: foldInto(this.services, dockerService),
    deployment: foldInto(this.deployments, deployment),
    replica: foldInto(this.replicas, replica),
    node: foldInto(this.nodes, node),
    job: foldInto(this.jobs, job),
    schedule: foldInto(this.schedules, schedule),
    project: foldInto(this.projects, project),
    network: foldInto(this.networks, network),
    network_pool: foldInto(this.pools, networkPool),
    volume: foldInto(this.volumes, volume),
    resource: foldInto(this.resources, resource),
    secret: foldInto(this.values, secret as Folding<HeldValue<SecretId | ConfigId>>),
    config: foldInto(this.values, config as Folding<HeldValue<SecretId | ConfigId>>),
  };

  /** @param now virtual time */
  take(recorded: Recorded, now: number): void {
    const event = upcast(recorded) as never;
    const { category, id } = parseStream(recorded.stream);
    const effect = `${recorded.metadata.commandId}|${recorded.type}`;
    this.effects.set(effect, (this.effects.get(effect) ?? 0) + 1);
    this.rolls.take(category, id, event, now);
    this.wells.take(recorded, now);
    this.#folds[category]?.(id, event);
  }

  /** What stands ordered of a service, by its deployments too. */
  ordersOf(dockerServiceId: string): ReadonlyMap<ReplicaId, Ordered> {
    return ordersOf(this.services.get(dockerServiceId), this.deployments);
  }

  /** What a replica's container is made by; null where it isn't known. */
  specOf(replicaId: string): ContainerSpec | null {
    const found = this.replicas.get(replicaId as ReplicaId);
    if (found?.status !== 'present') return null;
    const [service, job] = [this.services.get(found.owner.id), this.jobs.get(found.owner.id as JobId)];
    if (found.owner.type === 'job') return job && !isUnwritten(job) ? job.definition.spec : null;
    return service?.status === 'present' && found.release !== null ? (service.releases.get(found.release) ?? null) : null;
  }

  /** The node that holds it or is to, by the word of its own stream. */
  nodeOf(replicaId: string): NodeId | null {
    const found = this.replicas.get(replicaId as ReplicaId);
    return found?.status === 'present' ? (found.placement?.nodeId ?? found.claim?.nodeId ?? null) : null;
  }
}

interface Folding<S> {
  readonly initial: S;
  evolve(state: S, event: never): S;
}

const foldInto = <Id extends string, S>(states: Map<Id, S>, rules: Folding<S>) => (id: string, event: never): void => void states.set(id as Id, rules.evolve(states.get(id as Id) ?? rules.initial, event));
