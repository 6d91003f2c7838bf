import type { Decider, DomainEvent } from '#domain';
import type { Position, Recorded } from './port.ts';

/** A stream folded so far, and which commands are in it. Only ever moves forward; safe to feed the same events twice. */
export class StreamFold<State, Event extends DomainEvent> {
  state: State;
  /** Of the last event that was folded in; null: none yet. */
  revision: bigint | null = null;
  position: Position | null = null;
  /** The highest revision that was heard of and couldn't be folded in, since events before it hadn't come; null: none. */
  missed: bigint | null = null;
  /** Command id → the revision of its first event. */
  private readonly commands = new Map<string, bigint>();

  constructor(private readonly decider: Decider<State, never, Event>) {
    this.state = decider.initial;
  }

  /** The revision to read on from. */
  get next(): bigint {
    return this.revision === null ? 0n : this.revision + 1n;
  }

  /** Folds in the next event; one that is in already is passed over. @throws Error when events between are missing. */
  take(event: Recorded): void {
    if (event.revision < this.next) return;
    if (event.revision > this.next) throw new Error(`${event.stream}: expected revision ${this.next}, read ${event.revision}`);
    this.state = this.decider.evolve(this.state, event as unknown as Event);
    this.pass(event);
  }

  /** Folds in several events, of which it is known already what they lead to from the first one's revision on. */
  takeAll(events: readonly Recorded[], state: State): void {
    if (events[0]?.revision !== this.next) return events.forEach((event) => this.take(event));
    this.state = state;
    events.forEach((event) => this.pass(event));
  }

  private pass({ revision, position, metadata: { commandId } }: Recorded): void {
    this.revision = revision;
    this.position = position;
    if (!this.commands.has(commandId)) this.commands.set(commandId, revision);
  }

  /** Nothing that was heard of is lacking. */
  get isWhole(): boolean {
    return this.missed === null || this.missed < this.next;
  }

  /** The revision of the command's first event; null when it isn't in the stream. */
  firstRevisionOf(commandId: string): bigint | null {
    return this.commands.get(commandId) ?? null;
  }
}

/** More than this since the last look, and the streams are read by themselves again. */
const LOOK = 500;

/** The most recently used folds of one decider, whose streams are of one category. */
export class FoldCache<State, Event extends DomainEvent> {
  private readonly folds = new Map<string, StreamFold<State, Event>>();
  /** Streams whose folds hold all that is in the log up to `seen`. */
  private readonly current = new Set<string>();
  private seen: Position | null = null;
  private newest: Position | null = null;
  private looks = 0;
  /** `replica-`; null before the first use. */
  private category: string | null = null;

  constructor(
    private readonly decider: Decider<State, never, Event>,
    private readonly size: number,
  ) {}

  /** The stream's fold, empty at its first use. */
  of(stream: string): StreamFold<State, Event> {
    this.category ??= stream.slice(0, stream.indexOf('-') + 1);
    const fold = this.folds.get(stream) ?? new StreamFold(this.decider);
    // A Map keeps the order of insertion: the first is the one not used for longest.
    this.folds.delete(stream);
    this.folds.set(stream, fold);
    if (this.folds.size > this.size) this.forget(this.folds.keys().next().value!);
    return fold;
  }

  /** Whether the stream was folded before, and was there. */
  holds(stream: string): boolean {
    const fold = this.folds.get(stream);
    return fold !== undefined && fold.revision !== null;
  }

  /** Starts the stream anew at its next use. */
  forget(stream: string): void {
    this.folds.delete(stream);
    this.current.delete(stream);
  }

  /** Folds in what `read` gives of the stream from the fold's next revision on, to its end. @param upcast brings each to the present
   *  schema @returns what was read */
  async refresh(stream: string, read: (from: bigint) => AsyncIterable<Recorded>, upcast: (event: Recorded) => Recorded): Promise<{ fold: StreamFold<State, Event>; news: Recorded[] }> {
    const fold = this.of(stream);
    const mark = this.mark();
    const news: Recorded[] = [];
    try {
      for await (const event of read(fold.next)) news.push(upcast(event));
      for (const event of news) fold.take(event);
    } catch (error) {
      this.forget(stream);
      throw error;
    }
    this.isCurrent(stream, fold, mark);
    return { fold, news };
  }

  /** Taken before a stream is read or written. */
  mark(): number {
    return this.looks;
  }

  /** The events were appended to the stream at the fold's revision, and lead to this state. @param mark from before the append */
  wrote(stream: string, fold: StreamFold<State, Event>, { events, state }: { events: readonly Recorded[]; state: State }, mark: number): void {
    fold.takeAll(events, state);
    this.isCurrent(stream, fold, mark);
  }

  /** Whoever follows the whole category gives its events here, in order and without gaps: the folds move on with them, and the next
   *  look begins after them. */
  hear(event: Recorded): void {
    if (this.category === null || !event.stream.startsWith(this.category)) return;
    this.move(event);
    if (this.seen !== null && event.position > this.seen) this.seen = event.position;
    this.noteNewest(event.position);
  }

  private move(event: Recorded): void {
    const fold = this.folds.get(event.stream);
    if (fold && event.revision > fold.next) {
      fold.missed = event.revision;
      this.current.delete(event.stream);
      return;
    }
    try {
      fold?.take(event);
    } catch {
      // Whoever reads the stream is told why.
      this.forget(event.stream);
    }
  }

  /** The fold holds all that was in the log at some moment since the mark. */
  private isCurrent(stream: string, fold: StreamFold<State, Event>, mark: number): void {
    this.noteNewest(fold.position);
    // A look at the log meanwhile may have passed over what it lacks, and so may what was heard.
    if (mark === this.looks && fold.isWhole && this.folds.get(stream) === fold) this.current.add(stream);
  }

  private noteNewest(position: Position | null): void {
    if (position !== null && position > (this.newest ?? '')) this.newest = position;
  }

  /** Brings the folds of all current streams up to now by one look at what is new in their category. */
  async look(read: (after: Position, limit: number) => Promise<{ events: Recorded[]; next: Position | null }>): Promise<void> {
    const page = this.seen === null ? null : await read(this.seen, LOOK);
    this.looks += 1;
    if (page === null || page.events.length >= LOOK) {
      this.current.clear();
      this.seen = this.newest;
      return;
    }
    for (const event of page.events) if (this.current.has(event.stream)) this.folds.get(event.stream)!.take(event);
    // What was heard meanwhile may be newer.
    if (page.next !== null && page.next > (this.seen ?? '')) this.seen = page.next;
  }

  /** The stream's fold, where the last look has brought it up to date; else null. */
  currentOf(stream: string): StreamFold<State, Event> | null {
    return this.current.has(stream) ? this.of(stream) : null;
  }
}
