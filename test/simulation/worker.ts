import { parentPort } from 'node:worker_threads';
import type { Weakness } from './guards.ts';
import { run } from './run.ts';

/** Runs one seed after another, as it is told, and says what came of each. */
export interface Order {
  readonly seed: number;
  readonly steps: number;
  readonly weakness: Weakness;
}

// Thousands of refused appends are part of every run, and nobody looks at where each was thrown.
Error.stackTraceLimit = 3;

parentPort!.on('message', (order: Order) => {
  void run(order).then(
    (outcome) => parentPort!.postMessage(outcome),
    (error: Error) => parentPort!.postMessage({ seed: order.seed, steps: order.steps, breach: { law: 'a run comes to its end', what: String(error.stack) }, brokeAt: order.steps, trace: '', events: 0, virtualMs: 0, cameTo: {} }),
  );
});
