import { registry } from '#domain';
import { isTold, UNTOLD } from './sentences.ts';

describe('the sentences of an explanation', () => {
  it('are there for every event that is known, but for those that decide nothing about what is explained', () => {
    const lacking = Object.keys(registry).filter((type) => !isTold(type) && !UNTOLD.has(type));
    expect(lacking).toEqual([]);
  });

  it('are on one list only, of events that are known', () => {
    expect([...UNTOLD].filter((type) => isTold(type) || !Object.hasOwn(registry, type))).toEqual([]);
  });
});
