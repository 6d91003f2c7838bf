import { run, type RunOptions, type RunOutcome } from './run.ts';

/** A failing run made as small as it gets. */
export interface Shrunk {
  readonly outcome: RunOutcome;
  readonly steps: number;
  /** Steps of the script that it doesn't need. */
  readonly without: ReadonlySet<number>;
  readonly story: readonly string[];
}

/** Runs that are tried at most. */
const BUDGET = 150;

/** Fewer steps first, then without this or that part of what is left, as long as the same law breaks. */
export async function shrink({ seed, weakness }: Pick<RunOptions, 'seed' | 'weakness'>, failed: RunOutcome): Promise<Shrunk> {
  let tries = 0;
  const fails = async (steps: number, without: ReadonlySet<number>): Promise<RunOutcome | null> => {
    tries += 1;
    const outcome = await run({ seed, weakness, steps, without });
    return outcome.breach?.law === failed.breach!.law ? outcome : null;
  };
  let steps = Math.min(failed.steps, failed.brokeAt + 1);
  let outcome = (await fails(steps, new Set())) ?? failed;
  if (outcome === failed) steps = failed.steps;

  let without = new Set<number>();
  for (let size = Math.ceil(steps / 2); size >= 1 && tries < BUDGET; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    // From the end: what comes last is needed least often.
    for (let end = steps; end > 0 && tries < BUDGET; end -= size) {
      const part = Array.from({ length: Math.min(size, end) }, (_, index) => end - 1 - index).filter((step) => !without.has(step));
      if (part.length === 0) continue;
      const fewer = new Set([...without, ...part]);
      const again = await fails(steps, fewer);
      if (again) [outcome, without] = [again, fewer];
    }
  }
  const story: string[] = [];
  await run({ seed, weakness, steps, without, tell: (line) => story.push(line) });
  return { outcome, steps, without, story };
}
