import type { Ordered } from '../docker-service/orders.ts';
import { givenUp, order, reason, replicaIdOf, settled } from './given.ts';
import type { ObservedReplica } from './observed.ts';
import { planRoll, type RollTarget } from './plan-roll.ts';
import type { Standing } from './standing.ts';

const target: RollTarget = {
  strategy: 'rolling',
  bounds: { surge: 1, unavailable: 0 },
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
