import fc from 'fast-check';
import { canonicalJson } from './canonical-json.ts';

const shuffled = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(shuffled);
  return Object.fromEntries(Object.entries(value).reverse().map(([name, held]) => [name, shuffled(held)]));
};

describe('canonical JSON', () => {
  it('is the same text for the same members, whatever their order', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => canonicalJson(shuffled(value)) === canonicalJson(value)));
  });

  it('loses and changes nothing', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)))));
  });

  it('sorts names at every depth', () => {
    const own = JSON.parse('{"b":{"z":1,"a":[{"y":2,"x":3}]},"__proto__":{"c":1,"b":2},"a":null}') as unknown;
    expect(canonicalJson(own)).toBe('{"__proto__":{"b":2,"c":1},"a":null,"b":{"a":[{"x":3,"y":2}],"z":1}}');
  });

  it('leaves out what is undefined', () => {
    expect(canonicalJson({ b: undefined, a: [undefined] })).toBe('{"a":[null]}');
    expect(canonicalJson(undefined)).toBe('null');
  });
});
