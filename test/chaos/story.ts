/** What was done to an installation, when, and what was seen of it: printed where a run fails. */
export class Story {
  readonly #lines: string[] = [];
  readonly #begun = performance.now();

  /** Milliseconds since the story began. */
  get elapsedMs(): number {
    return performance.now() - this.#begun;
  }

  tell(line: string): void {
    this.#lines.push(`${(this.elapsedMs / 1000).toFixed(2).padStart(7)} s  ${line}`);
  }

  toString(): string {
    return this.#lines.join('\n');
  }
}
