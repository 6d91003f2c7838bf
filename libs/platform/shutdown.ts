import type { Clock, Logger } from '#contracts';

/** Ends an app in order: what was opened last closes first. SIGTERM or SIGINT begins it, a second one exits at once. */
export class Shutdown {
  readonly #closers: { readonly name: string; readonly close: () => unknown }[] = [];
  readonly #aborter = new AbortController();
  #running: Promise<void> | null = null;

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

  /** Begins to listen for SIGTERM and SIGINT. @returns a function that ends that. */
  listen(): () => void {
    const onSignal = (signal: NodeJS.Signals): void => {
      if (this.#running) return this.#exit(128 + (signal === 'SIGINT' ? 2 : 15));
      void this.run(signal);
    };
    process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
    return () => void process.off('SIGTERM', onSignal).off('SIGINT', onSignal);
  }

  /** Closes everything and exits: 0, or 1 when the deadline passed. Calling it again joins the first call. */
  run(reason: string): Promise<void> {
    this.#running ??= this.#close(reason);
    return this.#running;
  }

  async #close(reason: string): Promise<void> {
    const { clock, logger, deadlineMs = 10_000 } = this.options;
    logger.info('shutting down', { reason });
    this.#aborter.abort();
    let late = false;
    const cancel = clock.after(deadlineMs, () => {
      late = true;
      logger.error('shutdown took too long', { deadline_ms: deadlineMs });
      this.#exit(1);
    });
    for (const { name, close } of this.#closers.splice(0).reverse()) {
      try {
        await close();
      } catch (error) {
        logger.error('closing failed', { what: name, error });
      }
    }
    cancel();
    if (!late) this.#exit(0);
  }

  #exit(code: number): void {
    (this.options.exit ?? ((status: number) => process.exit(status)))(code);
  }
}
