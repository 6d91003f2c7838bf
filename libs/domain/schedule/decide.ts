import type { Cases, Decider } from '../kernel/decider.ts';
import type { JobId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';
import { Rejection } from '../kernel/rejection.ts';
import { isSame } from '../kernel/same.ts';
import type { ScheduleEvent, ScheduleSettings } from './events.ts';
import { evolve, type ExistingSchedule, initial, type Schedule } from './schedule.ts';

type Created = Extract<ScheduleEvent, { type: 'ScheduleCreated' }>['data'];
type Fired = Extract<ScheduleEvent, { type: 'ScheduleFired' }>['data'];

/** Whether `cron` and `timeZone` mean anything was looked at before: the calendar is no matter of these rules. */
export type ScheduleCommand =
  | { type: 'CreateSchedule'; data: Created }
  /** `since`: RFC 3339, of now. What is given stands in place of what was. */
  | { type: 'ChangeSchedule'; data: { settings: Partial<ScheduleSettings>; since: string } }
  | { type: 'PauseSchedule'; data: { reason: Reason } }
  | { type: 'ResumeSchedule'; data: { since: string } }
  /** Each minute is decided once: fired or passed over. */
  | { type: 'FireSchedule'; data: Fired }
  | { type: 'SkipMinutes'; data: { minute: string; since: string; reason: Reason } }
  | { type: 'CutHistory'; data: { jobIds: readonly JobId[] } }
  | { type: 'DeleteSchedule'; data: Record<never, never> };

const decisions: Cases<ScheduleCommand, Schedule, readonly ScheduleEvent[]> = {
  CreateSchedule(schedule, { data }) {
    if (schedule.status !== 'absent') throw new Rejection('conflict', 'schedule.exists', 'another request created it: read it');
    return [{ type: 'ScheduleCreated', data }];
  },

  ChangeSchedule(schedule, { data: { settings, since } }) {
    const { settings: from } = standing(schedule);
    const to = { ...from, ...settings };
    return isSame(from, to) ? [] : [{ type: 'ScheduleChanged', data: { from, to, since } }];
  },

  PauseSchedule: (schedule, { data }) => (standing(schedule).paused ? [] : [{ type: 'SchedulePaused', data }]),

  ResumeSchedule: (schedule, { data }) => (standing(schedule).paused ? [{ type: 'ScheduleResumed', data }] : []),

  FireSchedule(schedule, { data }) {
    const state = firing(schedule);
    if (state.fired?.minute === data.minute) return [];
    undecided(state, data.minute);
    return [{ type: 'ScheduleFired', data }];
  },

  SkipMinutes(schedule, { data }) {
    undecided(firing(schedule), data.minute);
    return [{ type: 'ScheduleSkipped', data }];
  },

  CutHistory(schedule, { data: { jobIds } }) {
    const { kept } = existing(schedule);
    const cut = jobIds.filter((jobId) => kept.includes(jobId));
    return cut.length === 0 ? [] : [{ type: 'ScheduleHistoryCut', data: { jobIds: cut } }];
  },

  DeleteSchedule: (schedule) => (existing(schedule).status === 'deleted' ? [] : [{ type: 'ScheduleDeleted', data: {} }]),
};

function existing(schedule: Schedule): ExistingSchedule {
  if (schedule.status === 'absent') throw new Rejection('not_found', 'schedule.not_found', 'it was never created');
  return schedule;
}

function standing(schedule: Schedule): ExistingSchedule {
  const state = existing(schedule);
  if (state.status === 'deleted') throw new Rejection('conflict', 'schedule.deleted', 'it was deleted: create another');
  return state;
}

function firing(schedule: Schedule): ExistingSchedule {
  const state = standing(schedule);
  if (state.paused) throw new Rejection('conflict', 'schedule.paused', 'it fires nothing until it is resumed');
  return state;
}

function undecided({ decidedUpTo }: ExistingSchedule, minute: string): void {
  if (Date.parse(minute) > Date.parse(decidedUpTo)) return;
  throw new Rejection('conflict', 'schedule.minute_decided', 'each minute is decided once', { minute, decidedUpTo });
}

/** The rules of a schedule: every due minute is decided once, in their order. */
export const schedule: Decider<Schedule, ScheduleCommand, ScheduleEvent> = {
  initial,
  evolve,
  decide: (state, command) => decisions[command.type](state, command as never),
};
