import { usageOf } from './usage.ts';

const look = { read: '2030-01-01T00:00:00Z', cpu_stats: { cpu_usage: { total_usage: 7 } }, memory_stats: { usage: 100, stats: { inactive_file: 40 } } };

describe('one look at a container', () => {
  it('tells what it uses, and how much of that is more than the pages that are given up before anything is killed', () =>
    expect(usageOf('c1', look)).toMatchObject({ id: 'c1', at: look.read, cpuNanos: 7, memoryBytes: 100, workingSetBytes: 60 }));

  it.each([
    ['does not run', { ...look, read: '0001-01-01T00:00:00Z' }],
    ['is just being removed', {}],
  ])('says nothing of one that %s', (_, stats) => expect(usageOf('c1', stats)).toBeNull());
});
