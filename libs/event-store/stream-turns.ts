import { Transient, type Clock, type Random } from '#contracts';
import type { Command, CommandMetadata, Decider, DomainEvent } from '#domain';
import { decideInARow, type Verdict } from './decide-in-a-row.ts';
import { eventIdOf } from './event-id.ts';
import type { Given, Handled, HandleOptions } from './handled.ts';
import { Conflict, OutcomeUnknown, Unavailable, type EventStore, type NewEvent, type Position, type Recorded } from './port.ts';
import type { FoldCache, StreamFold } from './stream-fold.ts';

export interface TurnParts {
  readonly store: EventStore;
  readonly clock: Clock;
  readonly random: Random;
  /** Brings an event of an older schema to the present one. */
  readonly upcast: (event: Recorded) => Recorded;
  /** The present schema version of an event type, written beside each new event. */
  readonly schemaOf: (type: string) => number;
  /** Called after each append that this process made: the place to send a hint from. */
  readonly onAppended?: (tenantId: string, position: Position) => void;
}

/** A command that waits for its stream. */
export class WaitingCommand<S, C extends Command, E extends DomainEvent> implements Given<C> {
  /** An append of its events went through, or may have. */
  written = false;
  private readonly answering = Promise.withResolvers<Handled<S>>();

  constructor(
    readonly decider: Decider<S, C, E>,
    readonly folds: FoldCache<S, E>,
    readonly command: C,
    readonly metadata: CommandMetadata,
    readonly options: HandleOptions,
    /** On the clock's monotonic time. */
    readonly deadline: number,
  ) {}

  get answer(): Promise<Handled<S>> {
    return this.answering.promise;
  }

  resolve(handled: Omit<Handled<S>, 'repeated'>): void {
    this.answering.resolve({ ...handled, repeated: handled.events.length > 0 && !this.written });
  }

  reject(error: unknown): void {
    this.answering.reject(error);
  }
}

/** The stream's fold, with all that came since. Two at once may read the same events; the fold takes each once. */
export function upToNow<S, E extends DomainEvent>({ store, upcast }: Pick<TurnParts, 'store' | 'upcast'>, folds: FoldCache<S, E>, stream: string): Promise<{ fold: StreamFold<S, E>; news: Recorded[] }> {
  return folds.refresh(stream, (from) => store.readStream(stream, { from }), upcast);
}

/** Of one stream, by one decider. */
type Row<S, C extends Command, E extends DomainEvent> = readonly WaitingCommand<S, C, E>[];
// What commands wait for differs in type; a row is of one decider, and so of one type.
type AnyCommand = WaitingCommand<never, never, never>;

const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 250;
/** Commands in one append: it has to stay below what a store takes at once. */
const LONGEST_ROW = 50;

/** The commands of one stream in this process, one after the other. Those that wait at the same time are decided in a row and
 *  written in one append; what came of each is said when that stands. */
export class StreamTurns {
  private readonly waiting: AnyCommand[] = [];
  private working = false;

  constructor(
    private readonly parts: TurnParts,
    private readonly stream: string,
    /** Nothing waits any more. */
    private readonly onIdle: () => void,
  ) {}

  /** Answered when its turn has come. */
  add<S, C extends Command, E extends DomainEvent>(command: WaitingCommand<S, C, E>): Promise<Handled<S>> {
    this.waiting.push(command as unknown as AnyCommand);
    if (!this.working) void this.work();
    return command.answer;
  }

  private async work(): Promise<void> {
    this.working = true;
    // What is given in the same breath goes together.
    await null;
    while (this.waiting.length > 0) await this.carryOut(this.nextRow([]), true);
    this.onIdle();
  }

  /** The row, with those that may join it. */
  private nextRow(row: readonly AnyCommand[]): AnyCommand[] {
    const folds = (row[0] ?? this.waiting[0])?.folds;
    const others = this.waiting.findIndex((one) => one.folds !== folds);
    const alike = others < 0 ? this.waiting.length : others;
    return [...row, ...this.waiting.splice(0, Math.min(alike, Math.max(0, LONGEST_ROW - row.length)))];
  }

