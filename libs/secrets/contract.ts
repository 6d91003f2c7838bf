import type { KeptValue, ValueStore } from './port.ts';

/** A store to test, empty at first. */
export interface ValueStoreUnderTest {
  readonly store: ValueStore;
  /** A further handle on the same values, as another process has it. */
  readonly reopen: () => Promise<ValueStore>;
  /** Closes all handles and throws the values away. */
  readonly close: () => Promise<void>;
}

const value = (id: string, version = 1, over: Partial<KeptValue> = {}): KeptValue => ({
  projectId: 'prj_a', id, version, valueId: `by ${id}`, kek: 'kek_1', wrapped: Buffer.from([0, 1, 255]), ciphertext: Buffer.from(`${id} ${version}`), ...over,
});

/** What every adapter of `ValueStore` must do, as a Jest suite. `open` is called for each test. */
export function valueStoreContract(name: string, open: () => Promise<ValueStoreUnderTest>): void {
  describe(`values: ${name}`, () => {
    let under: ValueStoreUnderTest;
    let store: ValueStore;
    beforeEach(async () => {
      under = await open();
      store = under.store;
    });
    afterEach(() => under.close());

    it('keeps a value byte for byte, for other processes too', async () => {
      const kept = value('sec_a', 1, { ciphertext: Buffer.from([...Array(256).keys()]) });
      expect(await store.insert(kept)).toEqual(kept);
      expect(await store.find(kept)).toEqual(kept);
      expect(await (await under.reopen()).find(kept)).toEqual(kept);
      expect(await store.find({ ...kept, version: 2 })).toBeNull();
    });

    it('lets what stands under a name stand, whoever comes second, and says so', async () => {
      const [first, second] = [value('sec_a'), value('sec_a', 1, { ciphertext: Buffer.from('other') })];
      const other = await under.reopen();
      const answers = await Promise.all([store.insert(first), other.insert(second)]);
      expect(answers[0]).toEqual(answers[1]);
      expect([first, second]).toContainEqual(answers[0]);
      expect(await store.find(first)).toEqual(answers[0]);
    });

    it('keeps two that were about to be one version apart by who wrote them', async () => {
      await store.insert(value('sec_a', 2, { valueId: 'one' }));
      await store.insert(value('sec_a', 2, { valueId: 'two', ciphertext: Buffer.from('2') }));
      await store.remove(value('sec_a', 2, { valueId: 'one' }));
      expect(await store.find(value('sec_a', 2, { valueId: 'one' }))).toBeNull();
      expect((await store.find(value('sec_a', 2, { valueId: 'two' })))?.ciphertext.toString()).toBe('2');
    });

    it('forgets all versions of one thing, and of no other', async () => {
      for (const each of [value('sec_a', 1), value('sec_a', 2), value('sec_ab', 1)]) await store.insert(each);
      await store.removeAll('sec_a');
      await store.removeAll('sec_a');
      expect(await Promise.all([value('sec_a', 1), value('sec_a', 2), value('sec_ab', 1)].map((ref) => store.find(ref)))).toEqual([null, null, value('sec_ab', 1)]);
    });

    it('exchanges a wrapped key where it is still wrapped as was thought', async () => {
      await store.insert(value('sec_a'));
      await store.insert(value('sec_b', 1, { kek: 'kek_2' }));
      expect((await store.wrappedOtherwise('kek_2', 10)).map(({ id }) => id)).toEqual(['sec_a']);
      expect(await store.rewrap(value('sec_a'), 'kek_0', { kek: 'kek_2', wrapped: Buffer.from('w') })).toBe(false);
      expect(await store.rewrap(value('sec_a'), 'kek_1', { kek: 'kek_2', wrapped: Buffer.from('w') })).toBe(true);
      expect(await store.find(value('sec_a'))).toEqual(value('sec_a', 1, { kek: 'kek_2', wrapped: Buffer.from('w') }));
      expect(await store.wrappedOtherwise('kek_2', 10)).toEqual([]);
      expect(await store.keksInUse()).toEqual(['kek_2']);
    });

    it('gives no more than was asked for', async () => {
      for (const id of ['sec_a', 'sec_b', 'sec_c']) await store.insert(value(id));
      expect(await store.wrappedOtherwise('kek_2', 2)).toHaveLength(2);
    });
  });
}
