import { canonicalJson } from './canonical-json.ts';
import type { Document, Query, ReadModelStore, ViewSchema } from './port.ts';

/** A store to test, empty at first. */
export interface ReadModelsUnderTest {
  readonly models: ReadModelStore;
  /** A further handle on the same documents, as another process has it. */
  readonly reopen: () => Promise<ReadModelStore>;
  /** Closes all handles and throws the documents away. */
  readonly close: () => Promise<void>;
}

interface Boat extends Document {
  readonly name: string;
  readonly harbour: string | null;
  readonly length: number | null;
  readonly afloat: boolean;
}

const schema: ViewSchema = { view: 'boats', version: 1, indexes: [['harbour', 'name'], ['length'], ['afloat']] };
const one = { view: 'boats', version: 1 };
const two = { view: 'boats', version: 2 };

const at = (position: number): string => String(position).padStart(4, '0');
const boat = (id: string, position: number, fields: Partial<Boat> = {}): Boat => ({ id, position: at(position), name: id, harbour: null, length: null, afloat: true, ...fields });
const put = (...boats: Boat[]) => boats.map((each) => ({ put: each }));

/** What every adapter of `ReadModelStore` must do, as a Jest suite. `open` is called for each test. */
export function readModelContract(name: string, open: () => Promise<ReadModelsUnderTest>): void {
  describe(`read models: ${name}`, () => {
    let under: ReadModelsUnderTest;
    let models: ReadModelStore;
    beforeEach(async () => {
      under = await open();
      models = under.models;
      await models.prepare(schema);
      await models.activate('boats', 1);
    });
    afterEach(() => under.close());

    describe('writing', () => writing(() => models));
    describe('finding', () => finding(() => models));
    describe('versions', () => versions(() => models));
    describe('with several handles on one store', () => severalHandles(() => under));
  });
}

function writing(models: () => ReadModelStore): void {
  it('keeps documents and the checkpoint together', async () => {
    expect(await models().checkpoint(one)).toBeNull();
    expect(await models().apply(one, null, at(2), put(boat('ada', 1), boat('bea', 2)))).toBe('applied');
    expect(await models().checkpoint(one)).toBe(at(2));
    expect(await models().get('boats', 'ada')).toEqual(boat('ada', 1));
    expect(await models().get('boats', 'bea')).toEqual(boat('bea', 2));
    expect(await models().get('boats', 'cleo')).toBeNull();
  });

  it('gives many documents at once, without those that are not there', async () => {
    await models().apply(one, null, at(3), [...put(boat('ada', 1), boat('bea', 2)), { remove: { id: 'cleo', position: at(3) } }]);
    expect([...(await models().getMany<Boat>('boats', ['bea', 'cleo', 'ada', 'dora', 'ada']))].sort()).toEqual([['ada', boat('ada', 1)], ['bea', boat('bea', 2)]]);
    expect((await models().getMany('boats', [])).size).toBe(0);
    expect((await models().getMany('boats', ['ada'], 7)).size).toBe(0);
    expect((await models().getMany('ships', ['ada'])).size).toBe(0);
  });

  it('moves the checkpoint without any document', async () => {
    expect(await models().apply(one, null, at(7), [])).toBe('applied');
    expect(await models().checkpoint(one)).toBe(at(7));
  });

  it('writes nothing when the checkpoint is elsewhere than expected', async () => {
    await models().apply(one, null, at(2), put(boat('ada', 2)));
    for (const expected of [null, at(1), at(3)]) {
      expect(await models().apply(one, expected, at(9), put(boat('ada', 9, { name: 'late' }), boat('bea', 9)))).toBe('stale');
    }
    expect(await models().checkpoint(one)).toBe(at(2));
    expect(await models().get('boats', 'ada')).toEqual(boat('ada', 2));
    expect(await models().get('boats', 'bea')).toBeNull();
  });

  it('replaces a document whole', async () => {
    await models().apply(one, null, at(1), put({ ...boat('ada', 1), rigging: 'sloop' } as Boat));
    await models().apply(one, at(1), at(2), put(boat('ada', 2, { name: 'Ada' })));
    expect(await models().get('boats', 'ada')).toEqual(boat('ada', 2, { name: 'Ada' }));
  });

  it('skips what is at or below the position of the document', async () => {
    await models().apply(one, null, at(5), put(boat('ada', 5)));
    await models().apply(one, at(5), at(6), [...put(boat('ada', 5, { name: 'again' }), boat('bea', 6)), { remove: { id: 'ada', position: at(4) } }]);
    expect(await models().get('boats', 'ada')).toEqual(boat('ada', 5));
    expect(await models().get('boats', 'bea')).toEqual(boat('bea', 6));
  });

  it('remembers where a document was removed, so that nothing older brings it back', async () => {
    await models().apply(one, null, at(5), [...put(boat('ada', 3)), { remove: { id: 'ada', position: at(5) } }]);
    await models().apply(one, at(5), at(6), put(boat('ada', 4)));
    expect(await models().get('boats', 'ada')).toBeNull();
    expect((await models().find('boats', { limit: 10 })).items).toEqual([]);
    await models().apply(one, at(6), at(7), put(boat('ada', 7)));
    expect(await models().get('boats', 'ada')).toEqual(boat('ada', 7));
  });

  it('gives back every kind of value as it was put', async () => {
    const names = { 10: 'ten', 2: 'two', '': 'empty', $set: { $gt: 1 }, '$a.$b': 'x', 'a.b$c': 'ü\u2028"\0', constructor: 1, b: 1, a: 2, B: 3, ['__proto__']: 'own' };
    const numbers = { half: 1.5, below: -2, long: 2 ** 40, longest: Number.MAX_SAFE_INTEGER, huge: 1e300, tiny: 5e-324, tenth: 0.1 + 0.2, zero: -0, none: NaN };
    const text = { half_a_pair: '\ud83d', emoji: '😀', nul: 'a\0b', empty: '', long: 'ä'.repeat(70_000), looks_like: '{"$oid":"1"}' };
    const laden = { ...boat('ada', 1), ...numbers, ...text, env: names, labels: {}, left_out: undefined, deep: [{ none: null, yes: true, many: [1.5, -2, 2 ** 40], ...text }, []] };
    await models().apply(one, null, at(1), put(laden));
    const sorted = canonicalJson(JSON.parse(JSON.stringify(laden)));
    for (const found of [await models().get('boats', 'ada'), (await models().find('boats', { limit: 1 })).items[0], (await models().getMany('boats', ['ada'])).get('ada')]) {
      // To the byte: the same members in the same order, in every store.
      expect(JSON.stringify(found)).toBe(JSON.stringify(JSON.parse(sorted)));
    }
  });
}

