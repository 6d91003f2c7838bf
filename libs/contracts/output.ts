import type { ReplicaId } from '#domain';

/** A line that a container wrote, as its agent keeps it. `at`: RFC 3339 with nine digits of a second, by the engine. */
export interface LogLine {
  readonly at: string;
  readonly stream: 'stdout' | 'stderr';
  readonly run: number;
  readonly line: string;
  /** The line was longer than is kept in one piece: the stream's next line of this replica goes on with it. */
  readonly more?: true;
}

/** A place in what an agent keeps of one replica, between two lines: `<segment>.<byte>`, both counted on for ever, so that it means
 *  the same after a restart of the agent and after older segments fell. */
export type OutputCursor = string;

/** Which lines are wanted; both instants belong to it (RFC 3339 with nine digits of a second). */
export interface OutputFilter {
  readonly stream?: LogLine['stream'];
  readonly since?: string;
  readonly until?: string;
}

export interface LogsRequest extends OutputFilter {
  readonly replicaId: ReplicaId;
  /** null: from the oldest line that is kept. */
  readonly after: OutputCursor | null;
  /** The page's size, about; at least one line is given however long it is. At most 256 KiB are given. */
  readonly maxBytes: number;
  /** How long to wait, with nothing to give, for a line to be written; at most 5 s. */
  readonly waitMs: number;
}

export interface LogsReply {
  /** In the order in which they were taken down. `after`: the place behind each. */
  readonly lines: readonly (LogLine & { readonly after: OutputCursor })[];
  /** Where to go on; lines that weren't wanted are behind it, too. */
  readonly next: OutputCursor | null;
  /** Nothing that is wanted is written behind `next` yet. */
  readonly end: boolean;
  /** Lines between the place asked for and this page fell to the cap. */
  readonly cut: boolean;
}

export interface LogsTailRequest extends OutputFilter {
  readonly replicaId: ReplicaId;
  /** Lines before this place; null: before the end. */
  readonly before: OutputCursor | null;
  /** How many; at most 2000 are given. 0: only the end is asked for. */
  readonly limit: number;
}

export interface LogsTailReply {
  /** From the newest to the oldest: when each was written, and the place before it. */
  readonly lines: readonly { readonly at: string; readonly before: OutputCursor }[];
  /** Where to go on backwards; null: nothing that is wanted is kept before. */
  readonly next: OutputCursor | null;
  /** The end of all that is kept; null: nothing is. */
  readonly end: OutputCursor | null;
  /** Lines older than all of these fell to the cap. */
  readonly cut: boolean;
}
