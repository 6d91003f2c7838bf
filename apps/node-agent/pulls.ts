import type { ContainerRuntime } from '#docker';

interface Pull {
  readonly done: Promise<void>;
  readonly aborter: AbortController;
  waiting: number;
}

/** One pull for an image at a time, however many replicas wait for it; the last one to give up ends it. */
export class Pulls {
  readonly #running = new Map<string, Pull>();

  constructor(private readonly runtime: ContainerRuntime) {}

  /** @returns whether it is there now; false: `signal` was aborted. @throws EngineError as the runtime does. */
  async pull(reference: string, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false;
    const pull = this.#running.get(reference) ?? this.#begin(reference);
    pull.waiting += 1;
    const { promise: given, resolve: giveUp } = Promise.withResolvers<false>();
    const onAbort = (): void => giveUp(false);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await Promise.race([pull.done.then(() => true), given]);
    } finally {
      signal.removeEventListener('abort', onAbort);
      pull.waiting -= 1;
      if (pull.waiting === 0) pull.aborter.abort();
    }
  }

  #begin(reference: string): Pull {
    const aborter = new AbortController();
    const done = this.runtime.pullImage(reference, aborter.signal).finally(() => {
      if (this.#running.get(reference) === pull) this.#running.delete(reference);
    });
    // Whoever waits hears of it; when nobody does any more, nobody needs to.
    done.catch(() => undefined);
    const pull: Pull = { done, aborter, waiting: 0 };
    aborter.signal.addEventListener('abort', () => this.#running.get(reference) === pull && this.#running.delete(reference));
    this.#running.set(reference, pull);
    return pull;
  }
}
