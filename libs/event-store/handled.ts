import type { Command, CommandMetadata } from '#domain';
import type { Position, Recorded } from './port.ts';

/** What stands after a command: `state`, `revision` and `position` as of its own last event, or as the stream is at the time of the
 *  answer. `events` are the command's own, empty where there was nothing to do. */
export interface Handled<State> {
  readonly state: State;
  readonly revision: bigint;
  readonly position: Position;
  readonly events: Recorded[];
  /** The command stood in the stream before this call. Two processes that carry out the same command at the same instant
   *  may both say false: it was written once all the same. */
  readonly repeated: boolean;
}

export interface HandleOptions {
  /** The client's `If-Match`: the command is taken at this revision only. */
  readonly ifMatch?: bigint;
  /** The plan that leads to the command was made at this revision (null: no stream): it isn't decided again at another. */
  readonly expected?: bigint | null;
  /** How long to go on trying; 10 s. */
  readonly deadlineMs?: number;
}

/** A command, who gave it, and on what terms. */
export interface Given<C extends Command> {
  readonly command: C;
  readonly metadata: CommandMetadata;
  readonly options: HandleOptions;
}

/** The stream isn't at the client's `If-Match`; `actual` is null where it doesn't exist. HTTP 412. */
export class PreconditionFailed extends Error {
  constructor(
    readonly stream: string,
    readonly expected: bigint,
    readonly actual: bigint | null,
  ) {
    super(`${stream} is at ${actual ?? 'no-stream'}, If-Match says ${expected}`);
  }
}
