import type { Command, Decider, DomainEvent } from '#domain';
import { PreconditionFailed, type Given, type HandleOptions } from './handled.ts';
import { Conflict } from './port.ts';
import type { StreamFold } from './stream-fold.ts';

/** What comes of one of several commands that are decided one after the other, each on what those before it lead to:
 *  - `standing`: it is in the stream, from revision `first` on;
 *  - `twin`: one before it bears the same id, and what comes of that has to be said first;
 *  - `refused`: by the rules, its If-Match or its fence;
 *  - `nothing`: there is nothing to do;
 *  - `decided`: these events, after which the stream is in `state` at `revision`. */
export type Verdict<S, E extends DomainEvent> =
  | { readonly is: 'standing'; readonly first: bigint }
  | { readonly is: 'twin' }
  | { readonly is: 'refused'; readonly error: unknown }
  | { readonly is: 'nothing' }
  | { readonly is: 'decided'; readonly events: readonly E[]; readonly state: S; readonly revision: bigint };

/** Decides the commands in their order, as if each were alone and the one before it written. The verdicts hold where the stream is
 *  still as it was folded, and all that was decided is written in one append.
 *  @returns one for each command */
export function decideInARow<S, C extends Command, E extends DomainEvent>(
  decider: Decider<S, C, E>,
  stream: string,
  fold: StreamFold<S, E>,
  commands: readonly Given<C>[],
): Verdict<S, E>[] {
  const met = new Set<string>();
  let { state, revision } = fold;
  const verdictOn = ({ command, metadata: { commandId }, options }: Given<C>): Verdict<S, E> => {
    const first = fold.firstRevisionOf(commandId);
    if (first !== null) return { is: 'standing', first };
    if (met.has(commandId)) return { is: 'twin' };
    met.add(commandId);
    checkRevision(stream, revision, options);
    const events = decider.decide(state, command);
    if (events.length === 0) return { is: 'nothing' };
    const after = events.reduce((before, event) => decider.evolve(before, event), state);
    revision = (revision ?? -1n) + BigInt(events.length);
    state = after;
    return { is: 'decided', events, state, revision };
  };
  return commands.map((given) => {
    try {
      return verdictOn(given);
    } catch (error) {
      return { is: 'refused', error };
    }
  });
}

function checkRevision(stream: string, actual: bigint | null, { ifMatch, expected }: HandleOptions): void {
  if (ifMatch !== undefined && ifMatch !== actual) throw new PreconditionFailed(stream, ifMatch, actual);
  if (expected !== undefined && expected !== actual) throw new Conflict(stream, expected ?? 'no-stream', actual);
}
