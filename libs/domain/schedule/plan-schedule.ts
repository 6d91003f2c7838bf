import type { JobId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';
import type { ExistingSchedule, Firing } from './schedule.ts';

/** When a cron expression is due, in its time zone. Milliseconds since the epoch, whole minutes. */
export interface Calendar {
  /** The first due minute after that instant; null: it never comes again. */
  next(after: number): number | null;
  /** The last due minute up to that instant, itself included; null: there was none. */
  latest(upTo: number): number | null;
}

/** What a firing would run now: of which release (null: a container of its own), or why nothing can. `skip`: not now; `pause`: never
 *  again by itself. */
export type Target = { readonly release: number | null } | { readonly skip: Reason } | { readonly pause: Reason };

/** The one next thing to do about a schedule. */
export type ScheduleStep =
  /** Until then, unless something happens; null: until something happens. */
  | { readonly do: 'rest'; readonly until: number | null }
  | { readonly do: 'fire'; readonly minute: number; readonly missedSince: number | null; readonly release: number | null; readonly replaces: readonly JobId[] }
  | { readonly do: 'skip'; readonly minute: number; readonly since: number; readonly reason: Reason }
  | { readonly do: 'pause'; readonly reason: Reason }
  /** The jobs that the latest firing replaces. */
  | { readonly do: 'cancel'; readonly jobIds: readonly JobId[] }
  /** The job of the latest firing. */
  | { readonly do: 'make'; readonly firing: Firing }
  | { readonly do: 'cut'; readonly jobIds: readonly JobId[] };

export interface ScheduleSituation {
  readonly schedule: ExistingSchedule;
  readonly now: number;
  readonly calendar: Calendar;
  /** Of its jobs, those that aren't over; and of these, those that nobody has cancelled. */
  readonly open: readonly JobId[];
  readonly uncancelled: readonly JobId[];
  /** Whether the job of the latest firing was made; true where there was no firing. */
  readonly made: boolean;
  readonly target: Target;
}

/** So many of a schedule's jobs are kept to be read, beside those that still run. */
export const KEPT_JOBS = 10;

/** What is next for a schedule. Of all minutes that were due since the last decision the latest one fires, once: that is the one
 *  catch-up for whatever was missed. Pure. */
export function planSchedule(situation: ScheduleSituation): ScheduleStep {
  const { schedule, made } = situation;
  if (schedule.fired && !made) return planMaking(situation, schedule.fired);
  const cut = overKept(situation);
  if (cut.length > 0) return { do: 'cut', jobIds: cut };
  if (schedule.status === 'deleted' || schedule.paused) return { do: 'rest', until: null };
  return planMinute(situation);
}

/** What it replaces has to be over first. */
function planMaking({ open, uncancelled }: ScheduleSituation, firing: Firing): ScheduleStep {
  const replaced = firing.replaces.filter((jobId) => open.includes(jobId));
  if (replaced.length === 0) return { do: 'make', firing };
  const jobIds = replaced.filter((jobId) => uncancelled.includes(jobId));
  return jobIds.length > 0 ? { do: 'cancel', jobIds } : { do: 'rest', until: null };
}

function planMinute({ schedule, now, calendar, open, target }: ScheduleSituation): ScheduleStep {
  const after = Date.parse(schedule.decidedUpTo);
  const minute = calendar.latest(now);
  if (minute === null || minute <= after) return { do: 'rest', until: calendar.next(now) };
  const first = calendar.next(after) ?? minute;
  if ('pause' in target) return { do: 'pause', reason: target.pause };
  if ('skip' in target) return { do: 'skip', minute, since: first, reason: target.skip };
  const { concurrency } = schedule.settings;
  if (concurrency === 'forbid' && open.length > 0) return { do: 'skip', minute, since: first, reason: stillRuns(open) };
  return { do: 'fire', minute, missedSince: first < minute ? first : null, release: target.release, replaces: concurrency === 'replace' ? open : [] };
}

/** The oldest that are over, as many as there are too many. */
function overKept({ schedule, open }: ScheduleSituation): readonly JobId[] {
  const ended = schedule.kept.filter((jobId) => !open.includes(jobId));
  return ended.slice(0, Math.max(0, ended.length - KEPT_JOBS));
}

const stillRuns = (open: readonly JobId[]): Reason => ({ code: 'still_running', message: `${open.join(', ')} isn't over yet, and its jobs may not overlap` });
