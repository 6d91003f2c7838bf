import type { Clock } from '#contracts';
import type { EventStore, Followed, Position, Recorded } from './port.ts';

export interface FollowLog {
  readonly store: Pick<EventStore, 'follow'>;
  /** Go on after this position; null: from the beginning. */
  readonly after: Position | null;
  readonly prefixes?: readonly string[];
  /** Ends the subscription, quietly; a handler that runs is waited for. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Called with one event at a time, in order. Throwing means "not taken": it is called again with the same event, later. */
  readonly onEvent: (event: Recorded) => void | Promise<void>;
  /** Nothing newer was in the log. Retried like `onEvent`. */
  readonly onCaughtUp?: (position: Position | null) => void | Promise<void>;
  /** The log can't be read, or a handler failed; told each time, with the error. */
  readonly onDegraded?: (error: Error) => void;
}

const FIRST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 30_000;

/** Hands the log to handlers, strictly serially: an event is handled before the next is looked at, and none is skipped.
 *  @returns when aborted; never throws. */
export async function followLog({ store, after, prefixes, signal, clock, onEvent, onCaughtUp, onDegraded }: FollowLog): Promise<void> {
  const degraded = (error: unknown): void => onDegraded?.(error instanceof Error ? error : new Error(String(error)));
  const untilTaken = (handler: () => void | Promise<void>): Promise<void> => untilDone(handler, degraded, clock, signal);

  let last = after;
  const handle = async (followed: Followed): Promise<void> => {
    if ('degraded' in followed) return degraded(followed.degraded);
    if ('caughtUp' in followed) return untilTaken(() => onCaughtUp?.(followed.caughtUp));
    await untilTaken(() => onEvent(followed.event));
    last = followed.event.position;
  };
  for (let backoff = FIRST_BACKOFF_MS; !signal.aborted; backoff = longer(backoff)) {
    try {
      for await (const followed of store.follow(last, prefixes, signal)) {
        if (signal.aborted) return;
        await handle(followed);
        backoff = FIRST_BACKOFF_MS;
      }
    } catch (error) {
      degraded(error);
    }
    await clock.sleep(backoff, signal);
  }
}

/** Tries until it works or is aborted, with a pause that doubles. */
async function untilDone(work: () => void | Promise<void>, failed: (error: unknown) => void, clock: Clock, signal: AbortSignal): Promise<void> {
  for (let backoff = FIRST_BACKOFF_MS; !signal.aborted; backoff = longer(backoff)) {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted) return;
      failed(error);
    }
    await clock.sleep(backoff, signal);
  }
}

const longer = (backoff: number): number => Math.min(backoff * 2, LONGEST_BACKOFF_MS);
