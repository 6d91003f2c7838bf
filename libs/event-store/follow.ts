import type { Clock, Random } from '#contracts';
import type { EventStore, Followed, Position, Recorded, Wake } from './port.ts';

const PAGE = 500;
const FIRST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 5_000;

/** What a subscription by polling is made of. */
export interface Polling {
  readonly readAll: EventStore['readAll'];
  /** Makes new events heard at once; without it, and whenever it fails to call, `pollMs` later. */
  readonly wake: Wake;
  /** Milliseconds between two looks at a log that doesn't grow. */
  readonly pollMs: number;
  readonly clock: Clock;
  readonly random: Random;
}

/** `EventStore.follow` for a store that can only be asked: reads pages to the end, then waits for a wake or the poll.
 *  Says `caughtUp` each time it has come to an end that it hasn't said before, filtered-out events counted, and after trouble.
 *  Trouble is said and waited out; it goes on after the last event that it gave. Ends quietly when aborted. */
export async function* followByPolling(
  { readAll, wake, pollMs, clock, random }: Polling,
  after: Position | null,
  prefixes: readonly string[] | undefined,
  signal: AbortSignal,
): AsyncGenerator<Followed, void, undefined> {
  const bell = new Bell(clock, signal);
  const sleepIn = wake(() => bell.ring());
  let last = after;
  let said: Position | null | undefined;
  let backoff = FIRST_BACKOFF_MS;
  try {
    while (!signal.aborted) {
      bell.listen();
      const page = await readAll(last, { prefixes, limit: PAGE }).catch(asError);
      if (signal.aborted) return;
      if (page instanceof Error) {
        yield { degraded: page };
        said = undefined;
        await clock.sleep(backoff * (0.5 + random() / 2), signal);
        backoff = Math.min(backoff * 2, LONGEST_BACKOFF_MS);
        continue;
      }
      backoff = FIRST_BACKOFF_MS;
      yield* untilAborted(page.events, signal);
      const atEnd = page.next === last;
      last = page.next;
      if (!atEnd || signal.aborted) continue;
      if (said !== last) yield { caughtUp: last };
      said = last;
      await bell.rung(pollMs);
    }
  } finally {
    sleepIn();
  }
}

function* untilAborted(events: readonly Recorded[], signal: AbortSignal): Generator<Followed> {
  for (const event of events) {
    if (signal.aborted) return;
    yield { event };
  }
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

/** Waits for a ring, and doesn't miss one that came while nobody waited. */
class Bell {
  private heard = false;
  private waiting: (() => void) | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly signal: AbortSignal,
  ) {}

  ring(): void {
    this.heard = true;
    this.waiting?.();
  }

  /** Forgets earlier rings: what they told of is about to be read. */
  listen(): void {
    this.heard = false;
  }

  /** Resolves at a ring since `listen`, after `ms`, or when aborted. */
  rung(ms: number): Promise<void> {
    if (this.heard || this.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wakeUp = (): void => {
        cancel();
        this.signal.removeEventListener('abort', wakeUp);
        this.waiting = null;
        resolve();
      };
      const cancel = this.clock.after(ms, wakeUp);
      this.signal.addEventListener('abort', wakeUp);
      this.waiting = wakeUp;
    });
  }
}
