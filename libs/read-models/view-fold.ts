import type { Position, Recorded } from '#event-store';
import { foldBatch, type Known } from './fold-batch.ts';
import type { LogPages } from './log-pages.ts';
import type { Document, Page, ReadModelStore, ViewRef } from './port.ts';
import type { View } from './view.ts';

export interface FoldParts<Doc extends Document> {
  /** What it reads. What a page has of the view is written at once. */
  readonly pages: LogPages;
  readonly models: ReadModelStore;
  readonly view: View<Doc>;
  /** Told of every event that is about to be folded. */
  readonly onEvent?: (event: Recorded) => void;
  /** Ends it between two batches. */
  readonly signal?: AbortSignal;
  /** Makes the version again where another process has dropped it meanwhile. */
  readonly prepare: () => Promise<unknown>;
}

/** One version of a view that isn't live, folded on from where it stands as far as it is asked for: documents as they were at a
 *  position. Another process may fold the same version on: then it goes on from there. */
export class ViewFold<Doc extends Document = Document> {
  #events = 0;
  /** Read, and beyond what was asked for. */
  #ahead: readonly Recorded[] = [];
  /** Written here last: most events are about what was written a little before. */
  #known: Known<Doc> = new Map();
  /** How far the log was read. */
  #read: Position | null;

  private constructor(
    private readonly parts: FoldParts<Doc>,
    private readonly ref: ViewRef,
    private checkpoint: Position | null,
  ) {
    this.#read = checkpoint;
  }

  static async begin<Doc extends Document>(parts: FoldParts<Doc>, ref: ViewRef): Promise<ViewFold<Doc>> {
    return new ViewFold(parts, ref, await parts.models.checkpoint(ref));
  }

  get position(): Position | null {
    return this.checkpoint;
  }

  /** How many were folded here, not by another process. */
  get events(): number {
    return this.#events;
  }

  /** Folds every event at or below `target`, and none above; fewer where the log ends before. Null: up to the log's end. Never goes back. */
  async to(target: Position | null): Promise<void> {
    for (;;) {
      this.parts.signal?.throwIfAborted();
      await this.#foldUpTo(target);
      const reached = target !== null && this.#read !== null && this.#read >= target;
      if (this.#ahead.length > 0 || reached || !(await this.#readOn())) return;
    }
  }

  get<T>(id: string): Promise<T | null> {
    return this.parts.models.get<T>(this.ref.view, id, this.ref.version);
  }

  /** By id. */
  page<T>(after: string | null, limit: number): Promise<Page<T>> {
    return this.parts.models.find<T>(this.ref.view, { after, limit }, this.ref.version);
  }

  /** Of what was read; the checkpoint passes over events of other streams too. */
  async #foldUpTo(target: Position | null): Promise<void> {
    const isDue = (position: Position): boolean => target === null || position <= target;
    const due = this.#ahead.filter(({ position }) => isDue(position));
    const all = due.length === this.#ahead.length && this.#read !== null && isDue(this.#read);
    const next = all ? this.#read : due.at(-1)?.position;
    if (next != null && next !== this.checkpoint) await this.#fold(due, next);
  }

  async #readOn(): Promise<boolean> {
    const { events, next } = await this.parts.pages.read(this.#read, this.parts.view.prefixes);
    if (next === null || next === this.#read) return false;
    this.#ahead = events;
    this.#read = next;
    return true;
  }

  async #fold(due: readonly Recorded[], next: Position): Promise<void> {
    const { models, view, onEvent, prepare } = this.parts;
    const known = this.#known;
    // None of it is known of the store any more, until it is written.
    this.#known = new Map();
    const ops = await foldBatch(models, this.ref, view, due, known);
    if ((await models.apply(this.ref, this.checkpoint, next, ops)) === 'applied') {
      this.#known = latest(known);
      for (const event of due) onEvent?.(event);
      this.#events += due.length;
      this.#ahead = this.#ahead.slice(due.length);
      this.checkpoint = next;
      return;
    }
    // Another process folds it too, or has flipped and dropped it: see where it stands.
    await prepare();
    this.checkpoint = await models.checkpoint(this.ref);
    this.#ahead = [];
    this.#read = this.checkpoint;
  }
}

const KNOWN = 2_000;

/** The latest of them: the first in the order of a Map were read or begun first. */
function latest<Doc extends Document>(known: Known<Doc>): Known<Doc> {
  for (const id of known.keys()) {
    if (known.size <= KNOWN) break;
    known.delete(id);
  }
  return known;
}
