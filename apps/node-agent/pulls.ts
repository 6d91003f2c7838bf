import type { Clock } from '#contracts';
import { EngineError, type ContainerRuntime, type Credentials } from '#docker';
import { formatBytes, type PullProgress } from '#domain';

interface Pull {
  readonly done: Promise<void>;
  readonly aborter: AbortController;
  progress: PullProgress;
  waiting: number;
}

/** A registry that says nothing for this long says nothing any more. */
const STALL_MS = 60_000;

/** What a pull shows the registry, and what tells it from one that shows something else. */
export interface PullAs {
  readonly credentials: Credentials | null;
  readonly name: string;
}

const NOBODY: PullAs = { credentials: null, name: '' };

const keyOf = (reference: string, { name }: Pick<PullAs, 'name'>): string => `${reference} ${name}`;

/** One pull for an image at a time, however many replicas wait for it with the same credentials; the last one to give up ends it. */
export class Pulls {
  readonly #running = new Map<string, Pull>();

  constructor(
    private readonly runtime: Pick<ContainerRuntime, 'pullImage'>,
    private readonly clock: Clock,
    private readonly stallMs = STALL_MS,
  ) {}

  /** @returns whether it is there now; false: `signal` was aborted.
   *  @throws EngineError as the runtime does, its message with the image in it, and `pull_stalled` where nothing has been heard for too long. */
  async pull(reference: string, signal: AbortSignal, as = NOBODY): Promise<boolean> {
    if (signal.aborted) return false;
    const pull = this.#running.get(keyOf(reference, as)) ?? this.#begin(reference, as);
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
  progressOf(reference: string, as: Pick<PullAs, 'name'> = NOBODY): PullProgress | null {
    return this.#running.get(keyOf(reference, as))?.progress ?? null;
  }

  #begin(reference: string, as: PullAs): Pull {
    const aborter = new AbortController();
    const pull: Pull = { done: this.#untilStalled({ reference, as }, aborter, (progress) => (pull.progress = progress)), aborter, progress: { doneBytes: 0, totalBytes: 0 }, waiting: 0 };
    const key = keyOf(reference, as);
    const forget = (): void => {
      if (this.#running.get(key) === pull) this.#running.delete(key);
    };
    // Whoever waits hears of it; when nobody does any more, nobody needs to.
    pull.done.catch(() => undefined).finally(forget);
    aborter.signal.addEventListener('abort', forget);
    this.#running.set(key, pull);
    return pull;
  }

  async #untilStalled({ reference, as }: { readonly reference: string; readonly as: PullAs }, aborter: AbortController, onProgress: (progress: PullProgress) => void): Promise<void> {
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
    const pulled = this.runtime.pullImage(reference, aborter.signal, heard, as.credentials).catch(naming(reference));
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
