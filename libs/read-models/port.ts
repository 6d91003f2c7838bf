import type { Position } from '#event-store';

/** A view at a version: a new version is built beside the live one. */
export interface ViewRef {
  readonly view: string;
  readonly version: number;
}

/** A document: `id` and `position` (of the last event folded in) beside the view's own fields. */
export interface Document {
  readonly id: string;
  readonly position: Position;
}

/** A write: put replaces the whole document, remove leaves a tombstone with its position. An op at or below the document's position is skipped. */
export type Op = { readonly put: Document } | { readonly remove: { readonly id: string; readonly position: Position } };

export type Scalar = string | number | boolean | null;

/** Fields are top-level names of the document, indexed as the view's file declares them. */
export interface Query {
  readonly eq?: Readonly<Record<string, Scalar>>;
  readonly in?: Readonly<Record<string, readonly Scalar[]>>;
  readonly range?: { readonly field: string; readonly gt?: Scalar; readonly gte?: Scalar; readonly lt?: Scalar; readonly lte?: Scalar };
  /** Default: by id, ascending. The id breaks ties, in the same direction. Null is below everything. */
  readonly sort?: { readonly field: string; readonly descending?: boolean };
  /** The `next` of the page before. */
  readonly after?: string | null;
  readonly limit: number;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Opaque; null on the last page. */
  readonly next: string | null;
}

/** What a view needs from a store: its name, version and indexed fields. */
export interface ViewSchema extends ViewRef {
  readonly indexes: readonly (readonly string[])[];
}

/** Where documents live. Disposable: rebuilt from events. Adapters pass one contract suite (`contract.ts`). */
export interface ReadModelStore {
  /** Makes place for a version of a view, and keeps which event store it is folded from; no-op when it is there. Its indexes are made
   *  where they are lacking, unless `indexed` is false: much is written faster without them, and then it is prepared again. */
  prepare(schema: ViewSchema, storeId?: string, options?: { readonly indexed?: boolean }): Promise<void>;
  /** The `EventStore.storeId` that the version was made for; null where none was named, and where there is no such version. */
  storeOf(ref: ViewRef): Promise<string | null>;
  /** The position that every document of the version is folded up to; null before the first `apply`, and where there is no such version. */
  checkpoint(ref: ViewRef): Promise<Position | null>;
  /** Writes the documents and then the checkpoint, if the checkpoint is still `expected`; else, and where the version isn't there
   *  (any more), nothing and `stale`. A retry after an unknown outcome is `stale`, or changes nothing. */
  apply(ref: ViewRef, expected: Position | null, next: Position, ops: readonly Op[]): Promise<'applied' | 'stale'>;
  /** From the live version, or from the one named; null where the document or the version isn't there. */
  get<T>(view: string, id: string, version?: number): Promise<T | null>;
  /** The same for many ids at once; those that aren't there are left out. */
  getMany<T>(view: string, ids: readonly string[], version?: number): Promise<ReadonlyMap<string, T>>;
  /** @throws Rejection `cursor.invalid` when `after` is no cursor. */
  find<T>(view: string, query: Query, version?: number): Promise<Page<T>>;
  /** Another one than before as soon as any read of live versions may find something else than before, whoever wrote it: what was read
   *  after a mark may be used again for as long as the mark stays. Null: this store can't say. */
  mark(): Promise<string | null>;
  /** The live version; null when none was activated. */
  active(view: string): Promise<number | null>;
  /** Flips reads to this version and drops the others; nothing where it is live already. `behind`: the live one has folded more,
   *  so nothing was flipped, since reads never go back: catch up and ask again. `evenBehind`: flips all the same, since the live one
   *  is of another history and their positions can't be compared. @throws Error when the version was never prepared. */
  activate(view: string, version: number, options?: { readonly evenBehind?: boolean }): Promise<'activated' | 'behind'>;
  /** Forgets a version that isn't live (a rebuild given up). */
  drop(ref: ViewRef): Promise<void>;
  close(): Promise<void>;
}
