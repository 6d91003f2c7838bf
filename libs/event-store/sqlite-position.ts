import type { Position } from './port.ts';

/** Wide enough for any 64 bit integer, so that text sorts as numbers do. */
const WIDTH = 20;

/** `7` → `00000000000000000007` */
export const positionText = (position: number): Position => String(position).padStart(WIDTH, '0');

/** The number of a position that this store gave; null, the beginning, is 0. @throws RangeError for any other text. */
export function positionNumber(position: Position | null): number {
  if (position === null) return 0;
  if (position.length !== WIDTH || !/^\d+$/.test(position)) throw new RangeError(`not a position of this store: ${position}`);
  return Number(position);
}
