import type { AnyEvent } from '#domain';
import type { Position, Recorded } from '#event-store';
import type { Document, ViewSchema } from './port.ts';

/** One type of event as the log gives it back: its data and where it stands. */
export type Of<Type extends AnyEvent['type']> = Recorded & Extract<AnyEvent, { type: Type }>;

/** A view: what one kind of document is, which events it is folded from, and how. Pure; its queries stand in the same file. */
export interface View<Doc extends Document = Document> {
  /** `version` is the shape of the documents: another one is built anew beside the live view. */
  readonly schema: ViewSchema;
  /** The streams it is folded from; undefined: all. */
  readonly prefixes: readonly string[] | undefined;
  /** The documents that an event belongs to; none for most types. */
  keys(event: Recorded): readonly string[];
  /** The document after the event; null removes it, or doesn't begin one. Given only events that `keys` named it for. */
  evolve(doc: Doc | null, event: Recorded, id: string): Doc | null;
  /** What follows from the rest of the document and from nothing else: worked out before it is written or shown, not at each event.
   *  Doing it again changes nothing. */
  complete?(doc: Doc): Doc;
  /** Every document is made by one event and never changed: nothing has to be read to fold another. */
  readonly isOneEventEach?: true;
}

/** Which document an event of each type belongs to; null or several where it must be so. */
export type Keys = { readonly [Type in AnyEvent['type']]?: (event: Of<Type>) => string | readonly string[] | null };

/** A `keys` out of one function per type: a type that isn't named belongs to no document. */
export const keysOf =
  (table: Keys): View['keys'] =>
  (event) => {
    const key = table[event.type as AnyEvent['type']]?.(event as never) ?? [];
    return typeof key === 'string' ? [key] : key;
  };

/** What a fold does for each type of event that matters to it, once the document stands; null removes it. */
export type Folds<Doc> = { readonly [Type in AnyEvent['type']]?: (doc: Doc, event: Of<Type>) => Doc | null };
/** Which events begin a document. */
export type Begins<Doc> = { readonly [Type in AnyEvent['type']]?: (event: Of<Type>) => Doc | null };

/** An `evolve` out of one function per type: a document that already stands isn't begun again. */
export const evolveBy =
  <Doc extends Document>(begins: Begins<Doc>, folds: Folds<Doc>): View<Doc>['evolve'] =>
  (doc, event) => {
    const type = event.type as AnyEvent['type'];
    if (doc) return folds[type]?.(doc, event as never) ?? (type in folds ? null : doc);
    return begins[type]?.(event as never) ?? null;
  };

/** The document after the event, stamped with its position; an event at or below the document's own position changes nothing. */
export function foldInto<Doc extends Document>(view: View<Doc>, doc: Doc | null, event: Recorded, id: string): Doc | null {
  if (doc && doc.position >= event.position) return doc;
  const next = view.evolve(doc, event, id);
  if (!next || next === doc) return next && { ...next, position: event.position };
  // It was made for this event, and nobody has it yet: there are too many of them to copy each once more.
  (next as { position: Position }).position = event.position;
  return next;
}

/** One document of a view out of these events alone, in the order of the log; null where they don't begin it. */
export function foldDocument<Doc extends Document>(view: View<Doc>, events: readonly Recorded[], id: string): Doc | null {
  let doc: Doc | null = null;
  for (const event of events) if (view.keys(event).includes(id)) doc = foldInto(view, doc, event, id);
  return doc && completed(view, doc);
}

/** With what follows from the rest of it. */
export const completed = <Doc extends Document>(view: View<Doc>, doc: Doc): Doc => view.complete?.(doc) ?? doc;
