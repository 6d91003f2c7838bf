/** The rules of one aggregate, as two pure functions over its own events. */
export interface Decider<State, Command, Event> {
  readonly initial: State;
  /** Folds one event in. Throws only on a history that `decide` could not have made. */
  evolve(state: State, event: Event): State;
  /** @returns the events that the command causes; none when the world is already so.
   *  @throws Rejection when the rules forbid it. */
  decide(state: State, command: Command): readonly Event[];
}

/** One function per member of a union, so that a new command or event doesn't compile until it is handled. */
export type Cases<Union extends { type: string }, Arg, Result> = {
  readonly [T in Union['type']]: (arg: Arg, it: Extract<Union, { type: T }>) => Result;
};

/** Folds a whole history. */
export const fold = <S, E>(decider: Pick<Decider<S, never, E>, 'initial' | 'evolve'>, history: Iterable<E>): S => {
  let state = decider.initial;
  for (const event of history) state = decider.evolve(state, event);
  return state;
};
