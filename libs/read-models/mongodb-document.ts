import { canonicalJson } from './canonical-json.ts';
import { isFieldName } from './field-name.ts';
import type { Document, Op, Scalar } from './port.ts';

/** A document as a collection holds it, or its tombstone. What lists are narrowed down by, a scalar at the top, is a field of
 *  its own; all else is one JSON text: names that tenants chose (`a.b`, `$c`, `__proto__`) and the order of numbers-as-names
 *  come back as they were, and nothing is held twice. */
export interface Stored {
  readonly _id: string;
  /** The `_id` again: an index that ends in `_id` isn't taken by every server that speaks this protocol. */
  readonly id: string;
  readonly position: string;
  readonly fields?: Readonly<Record<string, Scalar>>;
  /** Canonical JSON of one object. */
  readonly rest?: string;
  /** Only on a tombstone. */
  readonly gone?: true;
}

/** What an op leaves in the collection. */
export function storedBy(op: Op): Stored {
  if ('remove' in op) return { _id: op.remove.id, id: op.remove.id, position: op.remove.position, gone: true };
  const { id, position, ...members } = op.put;
  const fields: Record<string, Scalar> = {};
  const rest: [string, unknown][] = [];
  for (const [name, value] of Object.entries(members)) {
    if (value === undefined) continue;
    if (isFieldName(name) && isPlain(value)) fields[name] = asJson(value);
    else rest.push([name, value]);
  }
  return { _id: id, id, position, fields, rest: canonicalJson(Object.fromEntries(rest)) };
}

/** The document as it was put, its members in the order of canonical JSON; null for a tombstone. */
export function documentIn<T>({ id, position, fields, rest, gone }: Stored): T | null {
  if (gone) return null;
  const members: [string, unknown][] = [['id', id], ['position', position], ...Object.entries(fields ?? {}), ...Object.entries(JSON.parse(rest ?? '{}') as object)];
  return Object.fromEntries(members.sort(([a], [b]) => (a < b ? -1 : 1))) as T;
}

/** The value of a member that lists may be sorted by; null where it isn't there. */
export function sortValueIn(document: Document, field: string): Scalar {
  const value = (document as unknown as Record<string, unknown>)[field];
  return isPlain(value) ? value : null;
}

/** BSON takes a half of a surrogate pair for damage; JSON text escapes it. */
const isPlain = (value: unknown): value is Scalar =>
  value === null || typeof value === 'boolean' || typeof value === 'number' || (typeof value === 'string' && value.isWellFormed());

/** JSON has neither infinities nor a zero with a sign: a document is the same in every store. */
function asJson(value: Scalar): Scalar {
  if (typeof value !== 'number') return value;
  return Number.isFinite(value) ? value + 0 : null;
}
