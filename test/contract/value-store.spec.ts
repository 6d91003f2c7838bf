import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '#platform';
import { openValueStore, type ValueStore } from '#secrets';
import { MemoryValueStore } from '#testing';
import { valueStoreContract } from '../../libs/secrets/contract.ts';
import { mongoForTests } from '../mongodb-server/mongo-for-tests.ts';

valueStoreContract('memory', async () => {
  const store = new MemoryValueStore();
  return { store, reopen: async () => store, close: () => store.close() };
});

/** Handles on what one URL names. */
async function handlesOn(url: string, drop: () => Promise<void>) {
  const handles: ValueStore[] = [];
  const reopen = async (): Promise<ValueStore> => {
    const store = await openValueStore(url, systemClock);
    handles.push(store);
    return store;
  };
  const close = async (): Promise<void> => {
    for (const store of handles) await store.close();
    await drop();
  };
  return { store: await reopen(), reopen, close };
}

const ownFolder = () => mkdtemp(join(tmpdir(), 'waybill-values-'));

valueStoreContract('SQLite', async () => {
  const folder = await ownFolder();
  return handlesOn(`sqlite:${join(folder, 'values.db')}`, () => rm(folder, { recursive: true }));
});

describe('values: the SQLite file', () => {
  it('is closed to others, and forgets what was removed byte for byte', async () => {
    const folder = await ownFolder();
    const file = join(folder, 'values.db');
    const store = await openValueStore(`sqlite:${file}`, systemClock);
    const kept = { projectId: 'prj_a', id: 'sec_a', version: 1, valueId: 'v', kek: 'kek_1', wrapped: Buffer.from('w'), ciphertext: Buffer.from('to be forgotten') };
    await store.insert(kept);
    await store.removeAll('sec_a');
    await store.close();
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await readFile(file)).includes('to be forgotten')).toBe(false);
    await rm(folder, { recursive: true });
  });

  it('that can’t be opened is said to be unavailable', async () => {
    const folder = await ownFolder();
    await writeFile(join(folder, 'file'), '');
    await expect(openValueStore(`sqlite:${join(folder, 'file/values.db')}`, systemClock)).rejects.toMatchObject({ code: 'value_store.unavailable' });
    await writeFile(join(folder, 'other.db'), 'no database, but as long as the header of one would have to be'.repeat(20));
    await expect(openValueStore(`sqlite:${join(folder, 'other.db')}`, systemClock)).rejects.toMatchObject({ code: 'value_store.unavailable' });
    await rm(folder, { recursive: true });
    await expect(openValueStore('postgres://x', systemClock)).rejects.toThrow('VALUE_STORE_URL');
  });
});

const mongo = await mongoForTests();
if ('missing' in mongo) {
  describe('values: MongoDB', () => {
    it.skip(`was NOT tried: ${mongo.missing}`, () => undefined);
  });
} else {
  afterAll(() => mongo.close());
  valueStoreContract(`MongoDB (${mongo.name})`, async () => {
    const database = mongo.database();
    return handlesOn(database.url, () => database.drop());
  });
}
