import type { Clock, Logger } from '#contracts';

/** Nothing happens then: only that a timer is there keeps a process. */
const HOLD_MS = 2 ** 31 - 1;

/** Ends an app in order: what was opened last closes first. SIGTERM or SIGINT begins it, a second one exits at once. */
export class Shutdown {
  readonly #closers: { readonly name: string; readonly close: () => unknown }[] = [];
  readonly #aborter = new AbortController();
  #running: Promise<void> | null = null;
  #stopListening: () => void = () => undefined;

  constructor(
    private readonly options: {
      readonly clock: Clock;
      readonly logger: Logger;
      /** How long all closers together may take; then it exits with code 1. Default 10 s. */
      readonly deadlineMs?: number;
      /** Default `process.exit`. */
      readonly exit?: (code: number) => void;
    },
  ) {}

  /** Aborted as soon as the end begins: for loops and waits. */
  get signal(): AbortSignal {
    return this.#aborter.signal;
  }

  /** Registers what has to be closed. A closer that throws is logged and doesn't hold up the rest. */
  add(name: string, close: () => unknown): void {
    this.#closers.push({ name, close });
  }

  /** Opens an app: listens for signals from now on, and keeps the process until the end, whatever `open` waits for. What it
   *  throws is logged, all that was opened is closed, and the process exits with 1. Never throws. */
  async start(open: () => Promise<void>): Promise<void> {
    this.listen();
    try {
      await open();
    } catch (error) {
      // Ended while it was opening: what was closed under its hands is no failure.
      if (this.#running) return this.#running;
      this.options.logger.error('start failed', { error });
      await this.run('start failed', 1);
    }
  }

  /** Begins to listen for SIGTERM and SIGINT, and keeps the process alive: no timer of `systemClock` does, so one that only
   *  waits (for a broker, for a locked file) would end without a word. @returns a function that ends both. */
  listen(): () => void {
    const hold = setInterval(() => undefined, HOLD_MS);
    const onSignal = (signal: NodeJS.Signals): void => {
      if (this.#running) return this.#exit(128 + (signal === 'SIGINT' ? 2 : 15));
      void this.run(signal);
    };
    process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
    this.#stopListening = () => {
      clearInterval(hold);
      process.off('SIGTERM', onSignal).off('SIGINT', onSignal);
    };
    return this.#stopListening;
  }

  /** Closes everything and exits with `code`, or with 1 when the deadline passed. Calling it again joins the first call. */
  run(reason: string, code = 0): Promise<void> {
    this.#running ??= this.#close(reason, code);
    return this.#running;
  }

  async #close(reason: string, code: number): Promise<void> {
    const { clock, logger, deadlineMs = 10_000 } = this.options;
    logger.info('shutting down', { reason });
    this.#aborter.abort();
    let late = false;
    const cancel = clock.after(deadlineMs, () => {
      late = true;
      logger.error('shutdown took too long', { deadline_ms: deadlineMs });
      this.#exit(1);
    });
    // One by one: what is still being opened meanwhile is closed, too.
    for (let closer = this.#closers.pop(); closer; closer = this.#closers.pop()) {
      try {
        await closer.close();
      } catch (error) {
        logger.error('closing failed', { what: closer.name, error });
      }
    }
    cancel();
    if (!late) this.#exit(code);
  }

  #exit(code: number): void {
    this.#stopListening();
    (this.options.exit ?? ((status: number) => process.exit(status)))(code);
  }
}
