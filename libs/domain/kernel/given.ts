import type { Decider } from './decider.ts';

/** given(history).when(command).then(events) or .rejects(code, facts): asserts the whole outcome. For specs. */
export const given = <S, C, E>(decider: Decider<S, C, E>, history: readonly E[]) => ({
  when(command: C) {
    const outcome = () => decider.decide(history.reduce(decider.evolve, decider.initial), command);
    return {
      then: (events: readonly E[]) => expect(outcome()).toEqual(events),
      rejects: (code: string, facts: Record<string, unknown> = {}) => expect(outcome).toThrow(expect.objectContaining({ code, facts })),
    };
  },
});
