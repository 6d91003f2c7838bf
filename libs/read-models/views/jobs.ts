import type { TenantContext } from '#contracts';
import type { Actor, EnvironmentId, JobId, JobOutcome, JobTrigger, NetworkId, NodeId, ProjectId, Reason, ReplicaId, RunState } from '#domain';
import type { Page } from '../port.ts';
import { answered, findWithin, getWithin, type Paging, type Reads } from '../reads.ts';
import { evolveBy, keysOf, type Folds, type Of, type View } from '../view.ts';
import { specDocument, type SpecDocument } from './container-spec.ts';
import { reasonAfter } from './service-members.ts';

export type JobStatus = 'PENDING' | 'RUNNING' | JobOutcome;

/** One try: a replica of its own. */
export interface JobAttemptDocument {
  readonly attempt: number;
  readonly replica_id: ReplicaId;
  readonly state: Exclude<RunState, 'SETTLED'>;
  readonly node_id: NodeId | null;
  readonly exit_code: number | null;
  readonly oom_killed: boolean;
  readonly reason: Reason | null;
  /** Where another attempt follows: when at the earliest. */
  readonly retry_at: string | null;
  /** When its container came up and ended, by its node's clock. */
  readonly started_at: string | null;
  readonly finished_at: string | null;
}

/** A container that runs to its end, as it is answered. */
export interface JobAnswer extends SpecDocument {
  readonly job_id: JobId;
  readonly project_id: ProjectId;
  readonly environment_id: EnvironmentId;
  readonly network_id: NetworkId;
  readonly name: string;
  readonly status: JobStatus;
  /** Why it waits, or how it ended. */
  readonly status_reason: Reason | null;
  readonly trigger: { readonly type: JobTrigger['type']; readonly deployment_id?: string; readonly schedule_id?: string };
  /** Whose release it was made from, and which; null for a standalone job. */
  readonly docker_service_id: string | null;
  readonly release: number | null;
  /** The job that it runs again. */
  readonly rerun_of: JobId | null;
  readonly timeout_ms: number;
  readonly retries: number;
  readonly attempts: readonly JobAttemptDocument[];
  readonly exit_code: number | null;
  readonly oom_killed: boolean;
  /** Null unless it is being cancelled, or was. */
  readonly cancel_requested_at: string | null;
  readonly created_at: string;
  readonly created_by: Actor;
  readonly finished_at: string | null;
  readonly revision: number;
  readonly links: { readonly logs: string };
}

export interface JobDocument extends JobAnswer {
  readonly id: string;
  readonly position: string;
  /** What lists are narrowed down by. */
  readonly trigger_type: JobTrigger['type'];
  readonly schedule_id: string | null;
  readonly deployment_id: string | null;
  /** When the latest attempt's container was being started: it may have ended before anybody saw it run. */
  readonly starting_at: string | null;
}

/** Jobs: from their own streams and those of their attempts' replicas. What a schedule cut out of its history is here no more. */
export const jobs: View<JobDocument> = {
  schema: { view: 'jobs', version: 4, indexes: [...['project_id', 'environment_id', 'docker_service_id', 'schedule_id'].map((field) => [field, 'created_at']), ['created_at']] },
  prefixes: ['job-', 'replica-', 'schedule-'],
  keys: (event) => (event.stream.startsWith(OWN) ? [event.stream.slice(OWN.length)] : elsewhere(event)),
  evolve(doc, event, id) {
    const next = fold(doc, event, id);
    return next && event.stream.startsWith(OWN) ? { ...next, revision: Number(event.revision) } : next;
  },
};

const OWN = 'job-';

const ownerKey = ({ data: { owner } }: { data: { owner: { type: string; id: string } } }): string | null => (owner.type === 'job' ? owner.id : null);

const elsewhere = keysOf({ ScheduleHistoryCut: ({ data }) => data.jobIds, ReplicaAbandoned: ownerKey, PlacementDeferred: ownerKey, PlacementSettled: ownerKey, ReplicaObserved: ownerKey });

const folds: Folds<JobDocument> = {
  JobAttemptStarted: (job, { data: { attempt, replicaId } }) => ({ ...job, attempts: [...job.attempts, begun(attempt, replicaId)], starting_at: null }),
  JobAttemptFailed: (job, { data: { replicaId, reason, exitCode, oomKilled, retryAt } }) => ({
    ...job,
    attempts: job.attempts.map((attempt) =>
      attempt.replica_id === replicaId ? { ...attempt, reason, exit_code: exitCode, oom_killed: oomKilled, retry_at: retryAt } : attempt,
    ),
    status: 'PENDING',
    status_reason: { code: 'retrying', message: `attempt ${job.attempts.length} failed (${reason.message}); the next one begins at ${retryAt} at the earliest, once its container is gone` },
  }),
  JobCancelRequested: (job, { data: { reason, requestedAt } }) => ({
    ...job,
    cancel_requested_at: requestedAt,
    status_reason: { code: 'cancelling', message: `${reason.message}; it ends when its container has stopped` },
  }),
  ScheduleHistoryCut: () => null,
  JobEnded: (job, { data, metadata }) => ({
    ...job,
    status: data.outcome,
    status_reason: data.reason,
    exit_code: data.exitCode,
    oom_killed: data.oomKilled,
    finished_at: metadata.at,
  }),
  ReplicaAbandoned: (job, { data: { replicaId, reason } }) => withAttempt(job, replicaId, (attempt) => ({ ...attempt, state: 'GONE', reason })),
  PlacementDeferred: (job, { data: { replicaId, reason } }) => withAttempt(job, replicaId, (attempt) => ({ ...attempt, reason })),
  PlacementSettled: (job, { data: { replicaId, outcome, nodeId, reason } }) =>
    withAttempt(job, replicaId, (attempt) =>
      outcome === 'placed' ? { ...attempt, state: 'ASSIGNED', node_id: nodeId, reason: null } : { ...attempt, reason },
    ),
  ReplicaObserved(job, event) {
    const noted = event.data.state === 'STARTING' ? { ...job, starting_at: event.data.at } : job;
    return withAttempt(noted, event.data.replicaId, (attempt) => observed(attempt, event, noted.starting_at));
  },
};

