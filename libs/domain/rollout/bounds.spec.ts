import { boundsOf } from './bounds.ts';

const of = (maxSurge: number | string | null, maxUnavailable: number | string | null, replicas: number, hasHostPort = false) => boundsOf({ strategy: 'rolling', maxSurge, maxUnavailable }, replicas, hasHostPort);

describe('the bounds of a roll', () => {
  it.each([
    [4, 1, 1],
    [5, 2, 1],
    [3, 1, 0],
    [2, 1, 0],
    [1, 1, 0],
    [10, 3, 2],
  ])('of %d replicas, where nothing is asked for, are %d above and %d lacking', (replicas, surge, unavailable) => expect(of(null, null, replicas)).toEqual({ surge, unavailable }));

  it('with a host port are none above and one lacking', () => expect(of(null, null, 4, true)).toEqual({ surge: 0, unavailable: 1 }));

  it('round the surge up and the unavailable down', () => {
    expect(of('34%', '34%', 10)).toEqual({ surge: 4, unavailable: 3 });
    expect(of('7%', '7%', 3)).toEqual({ surge: 1, unavailable: 0 });
    expect(of('100%', '100%', 3)).toEqual({ surge: 3, unavailable: 3 });
  });

  it('let one lack where neither is given any room: nothing could move', () => {
    expect(of(0, 0, 3)).toEqual({ surge: 0, unavailable: 1 });
    expect(of('0%', '20%', 4)).toEqual({ surge: 0, unavailable: 1 });
  });

  it('of a recreation are none above and all lacking', () => expect(boundsOf({ strategy: 'recreate', maxSurge: 3, maxUnavailable: 0 }, 3, false)).toEqual({ surge: 0, unavailable: 3 }));
});
