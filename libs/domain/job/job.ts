import type { Cases } from '../kernel/decider.ts';
import type { ReplicaId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';
import type { Unwritten } from '../kernel/reservation.ts';
import type { Ending, JobEvent, JobOutcome } from './events.ts';

/** What was asked for, frozen when the job was created. */
export type JobDefinition = Extract<JobEvent, { type: 'JobCreated' }>['data'];

/** The latest try: a replica of its own. */
export interface JobAttempt {
  readonly attempt: number;
  readonly replicaId: ReplicaId;
  /** How it failed, where another one is to follow; `retryAt` is RFC 3339. */
  readonly failed: (Ending & { readonly retryAt: string }) | null;
}

/** Neither created nor ended. */
export interface OpenJob {
  readonly status: 'open';
  readonly definition: JobDefinition;
  readonly current: JobAttempt | null;
  /** Why it is to end; no attempt is started any more. */
  readonly cancel: { readonly reason: Reason; readonly requestedAt: string } | null;
}

export type Job =
  | Unwritten
  | OpenJob
  | (Ending & {
      readonly status: 'ended';
      readonly definition: JobDefinition;
      /** Null where it was cancelled before its first attempt. */
      readonly current: JobAttempt | null;
      readonly outcome: JobOutcome;
    });

export const initial: Job = { status: 'absent' };

const open = (job: Job): OpenJob => {
  if (job.status !== 'open') throw new Error(`history out of order: job is ${job.status}`);
  return job;
};

const evolutions: Cases<JobEvent, Job, Job> = {
  JobCreated: (_, { data }) => ({ status: 'open', definition: data, current: null, cancel: null }),
  JobAttemptStarted: (job, { data }) => ({ ...open(job), current: { ...data, failed: null } }),
  JobAttemptFailed(job, { data: { attempt, replicaId, ...failed } }) {
    return { ...open(job), current: { attempt, replicaId, failed } };
  },
  JobCancelRequested: (job, { data }) => ({ ...open(job), cancel: data }),
  JobEnded(job, { data: { outcome, exitCode, oomKilled, reason } }) {
    const { definition, current } = open(job);
    return { status: 'ended', definition, current, outcome, exitCode, oomKilled, reason };
  },
  JobReservationVoided: (_, { data: { reason } }) => ({ status: 'voided', reason }),
};

export const evolve = (job: Job, event: JobEvent): Job => evolutions[event.type](job, event as never);
