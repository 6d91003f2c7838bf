import { wasStoppedByHand } from './by-hand.ts';

const finishedAt = '2026-01-01T00:10:00.000Z';
const end = Date.parse(finishedAt);
const sent = (signal: number | null, msBefore: number) => ({ signal, at: new Date(end - msBefore).toISOString() });
const judged = (...interventions: { signal: number | null; at: string }[]) => wasStoppedByHand({ finishedAt }, interventions, end + 5_000);

describe('an end was somebody’s will', () => {
  it('when the engine says that it was told to stop it, however long that took', () => expect(judged(sent(15, 300_000), sent(null, 0))).toBe(true));
  it('when it was told to kill it', () => expect(judged(sent(9, 5))).toBe(true));
  it('when it ended soon after a signal to end', () => expect([judged(sent(15, 4_000)), judged(sent(3, 4_000))]).toEqual([true, true]));
});

describe('it was not', () => {
  it('when nobody did anything', () => expect(judged()).toBe(false));
  it('when a signal to end was passed over long before', () => expect(judged(sent(15, 60_000))).toBe(false));
  it('when it was only told to reread its files', () => expect(judged(sent(1, 10), sent(10, 10), sent(28, 10))).toBe(false));
});

it('is unclear for a moment after a signal, since it may be a restart, and at once clear without one', () => {
  expect(wasStoppedByHand({ finishedAt }, [sent(15, 10)], end + 200)).toBe('unclear');
  expect(wasStoppedByHand({ finishedAt }, [], end + 200)).toBe(false);
});