function finding(models: () => ReadModelStore): void {
  const fleet = [
    boat('a', 1, { name: 'Zora', harbour: 'kiel', length: 9 }),
    boat('b', 2, { name: 'Ada', harbour: 'kiel', length: 12, afloat: false }),
    boat('c', 3, { name: 'Mia', harbour: 'oslo', length: 9 }),
    boat('d', 4, { name: 'Ada', harbour: null, length: null }),
    boat('e', 5, { name: 'Eva', harbour: 'kiel', length: 10.5, afloat: false }),
    boat('f', 6, { name: 'Fee', harbour: 'bergen', length: null }),
  ];
  beforeEach(() => models().apply(one, null, at(6), put(...fleet)));

  const ids = async (query: Omit<Query, 'limit'>): Promise<string> => {
    const page = await models().find<Boat>('boats', { ...query, limit: 100 });
    expect(page.next).toBeNull();
    return page.items.map(({ id }) => id).join('');
  };

  const cases: [string, Omit<Query, 'limit'>, string][] = [
    ['everything by id', {}, 'abcdef'],
    ['what equals', { eq: { harbour: 'kiel' } }, 'abe'],
    ['what equals in every field', { eq: { harbour: 'kiel', length: 12 } }, 'b'],
    ['what is null', { eq: { harbour: null } }, 'd'],
    ['what is false', { eq: { afloat: false } }, 'be'],
    ['what is one of these', { in: { harbour: ['oslo', 'bergen'] } }, 'cf'],
    ['what is one of these or null', { in: { harbour: ['oslo', null] } }, 'cd'],
    ['nothing where nothing may be', { in: { harbour: [] } }, ''],
    ['these ids', { in: { id: ['f', 'a', 'x'] } }, 'af'],
    ['what lies between', { range: { field: 'length', gt: 9, lte: 12 } }, 'be'],
    ['what lies from and to', { range: { field: 'position', gte: at(2), lt: at(4) } }, 'bc'],
    ['by number, null first', { sort: { field: 'length' } }, 'dfaceb'],
    ['by number from the largest, null last', { sort: { field: 'length', descending: true } }, 'becafd'],
    ['by text, ties by id', { sort: { field: 'name' } }, 'bdefca'],
    ['by text from the last', { sort: { field: 'name', descending: true } }, 'acfedb'],
    ['by id from the last', { sort: { field: 'id', descending: true } }, 'fedcba'],
    ['all of it together', { eq: { afloat: true }, in: { harbour: ['kiel', 'oslo', 'bergen'] }, range: { field: 'position', gt: at(1) }, sort: { field: 'name' } }, 'fc'],
  ];
  it.each(cases)('finds %s', async (_, query, expected) => expect(await ids(query)).toBe(expected));

  it.each(cases)('gives the same in pages of two: %s', async (_, query, expected) => {
    const pages: string[] = [];
    let after: string | null = null;
    do {
      const page: { items: readonly Boat[]; next: string | null } = await models().find<Boat>('boats', { ...query, after, limit: 2 });
      pages.push(page.items.map(({ id }) => id).join(''));
      after = page.next;
    } while (after);
    expect(pages.join('')).toBe(expected);
    expect(pages).toHaveLength(Math.max(1, Math.ceil(expected.length / 2)));
  });

  it('goes on after the last document of a page, whatever came and went meanwhile', async () => {
    const first = await models().find<Boat>('boats', { sort: { field: 'name' }, limit: 2 });
    await models().apply(one, at(6), at(9), [{ remove: { id: 'd', position: at(7) } }, ...put(boat('g', 8, { name: 'Aaa' }), boat('h', 9, { name: 'Bea' }))]);
    const second = await models().find<Boat>('boats', { sort: { field: 'name' }, after: first.next, limit: 10 });
    expect(second.items.map(({ id }) => id).join('')).toBe('hefca');
  });

  it.each(['nonsense', 'W10', Buffer.from('{"id":"a"}').toString('base64url'), Buffer.from('[[1],"a"]').toString('base64url')])('refuses %p as a cursor', async (after) => {
    await expect(models().find('boats', { after, limit: 2 })).rejects.toMatchObject({ kind: 'invalid', code: 'cursor.invalid' });
  });
}

