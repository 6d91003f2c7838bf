/** JSON with the names of every object in one order: the same document is the same text, however it came about. */
export const canonicalJson = (value: unknown): string => JSON.stringify(inOrder(value)) ?? 'null';

/** The same value with its names sorted (numbers first, as every JavaScript object has them), made with the serializer in mind: that runs natively, and
 *  documents are written by the thousand. What is sorted already is not copied. */
export function inOrder<T>(value: T): T;
export function inOrder(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return orderedItems(value);
  const names = Object.keys(value);
  const members = value as Record<string, unknown>;
  const isSorted = areSorted(names);
  let copy: Record<string, unknown> | null = isSorted ? null : {};
  for (const name of isSorted ? names : names.sort()) {
    const held = inOrder(members[name]);
    if (copy === null && held !== members[name]) copy = { ...members };
    if (copy !== null) setOwn(copy, name, held);
  }
  return copy ?? value;
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

function areSorted(names: readonly string[]): boolean {
  for (let index = 1; index < names.length; index += 1) if (names[index - 1]! > names[index]!) return false;
  return true;
}
