import type { EventStore, Position, Recorded } from '#event-store';
import { foldBatch } from './fold-batch.ts';
import type { Page, ReadModelStore, ViewRef } from './port.ts';
import type { View } from './view.ts';
import { prepareBuild } from './versions.ts';

export interface FoldParts {
  readonly store: EventStore;
  /** Empty, and used by nobody else. */
  readonly fresh: ReadModelStore;
  readonly view: View;
  readonly upcast: (event: Recorded) => Recorded;
  /** Told of every event once, as it is folded. */
  readonly onEvent: (event: Recorded) => void;
  readonly signal?: AbortSignal;
}

/** Events read at once. */
const BATCH = 1_000;
const BUILD = 1;

/** One view, folded from the log's first event on as far as it is asked for: documents as they stood at a position. */
export class ReplayFold {
  #position: Position | null = null;
  /** Read, and beyond what was asked for. */
  #ahead: Recorded[] = [];
  #read: Position | null = null;

  private constructor(
    private readonly parts: FoldParts,
    private readonly ref: ViewRef,
  ) {}

  /** Folds nothing yet. */
  static async begin(parts: FoldParts): Promise<ReplayFold> {
    return new ReplayFold(parts, await prepareBuild(parts.fresh, { ...parts.view.schema, indexes: [] }, BUILD));
  }

  /** Folds every event at or below `target`, and none above; fewer where the log ends before. Never goes back. */
  async to(target: Position): Promise<void> {
    const { store, view, signal } = this.parts;
    for (;;) {
      signal?.throwIfAborted();
      const due = this.#ahead.filter(({ position }) => position <= target);
      this.#ahead = this.#ahead.slice(due.length);
      if (due.length > 0) await this.#fold(due);
      if (this.#ahead.length > 0 || (this.#read !== null && this.#read >= target)) return;
      const { events, next } = await store.readAll(this.#read, { prefixes: view.prefixes, limit: BATCH });
      if (next === null || next === this.#read) return;
      this.#ahead = events.map(this.parts.upcast);
      this.#read = next;
    }
  }

  get<T>(id: string): Promise<T | null> {
    return this.parts.fresh.get<T>(this.ref.view, id, BUILD);
  }

  /** By id. */
  page<T>(after: string | null, limit: number): Promise<Page<T>> {
    return this.parts.fresh.find<T>(this.ref.view, { after, limit }, BUILD);
  }

  async #fold(events: readonly Recorded[]): Promise<void> {
    const { fresh, view, onEvent } = this.parts;
    for (const event of events) onEvent(event);
    const next = events.at(-1)!.position;
    const outcome = await fresh.apply(this.ref, this.#position, next, await foldBatch(fresh, this.ref, view, events));
    if (outcome === 'stale') throw new Error('another process writes into the fresh read model');
    this.#position = next;
  }
}
