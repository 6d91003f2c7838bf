import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openSqliteReadModels, type ReadModelStore } from '#read-models';
import { systemClock, systemRandom } from '#platform';
import { MemoryLogger } from '#testing';
import { readModelContract } from '../../libs/read-models/contract.ts';
import { turnsIn } from './turns.ts';

const openAt = (file: string): Promise<ReadModelStore> =>
  openSqliteReadModels({ file, clock: systemClock, random: systemRandom, logger: new MemoryLogger() });

readModelContract('sqlite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-read-models-'));
  const handles: ReadModelStore[] = [];
  const reopen = async (): Promise<ReadModelStore> => {
    const models = await openAt(join(folder, 'nested', 'read-models.db'));
    handles.push(models);
    return models;
  };
  return {
    models: await reopen(),
    reopen,
    close: async () => {
      for (const models of handles) await models.close();
      await rm(folder, { recursive: true });
    },
  };
});

describe('read models: the SQLite file', () => {
  let folder: string;
  let file: string;
  let models: ReadModelStore;
  const ref = { view: 'boats', version: 1 };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'waybill-read-models-'));
    file = join(folder, 'read-models.db');
    models = await openAt(file);
    await models.prepare({ ...ref, indexes: [['harbour', 'name'], ['owner_id']] });
    await models.activate('boats', 1);
  });
  afterEach(async () => {
    await models.close();
    await rm(folder, { recursive: true });
  });

  it('holds the same document as the same text, however its fields came about', async () => {
    await models.apply(ref, null, '2', [
      { put: { id: 'a', position: '1', b: { y: 1, x: [2, { d: 4, c: 3 }] }, a: null } as never },
      { put: { a: null, position: '1', b: { x: [2, { c: 3, d: 4 }], y: 1 }, id: 'b' } as never },
    ]);
    const db = new DatabaseSync(file);
    const texts = db.prepare('SELECT doc FROM boats_v1 ORDER BY id').all().map(({ doc }) => String(doc));
    db.close();
    expect(texts).toEqual(['a', 'b'].map((id) => `{"a":null,"b":{"x":[2,{"c":3,"d":4}],"y":1},"id":"${id}","position":"1"}`));
  });

  it('looks documents up by its indexes, in their order and from a cursor on', async () => {
    const db = new DatabaseSync(file);
    const plan = (where: string): string =>
      db.prepare(`EXPLAIN QUERY PLAN SELECT id, doc FROM boats_v1 WHERE doc IS NOT NULL AND ${where} LIMIT 3`).all().map(({ detail }) => String(detail)).join('; ');
    const owner = plan("its_owner_id = 'x' AND id < 'p' ORDER BY id DESC");
    const named = plan("its_harbour = 'kiel' AND its_name = 'Ada' ORDER BY id");
    db.close();
    expect(owner).toBe('SEARCH boats_v1 USING INDEX boats_v1__owner_id (its_owner_id=? AND id<?)');
    expect(named).toBe('SEARCH boats_v1 USING INDEX boats_v1__harbour__name (its_harbour=? AND its_name=?)');
  });

  it('waits without blocking while another process holds the file, and then writes', async () => {
    const free = await turnsIn(200);
    const other = new DatabaseSync(file);
    other.exec('BEGIN IMMEDIATE');
    let written = false;
    const write = models.apply(ref, null, '1', [{ put: { id: 'a', position: '1' } }]).then(() => (written = true));
    const held = await turnsIn(600);
    expect(written).toBe(false);
    expect(await models.checkpoint(ref)).toBeNull();
    expect(held / 3).toBeGreaterThan(free / 20);
    other.exec('ROLLBACK');
    other.close();
    await write;
    expect(await models.checkpoint(ref)).toBe('1');
  });

  it('writes many documents by a thread, each once, and is free for others meanwhile', async () => {
    const many = Array.from({ length: 2_000 }, (_, index) => ({ put: { id: `boat_${index}`, position: '1', owner_id: `o${index % 7}` } as never }));
    let turns = 0;
    let done = false;
    const write = models.apply(ref, null, '1', many).finally(() => (done = true));
    while (!done) {
      await systemClock.sleep(1);
      turns += 1;
    }
    expect(await write).toBe('applied');
    expect(turns).toBeGreaterThan(1);
    // The second says nothing new of these, and comes too late as a whole.
    expect(await models.apply(ref, null, '1', many)).toBe('stale');
    const small = models.apply(ref, '1', '3', [{ put: { id: 'boat_1', position: '3', owner_id: 'late' } as never }]);
    expect(await Promise.all([small, models.apply(ref, '3', '4', many)])).toEqual(['applied', 'applied']);
    expect(await models.get('boats', 'boat_1')).toEqual({ id: 'boat_1', position: '3', owner_id: 'late' });
    expect((await models.find('boats', { eq: { owner_id: 'o3' }, limit: 500 })).items).toHaveLength(286);
  });

  it('waits for another process with many documents as with few', async () => {
    const many = Array.from({ length: 300 }, (_, index) => ({ put: { id: `boat_${index}`, position: '1' } }));
    const other = new DatabaseSync(file);
    other.exec('BEGIN IMMEDIATE');
    const write = models.apply(ref, null, '1', many);
    await systemClock.sleep(100);
    expect(await models.checkpoint(ref)).toBeNull();
    other.exec('ROLLBACK');
    other.close();
    expect(await write).toBe('applied');
  });

  it('goes on with a file whose tables have no columns for the fields of the documents', async () => {
    const db = new DatabaseSync(file);
    db.exec("CREATE TABLE boats_v2 (id TEXT PRIMARY KEY, position TEXT NOT NULL, doc TEXT) STRICT; INSERT INTO versions (view, version) VALUES ('boats', 2)");
    db.close();
    await models.prepare({ ...ref, version: 2, indexes: [['owner_id']] });
    await models.apply({ ...ref, version: 2 }, null, '1', [{ put: { id: 'a', position: '1', owner_id: 'x' } as never }]);
    await models.activate('boats', 2);
    expect((await models.find('boats', { eq: { owner_id: 'x' }, limit: 2 })).items).toHaveLength(1);
  });

  it('refuses names that are more than names', async () => {
    await expect(models.prepare({ view: 'boats; DROP TABLE boats_v1', version: 1, indexes: [] })).rejects.toThrow('not a name');
    await expect(models.find('boats', { eq: { "x') OR 1 --": 'y' }, limit: 1 })).rejects.toThrow('not a name');
  });
});
