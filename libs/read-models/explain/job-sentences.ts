import type { JobEvent, JobTrigger, ScheduleEvent } from '#domain';
import { ASKED, because, count, neverWritten, type Sentences } from './sentence.ts';

/** What happens to jobs, and to the schedules that make them. */
export const jobSentences: Sentences<(JobEvent | ScheduleEvent)['type']> = {
  JobCreated: ({ data }) => ({
    what: `the job ${data.name} was created from ${data.spec.image}${data.inheritsFrom ? `, with release ${data.inheritsFrom.release} of ${data.inheritsFrom.dockerServiceId}` : ''}`,
    why: data.rerunOf ? `${data.rerunOf} was to run again` : madeBy(data.trigger),
  }),
  JobAttemptStarted: ({ data }) => ({ what: `attempt ${data.attempt} was started`, why: data.attempt === 1 ? 'nothing was tried before' : 'the one before failed' }),
  JobAttemptFailed: ({ data }) => ({
    what: `attempt ${data.attempt} failed, and another one follows at ${data.retryAt} at the earliest, once its container is gone`,
    why: because(data.reason, data.exitCode, data.oomKilled),
  }),
  JobCancelRequested: ({ data }) => ({ what: 'the job is to end: what runs of it is being stopped', why: data.reason.message }),
  JobEnded: ({ data }) => ({ what: data.attempt === 0 ? `the job ended ${data.outcome} before its first attempt` : `the job ended ${data.outcome} with attempt ${data.attempt}`, why: because(data.reason, data.exitCode, data.oomKilled) }),

  JobReservationVoided: neverWritten('job'),

  ScheduleCreated: ({ data }) => ({ what: `a schedule was created: ${data.job.name} at "${data.cron}" in ${data.timeZone}`, why: ASKED }),
  ScheduleChanged: ({ data }) => ({ what: `it was changed: ${data.to.job.name} at "${data.to.cron}" in ${data.to.timeZone}, overlap: ${data.to.concurrency}`, why: ASKED }),
  SchedulePaused: ({ data }) => ({ what: 'it was paused', why: data.reason.message }),
  ScheduleResumed: () => ({ what: 'it fires again', why: ASKED }),
  ScheduleFired: ({ data }) => ({
    what: `it made ${data.jobId} for ${data.minute}${data.replaces.length > 0 ? `, in place of ${data.replaces.join(', ')}` : ''}`,
    why: data.missedSince ? `it was due since ${data.missedSince}: one job makes good for all that was missed` : 'it was due',
  }),
  ScheduleSkipped: ({ data }) => ({ what: data.since === data.minute ? `${data.minute} was passed over` : `what was due from ${data.since} to ${data.minute} was passed over`, why: data.reason.message }),
  ScheduleHistoryCut: ({ data }) => ({ what: `${count(data.jobIds.length, 'job')} fell out of the lists`, why: 'only the latest jobs of a schedule are kept there' }),
  ScheduleDeleted: () => ({ what: 'it was deleted', why: ASKED }),
};

const madeBy = (trigger: JobTrigger): string => {
  if (trigger.type === 'manual') return ASKED;
  if (trigger.type === 'schedule') return `its schedule ${trigger.scheduleId} was due`;
  return `${trigger.deploymentId} runs it ${trigger.type === 'pre_deploy' ? 'before it touches a replica' : 'after its last replica'}`;
};
