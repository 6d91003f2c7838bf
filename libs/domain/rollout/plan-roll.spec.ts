import type { Ordered } from '../docker-service/orders.ts';
import { givenUp, order, reason, replicaIdOf, settled } from './given.ts';
import type { ObservedReplica } from './observed.ts';
import { planRoll, type RollTarget } from './plan-roll.ts';
import type { Standing } from './standing.ts';

const target: RollTarget = {
  strategy: 'rolling',
  bounds: { surge: 1, unavailable: 0 },
  isRoll: true,
  wanted: 3,
  release: 3,
  isGood: ({ order: { release } }) => release === 3,
  mayFollow: () => true,
  hasFailed: ({ seen }) => seen.failure !== null,
  isImpatient: false,
  moving: reason,
};
const maker = { now: 0, generations: new Map([[1, 2], [2, 1], [3, 1]]), replicaIdOf };
const standing = (slot: number, generation: number, release: number, seen: ObservedReplica): Standing => ({
  order: { ...order(slot, generation, { release }), stopped: null } as Ordered,
  seen,
  checked: false,
});

describe('a roll that took over from another', () => {
  it('gives no third to a slot that has two, though others lack theirs', () => {
    const world = [standing(1, 1, 1, settled(1)), standing(1, 2, 2, settled(1, 2)), standing(2, 1, 1, settled(2)), standing(3, 1, 3, givenUp(3))];
    expect(planRoll(world, target, maker)).toMatchObject({ creates: [{ slot: 2, generation: 2, release: 3 }] });
  });

  it('stops the older of two as soon as enough others serve', () => {
    const world = [standing(1, 1, 1, settled(1)), standing(1, 2, 2, settled(1, 2)), standing(2, 1, 1, settled(2)), standing(3, 1, 3, settled(3))];
    expect(planRoll(world, target, maker)).toMatchObject({ stops: [{ replicaId: 'rep_1_1' }] });
  });
});

describe('a replica that has failed and serves again', () => {
  const world = [standing(1, 1, 3, { ...settled(1), failure: reason }), standing(2, 1, 3, settled(2)), standing(3, 1, 3, settled(3))];
  const isGood = ({ order: { slot } }: Standing): boolean => slot > 1;

  it('stays until another one serves in its slot, within the surge of a roll', () => {
    expect(planRoll(world, { ...target, isGood }, maker)).toMatchObject({ creates: [{ slot: 1 }], stops: [] });
  });

  it('has to end first where nothing of before is there: nothing is reserved for a surge', () => {
    expect(planRoll(world, { ...target, isGood, isRoll: false }, maker)).toMatchObject({ creates: [], stops: [{ replicaId: 'rep_1_1' }] });
  });
});

describe('a replica that was given up', () => {
  const given = [1, 2, 3].map((slot) => standing(slot, 1, 2, givenUp(slot)));
  const leaving = [1, 2].map((slot) => ({ ...standing(slot, 2, 2, settled(slot, 2)), order: { ...order(slot, 2, { release: 2 }), stopped: reason, replaces: `rep_${slot}_1` } as Ordered }));
  const recreate: RollTarget = { ...target, strategy: 'recreate', bounds: { surge: 0, unavailable: 3 }, hasFailed: () => false };

  it('is replaced as far as there is room beside those that are on their way out: it takes none itself', () => {
    expect(planRoll([...given, ...leaving], recreate, maker)!.creates).toHaveLength(1);
    expect(planRoll(given, recreate, maker)!.creates).toHaveLength(3);
  });
});