function versions(models: () => ReadModelStore): void {
  const build = async (position: number): Promise<void> => {
    await models().prepare({ ...schema, version: 2 });
    await models().apply(two, null, at(position), put(boat('ada', 1, { name: 'rebuilt' })));
  };
  beforeEach(() => models().apply(one, null, at(3), put(boat('ada', 1))));

  it('has nothing of a view that was never activated', async () => {
    await models().prepare({ ...schema, view: 'ships' });
    expect(await models().active('ships')).toBeNull();
    expect(await models().get('ships', 'ada')).toBeNull();
    expect(await models().find('ships', { limit: 5 })).toEqual({ items: [], next: null });
  });

  it('builds one version beside the live one', async () => {
    await build(3);
    expect(await models().get<Boat>('boats', 'ada')).toMatchObject({ name: 'ada' });
    expect(await models().get<Boat>('boats', 'ada', 2)).toMatchObject({ name: 'rebuilt' });
    expect((await models().find<Boat>('boats', { limit: 5 }, 2)).items).toMatchObject([{ name: 'rebuilt' }]);
    expect(await models().active('boats')).toBe(1);
  });

  it('flips to the new version and drops the old one', async () => {
    await build(3);
    expect(await models().activate('boats', 2)).toBe('activated');
    expect(await models().active('boats')).toBe(2);
    expect(await models().get<Boat>('boats', 'ada')).toMatchObject({ name: 'rebuilt' });
    expect(await models().checkpoint(one)).toBeNull();
    expect(await models().get('boats', 'ada', 1)).toBeNull();
    expect(await models().apply(one, at(3), at(4), put(boat('bea', 4)))).toBe('stale');
  });

  it('does not flip to a version that knows less than the live one', async () => {
    await build(2);
    expect(await models().activate('boats', 2)).toBe('behind');
    expect(await models().active('boats')).toBe(1);
    await models().apply(two, at(2), at(3), []);
    expect(await models().activate('boats', 2)).toBe('activated');
  });

  it('flips to one that knows less where the live one is of another history', async () => {
    await build(2);
    expect(await models().activate('boats', 2, { evenBehind: true })).toBe('activated');
    expect(await models().get<Boat>('boats', 'ada')).toMatchObject({ name: 'rebuilt' });
    expect(await models().active('boats')).toBe(2);
  });

  it('keeps which event store a version was made for', async () => {
    expect(await models().storeOf(two)).toBeNull();
    await models().prepare({ ...schema, version: 2 }, 'store_a');
    await models().prepare({ ...schema, version: 2 }, 'store_b');
    expect([await models().storeOf(one), await models().storeOf(two)]).toEqual([null, 'store_a']);
    await models().drop(two);
    await models().prepare({ ...schema, version: 2 }, 'store_b');
    expect(await models().storeOf(two)).toBe('store_b');
  });

  it('activates again without harm, and never what was not prepared', async () => {
    expect(await models().activate('boats', 1)).toBe('activated');
    expect(await models().get<Boat>('boats', 'ada')).toMatchObject({ name: 'ada' });
    await expect(models().activate('boats', 5)).rejects.toThrow('never prepared');
    expect(await models().active('boats')).toBe(1);
  });

  it('prepares again without harm', async () => {
    await models().prepare({ ...schema, indexes: [...schema.indexes, ['name']] });
    expect(await models().checkpoint(one)).toBe(at(3));
    expect(await models().get<Boat>('boats', 'ada')).toMatchObject({ name: 'ada' });
  });

  it('forgets a version that is given up, but not the live one', async () => {
    await build(3);
    await models().drop(two);
    expect(await models().checkpoint(two)).toBeNull();
    await expect(models().drop(one)).rejects.toThrow('live');
    await build(3);
    expect(await models().get<Boat>('boats', 'ada', 2)).toMatchObject({ name: 'rebuilt' });
  });
}

