import type { Decider, DomainEvent } from '#domain';
import type { Position, Recorded } from './port.ts';

/** A stream folded so far, and which commands are in it. Only ever moves forward; safe to feed the same events twice. */
export class StreamFold<State, Event extends DomainEvent> {
  state: State;
  /** Of the last event that was folded in; null: none yet. */
  revision: bigint | null = null;
  position: Position | null = null;
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
    this.revision = event.revision;
    this.position = event.position;
    const { commandId } = event.metadata;
    if (!this.commands.has(commandId)) this.commands.set(commandId, event.revision);
  }

  /** The revision of the command's first event; null when it isn't in the stream. */
  firstRevisionOf(commandId: string): bigint | null {
    return this.commands.get(commandId) ?? null;
  }
}

/** The most recently used folds of one decider. */
export class FoldCache<State, Event extends DomainEvent> {
  private readonly folds = new Map<string, StreamFold<State, Event>>();

  constructor(
    private readonly decider: Decider<State, never, Event>,
    private readonly size: number,
  ) {}

  /** The stream's fold, empty at its first use. */
  of(stream: string): StreamFold<State, Event> {
    const fold = this.folds.get(stream) ?? new StreamFold(this.decider);
    // A Map keeps the order of insertion: the first is the one not used for longest.
    this.folds.delete(stream);
    this.folds.set(stream, fold);
    if (this.folds.size > this.size) this.folds.delete(this.folds.keys().next().value!);
    return fold;
  }

  /** Starts the stream anew at its next use. */
  forget(stream: string): void {
    this.folds.delete(stream);
  }
}
