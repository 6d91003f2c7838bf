/** Who caused something. Ids only: names and addresses live where they can be forgotten. */
export interface Actor {
  readonly type: 'user' | 'token' | 'system';
  /** A token's or user's id, or the system part's name (`scheduler`). */
  readonly id: string;
}

/** What a decider sees of an event: what happened. */
export interface DomainEvent {
  readonly type: string;
  readonly data: object;
}

/** What a command carries beside its data; an event inherits it. */
export interface CommandMetadata {
  /** Names the intent: a retry carries the same id, and is answered by what already stands in the stream. */
  readonly commandId: string;
  /** The project that the fact belongs to, or `platform`. */
  readonly tenantId: string;
  readonly actor: Actor;
  /** Where the request came from, as an id into a store that can forget; null inside the platform. */
  readonly originId: string | null;
  /** Milliseconds since the epoch, as the edge saw it. */
  readonly now: number;
  /** The first intent of the chain: the same for all that follows from one request. */
  readonly correlationId: string;
  /** The event that this command reacts to; null for a request. */
  readonly causationId: string | null;
  /** SHA-256 (hex) of the request's canonical body, where the client chose the command's name (`Idempotency-Key`):
   *  the same name with another body is a mistake, and is refused by what stands here. */
  readonly bodyHash?: string;
}

/** What stands beside an event's data in the store. */
export interface EventMetadata extends Omit<CommandMetadata, 'now'> {
  /** RFC 3339, UTC, milliseconds. */
  readonly at: string;
  /** The version of the event's data, see `registry.ts`. */
  readonly schema: number;
}

/** A command as the bus carries it. */
export interface Command<Type extends string = string, Data = unknown> {
  readonly type: Type;
  readonly data: Data;
}
