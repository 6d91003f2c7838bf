import type { Handled } from '#event-store';

/** Commands with a client's name that found the world already so: no event tells of them, so a retry could meet another world.
 *  Remembered by this process only, the latest ones: what left a trace in a stream needs none of this. */
export class Uneventful {
  readonly #answers = new Map<string, { readonly bodyHash: string; readonly handled: Handled<unknown> }>();

  constructor(private readonly kept = 10_000) {}

  remember(stream: string, commandId: string, bodyHash: string, handled: Handled<unknown>): void {
    this.#answers.set(`${stream}|${commandId}`, { bodyHash, handled });
    // A Map keeps the order of insertion: the first is the oldest.
    if (this.#answers.size > this.kept) this.#answers.delete(this.#answers.keys().next().value!);
  }

  /** null: not known here. */
  recall(stream: string, commandId: string): { readonly bodyHash: string; readonly handled: Handled<unknown> } | null {
    return this.#answers.get(`${stream}|${commandId}`) ?? null;
  }
}
