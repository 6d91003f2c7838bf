import fc from 'fast-check';
import { furthest, isSomewhere, logPosition, positionText } from './eventstoredb-position.ts';

const place = fc.record({ commit: fc.bigInt(0n, 2n ** 64n - 1n), prepare: fc.bigInt(0n, 2n ** 64n - 1n) });

describe('positions of EventStoreDB', () => {
  it('are text that sorts as the log does, and come back as they were', () => {
    fc.assert(
      fc.property(place, place, (a, b) => {
        const before = a.commit < b.commit || (a.commit === b.commit && a.prepare < b.prepare);
        expect(positionText(a) < positionText(b)).toBe(before);
        expect(logPosition(positionText(a))).toEqual(a);
      }),
    );
  });

  it('keep a checkpoint before the event that begins there', () => {
    expect(positionText({ commit: 300n, prepare: 0n }) < positionText({ commit: 300n, prepare: 300n })).toBe(true);
  });

  it('are the beginning as null, and nothing else', () => {
    expect(logPosition(null)).toBe('start');
    expect(() => logPosition('00000000000000000007')).toThrow(RangeError);
    expect(furthest(null, null)).toBeNull();
    expect(furthest(null, 'a', null, 'c', 'b')).toBe('c');
  });

  it('are nowhere where an old server says so', () => {
    expect(isSomewhere({ commit: 2n ** 64n - 1n, prepare: 2n ** 64n - 1n })).toBe(false);
    expect(isSomewhere(undefined)).toBe(false);
  });
});
