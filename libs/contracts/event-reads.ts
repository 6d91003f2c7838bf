import type { Actor, AnyEvent, EventType, ProjectId } from '#domain';

/** An event as subscribers get it: of the present schema, with what tells who caused it. A union over `T`, told apart by `type`. */
export type LoggedEvent<T extends EventType = EventType> = T extends EventType
  ? {
      /** Where it stands in the log: what a subscriber keeps. Sorts as text. */
      readonly position: string;
      /** Unique in its stream. */
      readonly id: string;
      readonly stream: string;
      readonly revision: number;
      readonly type: T;
      readonly data: Extract<AnyEvent, { type: T }>['data'];
      /** RFC 3339, UTC. */
      readonly at: string;
      readonly actor: Actor;
      /** Null for what belongs to no project: nodes, plans. */
      readonly projectId: ProjectId | null;
      /** The request that all of this followed from. */
      readonly correlationId: string;
      /** The event that it followed from at once; null for a request. */
      readonly causationId: string | null;
    }
  : never;

/** Which events; all where nothing is said, none for an empty list. */
export interface EventFilter<T extends EventType = EventType> {
  readonly types?: readonly T[];
  /** What belongs to no project is left out too. */
  readonly projects?: readonly ProjectId[];
}

/** Asks for what stands in the log after a position. */
export interface EventReadRequest extends EventFilter {
  /** Null: from the beginning. */
  readonly after: string | null;
  /** At most so many events, 1 to 500, which is also the default; a reply may hold fewer, for their size. */
  readonly limit?: number;
  /** Goes on with an event that came in pieces: how much of its text is there. */
  readonly offset?: number;
}

/** The answer: a page, a piece of an event that is too large for one message, or why such a request is never answered. */
export type EventReadReply = EventPage | EventPiece | EventReadRefusal;

export interface EventPage {
  /** Which history these positions belong to. */
  readonly storeId: string;
  /** In order. */
  readonly events: readonly LoggedEvent[];
  /** How far the log was looked through: `after` of the next request. It is this request's `after` at the log's end only;
   *  a page before that may be short or empty. Null while the log is empty. */
  readonly next: string | null;
}

/** A part of the JSON of the first event after `after`. */
export interface EventPiece {
  readonly storeId: string;
  readonly piece: string;
  /** UTF-16 units of the whole. */
  readonly of: number;
}

export interface EventReadRefusal {
  readonly refused: {
    /** `events.request_invalid`: it says what can't be meant. `events.other_history`: the position isn't of this log, or past its end. */
    readonly code: 'events.request_invalid' | 'events.other_history';
    readonly message: string;
  };
}
