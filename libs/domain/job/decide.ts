import type { Cases, Decider } from '../kernel/decider.ts';
import type { ReplicaId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';
import { Rejection } from '../kernel/rejection.ts';
import type { JobEvent, JobOutcome } from './events.ts';
import { evolve, initial, type Job, type JobDefinition } from './job.ts';

/** A job's time is never unlimited. Milliseconds: 1 s to 24 h. */
export const JOB_TIMEOUT = { minMs: 1_000, defaultMs: 600_000, maxMs: 86_400_000 } as const;

export type JobCommand =
  | { type: 'CreateJob'; data: JobDefinition }
  /** `attempt` counts from 1. */
  | { type: 'StartAttempt'; data: { attempt: number; replicaId: ReplicaId } }
  | { type: 'EndJob'; data: { outcome: JobOutcome; attempt: number; exitCode: number | null; oomKilled: boolean; reason: Reason } };

const decisions: Cases<JobCommand, Job, readonly JobEvent[]> = {
  CreateJob(job, { data }) {
    if (job.status !== 'absent') throw new Rejection('conflict', 'job.exists', 'a job runs once; create another');
    checkTimeout(data.timeoutMs);
    return [{ type: 'JobCreated', data }];
  },

  /** No retries yet: the first attempt is the only one. */
  StartAttempt(job, { data }) {
    const { current } = open(job);
    if (current?.attempt === data.attempt && current.replicaId === data.replicaId) return [];
    if (current) throw new Rejection('conflict', 'job.attempt_open', 'one attempt runs at a time', { ...current });
    if (data.attempt !== 1) throw new Rejection('conflict', 'job.attempt_out_of_order', 'the next attempt is 1', { next: 1 });
    return [{ type: 'JobAttemptStarted', data }];
  },

  EndJob(job, { data }) {
    if (job.status === 'ended') {
      if (job.outcome === data.outcome && job.current.attempt === data.attempt) return [];
      throw new Rejection('conflict', 'job.ended', 'a job has one outcome', { outcome: job.outcome });
    }
    const { current } = open(job);
    if (current?.attempt !== data.attempt) throw new Rejection('conflict', 'job.attempt_unknown', 'no such attempt was started', { attempt: data.attempt });
    return [{ type: 'JobEnded', data }];
  },
};

function open(job: Job): Extract<Job, { status: 'open' }> {
  if (job.status === 'absent') throw new Rejection('not_found', 'job.not_found', 'it was never created');
  if (job.status === 'ended') throw new Rejection('conflict', 'job.ended', 'a job has one outcome', { outcome: job.outcome });
  return job;
}

function checkTimeout(timeoutMs: number): void {
  const { minMs, maxMs } = JOB_TIMEOUT;
  if (Number.isInteger(timeoutMs) && timeoutMs >= minMs && timeoutMs <= maxMs) return;
  throw new Rejection('invalid', 'job.timeout_out_of_range', `a timeout is a whole number of milliseconds from ${minMs} to ${maxMs}`, { timeoutMs, minMs, maxMs });
}

/** The rules of one job: attempts one after another, and one outcome. */
export const job: Decider<Job, JobCommand, JobEvent> = {
  initial,
  evolve,
  decide: (state, command) => decisions[command.type](state, command as never),
};
