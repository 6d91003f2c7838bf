import { subjects, Terminal, Transient, type Bus, type Clock, type EventFilter, type EventPage, type EventReadReply, type EventReadRequest, type LoggedEvent, type Random } from '#contracts';
import { PLATFORM, type EventType } from '#domain';

export interface ReadEvents<T extends EventType = EventType> extends EventFilter<T> {
  /** `position` of the last event that the subscriber is done with; null: from the beginning. */
  readonly after: string | null;
  readonly clock: Clock;
  readonly random: Random;
  /** Ends the iteration, quietly, also while it waits. */
  readonly signal?: AbortSignal;
  /** No gateway answers at the moment, or it failed; told for each try. Nothing is lost by it. */
  readonly onTrouble?: (error: Transient) => void;
}

/** A gateway that takes longer is frozen, or its store is away. */
const ANSWER_MS = 10_000;
/** Hints get lost; this late at most an event is heard then. */
const POLL_MS = 5_000;
const FIRST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 2_000;

/** The log from a position on, and then live: every event that the filter lets through, in order, each once. The gateways read
 *  it; a hint says when there is more. Lost connections, restarts of gateways and of the broker are waited out.
 *
 *  What has been taken in is for the subscriber to keep: `position` of the last event that it is done with. Begun again after
 *  that, nothing is left out and nothing comes twice. One that keeps it after its work, and dies between the two, gets that one
 *  event again: keep it in one transaction with the work, or know the event by its position.
 *
 *  Only one event is out at a time, and a page of at most 384 KiB is in memory: a slow subscriber holds up nobody but itself.
 *  @throws Terminal `events.request_invalid` (a mistake in `after`, `types` or `projects`) or `events.other_history` (the position
 *  isn't of this log, or the log was put back to an earlier state): no retry mends these. */
export async function* readEvents<T extends EventType = EventType>(bus: Bus, options: ReadEvents<T>): AsyncGenerator<LoggedEvent<T>, void, undefined> {
  const { clock, random, onTrouble, types, projects, signal = new AbortController().signal } = options;
  const bell = new Bell(bus, projects, clock, signal);
  let after = options.after;
  let storeId: string | null = null;
  let backoff = FIRST_BACKOFF_MS;
  try {
    while (!signal.aborted) {
      bell.listen();
      const page = await unlessAborted(readPage(bus, { after, types, projects }), signal).catch(asTrouble);
      if (page === null) return;
      if (page instanceof Transient) {
        onTrouble?.(page);
        const pauseMs = backoff * (0.5 + random() / 2);
        // A new connection is worth a try at once; hints of a log that can't be read are not.
        await (page.code === 'bus.disconnected' ? bell.rung(pauseMs) : clock.sleep(pauseMs, signal));
        backoff = Math.min(backoff * 2, LONGEST_BACKOFF_MS);
        continue;
      }
      backoff = FIRST_BACKOFF_MS;
      if (storeId !== null && page.storeId !== storeId) throw new Terminal('events.other_history', 'system', `the log of ${storeId} was read up to ${after}, and this is ${page.storeId}`);
      storeId = page.storeId;
      for (const event of page.events) {
        if (signal.aborted) return;
        yield event as LoggedEvent<T>;
      }
      const atEnd = page.next === after;
      after = page.next;
      if (atEnd) await bell.rung(POLL_MS);
    }
  } finally {
    bell.takeDown();
  }
}

/** One page, or one event that takes several messages as a page of its own. */
async function readPage(bus: Bus, request: EventReadRequest): Promise<EventPage> {
  let text = '';
  for (;;) {
    const reply = await ask(bus, { ...request, offset: text.length });
    if ('events' in reply) return reply;
    // Another gateway than before may have given this piece; what doesn't fit together is read anew.
    text += reply.piece;
    if (text.length < reply.of && reply.piece !== '') continue;
    const event = parsed(text);
    return { storeId: reply.storeId, events: [event], next: event.position };
  }
}

async function ask(bus: Bus, request: EventReadRequest): Promise<Exclude<EventReadReply, { refused: unknown }>> {
  const reply = await bus.request<EventReadReply | null>(subjects.readEvents, request, ANSWER_MS);
  if (typeof reply !== 'object' || reply === null) throw new Transient('bus.remote_error', `${subjects.readEvents} was answered by somebody else`);
  if (!('refused' in reply)) return reply;
  const { code, message } = reply.refused;
  throw new Terminal(code, code === 'events.request_invalid' ? 'user' : 'system', message);
}

function parsed(text: string): LoggedEvent {
  try {
    return JSON.parse(text) as LoggedEvent;
  } catch (cause) {
    throw new Transient('bus.remote_error', 'the pieces of a large event don’t fit together', { cause });
  }
}

/** @throws whatever won't pass. */
function asTrouble(error: unknown): Transient {
  if (error instanceof Transient) return error;
  throw error;
}

/** Null when aborted before it came. */
async function unlessAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result | null> {
  const { promise: aborted, resolve } = Promise.withResolvers<null>();
  const abort = (): void => resolve(null);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort);
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** Rung by hints of the log's growth, and by a new connection, since some may have been missed before it. */
class Bell {
  #ring = new AbortController();
  readonly #ends: readonly (() => void)[];

  constructor(
    bus: Bus,
    projects: readonly string[] | undefined,
    private readonly clock: Clock,
    signal: AbortSignal,
  ) {
    // What is recorded for the platform may tell of a project.
    const wanted = projects && new Set([...projects, PLATFORM].map(subjects.hint));
    const hear = (_: unknown, subject: string): void => {
      if (!wanted || wanted.has(subject)) this.#ring.abort();
    };
    const ring = (): void => this.#ring.abort();
    signal.addEventListener('abort', ring);
    this.#ends = [bus.subscribe(subjects.allHints, hear), bus.onConnect(ring), () => signal.removeEventListener('abort', ring)];
  }

  /** Forgets earlier rings: what they told of is about to be read. */
  listen(): void {
    this.#ring = new AbortController();
  }

  /** Resolves at a ring since `listen`, after `ms`, or when aborted. */
  rung(ms: number): Promise<void> {
    return this.clock.sleep(ms, this.#ring.signal);
  }

  takeDown(): void {
    for (const end of this.#ends) end();
  }
}
