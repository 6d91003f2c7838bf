import { LABELS, type ContainerState } from '#docker';
import { parseStream, type JobEvent, type JobId, type ReplicaId, type ScheduleEvent } from '#domain';
import type { Recorded } from '#event-store';
import type { Breach, World } from '../world.ts';
import type { Ledger } from './ledger.ts';
import type { Truths } from './truths.ts';

type Data<Type> = Extract<JobEvent | ScheduleEvent, { type: Type }> extends { data: infer D } ? D : never;

/** What must hold of jobs and of schedules; `ledger` lacks the event yet. */
export const JOB_LAWS = {
  'a job has succeeded when its container has': ({ type, stream, data }: Recorded, ledger: Ledger, truths: Truths): string | null => {
    if (type !== 'JobEnded') return null;
    const { outcome, exitCode } = data as Data<'JobEnded'>;
    const exits = truths.of(currentOf(ledger, parseStream(stream).id) ?? '').exits;
    if (outcome === 'SUCCEEDED' && !exits.includes(0)) return `${stream} is said to have succeeded`;
    return exitCode !== null && !exits.includes(exitCode) ? `${stream} is said to have ended with exit code ${exitCode}, and ended with [${exits}]` : null;
  },

  'a job is tried as often as it may be, one attempt after another': ({ type, stream, data }: Recorded, ledger: Ledger): string | null => {
    if (type !== 'JobAttemptStarted') return null;
    const job = ledger.jobs.get(parseStream(stream).id as JobId);
    const { attempt } = data as Data<'JobAttemptStarted'>;
    if (job?.status !== 'open') return `${stream} begins attempt ${attempt}, and isn't open`;
    if (attempt > job.definition.retries + 1) return `${stream} begins attempt ${attempt}, and has ${job.definition.retries} retries`;
    const before = job.current && ledger.replicas.get(job.current.replicaId);
    const isGone = before?.status === 'abandoned' || (before?.status === 'present' && before.last?.state === 'GONE');
    return attempt > 1 && !isGone ? `${stream} begins attempt ${attempt}, and the one before isn't gone` : null;
  },

  'jobs of a schedule overlap as it allows': ({ type, stream, data }: Recorded, ledger: Ledger): string | null => {
    if (type === 'ScheduleFired') {
      const { id } = parseStream(stream);
      const schedule = ledger.schedules.get(id);
      const open = openOf(ledger, id);
      return schedule?.status === 'present' && schedule.settings.concurrency === 'forbid' && open.length > 0 ? `${stream} fires while ${open.join(', ')} is open` : null;
    }
    if (type !== 'JobCreated') return null;
    const { trigger, jobId } = data as Data<'JobCreated'>;
    const schedule = trigger.type === 'schedule' ? ledger.schedules.get(trigger.scheduleId) : undefined;
    if (schedule === undefined || schedule.status === 'absent') return trigger.type === 'schedule' ? `${jobId} is of no schedule` : null;
    if (schedule.fired?.jobId !== jobId) return `${jobId} is not what ${schedule.scheduleId} fired last`;
    const open = schedule.fired.replaces.filter((each) => ledger.jobs.get(each)?.status === 'open');
    return open.length > 0 ? `${jobId} is made while ${open.join(', ')}, which it replaces, is open` : null;
  },
};

/** Ends of which is known that they may be no end of the container. */
const UNKNOWN_ENDS = ['node_unreachable', 'not_stopped', 'not_started', 'container_not_gone'];

/** Nothing of a job starts once its outcome stands, but where an agent has lost what it knew: the word of an end that was on its way then
 *  comes after it was told to begin anew. */
export function lateStarts({ ledger, truths }: World, { labels }: ContainerState): Breach[] {
  if (truths.isForgiven(labels[LABELS.replicaId]!)) return [];
  const job = labels[LABELS.ownerType] === 'job' ? ledger.jobs.get(labels[LABELS.ownerId] as JobId) : undefined;
  if (job?.status !== 'ended' || UNKNOWN_ENDS.includes(job.reason.code)) return [];
  return [{ law: 'nothing of a job starts after its outcome', what: `${labels[LABELS.replicaId]} was started, and ${job.definition.jobId} had ended ${job.outcome} (${job.reason.code})` }];
}

/** What schedules have left to do, and jobs that they fired and that nobody made. */
export function schedulesLeft({ ledger }: World): string[] {
  return [...ledger.schedules].flatMap(([id, schedule]) => {
    if (schedule.status === 'absent') return [];
    if (schedule.status === 'present') return [`${id} still fires`];
    const { fired } = schedule;
    return fired && !ledger.jobs.has(fired.jobId) ? [`${id} has fired ${fired.jobId}, which nobody has made`] : [];
  });
}

function currentOf(ledger: Ledger, id: string): ReplicaId | undefined {
  const job = ledger.jobs.get(id as JobId);
  return job?.status === 'open' ? job.current?.replicaId : undefined;
}

const openOf = (ledger: Ledger, scheduleId: string): JobId[] =>
  [...ledger.jobs.values()].flatMap((job) => (job.status === 'open' && job.definition.trigger.type === 'schedule' && job.definition.trigger.scheduleId === scheduleId ? [job.definition.jobId] : []));
