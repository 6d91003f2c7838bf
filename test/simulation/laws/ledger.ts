import {
  deployment, dockerService, job, network, node, parseStream, project, replica, schedule, upcast,
  type Deployment, type DockerService, type Job, type Ordered, type JobId, type Network, type Node, type NodeId, type Project, type Replica, type ReplicaId, type Schedule,
} from '#domain';
import type { Recorded } from '#event-store';
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
  /** How many events of a type a command has caused: `<command id>|<type>`. */
  readonly effects = new Map<string, number>();
  readonly rolls = new Rolls();

  /** @param now virtual time */
  take(recorded: Recorded, now: number): void {
    const event = upcast(recorded) as never;
    const { category, id } = parseStream(recorded.stream);
    const effect = `${recorded.metadata.commandId}|${recorded.type}`;
    this.effects.set(effect, (this.effects.get(effect) ?? 0) + 1);
    this.rolls.take(category, id, event, now);
    if (category === 'docker_service') this.services.set(id, dockerService.evolve(this.services.get(id) ?? dockerService.initial, event));
    if (category === 'deployment') this.deployments.set(id, deployment.evolve(this.deployments.get(id) ?? deployment.initial, event));
    if (category === 'replica') this.replicas.set(id as ReplicaId, replica.evolve(this.replicas.get(id as ReplicaId) ?? replica.initial, event));
    if (category === 'node') this.nodes.set(id as NodeId, node.evolve(this.nodes.get(id as NodeId) ?? node.initial, event));
    if (category === 'job') this.jobs.set(id as JobId, job.evolve(this.jobs.get(id as JobId) ?? job.initial, event));
    if (category === 'schedule') this.schedules.set(id, schedule.evolve(this.schedules.get(id) ?? schedule.initial, event));
    if (category === 'network') this.networks.set(id, network.evolve(this.networks.get(id) ?? network.initial, event));
    if (category === 'project') this.projects.set(id, project.evolve(this.projects.get(id) ?? project.initial, event));
  }

  /** What stands ordered of a service, by its deployments too. */
  ordersOf(dockerServiceId: string): ReadonlyMap<ReplicaId, Ordered> {
    return ordersOf(this.services.get(dockerServiceId), this.deployments);
  }

  /** The node that holds it or is to, by the word of its own stream. */
  nodeOf(replicaId: string): NodeId | null {
    const found = this.replicas.get(replicaId as ReplicaId);
    return found?.status === 'present' ? (found.placement?.nodeId ?? found.claim?.nodeId ?? null) : null;
  }
}
