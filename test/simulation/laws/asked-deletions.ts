interface Users {
  /** Who uses it by now. */
  readonly now: () => readonly string[];
  always: readonly string[];
}

/** Who has used a thing ever since its deletion was asked for first, by the command that asks: then it has to be refused. */
export class AskedDeletions {
  readonly #users = new Map<string, Users>();

  /** @param now says who uses it by then */
  note(commandId: string, now: () => readonly string[]): void {
    if (!this.#users.has(commandId)) this.#users.set(commandId, { now, always: now() });
  }

  /** Whoever has left it doesn't stand against its deletion any more, though he may come to use it again. */
  revise(user: string): void {
    for (const users of this.#users.values()) if (users.always.includes(user) && !users.now().includes(user)) users.always = users.always.filter((each) => each !== user);
  }

  usersAllAlong(commandId: string): readonly string[] {
    return this.#users.get(commandId)?.always ?? [];
  }
}
