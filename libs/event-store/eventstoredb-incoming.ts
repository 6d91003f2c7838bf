import { scheduler } from 'node:timers/promises';
import type { Clock } from '#contracts';
import { Unavailable } from './port.ts';

/** What the client gives for a read or a subscription: a transform stream of Node's. */
export interface ClientStream {
  on(event: string, listener: (error: unknown) => void): unknown;
  read(): unknown;
  removeAllListeners(event: string): unknown;
  resume(): unknown;
  readonly readableLength: number;
  readonly writableLength?: number;
  /** Of a read. */
  cancel?(): Promise<void>;
  /** Of a subscription. */
  unsubscribe?(): Promise<void>;
}

/** Takes what a stream of the client brings one by one, with a limit to its silence: the client puts no deadline on reads.
 *  Has to be closed, or the call goes on. */
export class Incoming<T> {
  private failure: unknown = null;
  private ended = false;
  private wake: () => void = () => undefined;

  constructor(
    private readonly stream: ClientStream,
    private readonly clock: Clock,
  ) {
    stream.on('readable', () => this.wake());
    // Stays for good: an error that came after the end would bring the process down.
    stream.on('error', (error: unknown) => this.end(error));
    stream.on('end', () => this.end(null));
    stream.on('close', () => this.end(null));
  }

  /** The next one, or null at the end. @throws what the stream failed with; Unavailable after `silenceMs` without anything. */
  async next(silenceMs = Infinity): Promise<T | null> {
    for (;;) {
      const item = this.ended ? null : (this.stream.read() as T | null);
      if (item !== null) return item;
      if (this.failure !== null) throw this.failure;
      if (this.ended) return null;
      await this.stir(silenceMs);
    }
  }

  /** Whether nothing more has arrived by now: a moment is left to what is on its way through this process. */
  async isDrained(): Promise<boolean> {
    if (this.isBusy) return false;
    await scheduler.yield();
    return !this.isBusy;
  }

  /** Ends the call; a `next` that waits gives null. Harmless when it has ended. */
  close(): void {
    this.end(null);
    const cancelled = this.stream.cancel?.() ?? this.stream.unsubscribe?.();
    // Refused where the call never began.
    cancelled?.catch(() => undefined);
    // Let flow and be lost: the client keeps a call in its books, and waits for it at the end, until all was taken from it.
    this.stream.removeAllListeners('readable');
    this.stream.resume();
  }

  private get isBusy(): boolean {
    return this.ended || this.stream.readableLength > 0 || (this.stream.writableLength ?? 0) > 0;
  }

  private end(failure: unknown): void {
    if (this.ended) return;
    this.ended = true;
    this.failure = failure;
    this.wake();
  }

  private stir(silenceMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel =
        silenceMs === Infinity ? () => undefined : this.clock.after(silenceMs, () => this.end(new Unavailable(`the event store said nothing for ${silenceMs} ms`)));
      this.wake = () => {
        cancel();
        this.wake = () => undefined;
        resolve();
      };
    });
  }
}
