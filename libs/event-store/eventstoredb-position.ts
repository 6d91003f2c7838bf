import type { Position as LogPosition } from '@eventstore/db-client';
import type { Position } from './port.ts';

/** Wide enough for any 64 bit integer, so that text sorts as numbers do. */
const WIDTH = 20;
/** What a server says where it doesn't know a position: the greatest number of 64 bits. */
const NOWHERE = 2n ** 64n - 1n;

/** `{commit: 7n, prepare: 7n}` → `00000000000000000007.00000000000000000007`. Both are kept: an event stands at twice the same
 *  number, but a checkpoint between two events may be "there, and before the event that begins there". */
export const positionText = ({ commit, prepare }: LogPosition): Position => `${padded(commit)}.${padded(prepare)}`;

/** The server's form of a position that this adapter gave; null is the log's beginning. @throws RangeError for any other text. */
export function logPosition(position: Position | null): LogPosition | 'start' {
  if (position === null) return 'start';
  const match = /^(\d{20})\.(\d{20})$/.exec(position);
  if (!match) throw new RangeError(`not a position of this store: ${position}`);
  return { commit: BigInt(match[1]!), prepare: BigInt(match[2]!) };
}

/** Whether the server said where an event stands. Those before 22.6 don't when a single stream is read. */
export const isSomewhere = (position: LogPosition | undefined): position is LogPosition => position !== undefined && position.commit !== NOWHERE;

/** The one further on; null is the beginning. */
export const furthest = (...positions: (Position | null)[]): Position | null =>
  positions.reduce((far, each) => (each !== null && (far === null || each > far) ? each : far), null);

const padded = (number: bigint): string => String(number).padStart(WIDTH, '0');
