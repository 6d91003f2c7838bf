import type { TenantContext } from '#contracts';
import type { Actor, DeploymentId, DeploymentOutcome, DockerServiceId, ProjectId, Reason, ReplicaId } from '#domain';
import type { Page } from '../port.ts';
import { findEvery, findWithin, getWithin, type Paging, type Reads } from '../reads.ts';
import { evolveBy, keysOf, type Folds, type Of, type View } from '../view.ts';
import type { ReplicaAnswer, ReplicaDocument } from './replicas.ts';
import type { ServiceDocument } from './services.ts';

export type DeploymentStatus = 'PENDING' | 'RUNNING' | DeploymentOutcome;

/** `order`: a plan orders the replicas; `start`: all of them are up; `settle`: all have stayed up for `min_healthy_ms`. */
export interface DeploymentStep {
  readonly name: 'order' | 'start' | 'settle';
  readonly status: 'PENDING' | 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED';
  readonly started_at: string | null;
  readonly finished_at: string | null;
  /** Of a step that didn't succeed, or why replicas were ordered. */
  readonly reason: Reason | null;
}

interface DeploymentFields {
  readonly deployment_id: DeploymentId;
  readonly docker_service_id: DockerServiceId;
  readonly project_id: ProjectId;
  readonly status: DeploymentStatus;
  /** Null where there is nothing to replace yet: the first deployment of a service. */
  readonly strategy: 'recreate' | 'rolling' | null;
  readonly from_release: number | null;
  readonly to_release: number;
  readonly reason: Reason | null;
  readonly created_by: Actor;
  readonly started_at: string;
  readonly finished_at: string | null;
  /** Without progress until then it has failed; null until a scheduler has taken it up. */
  readonly deadline_at: string | null;
  /** As last counted: how many were up, had settled, and are wanted. */
  readonly progress: { readonly running: number; readonly settled: number; readonly wanted: number } | null;
  readonly failures: readonly { readonly replica_id: ReplicaId; readonly slot: number; readonly reason: Reason }[];
  readonly steps: readonly DeploymentStep[];
}

/** A deployment as it is answered: images and the states of its replicas are joined when it is read. */
export interface DeploymentAnswer extends DeploymentFields {
  readonly from_image: string | null;
  readonly to_image: string | null;
  readonly replicas: readonly { readonly replica_id: ReplicaId; readonly slot: number; readonly release: number; readonly state: ReplicaAnswer['state']; readonly reason: Reason | null }[];
}

export interface DeploymentDocument extends DeploymentFields {
  readonly id: string;
  readonly position: string;
  /** What it ordered, in that order. */
  readonly ordered: readonly { readonly replica_id: ReplicaId; readonly slot: number; readonly release: number }[];
}

/** Deployments: asked for and ended in their service's stream, carried out in their own. */
export const deployments: View<DeploymentDocument> = {
  schema: { view: 'deployments', version: 1, indexes: [['docker_service_id', 'started_at'], ['project_id']] },
  prefixes: ['docker_service-', 'deployment-'],
  keys: (event) => (event.stream.startsWith(OWN) ? [event.stream.slice(OWN.length)] : inServiceStream(event)),
  evolve: (doc, event, id) => fold(doc, event, id),
};

const OWN = 'deployment-';
const inServiceStream = keysOf({ DeploymentStarted: ({ data }) => data.deploymentId, DeploymentEnded: ({ data }) => data.deploymentId });

const folds: Folds<DeploymentDocument> = {
  DeploymentOpened: (deployment, { data }) => ({
    ...deployment,
    project_id: data.projectId,
    status: 'RUNNING',
    deadline_at: new Date(Date.parse(data.startedAt) + data.progressDeadlineMs).toISOString(),
  }),
  DeploymentStepTaken: stepTaken,
  DeploymentProgressed: progressed,
  DeploymentReplicaFailed: (deployment, { data: { replicaId, slot, reason } }) => ({
    ...deployment,
    failures: [...deployment.failures, { replica_id: replicaId, slot, reason }],
  }),
  DeploymentClosed: ended,
  DeploymentEnded: ended,
};

const fold = evolveBy<DeploymentDocument>({ DeploymentStarted: started }, folds);

