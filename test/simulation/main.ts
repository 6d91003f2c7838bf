import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { GUARDS, type Weakness } from './guards.ts';
import { run, type RunOutcome } from './run.ts';
import { DEEDS, type Deed } from './script.ts';
import { runSeeds } from './seeds.ts';
import { shrink } from './shrink.ts';
import { findTable } from './table.ts';

/** In so many steps, those of 300 seeds, even the rarest deed comes about. */
const ENOUGH_STEPS = 90_000;

const USAGE = `npm run simulate -- [--seeds <first>..<last>] [--steps <number>] [--without <guard>] [--tell]
       npm run simulate -- --table

Runs the whole house in one process for each seed, under virtual time, with everything going wrong that can, and looks with every
step at whether its laws hold. A seed and a number of steps repeat a run exactly.

  --seeds    default 1..1000; one number: that seed alone.
  --steps    of the script of each seed; default 300.
  --without  with one guard off: ${Object.keys(GUARDS).join(', ')}.
  --tell     the whole story of a single seed, as it is.
  --workers  default: one for each core.
  --table    searches, with each guard off in turn, for the first seed that fails, and writes the table of docs/simulation.md.

A failing run is made as small as it gets, and its story told. A verb or a fault that never comes to anything tests nothing: in
${ENOUGH_STEPS} steps and more that is a failure too. Exit code: 0 every law held, 1 not so.`;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1..1000' },
    steps: { type: 'string', default: '300' },
    without: { type: 'string', default: 'none' },
    workers: { type: 'string', default: String(availableParallelism()) },
    tell: { type: 'boolean' },
    table: { type: 'boolean' },
    help: { type: 'boolean' },
  },
});
const [, first, last = first] = /^(\d+)(?:\.\.(\d+))?$/.exec(values.seeds) ?? [];
const weakness = values.without as Weakness;
const isAsked = first !== undefined && Number(first) <= Number(last) && [values.steps, values.workers].every((number) => /^[1-9]\d*$/.test(number));
if (values.help || !isAsked || !(weakness in GUARDS || weakness === 'none')) {
  console.log(USAGE);
  process.exit(values.help ? 0 : 2);
}

const [from, to, steps] = [Number(first), Number(last), Number(values.steps)];
if (values.table) process.exitCode = (await findTable((line) => console.log(line))).length > 0 ? 1 : 0;
else if (values.tell) process.exitCode = await tellOne();
else process.exitCode = await runAll();

async function tellOne(): Promise<number> {
  const { breach, trace } = await run({ seed: from, steps, weakness, tell: (line) => console.log(line) });
  console.log(`seed ${from}, ${steps} steps: ${breach ? `${breach.law}: ${breach.what}` : 'every law held'} (trace ${trace})`);
  return breach ? 1 : 0;
}

async function runAll(): Promise<number> {
  const began = performance.now();
  let [done, events, virtualMs] = [0, 0, 0];
  const cameTo = new Map<Deed, number>(DEEDS.map((deed) => [deed, 0]));
  const onOutcome = (outcome: RunOutcome): void => {
    done += 1;
    events += outcome.events;
    virtualMs += outcome.virtualMs;
    for (const deed of DEEDS) cameTo.set(deed, cameTo.get(deed)! + (outcome.cameTo[deed] ?? 0));
    if (outcome.breach) console.log(`seed ${outcome.seed}: ${outcome.breach.law}: ${outcome.breach.what.slice(0, 400)} (at step ${outcome.brokeAt})`);
    if (done % 500 === 0) console.log(`${done} seeds, ${perSecond(done, began)} a second`);
  };
  const failed = await runSeeds({ from, to, steps, weakness, workers: Number(values.workers), onOutcome });
  console.log(`${done} seeds of ${steps} steps in ${Math.round((performance.now() - began) / 1000)} s (${perSecond(done, began)} a second): ${events} events, ${Math.round(virtualMs / 3_600_000)} hours of virtual time, ${failed.length} failed`);
  const rarest = [...cameTo].sort(([, one], [, other]) => one - other);
  console.log(`rarest that came to something: ${rarest.slice(0, 6).map(([deed, times]) => `${deed} ${times}`).join(', ')}`);
  const isBlind = done * steps >= ENOUGH_STEPS && weakness === 'none' && rarest[0]![1] === 0;
  if (isBlind) console.log('what never comes to anything tests nothing: see why');
  if (failed.length > 0) await tellSmallest(failed[0]!);
  return failed.length > 0 || isBlind ? 1 : 0;
}

function perSecond(done: number, began: number): string {
  return ((done * 1000) / (performance.now() - began)).toFixed(1);
}

async function tellSmallest(failed: RunOutcome): Promise<void> {
  const { outcome, steps: fewer, without, story } = await shrink({ seed: failed.seed, weakness }, failed);
  const kept = Array.from({ length: fewer }, (_, step) => step).filter((step) => !without.has(step));
  for (const line of story) console.log(line);
  console.log(`seed ${failed.seed}, ${fewer} steps, of which these are enough: ${kept.join(', ')}`);
  console.log(`${outcome.breach!.law}: ${outcome.breach!.what}`);
}
