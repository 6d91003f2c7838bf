import { RECONCILE_BOUNDS, type QueueFigures } from '#contracts';

/** Counts how long reconciliations take, by queue. */
export class ReconcileTimes {
  readonly #queues = new Map<string, { failed: number; count: number; seconds: number; buckets: number[] }>();

  /** One of this queue is over. @param ms how long it took */
  readonly take = (queue: string, ms: number, failed: boolean): void => {
    const figures = this.#queues.get(queue) ?? { failed: 0, count: 0, seconds: 0, buckets: RECONCILE_BOUNDS.map(() => 0) };
    this.#queues.set(queue, figures);
    figures.count += 1;
    figures.seconds += ms / 1000;
    if (failed) figures.failed += 1;
    for (const [i, bound] of RECONCILE_BOUNDS.entries()) if (ms / 1000 <= bound) figures.buckets[i]! += 1;
  };

  get figures(): readonly QueueFigures[] {
    return [...this.#queues].map(([queue, figures]) => ({ queue, ...figures, buckets: [...figures.buckets] }));
  }
}
