import type { TenantContext } from '#contracts';
import type { Health, NodeId, Reason, ReplicaId } from '#domain';
import type { Page } from '../port.ts';
import { findEvery, findWithin, getWithin, type Paging, type Reads } from '../reads.ts';
import type { DeploymentDocument, DeploymentFields, OrderedReplica } from './deployments.ts';
import { imagesOf } from './releases.ts';
import type { PullDocument, ReplicaAnswer, ReplicaDocument } from './replicas.ts';
import type { ServiceDocument } from './services.ts';

/** A replica as a deployment shows it: one that it ordered or, while it is under way, one of before that is still there. */
export interface DeploymentReplica {
  readonly replica_id: ReplicaId;
  readonly slot: number;
  readonly generation: number;
  readonly release: number;
  readonly state: ReplicaAnswer['state'];
  readonly health: Health;
  /** It has stayed up for long enough: for the deployment this slot is done. */
  readonly settled: boolean;
  /** It is to go. */
  readonly stopping: boolean;
  readonly node_id: NodeId | null;
  readonly run: number;
  readonly restarts: number;
  readonly exit_code: number | null;
  readonly oom_killed: boolean;
  /** How far the pull of its image is; null while it isn't pulled. */
  readonly pull: PullDocument | null;
  /** Why it isn't further. */
  readonly reason: Reason | null;
  /** It has failed unless it has settled by then; null where that is over or doesn't matter any more, and until it is placed and the
   *  replacing has begun: before that the deployment's own `deadline_at` is what counts. */
  readonly deadline_at: string | null;
}

/** One that was given up, with what is known of its end. */
export interface DeploymentFailure {
  readonly replica_id: ReplicaId;
  readonly slot: number;
  readonly reason: Reason;
  readonly node_id: NodeId | null;
  readonly exit_code: number | null;
  readonly oom_killed: boolean;
  /** The end of what it wrote; its agent keeps it, so it is lacking where that doesn't answer. */
  readonly last_log_lines: readonly string[];
}

/** How many of which replicas there are right now. */
export interface DeploymentCounts {
  readonly wanted: number;
  /** Of the release that it moves to: up, and stayed up for long enough. */
  readonly running: number;
  readonly settled: number;
  /** Of any other release, not gone yet. */
  readonly outdated: number;
}

export interface DeploymentAnswer extends DeploymentFields {
  readonly from_image: string | null;
  readonly to_image: string | null;
  /** Null once it has ended. */
  readonly counts: DeploymentCounts | null;
  /** By slot, the older generations first. */
  readonly replicas: readonly DeploymentReplica[];
  readonly failures: readonly DeploymentFailure[];
}

/** One deployment, or null where there is none within reach. */
export async function getDeployment(reads: Reads, tenant: TenantContext, id: string): Promise<DeploymentAnswer | null> {
  const deployment = await getWithin<DeploymentDocument>(reads, tenant, 'deployments', id);
  return deployment && answer(reads, deployment);
}

/** The deployments of a service, the latest first. Empty where the service isn't within reach. */
export async function listDeployments(reads: Reads, tenant: TenantContext, serviceId: string, paging: Paging = {}): Promise<Page<DeploymentAnswer>> {
  const page = await findWithin<DeploymentDocument>(reads, tenant, 'deployments', {
    ...paging,
    eq: { docker_service_id: serviceId },
    sort: { field: 'started_at', descending: true },
  });
  return { ...page, items: await Promise.all(page.items.map((deployment) => answer(reads, deployment))) };
}

async function answer(reads: Reads, deployment: DeploymentDocument): Promise<DeploymentAnswer> {
  const service = await reads.models.get<ServiceDocument>('services', deployment.docker_service_id);
  const isActive = service?.active_deployment?.deployment_id === deployment.id && deployment.finished_at === null;
  const members = isActive ? Object.values(service.members) : [];
  const ids = new Set([...deployment.ordered, ...members].map(({ replica_id }) => replica_id));
  const seen = new Map((await findEvery<ReplicaDocument>(reads, 'replicas', { in: { id: [...ids] } })).map((replica) => [replica.id, replica]));
  const replicas = replicasOf(deployment, members, seen);
  const { id: _id, position: _position, healthy_deadline_ms: _healthy, ordered: _ordered, failures, ...fields } = deployment;
  const images = await imagesOf(reads, deployment.docker_service_id, [deployment.from_release, deployment.to_release].filter((release) => release !== null));
  return {
    ...fields,
    from_image: images.get(deployment.from_release ?? 0) ?? null,
    to_image: images.get(deployment.to_release) ?? null,
    counts: isActive ? countsOf(deployment, service.desired, replicas) : null,
    replicas,
    failures: failures.map((failure) => failureOf(failure, seen.get(failure.replica_id))),
  };
}

