import { InvalidRequest } from './invalid-request.ts';

/** No body of ours is half as deep. */
export const MAX_DEPTH = 32;

interface Level {
  readonly value: unknown;
  readonly pointer: string;
  readonly depth: number;
}

/** Before anything walks a body that calls itself at each level. @throws InvalidRequest `request.too_deep` that points at what is too deep. */
export function refuseTooDeep(body: unknown): void {
  const ahead: Level[] = [{ value: body, pointer: '', depth: 0 }];
  for (let level = ahead.pop(); level; level = ahead.pop()) {
    const { value, pointer, depth } = level;
    if (typeof value !== 'object' || value === null) continue;
    if (depth >= MAX_DEPTH) throw new InvalidRequest([{ pointer, code: 'request.too_deep', detail: `must be at most ${MAX_DEPTH} levels deep` }], 'request.too_deep');
    for (const [key, item] of Object.entries(value)) {
      if (typeof item === 'object' && item !== null) ahead.push({ value: item, pointer: `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`, depth: depth + 1 });
    }
  }
}