const fold = evolveBy<JobDocument>({ JobCreated: created }, folds);

function created({ data, metadata, position, revision }: Of<'JobCreated'>): JobDocument {
  return {
    id: data.jobId,
    position,
    ...specDocument(data.spec),
    job_id: data.jobId,
    project_id: data.projectId,
    environment_id: data.environmentId,
    network_id: data.networkId,
    name: data.name,
    status: 'PENDING',
    status_reason: { code: 'not_started', message: 'its first attempt was not started yet' },
    trigger: triggerDocument(data.trigger),
    trigger_type: data.trigger.type,
    schedule_id: 'scheduleId' in data.trigger ? data.trigger.scheduleId : null,
    deployment_id: 'deploymentId' in data.trigger ? data.trigger.deploymentId : null,
    starting_at: null,
    docker_service_id: data.inheritsFrom?.dockerServiceId ?? null,
    release: data.inheritsFrom?.release ?? null,
    rerun_of: data.rerunOf,
    timeout_ms: data.timeoutMs,
    retries: data.retries,
    attempts: [],
    exit_code: null,
    oom_killed: false,
    cancel_requested_at: null,
    created_at: metadata.at,
    created_by: metadata.actor,
    finished_at: null,
    revision: Number(revision),
    links: { logs: `/v1/jobs/${data.jobId}/logs` },
  };
}

const begun = (attempt: number, replicaId: ReplicaId): JobAttemptDocument => ({
  attempt,
  replica_id: replicaId,
  state: 'PENDING',
  node_id: null,
  exit_code: null,
  oom_killed: false,
  reason: null,
  retry_at: null,
  started_at: null,
  finished_at: null,
});

/** One attempt changed. While the job is open, what the latest one says is what the job waits for. */
function withAttempt(job: JobDocument, replicaId: ReplicaId, change: (attempt: JobAttemptDocument) => JobAttemptDocument): JobDocument {
  const attempts = job.attempts.map((attempt) => (attempt.replica_id === replicaId ? change(attempt) : attempt));
  const latest = attempts.at(-1);
  if (!latest || job.finished_at || latest.retry_at) return { ...job, attempts };
  const status = latest.started_at && !latest.finished_at ? 'RUNNING' : job.status;
  const waiting = latest.reason ?? { code: 'starting', message: `attempt ${latest.attempt} is ${latest.state}` };
  if (job.cancel_requested_at) return { ...job, attempts, status };
  return { ...job, attempts, status, status_reason: status === 'RUNNING' ? null : waiting };
}

const ENDED: ReadonlySet<string> = new Set(['COMPLETED', 'FAILED', 'STOPPED']);

/** How it ended stays to be read when its container has been cleared away. */
function observed(attempt: JobAttemptDocument, { data }: Of<'ReplicaObserved'>, startingAt: string | null): JobAttemptDocument {
  if (data.state === 'GONE' && ENDED.has(attempt.state)) return attempt;
  const up = data.state === 'RUNNING' || data.state === 'SETTLED';
  // An exit code is proof that it ran, if too shortly to be seen.
  const startedAt = attempt.started_at ?? (up ? data.at : data.exitCode === null ? null : (startingAt ?? data.at));
  const over = data.final && startedAt !== null;
  return {
    ...attempt,
    state: data.state === 'SETTLED' ? 'RUNNING' : data.state,
    node_id: data.nodeId,
    exit_code: data.exitCode ?? attempt.exit_code,
    oom_killed: attempt.oom_killed || data.oomKilled,
    reason: reasonAfter(attempt.reason, data),
    started_at: startedAt,
    finished_at: attempt.finished_at ?? (over ? data.at : null),
  };
}

/** One job, or null where there is none within reach. */
export async function getJob(reads: Reads, tenant: TenantContext, id: string): Promise<JobAnswer | null> {
  const job = await getWithin<JobDocument>(reads, tenant, 'jobs', id);
  return job && answer(job);
}

/** What a list is narrowed down by. */
export interface JobFilter {
  readonly project_id?: string;
  readonly environment_id?: string;
  readonly docker_service_id?: string;
  readonly schedule_id?: string;
  readonly deployment_id?: string;
  readonly name?: string;
  readonly status?: JobStatus;
  readonly trigger?: JobTrigger['type'];
}

/** The jobs within reach, the latest first. */
export async function listJobs(
  reads: Reads,
  tenant: TenantContext,
  list: Paging & JobFilter = {},
): Promise<Page<JobAnswer>> {
  const { cursor, limit, trigger, ...rest } = list;
  const eq = { ...rest, trigger_type: trigger };
  return answered(await findWithin<JobDocument>(reads, tenant, 'jobs', { cursor, limit, eq, sort: { field: 'created_at', descending: true } }), answer);
}

const answer = ({ id: _id, position: _position, trigger_type: _type, schedule_id: _schedule, deployment_id: _deployment, starting_at: _starting, ...job }: JobDocument): JobAnswer => job;

const triggerDocument = (trigger: JobTrigger): JobDocument['trigger'] => ({
  type: trigger.type,
  ...('deploymentId' in trigger ? { deployment_id: trigger.deploymentId } : {}),
  ...('scheduleId' in trigger ? { schedule_id: trigger.scheduleId } : {}),
});
