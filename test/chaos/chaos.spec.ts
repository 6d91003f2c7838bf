import { runSeed } from './run.ts';

const seconds = Number(process.env['CHAOS_SECONDS'] ?? 30);
const [first = 1, last = first] = (process.env['CHAOS_SEEDS'] ?? '1').split('..').map(Number);
const seeds = Array.from({ length: last - first + 1 }, (_, index) => first + index);

/** Kills and freezes of everything while clients work; `npm run chaos -- --seeds 1..20 --seconds 60` takes more of it. */
describe(`${seconds} s of faults`, () => {
  it.each(seeds)('leave nothing lost, doubled or behind (seed %i)', (seed) => runSeed(seed, seconds), seconds * 1000 + 300_000);
});