function started({ stream, data, metadata: { at, actor, tenantId }, position }: Of<'DeploymentStarted'>): DeploymentDocument {
  const waiting = { status: 'PENDING', started_at: null, finished_at: null, reason: null } as const;
  return {
    id: data.deploymentId,
    position,
    deployment_id: data.deploymentId,
    docker_service_id: stream.slice('docker_service-'.length) as DockerServiceId,
    project_id: tenantId as ProjectId,
    status: 'PENDING',
    strategy: null,
    from_release: data.fromRelease,
    to_release: data.toRelease,
    reason: null,
    created_by: actor,
    started_at: at,
    finished_at: null,
    deadline_at: null,
    progress: null,
    failures: [],
    steps: [{ name: 'order', ...waiting }, { name: 'start', ...waiting }, { name: 'settle', ...waiting }],
    ordered: [],
  };
}

function stepTaken(deployment: DeploymentDocument, { data, metadata: { at } }: Of<'DeploymentStepTaken'>): DeploymentDocument {
  if (data.creates.length === 0) return deployment;
  const known = new Set(deployment.ordered.map(({ replica_id }) => replica_id));
  const orders = data.creates
    .filter(({ replicaId }) => !known.has(replicaId))
    .map(({ replicaId, slot, release }) => ({ replica_id: replicaId, slot, release }));
  const steps = withStep(deployment.steps, 'order', (step) => ({ ...step, status: 'SUCCEEDED', started_at: step.started_at ?? at, finished_at: at, reason: data.reason }));
  return { ...deployment, ordered: [...deployment.ordered, ...orders], steps: withStep(steps, 'start', (step) => began(step, at)) };
}

/** A scale may want more of a deployment than was up already: a step that was done is then under way again. */
function progressed(deployment: DeploymentDocument, { data, metadata: { at } }: Of<'DeploymentProgressed'>): DeploymentDocument {
  const { running, settled, wanted, deadlineAt } = data;
  const reached = (count: number) => (step: DeploymentStep): DeploymentStep =>
    count >= wanted ? { ...began(step, at), status: 'SUCCEEDED', finished_at: step.finished_at ?? at } : { ...began(step, at), finished_at: null };
  const up = withStep(deployment.steps, 'start', reached(running));
  return {
    ...deployment,
    deadline_at: deadlineAt,
    progress: { running, settled, wanted },
    steps: running > 0 || settled > 0 ? withStep(up, 'settle', reached(settled)) : up,
  };
}

/** Closed in its own stream first, then ended in its service's: the second says the same again. */
function ended(deployment: DeploymentDocument, { data: { outcome, reason }, metadata: { at } }: Of<'DeploymentClosed' | 'DeploymentEnded'>): DeploymentDocument {
  if (deployment.finished_at) return deployment;
  const status = outcome === 'SUCCEEDED' ? 'SUCCEEDED' : outcome === 'FAILED' || outcome === 'ROLLED_BACK' ? 'FAILED' : 'CANCELLED';
  const close = (step: DeploymentStep): DeploymentStep => {
    if (step.status === 'SUCCEEDED') return step;
    if (step.status === 'PENDING' && status !== 'SUCCEEDED') return { ...step, status: 'CANCELLED' };
    return { ...began(step, at), status, finished_at: at, reason: status === 'SUCCEEDED' ? step.reason : reason };
  };
  return { ...deployment, status: outcome, reason, finished_at: at, steps: deployment.steps.map(close) };
}

const began = (step: DeploymentStep, at: string): DeploymentStep => ({ ...step, status: 'RUNNING', started_at: step.started_at ?? at });

const withStep = (steps: readonly DeploymentStep[], name: DeploymentStep['name'], change: (step: DeploymentStep) => DeploymentStep): DeploymentStep[] =>
  steps.map((step) => (step.name === name ? change(step) : step));

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

async function answer(reads: Reads, { id: _id, position: _position, ordered, ...deployment }: DeploymentDocument): Promise<DeploymentAnswer> {
  const service = await reads.models.get<ServiceDocument>('services', deployment.docker_service_id);
  const ids = ordered.map(({ replica_id }) => replica_id);
  const seen = new Map((await findEvery<ReplicaDocument>(reads, 'replicas', { in: { id: ids } })).map((replica) => [replica.id, replica]));
  const imageOf = (release: number | null): string | null => (release === null ? null : (service?.releases[release]?.image ?? null));
  return {
    ...deployment,
    from_image: imageOf(deployment.from_release),
    to_image: imageOf(deployment.to_release),
    replicas: ordered.map((order) => ({ ...order, state: seen.get(order.replica_id)?.state ?? 'PENDING', reason: seen.get(order.replica_id)?.reason ?? null })),
  };
}
