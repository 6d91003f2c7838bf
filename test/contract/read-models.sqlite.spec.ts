import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openSqliteReadModels, type ReadModelStore } from '#read-models';
import { systemClock, systemRandom } from '#platform';
import { MemoryLogger } from '#testing';
import { readModelContract } from '../../libs/read-models/contract.ts';

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
    const owner = plan("json_extract(doc, '$.owner_id') = 'x' AND id < 'p' ORDER BY id DESC");
    const named = plan("json_extract(doc, '$.harbour') = 'kiel' AND json_extract(doc, '$.name') = 'Ada' ORDER BY id");
    db.close();
    expect(owner).toBe('SEARCH boats_v1 USING INDEX boats_v1__owner_id (<expr>=? AND id<?)');
    expect(named).toBe('SEARCH boats_v1 USING INDEX boats_v1__harbour__name (<expr>=? AND <expr>=?)');
  });

  it('waits without blocking while another process holds the file, and then writes', async () => {
    const other = new DatabaseSync(file);
    other.exec('BEGIN IMMEDIATE');
    let written = false;
    const write = models.apply(ref, null, '1', [{ put: { id: 'a', position: '1' } }]).then(() => (written = true));
    let longest = 0;
    for (let turn = 0; turn < 10; turn += 1) {
      const before = systemClock.monotonic();
      await systemClock.sleep(20);
      longest = Math.max(longest, systemClock.monotonic() - before);
    }
    expect(written).toBe(false);
    expect(await models.checkpoint(ref)).toBeNull();
    expect(longest).toBeLessThan(200);
    other.exec('ROLLBACK');
    other.close();
    await write;
    expect(await models.checkpoint(ref)).toBe('1');
  });

  it('refuses names that are more than names', async () => {
    await expect(models.prepare({ view: 'boats; DROP TABLE boats_v1', version: 1, indexes: [] })).rejects.toThrow('not a name');
    await expect(models.find('boats', { eq: { "x') OR 1 --": 'y' }, limit: 1 })).rejects.toThrow('not a name');
  });
});
