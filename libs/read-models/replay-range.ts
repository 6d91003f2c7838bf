import type { Position, Recorded } from '#event-store';
import type { View } from './view.ts';

/** Ends of a part of the log, both included: a position as answers have it (a number will do), or an instant (RFC 3339). */
export interface ReplayRange {
  readonly from?: string;
  readonly to?: string;
}

/** Whether an event lies in a range. @throws RangeError for an end that is neither a position nor an instant. */
export function inRange({ from, to }: ReplayRange): (event: Recorded) => boolean {
  const after = from === undefined ? () => true : bound(from, (event, end) => event >= end);
  const before = to === undefined ? () => true : bound(to, (event, end) => event <= end || (typeof event === 'string' && event.startsWith(`${end}.`)));
  return (event) => after(event) && before(event);
}

/** Which documents of a view a range is about: those that an event in it belongs to; and those that say of themselves that their
 *  last event lies in it, though no event made them. */
export class Scope {
  readonly #within: ((event: Recorded) => boolean) | null;
  readonly #named = new Set<string>();
  #first: Position | null = null;
  #last: Position | null = null;

  constructor(
    range: ReplayRange | undefined,
    private readonly view: View,
  ) {
    this.#within = range && (range.from !== undefined || range.to !== undefined) ? inRange(range) : null;
  }

  see(event: Recorded): void {
    if (!this.#within?.(event)) return;
    this.#first ??= event.position;
    this.#last = event.position;
    for (const id of this.view.keys(event)) this.#named.add(id);
  }

  holds(id: string, position: Position | null): boolean {
    if (!this.#within || this.#named.has(id)) return true;
    return position !== null && this.#first !== null && position >= this.#first && position <= this.#last!;
  }
}

type Compare = <T extends string | number>(event: T, end: T) => boolean;

function bound(text: string, holds: Compare): (event: Recorded) => boolean {
  if (POSITION.test(text)) return ({ position }) => holds(position, asWide(text, position));
  const instant = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(instant)) throw new RangeError(`"${text}" is neither a position of the log nor an instant like 2026-01-31T12:00:00Z`);
  return (event) => holds(Date.parse(event.metadata.at), instant);
}

const POSITION = /^\d+(\.\d+)?$/;

/** Positions are of a fixed width in one store, so that they sort as text. */
const asWide = (text: string, like: Position): Position => text.padStart(text.includes('.') ? like.length : like.split('.')[0]!.length, '0');
