import { Transient, type Clock, type Random } from '#contracts';
import type { Command, CommandMetadata, Decider, DomainEvent } from '#domain';
import { eventIdOf } from './event-id.ts';
import { Conflict, OutcomeUnknown, Unavailable, type EventStore, type NewEvent, type Position, type Recorded } from './port.ts';
import { FoldCache, type StreamFold } from './stream-fold.ts';

export interface AggregateStoreParts {
  readonly store: EventStore;
  readonly clock: Clock;
  readonly random: Random;
  /** Brings an event of an older schema to the present one. */
  readonly upcast: (event: Recorded) => Recorded;
  /** The present schema version of an event type, written beside each new event. */
  readonly schemaOf: (type: string) => number;
  /** Called after each append that this process made: the place to send a hint from. */
  readonly onAppended?: (tenantId: string, position: Position) => void;
  /** How many folded streams are kept for each decider; 1000. */
  readonly cached?: number;
}

/** A stream's state, as of `revision`; null where the stream doesn't exist. */
export interface Loaded<State> {
  readonly state: State;
  readonly revision: bigint | null;
  readonly position: Position | null;
}

/** What stands after a command. `state`, `revision` and `position` are the stream's at the time of the answer;
 *  `events` are the command's own, empty where there was nothing to do. */
export interface Handled<State> {
  readonly state: State;
  readonly revision: bigint;
  readonly position: Position;
  readonly events: Recorded[];
  /** The command stood in the stream before this call. Two processes that carry out the same command at the same instant
   *  may both say false: it was written once all the same. */
  readonly repeated: boolean;
}

export interface HandleOptions {
  /** The client's `If-Match`: the command is taken at this revision only. */
  readonly ifMatch?: bigint;
  /** The plan that leads to the command was made at this revision (null: no stream): it isn't decided again at another. */
  readonly expected?: bigint | null;
  /** How long to go on trying; 10 s. */
  readonly deadlineMs?: number;
}

/** The stream isn't at the client's `If-Match`; `actual` is null where it doesn't exist. HTTP 412. */
export class PreconditionFailed extends Error {
  constructor(
    readonly stream: string,
    readonly expected: bigint,
    readonly actual: bigint | null,
  ) {
    super(`${stream} is at ${actual ?? 'no-stream'}, If-Match says ${expected}`);
  }
}

/** The one way from a command to events: read, fold, decide, append. */
export class AggregateStore {
  private readonly caches = new Map<unknown, FoldCache<never, never>>();
  /** The last command of each stream that is being handled: those of one stream in this process wait for each other. */
  private readonly queues = new Map<string, Promise<unknown>>();

  constructor(private readonly parts: AggregateStoreParts) {}

  /** The stream folded up to now. @throws Unavailable */
  async load<S, C, E extends DomainEvent>(decider: Decider<S, C, E>, stream: string): Promise<Loaded<S>> {
    const { state, revision, position } = await this.refreshed(decider, stream);
    return { state, revision, position };
  }

  /** Whether the command has been carried out on the stream. @throws Unavailable */
  async stands<S, C, E extends DomainEvent>(decider: Decider<S, C, E>, stream: string, commandId: string): Promise<boolean> {
    return (await this.refreshed(decider, stream)).firstRevisionOf(commandId) !== null;
  }

  /** Carries the command out once, however often it is called with the same `commandId`: one that stands in the stream is
   *  answered from there, before `ifMatch` and the rules are looked at.
   *  @throws Rejection when the rules forbid it; PreconditionFailed; Conflict when the stream left `expected`;
   *  Transient `event_store.busy` at the deadline: whether it was carried out is unknown, a retry finds out. */
  handle<S, C extends Command, E extends DomainEvent>(
    decider: Decider<S, C, E>,
    stream: string,
    command: C,
    metadata: CommandMetadata,
    options: HandleOptions = {},
  ): Promise<Handled<S>> {
    const deadline = this.parts.clock.monotonic() + (options.deadlineMs ?? 10_000);
    const read = (): Promise<StreamFold<S, E>> => this.refreshed(decider, stream);
    const handling = new Handling(this.parts, read, decider, stream, command, metadata, options);
    return this.inTurn(stream, () => handling.run(deadline));
  }

  private async inTurn<T>(stream: string, work: () => Promise<T>): Promise<T> {
    const before = this.queues.get(stream);
    const mine = before ? before.then(work, work) : work();
    this.queues.set(stream, mine);
    try {
      return await mine;
    } finally {
      if (this.queues.get(stream) === mine) this.queues.delete(stream);
    }
  }

