import { Cron } from 'croner';
import { Rejection, type Calendar } from '#domain';

/** The calendar of five cron fields in a time zone. Where a clock is put forward, a fixed time that is left out comes due at the first
 *  minute after the gap; where it is put back, a fixed time comes due once, and one that recurs (`*`) in both passes (croner's rule,
 *  after Vixie cron). Day of month and day of week: either suffices where both are given.
 *  @throws Rejection `schedule.cron_invalid`, also for one that never comes due (30 February); `schedule.time_zone_unknown`. */
export function cronCalendar(cron: string, timeZone: string, now: number): Calendar {
  checkTimeZone(timeZone);
  const dates = parse(cron, timeZone);
  const calendar: Calendar = {
    next: (after) => dates.nextRun(new Date(after))?.getTime() ?? null,
    // The library looks before the instant, and takes whole seconds.
    latest: (upTo) => dates.previousRuns(1, new Date(upTo + 1_000 - (upTo % 1_000)))[0]?.getTime() ?? null,
  };
  if (calendar.next(now) === null) throw invalid('it never comes due');
  return calendar;
}

function parse(cron: string, timezone: string): Cron {
  // The library knows names like @daily and single dates as well: five fields are what is promised.
  if (cron.trim().split(/\s+/).length !== 5) throw invalid('it must have five fields: minute, hour, day of month, month, day of week');
  try {
    return new Cron(cron, { timezone, mode: '5-part', paused: true });
  } catch (error) {
    throw invalid((error as Error).message.replace(/^CronPattern: /, ''));
  }
}

/** By the engine's own table. */
function checkTimeZone(timeZone: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone });
  } catch {
    throw new Rejection('invalid', 'schedule.time_zone_unknown', 'no such time zone: name one of the IANA data base, like Europe/Berlin', { pointer: '/time_zone', timeZone });
  }
}

const invalid = (why: string) => new Rejection('invalid', 'schedule.cron_invalid', `not a cron expression: ${why}`, { pointer: '/cron' });
