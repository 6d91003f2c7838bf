import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type IdentityStore, openIdentityStore } from '#identity';
import { systemClock } from '#platform';
import { identityStoreContract } from '../../libs/identity/contract.ts';
import { mongoForTests } from '../mongodb-server/mongo-for-tests.ts';

/** Handles on what one URL names. */
async function handlesOn(url: string, drop: () => Promise<void>) {
  const handles: IdentityStore[] = [];
  const reopen = async (): Promise<IdentityStore> => {
    const store = await openIdentityStore(url, systemClock);
    handles.push(store);
    return store;
  };
  const close = async (): Promise<void> => {
    for (const store of handles) await store.close();
    await drop();
  };
  return { store: await reopen(), reopen, close };
}

const ownFolder = () => mkdtemp(join(tmpdir(), 'waybill-identities-'));

identityStoreContract('SQLite', async () => {
  const folder = await ownFolder();
  return handlesOn(`sqlite:${join(folder, 'identity.db')}`, () => rm(folder, { recursive: true }));
});

describe('identities: the SQLite file', () => {
  it('is closed to others, and forgets a person byte for byte', async () => {
    const folder = await ownFolder();
    const file = join(folder, 'identity.db');
    const store = await openIdentityStore(`sqlite:${file}`, systemClock);
    await store.insertUser({ userId: 'usr_a', login: 'ann@example.com', name: 'to be forgotten', passwordHash: 'hash', createdAt: 1 });
    await store.forgetUser('usr_a');
    await store.close();
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const bytes = await readFile(file);
    expect([bytes.includes('to be forgotten'), bytes.includes('ann@example.com')]).toEqual([false, false]);
    await rm(folder, { recursive: true });
  });

  it('that can’t be opened is said to be unavailable', async () => {
    const folder = await ownFolder();
    await writeFile(join(folder, 'file'), '');
    await expect(openIdentityStore(`sqlite:${join(folder, 'file/identity.db')}`, systemClock)).rejects.toMatchObject({ code: 'identity_store.unavailable' });
    await rm(folder, { recursive: true });
    await expect(openIdentityStore('postgres://x', systemClock)).rejects.toThrow('IDENTITY_STORE_URL');
  });
});

const mongo = await mongoForTests();
if ('missing' in mongo) {
  describe('identities: MongoDB', () => {
    it.skip(`was NOT tried: ${mongo.missing}`, () => undefined);
  });
} else {
  afterAll(() => mongo.close());
  identityStoreContract(`MongoDB (${mongo.name})`, async () => {
    const database = mongo.database();
    return handlesOn(database.url, () => database.drop());
  });
}
