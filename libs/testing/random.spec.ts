import { seededRandom } from './random.ts';

const draw = (seed: number, count: number): number[] => {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => random());
};

describe('seeded randomness', () => {
  it('repeats itself for a seed and differs between seeds', () => {
    expect(draw(7, 100)).toEqual(draw(7, 100));
    expect(draw(7, 100)).not.toEqual(draw(8, 100));
  });

  it('spreads evenly over [0, 1)', () => {
    const drawn = draw(1, 10_000);
    expect(drawn.every((value) => value >= 0 && value < 1)).toBe(true);
    const tenths = Object.values(Object.groupBy(drawn, (value) => Math.floor(value * 10))).map((bucket) => bucket!.length);
    expect(tenths).toHaveLength(10);
    expect(Math.min(...tenths)).toBeGreaterThan(850);
  });
});
