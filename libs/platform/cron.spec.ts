import { cronCalendar } from './cron.ts';

const at = (text: string): number => Date.parse(text);
const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
const of = (cron: string, timeZone = 'UTC') => cronCalendar(cron, timeZone, at('2026-01-01T00:00:00Z'));

describe('the calendar of a cron expression', () => {
  it('knows the next due minute, and the last one', () => {
    const quarters = of('*/15 * * * *');
    expect(iso(quarters.next(at('2026-01-01T00:15:00Z')))).toBe('2026-01-01T00:30:00.000Z');
    expect(iso(quarters.latest(at('2026-01-01T00:15:00Z')))).toBe('2026-01-01T00:15:00.000Z');
    expect(iso(quarters.latest(at('2026-01-01T00:15:00.001Z')))).toBe('2026-01-01T00:15:00.000Z');
    expect(iso(quarters.latest(at('2026-01-01T00:14:59.999Z')))).toBe('2026-01-01T00:00:00.000Z');
  });

  it('reads the fields as wall time in its zone', () => expect(iso(of('0 9 * * MON-FRI', 'America/New_York').next(at('2026-07-03T20:00:00Z')))).toBe('2026-07-06T13:00:00.000Z'));

  it('takes a day by either of its two fields', () => expect(iso(of('0 0 13 * FRI').next(at('2026-01-03T00:00:00Z')))).toBe('2026-01-09T00:00:00.000Z'));

  it('makes good at once for a fixed time that the clock left out', () => expect(iso(of('30 2 * * *', 'Europe/Berlin').next(at('2026-03-28T12:00:00Z')))).toBe('2026-03-29T01:00:00.000Z'));

  it('takes a fixed time once that the clock has twice', () => {
    const daily = of('30 2 * * *', 'Europe/Berlin');
    const first = daily.next(at('2026-10-24T12:00:00Z'))!;
    expect([iso(first), iso(daily.next(first))]).toEqual(['2026-10-25T00:30:00.000Z', '2026-10-26T01:30:00.000Z']);
  });

  it.each(['', '* * * *', '* * * * * *', '@daily', '61 * * * *', '2026-01-01T00:00:00', '0 0 30 2 *', 'a b c d e'])('refuses %p', (cron) =>
    expect(() => of(cron)).toThrow(expect.objectContaining({ code: 'schedule.cron_invalid', facts: { pointer: '/cron' } })));

  it('refuses a time zone that nobody knows', () => expect(() => of('* * * * *', 'Mars/Base')).toThrow(expect.objectContaining({ code: 'schedule.time_zone_unknown' })));
});
