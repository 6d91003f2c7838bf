import type { Clock } from '#contracts';
import { EngineError, type ContainerRuntime } from '#docker';
import { formatBytes, type PullProgress } from '#domain';

interface Pull {
  readonly done: Promise<void>;
  readonly aborter: AbortController;
  progress: PullProgress;
  waiting: number;
}

/** A registry that says nothing for this long says nothing any more. */
const STALL_MS = 60_000;

/** One pull for an image at a time, however many replicas wait for it; the last one to give up ends it. */
export class Pulls {
  readonly #running = new Map<string, Pull>();

  constructor(
    private readonly runtime: Pick<ContainerRuntime, 'pullImage'>,
    private readonly clock: Clock,
    private readonly stallMs = STALL_MS,
  ) {}

  /** @returns whether it is there now; false: `signal` was aborted.
   *  @throws EngineError as the runtime does, its message with the image in it, and `pull_stalled` where nothing has been heard for too long. */
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

  /** How far it is; null where nothing pulls it. */
  progressOf(reference: string): PullProgress | null {
    return this.#running.get(reference)?.progress ?? null;
  }

  #begin(reference: string): Pull {
    const aborter = new AbortController();
    const pull: Pull = { done: this.#untilStalled(reference, aborter, (progress) => (pull.progress = progress)), aborter, progress: { doneBytes: 0, totalBytes: 0 }, waiting: 0 };
    const forget = (): void => {
      if (this.#running.get(reference) === pull) this.#running.delete(reference);
    };
    // Whoever waits hears of it; when nobody does any more, nobody needs to.
    pull.done.catch(() => undefined).finally(forget);
    aborter.signal.addEventListener('abort', forget);
    this.#running.set(reference, pull);
    return pull;
  }

  async #untilStalled(reference: string, aborter: AbortController, onProgress: (progress: PullProgress) => void): Promise<void> {
    const { promise: stalled, reject: stall } = Promise.withResolvers<never>();
    let last: PullProgress = { doneBytes: 0, totalBytes: 0 };
    const watch = (): (() => void) =>
      this.clock.after(this.stallMs, () => {
        const far = last.totalBytes > 0 ? ` after ${formatBytes(last.doneBytes)} of ${formatBytes(last.totalBytes)}` : '';
        stall(new EngineError('pull_stalled', true, `nothing more came of ${reference} for ${this.stallMs / 1000} s${far}`));
        aborter.abort();
      });
    let cancel = watch();
    const heard = (progress: PullProgress): void => {
      cancel();
      cancel = watch();
      onProgress((last = progress));
    };
    const pulled = this.runtime.pullImage(reference, aborter.signal, heard).catch(naming(reference));
    pulled.catch(() => undefined);
    try {
      await Promise.race([pulled, stalled]);
    } finally {
      cancel();
    }
  }
}

/** A registry needn't say of what it speaks: "unauthorized", of one of ten images, tells nobody anything. */
const naming = (reference: string) => (error: unknown): never => {
  if (!(error instanceof EngineError) || error.message.includes(reference)) throw error;
  throw new EngineError(error.code, error.transient, `${reference} could not be pulled: ${error.message}`, { cause: error });
};
