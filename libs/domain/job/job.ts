import type { Cases } from '../kernel/decider.ts';
import type { ReplicaId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';
import type { JobEvent, JobOutcome } from './events.ts';

/** What was asked for, frozen when the job was created. */
export type JobDefinition = Extract<JobEvent, { type: 'JobCreated' }>['data'];

/** The latest try: a replica of its own. */
export interface JobAttempt {
  readonly attempt: number;
  readonly replicaId: ReplicaId;
}

export type Job =
  | { readonly status: 'absent' }
  | { readonly status: 'open'; readonly definition: JobDefinition; readonly current: JobAttempt | null }
  | {
      readonly status: 'ended';
      readonly definition: JobDefinition;
      readonly current: JobAttempt;
      readonly outcome: JobOutcome;
      readonly exitCode: number | null;
      readonly oomKilled: boolean;
      readonly reason: Reason;
    };

export const initial: Job = { status: 'absent' };

const open = (job: Job): Extract<Job, { status: 'open' }> => {
  if (job.status !== 'open') throw new Error(`history out of order: job is ${job.status}`);
  return job;
};

const evolutions: Cases<JobEvent, Job, Job> = {
  JobCreated: (_, { data }) => ({ status: 'open', definition: data, current: null }),
  JobAttemptStarted: (job, { data }) => ({ ...open(job), current: data }),
  JobEnded(job, { data: { outcome, exitCode, oomKilled, reason } }) {
    const { definition, current } = open(job);
    if (!current) throw new Error('history out of order: job ended before its first attempt');
    return { status: 'ended', definition, current, outcome, exitCode, oomKilled, reason };
  },
};

export const evolve = (job: Job, event: JobEvent): Job => evolutions[event.type](job, event as never);
