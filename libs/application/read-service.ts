import {
  deployment as deploymentRules,
  deploymentToCarry,
  type Deployment,
  type DeploymentId,
  dockerService,
  type DockerServiceId,
  type ExistingDockerService,
  isGone,
  job as jobRules,
  type Job,
  node as nodeRules,
  type Node,
  type NodeId,
  type ObservedReplica,
  type Ordered,
  replica as replicaRules,
  type Replica,
  replicaState,
  streamOf,
  takeOver,
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
  /** Of the node's stream, as `node` was read. */
  readonly nodeRevision: bigint | null;
}

/** A service as its streams say, read in this order: what is read later is at least as new. */
export interface ServiceReading {
  readonly service: ExistingDockerService;
  readonly serviceRevision: bigint;
  /** The deployment that is carried on: the active one, once those that it superseded have handed over. */
  readonly deploymentId: DeploymentId | null;
  readonly deployment: Deployment | null;
  /** Null: it wasn't opened, or there is none. */
  readonly deploymentRevision: bigint | null;
  /** The job of the hook that the deployment is at; null where it is at none. */
  readonly hook: Job | null;
  readonly replicas: readonly OrderedReplica[];
}

/** @returns null where no service of this id was written */
export async function readService(aggregates: AggregateStore, dockerServiceId: DockerServiceId): Promise<ServiceReading | null> {
  const { state: service, revision } = await aggregates.load(dockerService, streamOf('docker_service', dockerServiceId));
  if (service.status !== 'present' || revision === null) return null;
  const deploymentId = deploymentToCarry(service)?.deploymentId ?? null;
  const read = deploymentId && (await aggregates.load(deploymentRules, streamOf('deployment', deploymentId)));
  const deployment = read ? read.state : null;
  const hook = await readHook(aggregates, deployment);
  const replicas = await readReplicas(aggregates, ordersOf(service, deployment));
  return { service, serviceRevision: revision, deploymentId, deployment, deploymentRevision: read ? read.revision : null, hook, replicas };
}

async function readHook(aggregates: AggregateStore, deployment: Deployment | null): Promise<Job | null> {
  if (deployment?.status !== 'opened' || !deployment.stage) return null;
  const jobId = deployment.stages.get(deployment.stage)?.jobId;
  return jobId ? (await aggregates.load(jobRules, streamOf('job', jobId))).state : null;
}

/** What a plan is told of it. */
export function observedOf({ order: { stopped: _, ...order }, replica, nodeId, node }: OrderedReplica): ObservedReplica {
  return {
    ...unseen(order),
    ...seenOf(replica),
    released: nodeId !== null && node !== null && !node.entries.has(order.replicaId),
    nodeId,
    nodeUnreachable: node?.status === 'registered' && !node.reachable,
    nodeDrained: node?.drained ?? false,
  };
}

/** What the replica's own stream says. */
function seenOf(replica: Replica): Partial<ObservedReplica> {
  if (replica.status === 'absent') return {};
  if (replica.status === 'abandoned') return { exists: true, abandoned: true, reason: replica.reason };
  const { last, seen, deferred, failure, everSettled, finished } = replica;
  const unplaced = { exists: true, state: replicaState(replica) ?? 'PENDING', reason: deferred?.reason ?? null, failure, everSettled, finished } as const;
  if (!last) return unplaced;
  return {
    ...unplaced,
    run: last.run,
    final: last.final,
    everFailed: [...seen.values()].some((states) => [...states].some((state) => state.startsWith('FAILED|'))),
    settled: last.state === 'SETTLED',
    health: last.health,
    image: last.imageId === null ? null : { imageId: last.imageId, digest: last.imageDigest ?? null },
    gone: isGone(replica),
    reason: last.reason,
  };
}

/** Those of the service and those of its active deployment, each once. */
function ordersOf(service: ExistingDockerService, deployment: Deployment | null): readonly Ordered[] {
  const orders = deployment?.status === 'opened' ? takeOver(service.orders, deployment.handOver) : service.orders;
  return [...orders.replicas.values()];
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
  return replicas.map((each) => {
    const read = each.nodeId ? nodes.get(streamOf('node', each.nodeId)) : undefined;
    return { ...each, node: read?.state ?? null, nodeRevision: read?.revision ?? null };
  });
}
