import { BSON } from 'mongodb';
import fc from 'fast-check';
import { canonicalJson } from './canonical-json.ts';
import { documentIn, storedBy, type Stored } from './mongodb-document.ts';

describe('a document in a collection', () => {
  const put = (members: object) => storedBy({ put: { id: 'a', position: '1', ...members } });

  it('has what lists are narrowed down by as fields, and the rest as one text', () => {
    expect(put({ name: 'web', halted: null, desired: 2, env: { 'a.b': '$1' }, args: ['x'] })).toEqual({
      _id: 'a',
      id: 'a',
      position: '1',
      fields: { name: 'web', halted: null, desired: 2 },
      rest: '{"args":["x"],"env":{"a.b":"$1"}}',
    });
  });

  it('is nothing but its place once it is removed', () => {
    const stored = storedBy({ remove: { id: 'a', position: '2' } });
    expect(stored).toEqual({ _id: 'a', id: 'a', position: '2', gone: true });
    expect(documentIn(stored)).toBeNull();
  });

  it('comes back through BSON as the same bytes as from JSON text, whatever is in it', () => {
    const member = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('env', 'name', '__proto__', '$set', 'a.b', '7', 'constructor', 'toString'));
    fc.assert(
      fc.property(fc.dictionary(member.filter((name) => name !== 'id' && name !== 'position'), fc.jsonValue({ stringUnit: 'binary' })), (members) => {
        const text = canonicalJson({ ...members, id: 'a', position: '1' });
        const stored = BSON.deserialize(BSON.serialize(put(members))) as Stored;
        expect(JSON.stringify(documentIn(stored))).toBe(JSON.stringify(JSON.parse(text)));
      }),
    );
  });
});
