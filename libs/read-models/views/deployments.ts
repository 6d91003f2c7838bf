import type {
  Actor, DeploymentId, DeploymentKind, DeploymentOutcome, DeploySettings, DockerServiceId, ProjectId, Reason, ReplicaId, ReplicaOrder,
} from '#domain';
import { evolveBy, keysOf, type Folds, type Of, type View } from '../view.ts';
import { begun, closed, ended, plannedSteps, postponed, type DeploymentStep } from './deployment-steps.ts';
import type { Names } from '../explain/sentence.ts';
import { sentenceFor } from '../explain/sentences.ts';

export type DeploymentStatus = 'PENDING' | 'RUNNING' | DeploymentOutcome;

/** What of a deployment is answered as it stands in its document; images, replicas and counts are joined when it is read. */
export interface DeploymentFields {
  readonly deployment_id: DeploymentId;
  readonly docker_service_id: DockerServiceId;
  readonly project_id: ProjectId;
  /** The service's creation, a new release, a copy of an earlier one, or the same release once more. */
  readonly kind: DeploymentKind;
  readonly status: DeploymentStatus;
  readonly strategy: DeploySettings['strategy'];
  readonly max_surge: number | string | null;
  readonly max_unavailable: number | string | null;
  readonly auto_rollback: boolean;
  /** Where it returns to; null before the first stable release. */
  readonly from_release: number | null;
  readonly to_release: number;
  /** How it ended, and why. */
  readonly reason: Reason | null;
  readonly supersedes: DeploymentId | null;
  readonly superseded_by: DeploymentId | null;
  /** It is to return to the last stable release, since then. */
  readonly cancel_requested_at: string | null;
  readonly created_by: Actor;
  readonly started_at: string;
  readonly finished_at: string | null;
  /** Without progress until then it has failed; null until a scheduler has taken it up, and while a hook runs. */
  readonly deadline_at: string | null;
  /** As last counted, of the release that it moves to (on a return: of the stable one). */
  readonly progress: { readonly running: number; readonly settled: number; readonly wanted: number } | null;
  readonly steps: readonly DeploymentStep[];
  /** What was done, and why, the latest last; at most the last hundred. */
  readonly history: readonly { readonly at: string; readonly what: string; readonly why: string }[];
}

/** A replica that a deployment ordered. */
export interface OrderedReplica {
  readonly replica_id: ReplicaId;
  readonly slot: number;
  readonly generation: number;
  readonly release: number;
  readonly ordered_at: string;
  /** It was told to stop, or is forgotten: nothing is expected of it any more. */
  readonly stopped: boolean;
}

export interface DeploymentDocument extends DeploymentFields {
  readonly id: string;
  readonly position: string;
  readonly healthy_deadline_ms: number;
  /** What it ordered, in that order. */
  readonly ordered: readonly OrderedReplica[];
  readonly failures: readonly { readonly replica_id: ReplicaId; readonly slot: number; readonly reason: Reason }[];
}

/** Deployments: asked for and ended in their service's stream, carried out in their own. */
export const deployments: View<DeploymentDocument> = {
  schema: { view: 'deployments', version: 3, indexes: [['docker_service_id', 'started_at'], ['project_id']] },
  prefixes: ['docker_service-', 'deployment-'],
  keys: (event) => (event.stream.startsWith(OWN) ? [event.stream.slice(OWN.length)] : inServiceStream(event)),
  evolve(doc, event, id) {
    const next = fold(doc, event, id);
    return next && next !== doc ? remembering(next, event) : next;
  },
};

const OWN = 'deployment-';
const inServiceStream = keysOf({
  DeploymentStarted: ({ data }) => (data.supersedes ? [data.deploymentId, data.supersedes] : data.deploymentId),
  DeploymentCancelRequested: ({ data }) => data.deploymentId,
  DeploymentEnded: ({ data }) => data.deploymentId,
});

