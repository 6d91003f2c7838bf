import type { IdentityStore, KeptUser } from './port.ts';

/** A store to test, empty at first. */
export interface IdentityStoreUnderTest {
  readonly store: IdentityStore;
  /** A further handle on the same identities, as another process has it. */
  readonly reopen: () => Promise<IdentityStore>;
  /** Closes all handles and throws the identities away. */
  readonly close: () => Promise<void>;
}

const user = (name: string, over: Partial<KeptUser> = {}): KeptUser => ({ userId: `usr_${name}`, login: name, name: null, passwordHash: `hash of ${name}`, createdAt: 1_700_000_000_000, ...over });
const token = (hash: string, tokenId: `tok_${string}`, projectId: `prj_${string}` = 'prj_a') => ({ hash, tokenId, projectId, name: `named ${hash}` });

/** What every adapter of `IdentityStore` must do, as a Jest suite. `open` is called for each test. */
export function identityStoreContract(name: string, open: () => Promise<IdentityStoreUnderTest>): void {
  describe(`identities: ${name}`, () => {
    let under: IdentityStoreUnderTest;
    let store: IdentityStore;
    beforeEach(async () => {
      under = await open();
      store = under.store;
    });
    afterEach(() => under.close());

    describe('users', () => {
      it('are kept, for other processes too, and found by id and login', async () => {
        const ann = user('ann', { name: 'Ann Łącka 😀' });
        expect(await store.insertUser(ann)).toEqual(ann);
        const other = await under.reopen();
        expect([await other.findUser('usr_ann'), await other.findLogin('ann'), await other.findUsers(['usr_ann', 'usr_none'])]).toEqual([ann, ann, [ann]]);
        expect([await store.findUser('usr_none'), await store.findLogin('none')]).toEqual([null, null]);
      });

      it('have an id and a login to themselves, whoever comes second', async () => {
        const [first, second] = [user('ann'), user('ann', { userId: 'usr_other' })];
        const other = await under.reopen();
        const [one, two] = await Promise.all([store.insertUser(first), other.insertUser(second)]);
        expect(one).toEqual(two);
        expect([first, second]).toContainEqual(one);
        const standing = await store.findLogin('ann');
        expect(standing).toEqual(one);
        expect(await store.insertUser({ ...one, login: 'changed', passwordHash: 'other' })).toEqual(one);
      });

      it('are listed by login, page after page', async () => {
        for (const each of ['carl', 'ann', 'bob']) await store.insertUser(user(each));
        const page = await store.listUsers(null, 2);
        expect(page.map(({ login }) => login)).toEqual(['ann', 'bob']);
        expect((await store.listUsers('bob', 2)).map(({ login }) => login)).toEqual(['carl']);
      });

      it('have another password when it was set, and none when they are forgotten', async () => {
        await store.insertUser(user('ann'));
        await store.setPassword('usr_ann', 'new');
        expect((await store.findUser('usr_ann'))?.passwordHash).toBe('new');
        await store.forgetUser('usr_ann');
        await store.forgetUser('usr_ann');
        await store.setPassword('usr_ann', 'newer');
        expect([await store.findUser('usr_ann'), await store.findLogin('ann')]).toEqual([null, null]);
        expect(await store.insertUser(user('ann', { userId: 'usr_again' }))).toMatchObject({ userId: 'usr_again' });
      });
    });

    describe('tokens', () => {
      it('are found by their hash and by their project', async () => {
        for (const each of [token('h2', 'tok_1'), token('h1', 'tok_2'), token('h3', 'tok_3', 'prj_b')]) await store.insertToken(each);
        await store.insertToken({ ...token('h1', 'tok_9'), name: 'too late' });
        expect(await (await under.reopen()).findToken('h1')).toEqual(token('h1', 'tok_2'));
        expect(await store.findToken('h4')).toBeNull();
        expect(await store.tokensOf('prj_a')).toEqual([token('h1', 'tok_2'), token('h2', 'tok_1')]);
      });

      it('are forgotten one by one, by token, and by project', async () => {
        for (const each of [token('h1', 'tok_1'), token('h2', 'tok_1'), token('h3', 'tok_2'), token('h4', 'tok_3'), token('h5', 'tok_4', 'prj_b')]) await store.insertToken(each);
        await store.forgetToken('tok_1');
        await store.forgetHash('h3');
        expect((await store.tokensOf('prj_a')).map(({ hash }) => hash)).toEqual(['h4']);
        await store.forgetTokensOf('prj_a');
        expect([await store.tokensOf('prj_a'), (await store.tokensOf('prj_b')).length]).toEqual([[], 1]);
      });
    });

    describe('origins', () => {
      it('are one for each address, however often and from wherever it is asked', async () => {
        const other = await under.reopen();
        const [one, two] = await Promise.all([store.originOf('10.0.0.1', 'ori_a'), other.originOf('10.0.0.1', 'ori_b')]);
        expect(one).toBe(two);
        expect(await store.findOrigin(one)).toEqual({ originId: one, address: '10.0.0.1' });
        expect(await store.originOf('::1', 'ori_c')).toBe('ori_c');
      });

      it('lead to nothing once they are forgotten; the address is another one then', async () => {
        await store.originOf('10.0.0.1', 'ori_a');
        await store.forgetOrigin('ori_a');
        expect(await store.findOrigin('ori_a')).toBeNull();
        expect(await store.originOf('10.0.0.1', 'ori_b')).toBe('ori_b');
      });
    });
  });
}
