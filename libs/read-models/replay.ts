import type { EventStore, Position, Recorded } from '#event-store';
import { differencesBetween, type Difference } from './document-differences.ts';
import type { Document, ReadModelStore } from './port.ts';
import { ReplayFold } from './replay-fold.ts';
import { Scope, type ReplayRange } from './replay-range.ts';
import { compareShape } from './versions.ts';
import type { View } from './view.ts';

export interface Replay {
  readonly store: EventStore;
  /** What clients are answered from. Only read. */
  readonly live: ReadModelStore;
  /** Empty; what is folded stays in it. */
  readonly fresh: ReadModelStore;
  readonly views: readonly View[];
  readonly upcast: (event: Recorded) => Recorded;
  /** Which documents are compared: those that an event of this part of the log belongs to. Default: all. */
  readonly range?: ReplayRange;
  readonly signal?: AbortSignal;
  readonly onDifference: (difference: DocumentDifference) => void;
  readonly onView?: (replayed: ReplayedView) => void;
}

export interface DocumentDifference extends Difference {
  readonly view: string;
  readonly id: string;
}

export interface ReplayedView {
  readonly view: string;
  /** Folded from the log's first event on, whatever the range: a document is made of all its events. */
  readonly events: number;
  /** Compared, on either side. */
  readonly documents: number;
  readonly differences: number;
  /** Up to where both sides were folded when they were compared; a document that moved meanwhile was, at its own position. */
  readonly position: Position | null;
  /** Documents that never stood still long enough to be compared. */
  readonly unsettled: readonly string[];
}

/** Folds the log into a fresh read model and compares it with the live one, document by document, each pair at the same position:
 *  the live one may move all the time. @throws Error where a live view can't be compared: it was never built, or has another shape. */
export async function replay(parts: Replay): Promise<ReplayedView[]> {
  const replayed: ReplayedView[] = [];
  for (const view of parts.views) {
    const outcome = await new ViewReplay(parts, view).run();
    parts.onView?.(outcome);
    replayed.push(outcome);
  }
  return replayed;
}

/** Documents read at once. */
const PAGE = 500;
/** How often a document that moves while it is looked at is looked at again. */
const LOOKS = 5;

class ViewReplay {
  #events = 0;
  #documents = 0;
  #differences = 0;
  readonly #scope: Scope;
  /** Live documents that had moved on when they were read. */
  readonly #moved: Document[] = [];
  /** Documents that the live view lacked when it was looked at, and may have removed just before. */
  #absent: string[] = [];

  constructor(
    private readonly parts: Replay,
    private readonly view: View,
  ) {
    this.#scope = new Scope(parts.range, view);
  }

  async run(): Promise<ReplayedView> {
    const { store, fresh, upcast, signal } = this.parts;
    const onEvent = (event: Recorded): void => {
      this.#events += 1;
      this.#scope.see(event);
    };
    const fold = await ReplayFold.begin({ store, fresh, view: this.view, upcast, onEvent, signal });
    const common = await this.#catchUp(fold);
    await this.#compareEach(fold, common);
    await this.#compareMoved(fold);
    await this.#settleAbsent(fold, common);
    return { view: this.name, events: this.#events, documents: this.#documents, differences: this.#differences, position: common, unsettled: this.#absent };
  }

  get name(): string {
    return this.view.schema.view;
  }

  /** Folds up to where the live view is, never further: what it lacks then, it has lost. */
  async #catchUp(fold: ReplayFold): Promise<Position | null> {
    const first = await this.#checkpoint();
    if (first !== null) await fold.to(first);
    // It moved on while all that was folded: there is little left now.
    const common = await this.#checkpoint();
    if (common !== null) await fold.to(common);
    return common;
  }

  /** Both sides in the order of their ids. */
  async #compareEach(fold: ReplayFold, common: Position | null): Promise<void> {
    const live = new Walk((after) => this.parts.live.find<Document>(this.name, { after, limit: PAGE }));
    const replayed = new Walk((after) => fold.page<Document>(after, PAGE));
    let [here, there] = [await live.next(), await replayed.next()];
    while (here || there) {
      this.parts.signal?.throwIfAborted();
      const order = !there ? -1 : !here ? 1 : here.id < there.id ? -1 : here.id > there.id ? 1 : 0;
      this.#compare(order <= 0 ? here : null, order >= 0 ? there : null, common);
      if (order <= 0) here = await live.next();
      if (order >= 0) there = await replayed.next();
    }
  }

  #compare(live: Document | null, replayed: Document | null, common: Position | null): void {
    const { id } = (live ?? replayed)!;
    if (!this.#scope.holds(id, live?.position ?? null)) return;
    if (live && (common === null || live.position > common)) this.#moved.push(live);
    else if (!live) this.#absent.push(id);
    else this.#report(id, live, replayed);
  }

  /** Folds on to the very position that each document had when it was read. */
  async #compareMoved(fold: ReplayFold): Promise<void> {
    for (const live of this.#moved.sort((a, b) => (a.position < b.position ? -1 : 1))) {
      await fold.to(live.position);
      this.#report(live.id, live, await fold.get<Document>(live.id));
    }
  }

  /** A document that isn't there at a later look either, though nothing happened to it up to there, was lost; what was removed
   *  meanwhile the log removes too. */
  async #settleAbsent(fold: ReplayFold, common: Position | null): Promise<void> {
    for (let look = 0; look < LOOKS && this.#absent.length > 0; look += 1) {
      const absent = this.#absent.splice(0);
      const found = await this.parts.live.getMany<Document>(this.name, absent);
      const checkpoint = await this.#checkpoint();
      if (checkpoint !== null) await fold.to(checkpoint);
      for (const id of absent) {
        const live = found.get(id) ?? null;
        const replayed = await fold.get<Document>(id);
        const stoodStill = [live, replayed].every((doc) => doc === null || (common !== null && doc.position <= common));
        if (stoodStill || live?.position === replayed?.position) this.#report(id, live, replayed);
        else this.#absent.push(id);
      }
    }
  }

  #report(id: string, live: Document | null, replayed: Document | null): void {
    this.#documents += 1;
    for (const difference of differencesBetween(live ?? undefined, replayed ?? undefined)) {
      this.#differences += 1;
      this.parts.onDifference({ view: this.name, id, ...difference });
    }
  }

  /** Of the version that is live now: another one may be flipped to at any time, and is never behind the one before. */
  async #checkpoint(): Promise<Position | null> {
    const version = await this.parts.live.active(this.name);
    if (version === null) throw new Error(`the view ${this.name} was never built: start the gateway first`);
    if (compareShape(version, this.view.schema) !== 0) throw new Error(`the view ${this.name} has documents of another shape than this software folds`);
    return this.parts.live.checkpoint({ view: this.name, version });
  }
}

/** The documents of a list, one by one. */
class Walk {
  #page: Document[] = [];
  #after: string | null = null;
  #ended = false;

  constructor(private readonly turn: (after: string | null) => Promise<{ readonly items: readonly Document[]; readonly next: string | null }>) {}

  async next(): Promise<Document | null> {
    if (this.#page.length === 0 && !this.#ended) {
      const { items, next } = await this.turn(this.#after);
      this.#page = [...items];
      this.#after = next;
      this.#ended = next === null;
    }
    return this.#page.shift() ?? null;
  }
}