const folds: Folds<DeploymentDocument> = {
  DeploymentStarted: (deployment, { data }) => (data.supersedes === deployment.id ? { ...deployment, superseded_by: data.deploymentId } : deployment),
  DeploymentCancelRequested: (deployment, { metadata: { at } }) => ({ ...deployment, cancel_requested_at: at }),
  DeploymentOpened: (deployment, { data }) => ({
    ...deployment,
    project_id: data.projectId,
    status: 'RUNNING',
    deadline_at: new Date(Date.parse(data.startedAt) + data.progressDeadlineMs).toISOString(),
  }),
  /** A return counts anew, and of another release. */
  DeploymentStageBegan: (deployment, { data }) => ({
    ...deployment,
    deadline_at: data.deadlineAt,
    progress: data.stage === 'return' ? null : deployment.progress,
    steps: begun(deployment.steps, data),
  }),
  DeploymentStageEnded: (deployment, { data }) => ({ ...deployment, steps: ended(deployment.steps, data) }),
  DeploymentStepTaken: stepTaken,
  DeploymentProgressed: (deployment, { data: { running, settled, wanted, deadlineAt } }) => ({
    ...deployment,
    deadline_at: deadlineAt,
    progress: { running, settled, wanted },
    steps: postponed(deployment.steps, deadlineAt),
  }),
  DeploymentReplicaFailed: (deployment, { data: { replicaId, slot, reason } }) => ({
    ...deployment,
    failures: [...deployment.failures, { replica_id: replicaId, slot, reason }],
  }),
  DeploymentClosed: over,
  DeploymentEnded: over,
};

const fold = evolveBy<DeploymentDocument>({ DeploymentStarted: started }, folds);

function started({ stream, data, metadata: { at, actor, tenantId }, position }: Of<'DeploymentStarted'>): DeploymentDocument {
  const { settings } = data;
  return {
    id: data.deploymentId,
    position,
    deployment_id: data.deploymentId,
    docker_service_id: stream.slice('docker_service-'.length) as DockerServiceId,
    project_id: tenantId as ProjectId,
    kind: data.kind,
    status: 'PENDING',
    strategy: settings.strategy,
    max_surge: settings.maxSurge,
    max_unavailable: settings.maxUnavailable,
    auto_rollback: settings.autoRollback,
    from_release: data.fromRelease,
    to_release: data.toRelease,
    reason: null,
    supersedes: data.supersedes,
    superseded_by: null,
    cancel_requested_at: null,
    created_by: actor,
    started_at: at,
    finished_at: null,
    deadline_at: null,
    progress: null,
    steps: plannedSteps(settings),
    history: [],
    healthy_deadline_ms: settings.healthyDeadlineMs,
    ordered: [],
    failures: [],
  };
}

function stepTaken(deployment: DeploymentDocument, { data, metadata: { at } }: Of<'DeploymentStepTaken'>): DeploymentDocument {
  const known = new Set(deployment.ordered.map(({ replica_id }) => replica_id));
  const fresh = data.creates.filter(({ replicaId }) => !known.has(replicaId)).map((order) => orderedReplica(order, at));
  const stopped = new Set([...data.stops.map(({ replicaId }) => replicaId), ...data.forgets]);
  const ordered = [...deployment.ordered, ...fresh];
  return { ...deployment, ordered: ordered.map((order) => (stopped.has(order.replica_id) ? { ...order, stopped: true } : order)) };
}

const orderedReplica = ({ replicaId, slot, generation, release, orderedAt }: ReplicaOrder, at: string): OrderedReplica => ({
  replica_id: replicaId,
  slot,
  generation,
  release,
  ordered_at: orderedAt ?? at,
  stopped: false,
});

/** Closed in its own stream first, then ended in its service's: the second says the same again. */
function over(deployment: DeploymentDocument, { data: { outcome, reason }, metadata: { at } }: Of<'DeploymentClosed' | 'DeploymentEnded'>): DeploymentDocument {
  if (deployment.finished_at) return deployment;
  return { ...deployment, status: outcome, reason, finished_at: at, deadline_at: null, steps: closed(deployment.steps, outcome, at, reason) };
}

const HISTORY = 100;

/** Adds what the event says, for people. */
function remembering(deployment: DeploymentDocument, event: Parameters<View['evolve']>[1]): DeploymentDocument {
  const sentence = sentenceFor(event, namesIn(deployment));
  if (!sentence) return deployment;
  return { ...deployment, history: [...deployment.history, { at: event.metadata.at, ...sentence }].slice(-HISTORY) };
}

const namesIn = ({ ordered }: DeploymentDocument): Names => ({
  replica(id) {
    const replica = ordered.find(({ replica_id }) => replica_id === id);
    return replica ? `slot ${replica.slot} (generation ${replica.generation})` : id;
  },
  node: (id) => id,
});
