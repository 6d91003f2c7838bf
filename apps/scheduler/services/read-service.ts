import {
  deployment as deploymentRules,
  type Deployment,
  dockerService,
  type DockerServiceId,
  type ExistingDockerService,
  isGone,
  node as nodeRules,
  type Node,
  type NodeId,
  type ObservedReplica,
  type Ordered,
  replica as replicaRules,
  type Replica,
  type ReplicaId,
  replicaState,
  streamOf,
  unseen,
} from '#domain';
import type { AggregateStore } from '#event-store';

/** A replica that stands ordered, and what its own stream and its node's say of it. */
export interface OrderedReplica {
  readonly order: Ordered;
  readonly replica: Replica;
  /** Where it was placed; null where it wasn't. */
  readonly nodeId: NodeId | null;
  readonly node: Node | null;
}

/** A service as its streams say, read in this order: what is read later is at least as new. */
export interface ServiceReading {
  readonly service: ExistingDockerService;
  readonly serviceRevision: bigint;
  readonly deployment: Deployment | null;
  /** Null: it wasn't opened, or there is none. */
  readonly deploymentRevision: bigint | null;
  readonly replicas: readonly OrderedReplica[];
}

/** @returns null where no service of this id was written */
export async function readService(aggregates: AggregateStore, dockerServiceId: DockerServiceId): Promise<ServiceReading | null> {
  const { state: service, revision } = await aggregates.load(dockerService, streamOf('docker_service', dockerServiceId));
  if (service.status !== 'present' || revision === null) return null;
  const active = service.activeDeployment;
  const deployment = active && (await aggregates.load(deploymentRules, streamOf('deployment', active.deploymentId)));
  const replicas = await readReplicas(aggregates, ordersOf(service, deployment?.state ?? null));
  return { service, serviceRevision: revision, deployment: deployment?.state ?? null, deploymentRevision: deployment?.revision ?? null, replicas };
}

/** What a plan is told of it. */
export function observedOf({ order: { stopped: _, ...order }, replica, nodeId, node }: OrderedReplica): ObservedReplica {
  return {
    ...unseen(order),
    ...seenOf(replica),
    released: nodeId !== null && node !== null && !node.entries.has(order.replicaId),
    nodeUnreachable: node?.status === 'registered' && !node.reachable,
  };
}

/** What the replica's own stream says. */
function seenOf(replica: Replica): Partial<ObservedReplica> {
  if (replica.status === 'absent') return {};
  if (replica.status === 'abandoned') return { exists: true, abandoned: true, reason: replica.reason };
  const { last, seen, deferred } = replica;
  const unplaced = { exists: true, state: replicaState(replica) ?? 'PENDING', reason: deferred?.reason ?? null } as const;
  if (!last) return unplaced;
  return {
    ...unplaced,
    run: last.run,
    final: last.final,
    everFailed: [...seen.values()].some((states) => [...states].some((state) => state.startsWith('FAILED|'))),
    settled: last.state === 'SETTLED',
    gone: isGone(replica),
    reason: last.reason,
  };
}

/** Those of the service and those of its active deployment, each once. */
function ordersOf(service: ExistingDockerService, deployment: Deployment | null): readonly Ordered[] {
  const orders = new Map<ReplicaId, Ordered>(service.orders.replicas);
  if (deployment?.status === 'opened') for (const [replicaId, order] of deployment.orders.replicas) orders.set(replicaId, order);
  return [...orders.values()];
}

/** All replicas first and then their nodes: one that isn't on its node's list any more was released, not placed since. */
async function readReplicas(aggregates: AggregateStore, orders: readonly Ordered[]): Promise<OrderedReplica[]> {
  const loaded = await aggregates.loadAll(replicaRules, orders.map(({ replicaId }) => streamOf('replica', replicaId)));
  const replicas = orders.map((order) => {
    const replica: Replica = loaded.get(streamOf('replica', order.replicaId))!.state;
    return { order, replica, nodeId: replica.status === 'present' ? (replica.placement?.nodeId ?? null) : null };
  });
  const nodeIds = new Set(replicas.map(({ nodeId }) => nodeId).filter((nodeId) => nodeId !== null));
  const nodes = await aggregates.loadAll(nodeRules, [...nodeIds].map((nodeId) => streamOf('node', nodeId)));
  return replicas.map((each) => ({ ...each, node: each.nodeId ? nodes.get(streamOf('node', each.nodeId))!.state : null }));
}
