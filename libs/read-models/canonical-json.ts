/** JSON with the names of every object in one order: the same document is the same text, however it came about. */
export const canonicalJson = (value: unknown): string => JSON.stringify(ordered(value)) ?? 'null';

/** A copy with its names sorted (numbers first, as every JavaScript object has them), made in one piece with the serializer in mind:
 *  that runs natively, and documents are written by the thousand. */
function ordered(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(ordered);
  const names = Object.keys(value);
  if (!areSorted(names)) names.sort();
  const copy: Record<string, unknown> = {};
  for (const name of names) setOwn(copy, name, ordered((value as Record<string, unknown>)[name]));
  return copy;
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
