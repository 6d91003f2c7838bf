/** What several ask for at the same time is asked once, for all who came before it began: none is answered from before it asked. */
export class InCommon<Answer> {
  readonly #waiting = new Map<string, Promise<Answer>>();
  #turn: Promise<unknown> = Promise.resolve();

  /** One after the other, whatever they ask for. @param ask called when its turn has come */
  inTurn(what: string, ask: () => Promise<Answer>): Promise<Answer> {
    const known = this.#waiting.get(what);
    if (known) return known;
    const asked = this.#turn.catch(() => undefined).then(() => {
      this.#waiting.delete(what);
      return ask();
    });
    this.#waiting.set(what, asked);
    this.#turn = asked;
    return asked;
  }
}
