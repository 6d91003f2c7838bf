import fc from 'fast-check';
import type { JobId } from '../kernel/ids.ts';
import { type Calendar, KEPT_JOBS, planSchedule, type ScheduleSituation } from './plan-schedule.ts';
import type { ExistingSchedule, Firing } from './schedule.ts';

const MINUTE = 60_000;
const T0 = Date.UTC(2026, 0, 1);
const iso = (ms: number): string => new Date(ms).toISOString();

/** Due every so many minutes. */
const every = (minutes: number): Calendar => ({
  next: (after) => Math.floor(after / (minutes * MINUTE) + 1) * minutes * MINUTE,
  latest: (upTo) => Math.floor(upTo / (minutes * MINUTE)) * minutes * MINUTE,
});
const job = { name: 'report', timeoutMs: 1_000, retries: 0, runs: { type: 'docker_service', dockerServiceId: 'svc_1', overrides: {} } } as const;
const scheduleOf = (over: Partial<ExistingSchedule> = {}, concurrency: 'allow' | 'forbid' | 'replace' = 'allow'): ExistingSchedule => ({
  status: 'present', scheduleId: 'sch_1', projectId: 'prj_1', environmentId: 'env_1', networkId: 'net_1', settings: { cron: '*/5 * * * *', timeZone: 'UTC', concurrency, job }, paused: null, decidedUpTo: iso(T0), fired: null, kept: [],
  ...over,
});
const firing: Firing = { minute: iso(T0), jobId: 'job_2', release: 1, replaces: [], job };
const plan = (over: Partial<ScheduleSituation> = {}) =>
  planSchedule({ schedule: scheduleOf(), now: T0 + 5 * MINUTE + 300, calendar: every(5), open: [], uncancelled: [], made: true, target: { release: 1 }, ...over });
const fires = { do: 'fire', minute: T0 + 5 * MINUTE, missedSince: null, release: 1, replaces: [] };
const reason = { code: 'r', message: 'm' };

describe('the plan of a schedule', () => {
  it('rests until the next due minute, and fires it', () => {
    expect(plan({ now: T0 + 299_999 })).toEqual({ do: 'rest', until: T0 + 5 * MINUTE });
    expect(plan()).toEqual(fires);
    expect(plan({ schedule: scheduleOf({ decidedUpTo: iso(T0 + 5 * MINUTE) }) })).toEqual({ do: 'rest', until: T0 + 10 * MINUTE });
  });

  it('catches up once for all that was missed', () => expect(plan({ now: T0 + 61 * MINUTE })).toEqual({ ...fires, minute: T0 + 60 * MINUTE, missedSince: T0 + 5 * MINUTE }));

  it('fires nothing while it is paused or when it is deleted', () => {
    expect(plan({ schedule: scheduleOf({ paused: reason }) })).toEqual({ do: 'rest', until: null });
    expect(plan({ schedule: scheduleOf({ status: 'deleted' }) })).toEqual({ do: 'rest', until: null });
  });

  it('makes the job that was decided before anything else, also when it was deleted since', () => {
    expect(plan({ schedule: scheduleOf({ fired: firing }), made: false })).toEqual({ do: 'make', firing });
    expect(plan({ schedule: scheduleOf({ fired: firing, status: 'deleted' }), made: false })).toEqual({ do: 'make', firing });
  });

  it('says why nothing can be run, for now or for good', () => {
    expect(plan({ now: T0 + 11 * MINUTE, target: { skip: reason } })).toEqual({ do: 'skip', minute: T0 + 10 * MINUTE, since: T0 + 5 * MINUTE, reason });
    expect(plan({ target: { pause: reason } })).toEqual({ do: 'pause', reason });
  });

  it('lets jobs overlap, passes a minute over, or replaces what still runs, as it is told', () => {
    const open: JobId[] = ['job_1'];
    expect(plan({ open, uncancelled: open })).toEqual(fires);
    expect(plan({ open, uncancelled: open, schedule: scheduleOf({}, 'forbid') })).toMatchObject({ do: 'skip', minute: T0 + 5 * MINUTE, reason: { code: 'still_running' } });
    expect(plan({ open, uncancelled: open, schedule: scheduleOf({}, 'replace') })).toEqual({ ...fires, replaces: open });
  });

  it('cancels what it replaces, waits for its end, and then makes its own', () => {
    const schedule = scheduleOf({ fired: { ...firing, replaces: ['job_1'] } }, 'replace');
    expect(plan({ schedule, made: false, open: ['job_1'], uncancelled: ['job_1'] })).toEqual({ do: 'cancel', jobIds: ['job_1'] });
    expect(plan({ schedule, made: false, open: ['job_1'] })).toEqual({ do: 'rest', until: null });
    expect(plan({ schedule, made: false })).toMatchObject({ do: 'make' });
  });

  it('cuts the oldest of more than ten that have ended, and none that runs', () => {
    const kept = Array.from({ length: KEPT_JOBS + 2 }, (_, i): JobId => `job_${i}`);
    expect(plan({ schedule: scheduleOf({ kept }) })).toEqual({ do: 'cut', jobIds: ['job_0', 'job_1'] });
    expect(plan({ schedule: scheduleOf({ kept }), open: ['job_0'] })).toEqual({ do: 'cut', jobIds: ['job_1'] });
    expect(plan({ schedule: scheduleOf({ kept }), open: ['job_0', 'job_5'] })).toEqual(fires);
  });
});

describe('laws of a schedule', () => {
  it('fires each due minute at most once and in order, never one before it was, whenever it is looked at', () =>
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 7 }), fc.array(fc.integer({ min: 1, max: 20 * MINUTE }), { maxLength: 50 }), (minutes, pauses) => {
        let schedule = scheduleOf();
        let now = T0;
        const fired: number[] = [];
        for (const pause of pauses) {
          now += pause;
          const step = plan({ schedule, now, calendar: every(minutes) });
          if (step.do === 'rest') expect(step.until).toBeGreaterThan(now);
          if (step.do !== 'fire') continue;
          fired.push(step.minute);
          schedule = { ...schedule, decidedUpTo: iso(step.minute) };
          expect(plan({ schedule, now, calendar: every(minutes) }).do).toBe('rest');
        }
        return fired.every((minute, i) => minute > (fired[i - 1] ?? T0) && minute <= now && minute % (minutes * MINUTE) === 0);
      }),
    ));
});