function replicasOf(deployment: DeploymentDocument, members: readonly Member[], seen: ReadonlyMap<string, ReplicaDocument>): DeploymentReplica[] {
  const own = new Map(deployment.ordered.map((order) => [order.replica_id, order]));
  const stopping = new Set(members.filter((member) => member.stopping !== null).map(({ replica_id }) => replica_id));
  const former = members.filter(({ replica_id, state }) => !own.has(replica_id) && state !== 'GONE');
  const all = [...deployment.ordered, ...former].map(({ replica_id, slot, generation, release }) => {
    const replica = seen.get(replica_id);
    return { replica_id, slot, generation, release, stopping: stopping.has(replica_id), ...standingOf(replica), deadline_at: deadlineOf(deployment, own.get(replica_id), replica) };
  });
  return all.sort((a, b) => a.slot - b.slot || a.generation - b.generation);
}

/** As the scheduler judges it: libs/domain/rollout/judge.ts. */
function deadlineOf({ finished_at, failures, steps, healthy_deadline_ms }: DeploymentDocument, order: OrderedReplica | undefined, replica: ReplicaDocument | undefined): string | null {
  if (!order || order.stopped || finished_at !== null || failures.some(({ replica_id }) => replica_id === order.replica_id)) return null;
  if (!replica || replica.node_id === null || replica.wanted !== 'run' || replica.final || replica.state === 'GONE') return null;
  if (replica.settled && (replica.health === 'healthy' || replica.health === 'unknown')) return null;
  if (steps.some(({ name, status }) => name === 'prepare' && status === 'RUNNING')) return null;
  const replacing = steps.find(({ name }) => name === 'replace')?.started_at ?? order.ordered_at;
  return new Date(Math.max(Date.parse(order.ordered_at), Date.parse(replacing)) + healthy_deadline_ms).toISOString();
}

type Member = ServiceDocument['members'][string];

type Seen = Pick<DeploymentReplica, 'state' | 'health' | 'settled' | 'node_id' | 'run' | 'restarts' | 'exit_code' | 'oom_killed' | 'pull' | 'reason'>;

const UNSEEN: Seen = { state: 'PENDING', health: 'unknown', settled: false, node_id: null, run: 0, restarts: 0, exit_code: null, oom_killed: false, pull: null, reason: null };

function standingOf(replica: ReplicaDocument | undefined): Seen {
  if (!replica) return UNSEEN;
  const { state, health, settled, node_id, run, restarts, exit_code, oom_killed, pull, reason } = replica;
  return { state, health, settled, node_id, run, restarts, exit_code, oom_killed, pull, reason };
}

function countsOf({ to_release }: DeploymentDocument, wanted: number, replicas: readonly DeploymentReplica[]): DeploymentCounts {
  const there = replicas.filter(({ state }) => state !== 'GONE');
  const fresh = there.filter(({ release, stopping }) => release === to_release && !stopping);
  return {
    wanted,
    running: fresh.filter(({ state }) => state === 'RUNNING').length,
    settled: fresh.filter(({ settled }) => settled).length,
    outdated: there.filter(({ release }) => release !== to_release).length,
  };
}

const failureOf = ({ replica_id, slot, reason }: DeploymentDocument['failures'][number], replica: ReplicaDocument | undefined): DeploymentFailure => ({
  replica_id,
  slot,
  reason,
  node_id: replica?.node_id ?? null,
  exit_code: replica?.exit_code ?? null,
  oom_killed: replica?.oom_killed ?? false,
  last_log_lines: [],
});
