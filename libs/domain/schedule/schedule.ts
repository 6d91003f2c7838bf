import type { Cases } from '../kernel/decider.ts';
import type { EnvironmentId, JobId, NetworkId, ProjectId, ScheduleId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';
import type { JobTemplate, ScheduleEvent, ScheduleSettings } from './events.ts';

/** The latest firing: decided, whether or not its job was made yet. */
export interface Firing {
  readonly minute: string;
  readonly jobId: JobId;
  readonly release: number | null;
  readonly replaces: readonly JobId[];
  /** What was to be run when it fired. */
  readonly job: JobTemplate;
}

/** One that was created, deleted ones included: what they decided last is still carried out. */
export interface ExistingSchedule {
  readonly status: 'present' | 'deleted';
  readonly scheduleId: ScheduleId;
  readonly projectId: ProjectId;
  readonly environmentId: EnvironmentId;
  readonly networkId: NetworkId;
  readonly settings: ScheduleSettings;
  /** Why it doesn't fire; null where it does. */
  readonly paused: Reason | null;
  /** Every minute up to this instant is decided. RFC 3339. */
  readonly decidedUpTo: string;
  readonly fired: Firing | null;
  /** Jobs that it has made and that weren't cut out of its history, the oldest first. */
  readonly kept: readonly JobId[];
}

export type Schedule = { readonly status: 'absent' } | ExistingSchedule;

export const initial: Schedule = { status: 'absent' };

const existing = (schedule: Schedule): ExistingSchedule => {
  if (schedule.status === 'absent') throw new Error('history out of order: schedule is absent');
  return schedule;
};

const evolutions: Cases<ScheduleEvent, Schedule, Schedule> = {
  ScheduleCreated(_, { data: { scheduleId, projectId, environmentId, networkId, since, ...settings } }) {
    return { status: 'present', scheduleId, projectId, environmentId, networkId, settings, paused: null, decidedUpTo: since, fired: null, kept: [] };
  },
  ScheduleChanged: (schedule, { data: { to, since } }) => ({ ...existing(schedule), settings: to, decidedUpTo: later(existing(schedule).decidedUpTo, since) }),
  SchedulePaused: (schedule, { data: { reason } }) => ({ ...existing(schedule), paused: reason }),
  ScheduleResumed: (schedule, { data: { since } }) => ({ ...existing(schedule), paused: null, decidedUpTo: later(existing(schedule).decidedUpTo, since) }),
  ScheduleFired(schedule, { data: { minute, jobId, release, replaces } }) {
    const state = existing(schedule);
    return { ...state, decidedUpTo: minute, fired: { minute, jobId, release, replaces, job: state.settings.job }, kept: [...state.kept, jobId] };
  },
  ScheduleSkipped: (schedule, { data: { minute } }) => ({ ...existing(schedule), decidedUpTo: minute }),
  ScheduleHistoryCut: (schedule, { data: { jobIds } }) => ({ ...existing(schedule), kept: existing(schedule).kept.filter((jobId) => !jobIds.includes(jobId)) }),
  ScheduleDeleted: (schedule) => ({ ...existing(schedule), status: 'deleted' }),
};

const later = (a: string, b: string): string => (Date.parse(a) >= Date.parse(b) ? a : b);

export const evolve = (schedule: Schedule, event: ScheduleEvent): Schedule => evolutions[event.type](schedule, event as never);