  /** Until each has its answer. Every turn begins with what stands: so a lost answer, a conflict and a repeat are one case.
   *  @param open whether others may join while it is tried again */
  private async carryOut(first: readonly AnyCommand[], open: boolean): Promise<void> {
    const { clock, random } = this.parts;
    let row = this.inTime(first, null);
    for (let [surely, pause] = [false, FIRST_PAUSE_MS]; row.length > 0; surely = true) {
      try {
        row = [...(await this.turn(row, surely))];
      } catch (error) {
        if (!(error instanceof Overtaken || error instanceof Unavailable || error instanceof OutcomeUnknown)) return this.eachAlone(row, error);
        await clock.sleep(pause * (0.5 + random() / 2));
        pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
        row = this.inTime(open ? this.nextRow(row) : row, error);
      }
    }
  }

  /** One that can't be written must not keep the others from it. */
  private async eachAlone(row: readonly AnyCommand[], error: unknown): Promise<void> {
    if (row.length === 1) return row[0]!.reject(error);
    for (const one of row) await this.carryOut([one], false);
  }

  /** Those that go on. One whose time is over is told so; but where it may be on its way to the disk together with others, what they
   *  are told rests on it: it stays among them. */
  private inTime(row: readonly AnyCommand[], trouble: unknown): AnyCommand[] {
    const now = this.parts.clock.monotonic();
    const late = row.filter(({ deadline }) => now >= deadline);
    for (const one of late) one.reject(new Transient('event_store.busy', `${this.stream} couldn't be changed in time; try again`, { cause: trouble }));
    if (late.length === row.length) return [];
    return row.filter((one) => one.written || !late.includes(one));
  }

  /** @param surely read what stands first, instead of trusting in what was folded before: an append at its revision proves that it was
   *  right, and nothing else does
   *  @returns those that need another turn, after which they are to be read for surely */
  private async turn<S, C extends Command, E extends DomainEvent>(row: Row<S, C, E>, surely: boolean): Promise<Row<S, C, E>> {
    const { decider, folds, options } = row[0]!;
    const trusted = !surely && (folds.holds(this.stream) || options.expected === null);
    const { fold, news } = trusted ? { fold: folds.of(this.stream), news: [] } : await upToNow(this.parts, folds, this.stream);
    const verdicts = decideInARow(decider, this.stream, fold, row);
    const events = this.eventsOf(row, verdicts);
    if (events.length === 0) return trusted ? row : this.answer(row, verdicts, fold, news);

    const own = await this.append(row, verdicts, fold, events).catch((error: unknown) => {
      if (trusted && error instanceof Overtaken) return null;
      throw error;
    });
    return own ? this.answer(row, verdicts, fold, [...news, ...own]) : row;
  }

  private eventsOf<S, C extends Command, E extends DomainEvent>(row: Row<S, C, E>, verdicts: readonly Verdict<S, E>[]): NewEvent[] {
    return row.flatMap(({ metadata }, index) => {
      const verdict = verdicts[index]!;
      return verdict.is === 'decided' ? verdict.events.map((event, at) => this.recordable(metadata, event, at)) : [];
    });
  }

  private recordable({ now, ...inherited }: CommandMetadata, { type, data }: DomainEvent, index: number): NewEvent {
    return {
      id: eventIdOf(inherited.commandId, this.stream, index),
      type,
      data,
      metadata: { ...inherited, at: new Date(now).toISOString(), schema: this.parts.schemaOf(type) },
    };
  }

