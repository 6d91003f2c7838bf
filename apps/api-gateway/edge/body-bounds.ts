import { LIMITS } from '#domain';
import { type FieldError, InvalidRequest } from './invalid-request.ts';

/** What a body may be at most before anybody looks at what it says: whatever reads it takes longer than its length where it is wide, and calls itself where
 *  it is deep. No body that means something comes near. */
const MOST = { levels: 32, items: Math.max(LIMITS.argv, LIMITS.ports, LIMITS.constraints), keys: Math.max(LIMITS.envKeys, LIMITS.labels) } as const;

interface Level {
  readonly value: object;
  readonly pointer: string;
  readonly depth: number;
}

/** @throws InvalidRequest `request.too_deep`, and `request.invalid` with `too_many` where a list or an object is too long. */
export function refuseBeyondBounds(body: unknown): void {
  const ahead: Level[] = isObject(body) ? [{ value: body, pointer: '', depth: 0 }] : [];
  for (let level = ahead.pop(); level; level = ahead.pop()) {
    const { value, pointer, depth } = level;
    if (depth >= MOST.levels) throw new InvalidRequest([{ pointer, code: 'request.too_deep', detail: `must be at most ${MOST.levels} levels deep` }], 'request.too_deep');
    const keys = Object.keys(value);
    const flaw = tooMany(value, keys.length, pointer);
    if (flaw) throw new InvalidRequest([flaw]);
    for (const key of keys) {
      const item = (value as Record<string, unknown>)[key];
      if (isObject(item)) ahead.push({ value: item, pointer: `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`, depth: depth + 1 });
    }
  }
}

function tooMany(value: object, count: number, pointer: string): FieldError | null {
  if (Array.isArray(value)) return count > MOST.items ? { pointer, code: 'too_many', detail: `must be at most ${MOST.items} items` } : null;
  return count > MOST.keys ? { pointer, code: 'too_many', detail: `must be at most ${MOST.keys} keys` } : null;
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
