import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Weakness } from './guards.ts';
import type { RunOutcome } from './run.ts';
import type { Order } from './worker.ts';

export interface Seeds {
  readonly from: number;
  readonly to: number;
  readonly steps: number;
  readonly weakness?: Weakness;
  /** Ends everything at the first seed that fails: the lowest one that was found. */
  readonly stopAtFirst?: boolean;
  readonly workers?: number;
  readonly onOutcome?: (outcome: RunOutcome) => void;
}

/** Runs all these seeds, on all cores. @returns those that failed, by seed. */
export async function runSeeds({ from, to, steps, weakness = 'none', stopAtFirst = false, workers = availableParallelism(), onOutcome }: Seeds): Promise<RunOutcome[]> {
  const failed: RunOutcome[] = [];
  let next = from;
  const takeNext = (): Order | null => {
    const isOver = next > to || (stopAtFirst && failed.length > 0);
    return isOver ? null : { seed: next++, steps, weakness };
  };
  const hear = (outcome: RunOutcome): void => {
    onOutcome?.(outcome);
    if (outcome.breach) failed.push(outcome);
  };
  await Promise.all(Array.from({ length: Math.min(workers, to - from + 1) }, () => work(takeNext, hear)));
  return failed.sort((a, b) => a.seed - b.seed);
}

/** One core's share. */
function work(takeNext: () => Order | null, hear: (outcome: RunOutcome) => void): Promise<void> {
  const worker = new Worker(new URL('worker.ts', import.meta.url), {
    execArgv: ['--conditions=source', '--disable-warning=ExperimentalWarning', '--import', new URL('compile.mjs', import.meta.url).href],
    resourceLimits: { maxYoungGenerationSizeMb: 64 },
  });
  return new Promise<void>((resolve, reject) => {
    const goOn = (): void => {
      const order = takeNext();
      if (order) worker.postMessage(order);
      else void worker.terminate().then(() => resolve());
    };
    worker.on('message', (outcome: RunOutcome) => {
      hear(outcome);
      goOn();
    });
    worker.once('error', reject);
    goOn();
  });
}