  /** @returns the events as they stand now; null where they stand, but perhaps as another decided them: they have to be read */
  private async append<S, C extends Command, E extends DomainEvent>(row: Row<S, C, E>, verdicts: readonly Verdict<S, E>[], fold: StreamFold<S, E>, events: readonly NewEvent[]): Promise<Recorded[] | null> {
    const { stream } = this;
    const { folds } = row[0]!;
    const [first, mark] = [fold.next, folds.mark()];
    const decided = row.filter((_, index) => verdicts[index]!.is === 'decided');
    const before = decided.some((one) => one.written);
    const markWritten = (): void => decided.forEach((one) => (one.written = true));
    try {
      const { written } = await this.parts.store.append(stream, fold.revision ?? 'no-stream', events);
      markWritten();
      if (!written && before) throw new OutcomeUnknown(`append to ${stream}: it stands, and can't be read yet`);
      if (!written) return null;
      const own = events.map((event, index) => ({ ...event, stream, revision: first + BigInt(index), position: written[index]! }));
      folds.wrote(stream, fold, { events: own, state: verdicts.findLast((verdict) => verdict.is === 'decided')!.state }, mark);
      return own;
    } catch (error) {
      if (error instanceof Conflict) throw new Overtaken(error.message, { cause: error });
      if (error instanceof OutcomeUnknown) markWritten();
      throw error;
    }
  }

  /** @param known events that need not be read again @returns those whose twin was written just now */
  private async answer<S, C extends Command, E extends DomainEvent>(row: Row<S, C, E>, verdicts: readonly Verdict<S, E>[], fold: StreamFold<S, E>, known: readonly Recorded[]): Promise<Row<S, C, E>> {
    const found = new Map<WaitingCommand<S, C, E>, Recorded[]>();
    for (const [index, one] of row.entries()) {
      const verdict = verdicts[index]!;
      if (verdict.is === 'standing') found.set(one, await this.ownEvents(one.metadata.commandId, verdict.first, known));
    }
    for (const [index, one] of row.entries()) this.say(one, verdicts[index]!, fold, found.get(one) ?? known);
    this.tell(row.filter((one, index) => one.written && ['decided', 'standing'].includes(verdicts[index]!.is)), fold.position);
    return row.filter((_, index) => verdicts[index]!.is === 'twin');
  }

  private say<S, C extends Command, E extends DomainEvent>(one: WaitingCommand<S, C, E>, verdict: Verdict<S, E>, { state, revision, position }: StreamFold<S, E>, events: readonly Recorded[]): void {
    if (verdict.is === 'refused') return one.reject(verdict.error);
    if (verdict.is === 'standing') return one.resolve({ state, revision: revision!, position: position!, events: [...events] });
    if (verdict.is === 'decided') {
      const own = events.filter((event) => event.revision <= verdict.revision && event.revision > verdict.revision - BigInt(verdict.events.length));
      return one.resolve({ state: verdict.state, revision: verdict.revision, position: own.at(-1)!.position, events: own });
    }
    if (verdict.is === 'twin') return;
    if (revision === null || position === null) one.reject(new Error(`${one.command.type} caused nothing on ${this.stream}, which doesn't exist`));
    else one.resolve({ state, revision, position, events: [] });
  }

  /** One command is one append, so its events stand together. */
  private async ownEvents(commandId: string, first: bigint, known: readonly Recorded[]): Promise<Recorded[]> {
    const own = known.filter((event) => event.metadata.commandId === commandId);
    if (own[0]?.revision === first) return own;
    const found: Recorded[] = [];
    for await (const event of this.parts.store.readStream(this.stream, { from: first })) {
      if (event.metadata.commandId !== commandId) break;
      found.push(this.parts.upcast(event));
    }
    return found;
  }

  /** Once for each tenant, however many commands were written. */
  private tell<S, C extends Command, E extends DomainEvent>(written: Row<S, C, E>, position: Position | null): void {
    for (const tenantId of new Set(written.map(({ metadata }) => metadata.tenantId))) this.parts.onAppended?.(tenantId, position!);
  }
}

/** Another append came first: what stands now has to be read before anything is said. */
class Overtaken extends Error {}
