import type { ReplicaId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';
import { isUnwritten } from '../kernel/reservation.ts';
import type { Job } from './job.ts';

/** Why a replica of a job is to go: its job has ended or is being cancelled, or its attempt is over. Null while it is wanted. */
export function whyUnwanted(job: Job, replicaId: ReplicaId): Reason | null {
  if (isUnwritten(job)) return null;
  if (job.status === 'ended') return { code: 'job_ended', message: `the job ended: ${job.outcome}` };
  if (job.cancel) return { code: 'job_cancelled', message: job.cancel.reason.message };
  const { current } = job;
  if (current?.replicaId === replicaId && !current.failed) return null;
  return { code: 'attempt_over', message: current?.failed ? `its attempt failed: ${current.failed.reason.message}` : 'its attempt is over' };
}
