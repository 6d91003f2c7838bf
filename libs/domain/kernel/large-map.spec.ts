import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { LargeMap } from './large-map.ts';

type Step = readonly ['with', string, number] | readonly ['without', string];

const key = fc.oneof(fc.string(), fc.constantFrom('rep_a', 'rep_b', ''));
const steps: fc.Arbitrary<Step[]> = fc.array(fc.oneof(fc.tuple(fc.constant('with' as const), key, fc.integer()), fc.tuple(fc.constant('without' as const), key)));

const sorted = <T>(entries: Iterable<readonly [string, T]>): (readonly [string, T])[] => [...entries].sort(([a], [b]) => (a < b ? -1 : 1));

describe('LargeMap', () => {
  it('holds what a Map holds after the same changes', () => {
    fc.assert(
      fc.property(steps, (all) => {
        let large = LargeMap.empty<string, number>();
        const plain = new Map<string, number>();
        for (const [what, at, value] of all) {
          large = what === 'with' ? large.with(at, value) : large.without(at);
          if (what === 'with') plain.set(at, value);
          else plain.delete(at);
        }
        expect(large.size).toBe(plain.size);
        expect(sorted(large)).toEqual(sorted(plain));
        expect([...large.keys()].sort()).toEqual([...plain.keys()].sort());
        expect([...large.values()].sort((a, b) => a - b)).toEqual([...plain.values()].sort((a, b) => a - b));
        for (const [at] of plain) expect([large.has(at), large.get(at)]).toEqual([true, plain.get(at)]);
      }),
    );
  });

  it('leaves the one before as it was', () => {
    fc.assert(
      fc.property(steps, key, fc.integer(), (all, at, value) => {
        const before = all.reduce((map, [what, id, each]) => (what === 'with' ? map.with(id, each) : map.without(id)), LargeMap.empty<string, number>());
        const entries = sorted(before);
        before.with(at, value);
        before.without(at);
        expect(sorted(before)).toEqual(entries);
      }),
    );
  });
});