  /** The cached fold, with all that came since. Two at once may read the same events; the fold takes each once. */
  private async refreshed<S, C, E extends DomainEvent>(decider: Decider<S, C, E>, stream: string): Promise<StreamFold<S, E>> {
    const cache = this.cacheOf(decider);
    const fold = cache.of(stream);
    try {
      for await (const event of this.parts.store.readStream(stream, { from: fold.next })) fold.take(this.parts.upcast(event));
    } catch (error) {
      cache.forget(stream);
      throw error;
    }
    return fold;
  }

  private cacheOf<S, C, E extends DomainEvent>(decider: Decider<S, C, E>): FoldCache<S, E> {
    const known = this.caches.get(decider) as FoldCache<S, E> | undefined;
    if (known) return known;
    const made = new FoldCache<S, E>(decider, this.parts.cached ?? 1_000);
    this.caches.set(decider, made as unknown as FoldCache<never, never>);
    return made;
  }
}

const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 250;

/** One command on its way. Every turn begins with what stands: so a lost answer, a conflict and a repeat are one case. */
class Handling<S, C extends Command, E extends DomainEvent> {
  /** An append of ours went through, or may have. */
  private written = false;
  private pause = FIRST_PAUSE_MS;

  constructor(
    private readonly parts: AggregateStoreParts,
    private readonly read: () => Promise<StreamFold<S, E>>,
    private readonly decider: Decider<S, C, E>,
    private readonly stream: string,
    private readonly command: C,
    private readonly metadata: CommandMetadata,
    private readonly options: HandleOptions,
  ) {}

  async run(deadline: number): Promise<Handled<S>> {
    const { clock, random } = this.parts;
    let trouble: unknown = null;
    while (clock.monotonic() < deadline) {
      try {
        return await this.turn();
      } catch (error) {
        if (!(error instanceof Overtaken || error instanceof Unavailable || error instanceof OutcomeUnknown)) throw error;
        trouble = error;
      }
      await clock.sleep(this.pause * (0.5 + random() / 2));
      this.pause = Math.min(this.pause * 2, LONGEST_PAUSE_MS);
    }
    throw new Transient('event_store.busy', `${this.stream} couldn't be changed in time; try again`, { cause: trouble });
  }

  private async turn(): Promise<Handled<S>> {
    const fold = await this.read();
    const first = fold.firstRevisionOf(this.metadata.commandId);
    if (first !== null) return this.answer(fold, first);

    this.checkRevision(fold.revision);
    const events = this.decider.decide(fold.state, this.command);
    if (events.length === 0) return this.nothingToDo(fold);

    await this.append(fold.revision, events);
    // The answer is what stands: the next turn finds it.
    return this.turn();
  }

  private checkRevision(actual: bigint | null): void {
    const { ifMatch, expected } = this.options;
    if (ifMatch !== undefined && ifMatch !== actual) throw new PreconditionFailed(this.stream, ifMatch, actual);
    if (expected !== undefined && expected !== actual) throw new Conflict(this.stream, expected ?? 'no-stream', actual);
  }

  private async append(revision: bigint | null, events: readonly E[]): Promise<void> {
    try {
      await this.parts.store.append(this.stream, revision ?? 'no-stream', events.map(this.recordable));
      this.written = true;
    } catch (error) {
      if (error instanceof Conflict) throw new Overtaken(error.message, { cause: error });
      if (error instanceof OutcomeUnknown) this.written = true;
      throw error;
    }
  }

  private readonly recordable = ({ type, data }: E, index: number): NewEvent => {
    const { now, ...inherited } = this.metadata;
    return {
      id: eventIdOf(this.metadata.commandId, this.stream, index),
      type,
      data,
      metadata: { ...inherited, at: new Date(now).toISOString(), schema: this.parts.schemaOf(type) },
    };
  };

  private async answer({ state, revision, position }: StreamFold<S, E>, first: bigint): Promise<Handled<S>> {
    const events: Recorded[] = [];
    // One command is one append, so its events stand together.
    for await (const event of this.parts.store.readStream(this.stream, { from: first })) {
      if (event.metadata.commandId !== this.metadata.commandId) break;
      events.push(this.parts.upcast(event));
    }
    if (this.written) this.parts.onAppended?.(this.metadata.tenantId, position!);
    return { state, revision: revision!, position: position!, events, repeated: !this.written };
  }

  private nothingToDo({ state, revision, position }: StreamFold<S, E>): Handled<S> {
    if (revision === null || position === null) throw new Error(`${this.command.type} caused nothing on ${this.stream}, which doesn't exist`);
    return { state, revision, position, events: [], repeated: false };
  }
}

/** Another append came first: what stands now has to be read before anything is said. */
class Overtaken extends Error {}
