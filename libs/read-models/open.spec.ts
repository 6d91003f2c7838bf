import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, MemoryLogger } from '#testing';
import { systemClock, systemRandom } from '#platform';
import { openReadModelStore } from './open.ts';

const parts = { clock: systemClock, random: systemRandom, logger: new MemoryLogger() };

describe('the store that READ_MODEL_URL names', () => {
  it('is a file of SQLite', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'waybill-open-'));
    const models = await openReadModelStore(`sqlite:${join(folder, 'a.db')}`, parts);
    await models.prepare({ view: 'boats', version: 1, indexes: [] });
    await models.activate('boats', 1);
    expect(await models.active('boats')).toBe(1);
    await models.close();
    await rm(folder, { recursive: true });
  });

  it('is a MongoDB server, which may be away', async () => {
    const models = await openReadModelStore(`mongodb://127.0.0.1:${await freePort()}/waybill?serverSelectionTimeoutMS=100`, parts);
    for (const _ of [1, 2]) await expect(models.active('boats')).rejects.toMatchObject({ code: 'read_models.unavailable' });
    await models.close();
  });

  it('is nothing that is not known, or can not be meant', async () => {
    await expect(openReadModelStore('postgres://localhost', parts)).rejects.toThrow('names no known store');
    await expect(openReadModelStore('mongodb://localhost/?unheardOf=1', parts)).rejects.toThrow('unheardof');
  });
});
