import type { Command, CommandMetadata, Decider, DomainEvent } from '#domain';
import type { Handled, HandleOptions } from './handled.ts';
import type { Position, Recorded } from './port.ts';
import { FoldCache, type StreamFold } from './stream-fold.ts';
import { StreamTurns, upToNow, WaitingCommand, type TurnParts } from './stream-turns.ts';

export interface AggregateStoreParts extends TurnParts {
  /** How many folded streams are kept for each decider; 5000. */
  readonly cached?: number;
}

/** A stream's state, as of `revision`; null where the stream doesn't exist. */
export interface Loaded<State> {
  readonly state: State;
  readonly revision: bigint | null;
  readonly position: Position | null;
}

/** The one way from a command to events: fold what is new, decide, append. */
export class AggregateStore {
  private readonly caches = new Map<unknown, FoldCache<never, never>>();
  /** Of each stream that is being written to. */
  private readonly turns = new Map<string, StreamTurns>();

  constructor(private readonly parts: AggregateStoreParts) {}

  /** The stream folded up to now. @throws Unavailable */
  async load<S, C, E extends DomainEvent>(decider: Decider<S, C, E>, stream: string): Promise<Loaded<S>> {
    return standing((await upToNow(this.parts, this.cacheOf(decider), stream)).fold);
  }

  /** Many streams of one category, folded up to now, by their names: what is new in those that were folded before is found by one
   *  look at the log, instead of one for each. @throws Unavailable */
  async loadAll<S, C, E extends DomainEvent>(decider: Decider<S, C, E>, streams: readonly string[]): Promise<ReadonlyMap<string, Loaded<S>>> {
    const { store, upcast } = this.parts;
    const cache = this.cacheOf(decider);
    if (streams.length >= WORTH_A_LOOK) {
      const prefixes = [streams[0]!.slice(0, streams[0]!.indexOf('-') + 1)];
      await cache.look(async (after, limit) => {
        const { events, next } = await store.readAll(after, { prefixes, limit });
        return { events: events.map(upcast), next };
      });
    }
    const loaded = new Map<string, Loaded<S>>();
    for (const stream of streams) loaded.set(stream, standing((streams.length >= WORTH_A_LOOK && cache.currentOf(stream)) || (await upToNow(this.parts, cache, stream)).fold));
    return loaded;
  }

  /** Whether the command has been carried out on the stream. @throws Unavailable */
  async stands<S, C, E extends DomainEvent>(decider: Decider<S, C, E>, stream: string, commandId: string): Promise<boolean> {
    return (await upToNow(this.parts, this.cacheOf(decider), stream)).fold.firstRevisionOf(commandId) !== null;
  }

  /** The stream as it was last folded here, perhaps of long ago: for what stays true once it is, and for a decision whose write is
   *  fenced by `expected`. Null where it wasn't folded lately. */
  known<S, C, E extends DomainEvent>(decider: Decider<S, C, E>, stream: string): Loaded<S> | null {
    const folds = this.cacheOf(decider);
    return folds.holds(stream) ? standing(folds.of(stream)) : null;
  }

  /** Takes in what a follower of the log is given: each event of a category, in order and without gaps, brought to the present
   *  schema. What was folded moves on with it, and needs not be read again. */
  hear(event: Recorded): void {
    for (const folds of this.caches.values()) folds.hear(event);
  }

  /** Carries the command out once, however often it is called with the same `commandId`: one that stands in the stream is
   *  answered from there, before `ifMatch` and the rules are looked at. Commands that wait for one stream at the same time are decided
   *  one after the other and share an append.
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
    return this.turnsOf(stream).add(new WaitingCommand(decider, this.cacheOf(decider), command, metadata, options, deadline));
  }

  private turnsOf(stream: string): StreamTurns {
    const known = this.turns.get(stream);
    if (known) return known;
    const made = new StreamTurns(this.parts, stream, () => this.turns.delete(stream));
    this.turns.set(stream, made);
    return made;
  }

  private cacheOf<S, C, E extends DomainEvent>(decider: Decider<S, C, E>): FoldCache<S, E> {
    const known = this.caches.get(decider) as FoldCache<S, E> | undefined;
    if (known) return known;
    const made = new FoldCache<S, E>(decider, this.parts.cached ?? 5_000);
    this.caches.set(decider, made as unknown as FoldCache<never, never>);
    return made;
  }
}

/** From so many streams on a look at the log costs less than one at each. */
const WORTH_A_LOOK = 4;

const standing = <S, E extends DomainEvent>({ state, revision, position }: StreamFold<S, E>): Loaded<S> => ({ state, revision, position });
