import type { Cases, Decider } from '../kernel/decider.ts';
import type { ReplicaId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';
import { Rejection } from '../kernel/rejection.ts';
import { isUnwritten, tooLate, voidOnce, type VoidReservation } from '../kernel/reservation.ts';
import type { Ending, JobEvent, JobOutcome } from './events.ts';
import { evolve, initial, type Job, type JobDefinition, type OpenJob } from './job.ts';

/** A job's time is never unlimited. Milliseconds: 1 s to 24 h. */
export const JOB_TIMEOUT = { minMs: 1_000, defaultMs: 600_000, maxMs: 86_400_000 } as const;

/** So many further attempts at most. */
export const MAX_JOB_RETRIES = 20;

export type JobCommand =
  | { type: 'CreateJob'; data: JobDefinition }
  /** `attempt` counts from 1. */
  | { type: 'StartAttempt'; data: { attempt: number; replicaId: ReplicaId } }
  /** Its current attempt failed, and another one is to follow at `retryAt` (RFC 3339) at the earliest. */
  | { type: 'FailAttempt'; data: Ending & { attempt: number; retryAt: string } }
  /** Its container is stopped, and it ends CANCELLED on the engine's word; at once where nothing was tried yet. `requestedAt`: RFC 3339. */
  | { type: 'CancelJob'; data: { reason: Reason; requestedAt: string } }
  | { type: 'EndJob'; data: Ending & { outcome: JobOutcome; attempt: number } }
  | VoidReservation;

const decisions: Cases<JobCommand, Job, readonly JobEvent[]> = {
  CreateJob(job, { data }) {
    if (job.status === 'voided') throw tooLate('room', job.reason);
    if (job.status !== 'absent') throw new Rejection('conflict', 'job.exists', 'a job runs once; create another');
    refuseJobLimits(data);
    return [{ type: 'JobCreated', data }];
  },

  StartAttempt(job, { data }) {
    const { current, cancel } = open(job);
    if (current?.attempt === data.attempt && current.replicaId === data.replicaId) return [];
    if (cancel) throw new Rejection('conflict', 'job.cancel_requested', 'it is being cancelled: nothing more of it is started');
    if (current && !current.failed) throw new Rejection('conflict', 'job.attempt_open', 'one attempt runs at a time', { attempt: current.attempt, replicaId: current.replicaId });
    const next = (current?.attempt ?? 0) + 1;
    if (data.attempt !== next) throw new Rejection('conflict', 'job.attempt_out_of_order', `the next attempt is ${next}`, { next });
    return [{ type: 'JobAttemptStarted', data }];
  },

  FailAttempt(job, { data }) {
    const { definition, current, cancel } = open(job);
    if (current?.attempt !== data.attempt) throw unknownAttempt(data.attempt);
    if (current.failed) return [];
    if (cancel) throw new Rejection('conflict', 'job.cancel_requested', 'it is being cancelled: nothing more of it is started');
    if (data.attempt > definition.retries) throw new Rejection('conflict', 'job.retries_spent', 'no other attempt follows: end the job', { retries: definition.retries });
    return [{ type: 'JobAttemptFailed', data: { ...data, replicaId: current.replicaId } }];
  },

  CancelJob(job, { data }) {
    const { current, cancel } = open(job);
    if (cancel) return [];
    const requested: JobEvent = { type: 'JobCancelRequested', data };
    if (current) return [requested];
    return [requested, { type: 'JobEnded', data: { outcome: 'CANCELLED', attempt: 0, exitCode: null, oomKilled: false, reason: data.reason } }];
  },

  EndJob(job, { data }) {
    if (job.status === 'ended') {
      if (job.outcome === data.outcome && job.current?.attempt === data.attempt) return [];
      throw ended(job.outcome);
    }
    const { current, cancel } = open(job);
    // It was cancelled before its first attempt, or there was no room for one.
    const neverTried = (cancel || data.outcome === 'FAILED') && !current && data.attempt === 0;
    if (!neverTried && current?.attempt !== data.attempt) throw unknownAttempt(data.attempt);
    if (data.outcome === 'CANCELLED' && !cancel) throw new Rejection('conflict', 'job.not_cancelled', 'nobody asked for that');
    return [{ type: 'JobEnded', data }];
  },

  VoidReservation: (job, { data: { commandId, reason } }) => voidOnce(job, { type: 'JobReservationVoided', data: { commandId, reason } }),
};

function open(job: Job): OpenJob {
  if (isUnwritten(job)) throw new Rejection('not_found', 'job.not_found', 'it was never created');
  if (job.status === 'ended') throw ended(job.outcome);
  return job;
}

const ended = (outcome: JobOutcome) => new Rejection('conflict', 'job.ended', `it ended ${outcome}, and a job has one outcome: run it again as a new one`, { outcome });

const unknownAttempt = (attempt: number) => new Rejection('conflict', 'job.attempt_unknown', 'no such attempt was started', { attempt });

/** @param at where the job stands in the body. @throws Rejection `job.timeout_out_of_range`, `job.retries_out_of_range`. */
export function refuseJobLimits({ timeoutMs, retries }: Pick<JobDefinition, 'timeoutMs' | 'retries'>, at = ''): void {
  checkTimeout(timeoutMs, at);
  checkRetries(retries, at);
}

function checkTimeout(timeoutMs: number, at: string): void {
  const { minMs, maxMs } = JOB_TIMEOUT;
  if (Number.isInteger(timeoutMs) && timeoutMs >= minMs && timeoutMs <= maxMs) return;
  throw new Rejection('invalid', 'job.timeout_out_of_range', `a timeout is a whole number of milliseconds from ${minMs} to ${maxMs}`, { pointer: `${at}/timeout_ms`, timeoutMs, minMs, maxMs });
}

function checkRetries(retries: number, at: string): void {
  if (Number.isInteger(retries) && retries >= 0 && retries <= MAX_JOB_RETRIES) return;
  throw new Rejection('invalid', 'job.retries_out_of_range', `retries are a whole number from 0 to ${MAX_JOB_RETRIES}`, { pointer: `${at}/retries`, retries, max: MAX_JOB_RETRIES });
}

/** The rules of one job: attempts one after another, and one outcome. */
export const job: Decider<Job, JobCommand, JobEvent> = {
  initial,
  evolve,
  decide: (state, command) => decisions[command.type](state, command as never),
};
