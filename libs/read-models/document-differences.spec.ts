import { differencesBetween } from './document-differences.ts';

describe('differences between documents', () => {
  it('are none between the same', () => {
    expect(differencesBetween({ a: [1, { b: null }], c: 'x' }, { c: 'x', a: [1, { b: null }] })).toEqual([]);
  });

  it('name the innermost member, and what each side has there', () => {
    const live = { desired: 3, ports: [{ port: 80 }], labels: { 'a/b~c': '1' }, gone: null };
    const replayed = { desired: 2, ports: [{ port: 80 }, { port: 81 }], labels: { 'a/b~c': '2' }, constructor: 'own' };
    expect(differencesBetween(live, replayed)).toEqual([
      { path: '/desired', live: 3, replayed: 2 },
      { path: '/ports/1', live: undefined, replayed: { port: 81 } },
      { path: '/labels/a~1b~0c', live: '1', replayed: '2' },
      { path: '/gone', live: null, replayed: undefined },
      { path: '/constructor', live: undefined, replayed: 'own' },
    ]);
  });

  it('are told between different kinds of value, also where both are empty', () => {
    expect(differencesBetween({ a: [], b: '1', c: null }, { a: {}, b: 1, c: {} })).toEqual([
      { path: '/a', live: [], replayed: {} },
      { path: '/b', live: '1', replayed: 1 },
      { path: '/c', live: null, replayed: {} },
    ]);
  });
});
