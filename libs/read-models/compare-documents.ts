import type { Position } from '#event-store';
import { differencesBetween, type Difference } from './document-differences.ts';
import type { Document, Page, ReadModelStore } from './port.ts';
import { compareShape } from './versions.ts';
import type { View } from './view.ts';
import type { ViewFold } from './view-fold.ts';

export interface DocumentDifference extends Difference {
  readonly view: string;
  readonly id: string;
}

export interface Comparison {
  readonly view: View;
  /** What clients are answered from. Only read. */
  readonly live: ReadModelStore;
  /** The same view folded from the log, no further than the live one is. */
  readonly fold: ViewFold;
  /** Which documents are compared. Default: all. `position` is the live one's. */
  readonly holds?: (id: string, position: Position | null) => boolean;
  readonly onDifference: (difference: DocumentDifference) => void;
  readonly signal?: AbortSignal;
}

export interface Compared {
  /** Compared, on either side. */
  readonly documents: number;
  readonly differences: number;
  /** Up to where both sides were folded when they were compared; a document that moved meanwhile was, at its own position. */
  readonly position: Position | null;
  /** Documents that never stood still long enough to be compared. */
  readonly unsettled: readonly string[];
}

/** Compares a live view with what the log makes of it, each pair of documents at the same position: the live view may move all
 *  the time, and so may the fold, by another process. @throws Error where it was never built, or has another shape. */
export async function compareDocuments(comparison: Comparison): Promise<Compared> {
  return new ViewComparison(comparison).run();
}

/** Documents read at once. */
const PAGE = 500;
/** How often a document that moves while it is looked at is looked at again. */
const LOOKS = 5;

class ViewComparison {
  #documents = 0;
  #differences = 0;
  /** Up to where both sides were folded at first. */
  #common: Position | null = null;
  /** Live documents that had moved on when they were read. */
  readonly #moved: Document[] = [];
  /** Documents that one side lacked, or had further on, when it was looked at. */
  #again: string[] = [];

  constructor(private readonly parts: Comparison) {}

  async run(): Promise<Compared> {
    await this.#catchUp();
    await this.#compareEach();
    for (const live of this.#moved.sort((a, b) => (a.position < b.position ? -1 : 1))) {
      // On to the very position that it had when it was read.
      await this.parts.fold.to(live.position);
      this.#settle(live.id, live, await this.parts.fold.get<Document>(live.id));
    }
    for (let look = 0; look < LOOKS && this.#again.length > 0; look += 1) await this.#lookAgain();
    return { documents: this.#documents, differences: this.#differences, position: this.#common, unsettled: this.#again };
  }

  get #name(): string {
    return this.parts.view.schema.view;
  }

  /** Folds up to where the live view is, never further: what it lacks then, it has lost. */
  async #catchUp(): Promise<void> {
    const first = await this.#checkpoint();
    if (first !== null) await this.parts.fold.to(first);
    // It moved on while all that was folded: there is little left now.
    this.#common = await this.#checkpoint();
    if (this.#common !== null) await this.parts.fold.to(this.#common);
  }

  /** Both sides in the order of their ids. */
  async #compareEach(): Promise<void> {
    const live = new Walk((after) => this.parts.live.find<Document>(this.#name, { after, limit: PAGE }));
    const folded = new Walk((after) => this.parts.fold.page<Document>(after, PAGE));
    let [here, there] = [await live.next(), await folded.next()];
    while (here || there) {
      this.parts.signal?.throwIfAborted();
      const order = !there ? -1 : !here ? 1 : here.id < there.id ? -1 : here.id > there.id ? 1 : 0;
      this.#compare(order <= 0 ? here : null, order >= 0 ? there : null);
      if (order <= 0) here = await live.next();
      if (order >= 0) there = await folded.next();
    }
  }

  #compare(live: Document | null, folded: Document | null): void {
    const { id } = (live ?? folded)!;
    if (this.parts.holds && !this.parts.holds(id, live?.position ?? null)) return;
    if (live && this.#isAfterCommon(live)) this.#moved.push(live);
    else if (!live) this.#again.push(id);
    else this.#settle(id, live, folded);
  }

  /** What isn't there at a later look either, though nothing happened to it up to there, was lost; what was removed meanwhile the log removes too. */
  async #lookAgain(): Promise<void> {
    const ids = this.#again.splice(0);
    const found = await this.parts.live.getMany<Document>(this.#name, ids);
    // A store may show documents before the checkpoint says so.
    const seen = [await this.#checkpoint(), ...[...found.values()].map(({ position }) => position)].flatMap((position) => position ?? []);
    if (seen.length > 0) await this.parts.fold.to(seen.sort().at(-1)!);
    for (const id of ids) this.#settle(id, found.get(id) ?? null, await this.parts.fold.get<Document>(id));
  }

  /** Two that are at the same position can be compared, and so can two to which nothing happened since both sides were at one. */
  #settle(id: string, live: Document | null, folded: Document | null): void {
    const foldedFurther = folded !== null && this.#isAfterCommon(folded) && folded.position !== live?.position;
    const removedSince = folded === null && live !== null && this.#isAfterCommon(live) && (this.parts.fold.position ?? '') > live.position;
    if (foldedFurther || removedSince) {
      this.#again.push(id);
      return;
    }
    this.#documents += 1;
    for (const difference of differencesBetween(live ?? undefined, folded ?? undefined)) {
      this.#differences += 1;
      this.parts.onDifference({ view: this.#name, id, ...difference });
    }
  }

  #isAfterCommon({ position }: Document): boolean {
    return this.#common === null || position > this.#common;
  }

  /** Of the version that is live now: another one may be flipped to at any time, and is never behind the one before. */
  async #checkpoint(): Promise<Position | null> {
    const version = await this.parts.live.active(this.#name);
    if (version === null) throw new Error(`the view ${this.#name} was never built: start the gateway first`);
    if (compareShape(version, this.parts.view.schema) !== 0) throw new Error(`the view ${this.#name} has documents of another shape than this software folds`);
    return this.parts.live.checkpoint({ view: this.#name, version });
  }
}

/** The documents of a list, one by one. */
class Walk {
  #page: Document[] = [];
  #after: string | null = null;
  #ended = false;

  constructor(private readonly turn: (after: string | null) => Promise<Page<Document>>) {}

  async next(): Promise<Document | null> {
    if (this.#page.length === 0 && !this.#ended) {
      const { items, next } = await this.turn(this.#after);
      this.#page = [...items].reverse();
      this.#after = next;
      this.#ended = next === null;
    }
    return this.#page.pop() ?? null;
  }
}
