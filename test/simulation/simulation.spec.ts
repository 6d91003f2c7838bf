import { describe, expect, it } from '@jest/globals';
import { GUARDS } from './guards.ts';
import { run, type RunOutcome } from './run.ts';
import { runSeeds } from './seeds.ts';
import { shrink } from './shrink.ts';
import { markdownOf, readTable, TABLE_STEPS, tableInPage } from './table.ts';

describe('a run of the simulation', () => {
  it('is repeated exactly by its seed and number of steps', async () => {
    const first = await run({ seed: 11, steps: 80 });
    await run({ seed: 12, steps: 20 });
    expect(await run({ seed: 11, steps: 80 })).toEqual(first);
    expect((await run({ seed: 11, steps: 79 })).trace).not.toBe(first.trace);
  }, 180_000);

  it('is the same in a worker, after others, as here', async () => {
    const there: RunOutcome[] = [];
    await runSeeds({ from: 4, to: 5, steps: 60, weakness: 'highestSettled', workers: 1, onOutcome: (outcome) => there.push(outcome) });
    expect(there).toHaveLength(2);
    for (const { seed, trace } of there) expect((await run({ seed, steps: 60, weakness: 'highestSettled' })).trace).toBe(trace);
  }, 180_000);

  it('is the same whether its story is told or not', async () => {
    const story: string[] = [];
    const told = await run({ seed: 3, steps: 40, tell: (line) => story.push(line) });
    expect(told).toEqual(await run({ seed: 3, steps: 40 }));
    expect(story.join('\n')).toContain('log  project-');
  }, 180_000);
});

describe('the simulation misses', () => {
  const table = readTable();

  it('every guard that can be turned off', () => {
    expect(table.map(({ guard }) => guard)).toEqual(Object.keys(GUARDS));
    expect(tableInPage()).toBe(markdownOf(table));
  });

  it.each(table)('$guard, at seed $seed', async ({ guard, seed, step, law }) => {
    const { breach, brokeAt } = await run({ seed, steps: TABLE_STEPS, weakness: guard });
    expect({ brokeAt, law: breach?.law }).toEqual({ brokeAt: step, law });
    expect((await run({ seed, steps: TABLE_STEPS })).breach).toBeNull();
  }, 180_000);

  it('the memory of what was settled, not the names of settlements that have to differ for it to be asked', async () => {
    const { seed } = table.find(({ guard }) => guard === 'highestSettled')!;
    expect((await run({ seed, steps: TABLE_STEPS, weakness: 'settlementsUnnamed' })).breach).toBeNull();
  }, 180_000);

  it('nothing less when a failing run is shrunk', async () => {
    const { guard, seed, law } = table.reduce((earliest, each) => (each.step < earliest.step ? each : earliest));
    const failed = await run({ seed, steps: TABLE_STEPS, weakness: guard });
    const { outcome, steps, story } = await shrink({ seed, weakness: guard }, failed);
    expect(outcome.breach?.law).toBe(law);
    expect(steps).toBeLessThanOrEqual(failed.brokeAt + 1);
    expect(story.join('\n')).toContain(`BREACH: ${law}`);
  }, 180_000);
});
