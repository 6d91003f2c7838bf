/** JSON with the names of every object in one order: the same document is the same text, however it came about. */
export const canonicalJson = (value: unknown): string => JSON.stringify(ordered.has(value as object) ? value : inOrder(value)) ?? 'null';

/** What was put in order whole and is never changed: it isn't looked through once more when it is written. */
const ordered = new WeakSet<object>();

/** `inOrder` of a document that nobody changes any more. */
export function inOrderForGood<T extends object>(document: T): T {
  const known = inOrder(document);
  ordered.add(known);
  return known;
}

/** The same value with its names sorted (numbers first, as every JavaScript object has them), made with the serializer in mind: that runs natively, and
 *  documents are written by the thousand. What is sorted already is not copied. */
export function inOrder<T>(value: T): T;
export function inOrder(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return orderedItems(value);
  const members = value as Record<string, unknown>;
  return areSorted(members) ? orderedMembers(members) : sorted(members);
}

function sorted(members: Record<string, unknown>): Record<string, unknown> {
  const copy = {};
  for (const name of Object.keys(members).sort()) setOwn(copy, name, inOrder(members[name]));
  return copy;
}

function orderedMembers(members: Record<string, unknown>): Record<string, unknown> {
  let copy: Record<string, unknown> | null = null;
  for (const name in members) {
    const member = members[name];
    if (typeof member !== 'object' || member === null) continue;
    const held = inOrder(member);
    if (held !== member) setOwn((copy ??= { ...members }), name, held);
  }
  return copy ?? members;
}

function orderedItems(items: readonly unknown[]): readonly unknown[] {
  let copy: unknown[] | null = null;
  for (let index = 0; index < items.length; index += 1) {
    const item = inOrder(items[index]);
    if (item !== items[index]) (copy ??= [...items])[index] = item;
  }
  return copy ?? items;
}

/** Sets a member whatever its name: that of the prototype would be taken for an order to change it. */
export function setOwn(object: Record<string, unknown>, name: string, value: unknown): void {
  if (name === '__proto__') Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
  else object[name] = value;
}

/** Walked, not listed: most are, and a list of names would be made for each. What is written inherits none. */
function areSorted(members: Record<string, unknown>): boolean {
  let before = '';
  for (const name in members) {
    if (before > name) return false;
    before = name;
  }
  return true;
}
