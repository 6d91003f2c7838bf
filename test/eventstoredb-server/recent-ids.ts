import type { Outcome, Proposed } from './log.ts';

const KEPT = 100_000;

/** What a server remembers of the ids that it wrote: in memory, so that a restart forgets it. */
export class RecentIds {
  private readonly places = new Map<string, { stream: string; revision: bigint; number: number }>();

  add(stream: string, last: bigint, number: number, events: readonly Proposed[]): void {
    events.forEach(({ id }, index) => {
      const back = events.length - 1 - index;
      this.places.set(id, { stream, revision: last - BigInt(back), number: number - back });
    });
    for (const id of this.places.keys()) {
      if (this.places.size <= KEPT) return;
      this.places.delete(id);
    }
  }

  /** Where the last of the events stands, if all of them are remembered; a conflict if only the first ones are. */
  standing(stream: string, events: readonly Proposed[]): Outcome | null {
    const known = events.map(({ id }) => this.places.get(id)).map((place) => (place?.stream === stream ? place : undefined));
    if (!known[0]) return null;
    if (known.every((place) => place !== undefined)) return { revision: known.at(-1)!.revision, number: known.at(-1)!.number };
    return { wrong: known[0].revision };
  }
}
