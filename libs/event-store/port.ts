import type { EventMetadata } from '#domain';

/** A place in the log of all events: opaque, fixed width, sorts as text; gaps are normal. */
export type Position = string;

/** The form of every adapter's positions: 20 digits, or twice that with a dot between. Text from outside is checked against it. */
export const POSITION = /^\d{20}(\.\d{20})?$/;

/** What a stream's revision must be for an append to be taken; revisions count from 0. */
export type Expected = 'any' | 'no-stream' | 'exists' | bigint;

export interface NewEvent {
  /** UUID. The same id in the same stream is one event. */
  readonly id: string;
  readonly type: string;
  readonly data: object;
  readonly metadata: EventMetadata;
}

export interface Recorded extends NewEvent {
  readonly stream: string;
  readonly revision: bigint;
  readonly position: Position;
}

/** An event just as the store holds it: not read, not brought to a newer form, and maybe not even readable. */
export interface Raw {
  readonly stream: string;
  readonly revision: bigint;
  readonly position: Position;
  readonly id: string;
  readonly type: string;
  /** The bytes of the JSON. */
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
}

/** Where an append's last event stands. */
export interface Appended {
  readonly revision: bigint;
  readonly position: Position;
  /** Where each of the events stands, when this very call wrote them. Left out where they stood before, or where the store can't
   *  tell: what stands under their ids may then be what somebody else decided for the same command, and has to be read. */
  readonly written?: readonly Position[];
}

/** One item of a catch-up subscription. `caughtUp`: nothing newer was in the log (null: the log is empty). */
export type Followed = { readonly event: Recorded } | { readonly caughtUp: Position | null } | { readonly degraded: Error };

/** Which part of the log: at most `limit` events of the streams that begin with any of `prefixes` (all without them, none with
 *  an empty list). `job-` is a whole category, `job-job_…` one stream. */
export interface PageOptions {
  readonly prefixes?: readonly string[];
  readonly limit: number;
}

/** The truth. Adapters pass one contract suite (`contract.ts`). */
export interface EventStore {
  /** Made once with the store's first use and kept with it: tells one history from another. */
  readonly storeId: string;
  /** All or none of `events`, in order, at consecutive revisions.
   *  @throws Conflict when the stream isn't at `expected`; Unavailable: nothing was written; OutcomeUnknown: look for the event ids. */
  append(stream: string, expected: Expected, events: readonly NewEvent[]): Promise<Appended>;
  /** In order of revision; nothing for a stream that doesn't exist. */
  readStream(stream: string, options?: { from?: bigint; limit?: number }): AsyncIterable<Recorded>;
  /** One page; `next` is given for an empty page too (null only where the log is empty), and goes on from filtered-out events.
   *  The log's end is where `next` is `after` again; a page before it may be short or empty. */
  readAll(after: Position | null, options: PageOptions): Promise<{ events: Recorded[]; next: Position | null }>;
  /** The same page as the store holds it: nothing in it fails for what can't be read. */
  readRaw(after: Position | null, options: PageOptions): Promise<{ events: Raw[]; next: Position | null }>;
  /** From `after` on and then live, until aborted. Woken by the `wake` that the constructor was given, and by polling underneath. */
  follow(after: Position | null, prefixes: readonly string[] | undefined, signal: AbortSignal): AsyncIterable<Followed>;
  close(): Promise<void>;
}

/** Registers a callback for "the log may have grown"; returns a function that takes it back. */
export type Wake = (callback: () => void) => () => void;

/** The stream is elsewhere than expected; `actual` is null where it doesn't exist. */
export class Conflict extends Error {
  constructor(
    readonly stream: string,
    readonly expected: Expected,
    readonly actual: bigint | null,
  ) {
    super(`${stream} is at ${actual ?? 'no-stream'}, expected ${expected}`);
  }
}

/** Nothing was written; try again. */
export class Unavailable extends Error {}

/** It may have been written: look for the event ids before trying again. */
export class OutcomeUnknown extends Error {}
