import { Rejection } from '#domain';
import type { Scalar } from './port.ts';

/** Where a page ended: the sort value and the id of its last document. */
export interface Cursor {
  readonly value: Scalar;
  readonly id: string;
}

/** Opaque to clients: base64url of `[sort value, id]`. */
export const encodeCursor = ({ value, id }: Cursor): string => Buffer.from(JSON.stringify([value, id])).toString('base64url');

/** @throws Rejection `cursor.invalid` for a text that no page ended with. */
export function decodeCursor(text: string): Cursor {
  const [value, id, ...more] = parsed(text);
  if (typeof id !== 'string' || more.length > 0 || value === undefined || (typeof value === 'object' && value !== null)) throw invalid();
  return { value: value as Scalar, id };
}

function parsed(text: string): unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    if (Array.isArray(value)) return value;
  } catch {
    // Not JSON: refused below, like JSON that is none of ours.
  }
  throw invalid();
}

const invalid = (): Rejection => new Rejection('invalid', 'cursor.invalid', 'send the next_cursor of an earlier page of the same list, as it was given', { pointer: '?cursor' });