function severalHandles(under: () => ReadModelsUnderTest): void {
  it('keeps documents over a reopening', async () => {
    await under().models.apply(one, null, at(1), put(boat('ada', 1)));
    const reopened = await under().reopen();
    expect(await reopened.active('boats')).toBe(1);
    expect(await reopened.checkpoint(one)).toBe(at(1));
    expect(await reopened.get('boats', 'ada')).toEqual(boat('ada', 1));
  });

  it('takes one of many writes that expect the same checkpoint', async () => {
    const handles = await Promise.all(Array.from({ length: 4 }, () => under().reopen()));
    for (let round = 0; round < 20; round += 1) {
      const expected = round === 0 ? null : at(round);
      const outcomes = await Promise.all(handles.map((models, index) => models.apply(one, expected, at(round + 1), put(boat('ada', round + 1, { name: `by ${index}` })))));
      expect(outcomes.filter((outcome) => outcome === 'applied')).toHaveLength(1);
      const winner = outcomes.indexOf('applied');
      expect(await under().models.get<Boat>('boats', 'ada')).toMatchObject({ name: `by ${winner}` });
    }
  });

  it('has another mark after every change of what is read, by whatever handle, or none at all', async () => {
    const { models } = under();
    const other = await under().reopen();
    const changes: (() => Promise<unknown>)[] = [
      () => models.apply(one, null, at(1), put(boat('ada', 1))),
      () => other.apply(one, at(1), at(2), put(boat('ada', 2))),
      // So many are written by other means where there are any.
      () => models.apply(one, at(2), at(3), put(...Array.from({ length: 400 }, (_, index) => boat(`boat-${index}`, 3)))),
      () => models.apply(one, at(3), at(4), [{ remove: { id: 'ada', position: at(4) } }]),
      () => other.prepare({ ...schema, version: 2 }).then(() => other.activate('boats', 2, { evenBehind: true })),
    ];
    for (const change of changes) {
      const before = [await models.mark(), await other.mark()];
      expect([await models.mark(), await other.mark()]).toEqual(before);
      await change();
      for (const [index, mark] of [await models.mark(), await other.mark()].entries()) if (before[index] !== null) expect(mark).not.toBe(before[index]);
    }
  });

  it('flips for every handle at once', async () => {
    const other = await under().reopen();
    expect(await other.get('boats', 'ada')).toBeNull();
    await under().models.prepare({ ...schema, version: 2 });
    await under().models.apply(two, null, at(1), put(boat('ada', 1)));
    await under().models.activate('boats', 2);
    expect(await other.active('boats')).toBe(2);
    expect(await other.get('boats', 'ada')).toEqual(boat('ada', 1));
    expect((await other.find('boats', { limit: 5 })).items).toEqual([boat('ada', 1)]);
    expect(await other.apply(one, null, at(1), [])).toBe('stale');
  });
}
