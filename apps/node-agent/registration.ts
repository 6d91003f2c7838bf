import { subjects, type Bus, type Clock, type Logger, type Random, type RegisterReply, type RegisterRequest } from '#contracts';
import { retryDelayMs } from './retry-delay.ts';

const REQUEST_MS = 5_000;
const LONGEST_RETRY_MS = 15_000;
/** A log that was put back to before the node was known says nothing of that to anybody. */
const AGAIN_MS = 60_000;

/** Makes the node known, at every connection anew and now and then, and tries until somebody has taken it in. */
export class Registration {
  #attempts = 0;
  #running = false;
  #stopped = false;
  #cancelNext: () => void = () => undefined;
  /** Whether a monitor has taken it in since this process began. */
  registered = false;

  constructor(
    private readonly options: { readonly request: RegisterRequest; readonly bus: Bus; readonly clock: Clock; readonly random: Random; readonly logger: Logger },
  ) {}

  /** @returns a function that ends it. */
  start(): () => void {
    const end = this.options.bus.onConnect(() => void this.#register());
    return () => {
      this.#stopped = true;
      this.#cancelNext();
      end();
    };
  }

  async #register(): Promise<void> {
    const { request, bus, clock, random, logger } = this.options;
    if (this.#running || this.#stopped) return;
    this.#running = true;
    this.#cancelNext();
    try {
      const reply = await bus.request<RegisterReply>(subjects.register(request.nodeId), request, REQUEST_MS);
      if (!reply.registered) throw new Error(reply.refused ?? 'refused without a reason');
      if (!this.registered) logger.info('node registered', { node_id: request.nodeId });
      this.registered = true;
      this.#attempts = 0;
      this.#cancelNext = clock.after(AGAIN_MS, () => void this.#register());
    } catch (error) {
      this.#attempts += 1;
      const delay = Math.min(retryDelayMs(this.#attempts, random()), LONGEST_RETRY_MS);
      logger.warn('node not registered, trying on', { node_id: request.nodeId, reason: (error as Error).message, retry_in_ms: Math.round(delay) });
      this.#cancelNext = clock.after(delay, () => void this.#register());
    } finally {
      this.#running = false;
    }
  }
}
