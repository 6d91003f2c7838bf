import { given } from '../kernel/given.ts';
import { schedule } from './decide.ts';
import type { ScheduleEvent, ScheduleSettings } from './events.ts';

const settings: ScheduleSettings = {
  cron: '*/5 * * * *',
  timeZone: 'UTC',
  concurrency: 'forbid',
  job: { name: 'report', timeoutMs: 60_000, retries: 0, runs: { type: 'docker_service', dockerServiceId: 'svc_1', overrides: { command: ['bin/report'] } } },
};
const T0 = '2026-01-01T00:00:30.000Z';
const [T1, T2] = ['2026-01-01T00:05:00.000Z', '2026-01-01T00:10:00.000Z'];
const definition = { ...settings, scheduleId: 'sch_1', projectId: 'prj_1', environmentId: 'env_1', networkId: 'net_1', since: T0 } as const;
const created: ScheduleEvent = { type: 'ScheduleCreated', data: definition };
const fire = (minute: string, jobId: `job_${string}` = 'job_1') => ({ minute, jobId, release: 2, missedSince: null, replaces: [] });
const fired = (minute: string, jobId?: `job_${string}`): ScheduleEvent => ({ type: 'ScheduleFired', data: fire(minute, jobId) });
const reason = { code: 'still_running', message: 'job_1 is not over yet' };
const paused: ScheduleEvent = { type: 'SchedulePaused', data: { reason } };
const deleted: ScheduleEvent = { type: 'ScheduleDeleted', data: {} };

describe('schedule', () => {
  it('is created once', () => {
    given(schedule, []).when({ type: 'CreateSchedule', data: definition }).then([created]);
    given(schedule, [created]).when({ type: 'CreateSchedule', data: definition }).rejects('schedule.exists');
  });

  it('decides each minute once, in their order', () => {
    given(schedule, [created]).when({ type: 'FireSchedule', data: fire(T1) }).then([fired(T1)]);
    given(schedule, [created, fired(T1)]).when({ type: 'FireSchedule', data: fire(T1) }).then([]);
    given(schedule, [created, fired(T2)]).when({ type: 'FireSchedule', data: fire(T1) }).rejects('schedule.minute_decided', { minute: T1, decidedUpTo: T2 });
    given(schedule, [created, fired(T1)]).when({ type: 'SkipMinutes', data: { minute: T1, since: T1, reason } }).rejects('schedule.minute_decided', { minute: T1, decidedUpTo: T1 });
    given(schedule, [created, fired(T1)]).when({ type: 'SkipMinutes', data: { minute: T2, since: T2, reason } }).then([{ type: 'ScheduleSkipped', data: { minute: T2, since: T2, reason } }]);
  });

  it('has nothing to make good from before it was', () => {
    const before = '2026-01-01T00:00:00.000Z';
    given(schedule, [created]).when({ type: 'FireSchedule', data: fire(before) }).rejects('schedule.minute_decided', { minute: before, decidedUpTo: T0 });
  });

  it('says from what to what it changes, and begins anew with it', () => {
    const to = { ...settings, cron: '0 3 * * *' };
    const changed: ScheduleEvent = { type: 'ScheduleChanged', data: { from: settings, to, since: T2 } };
    given(schedule, [created]).when({ type: 'ChangeSchedule', data: { settings: { cron: '0 3 * * *' }, since: T2 } }).then([changed]);
    given(schedule, [created]).when({ type: 'ChangeSchedule', data: { settings: { cron: settings.cron }, since: T2 } }).then([]);
    given(schedule, [created, changed]).when({ type: 'FireSchedule', data: fire(T1) }).rejects('schedule.minute_decided', { minute: T1, decidedUpTo: T2 });
  });

  it('fires nothing while it is paused, and makes nothing good of that time', () => {
    given(schedule, [created]).when({ type: 'PauseSchedule', data: { reason } }).then([paused]);
    given(schedule, [created, paused]).when({ type: 'PauseSchedule', data: { reason } }).then([]);
    given(schedule, [created, paused]).when({ type: 'FireSchedule', data: fire(T1) }).rejects('schedule.paused');
    const resumed: ScheduleEvent = { type: 'ScheduleResumed', data: { since: T2 } };
    given(schedule, [created, paused]).when({ type: 'ResumeSchedule', data: { since: T2 } }).then([resumed]);
    given(schedule, [created]).when({ type: 'ResumeSchedule', data: { since: T2 } }).then([]);
    given(schedule, [created, paused, resumed]).when({ type: 'FireSchedule', data: fire(T1) }).rejects('schedule.minute_decided', { minute: T1, decidedUpTo: T2 });
  });

  it('cuts what it made out of its history, once', () => {
    const cut: ScheduleEvent = { type: 'ScheduleHistoryCut', data: { jobIds: ['job_1'] } };
    given(schedule, [created, fired(T1)]).when({ type: 'CutHistory', data: { jobIds: ['job_1', 'job_9'] } }).then([cut]);
    given(schedule, [created, fired(T1), cut]).when({ type: 'CutHistory', data: { jobIds: ['job_1'] } }).then([]);
  });

  it('is deleted once, and fires and changes no more', () => {
    given(schedule, [created]).when({ type: 'DeleteSchedule', data: {} }).then([deleted]);
    given(schedule, [created, deleted]).when({ type: 'DeleteSchedule', data: {} }).then([]);
    given(schedule, [created, deleted]).when({ type: 'FireSchedule', data: fire(T1) }).rejects('schedule.deleted');
    given(schedule, [created, deleted]).when({ type: 'ChangeSchedule', data: { settings: { cron: '0 3 * * *' }, since: T2 } }).rejects('schedule.deleted');
  });

  it('knows nothing of one that was never created', () => given(schedule, []).when({ type: 'DeleteSchedule', data: {} }).rejects('schedule.not_found'));
});
