import { Transient, type Clock } from '#contracts';
import { PrivateFile } from '#sqlite';
import type { KeptValue, ValueRef, ValueStore, WrappedKey } from './port.ts';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS held_values (
    project_id TEXT NOT NULL,
    id         TEXT NOT NULL,
    version    INTEGER NOT NULL,
    value_id   TEXT NOT NULL,
    kek        TEXT NOT NULL,
    wrapped    BLOB NOT NULL,
    ciphertext BLOB NOT NULL,
    PRIMARY KEY (id, version, value_id)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS held_values_by_kek ON held_values (kek);
  PRAGMA user_version = 1;
`;

const PAGE = 'SELECT project_id, id, version, value_id FROM held_values WHERE (id, version, value_id) > (?, ?, ?) ORDER BY id, version, value_id LIMIT ?';
const NAMED = 'id = ? AND version = ? AND value_id = ?';

interface Row {
  readonly project_id: string;
  readonly id: string;
  readonly version: number;
  readonly value_id: string;
  readonly kek: string;
  readonly wrapped: Uint8Array;
  readonly ciphertext: Uint8Array;
}

/** Values in one SQLite file (0600), made where it is lacking; several processes may share it, on one machine. What was kept is on the disk.
 *  @throws Transient `value_store.unavailable` when it can't be opened or stays locked. */
export async function openSqliteValueStore({ file, clock }: { readonly file: string; readonly clock: Clock }): Promise<ValueStore> {
  const unusable = (message: string) => new Transient('value_store.unavailable', `the store of values can't be used: ${message}`);
  return new SqliteValueStore(await PrivateFile.open({ file, schema: SCHEMA, clock, unusable }));
}

class SqliteValueStore implements ValueStore {
  constructor(private readonly file: PrivateFile) {}

  async insert(value: KeptValue): Promise<KeptValue> {
    const { projectId, id, version, valueId, kek, wrapped, ciphertext } = value;
    await this.file.try((db) => db.prepare('INSERT OR IGNORE INTO held_values VALUES (?, ?, ?, ?, ?, ?, ?)').run(projectId, id, version, valueId, kek, wrapped, ciphertext));
    return (await this.find(value))!;
  }

  find({ id, version, valueId }: ValueRef): Promise<KeptValue | null> {
    return this.file.try((db) => {
      const row = db.prepare(`SELECT * FROM held_values WHERE ${NAMED}`).get(id, version, valueId) as Row | undefined;
      return row ? kept(row) : null;
    });
  }

  async remove({ id, version, valueId }: ValueRef): Promise<void> {
    await this.file.try((db) => db.prepare(`DELETE FROM held_values WHERE ${NAMED}`).run(id, version, valueId));
  }

  async removeAll(id: string): Promise<void> {
    await this.file.try((db) => db.prepare('DELETE FROM held_values WHERE id = ?').run(id));
  }

  list(after: ValueRef | null, limit: number): Promise<readonly ValueRef[]> {
    const { id, version, valueId } = after ?? { id: '', version: 0, valueId: '' };
    return this.file.try((db) => (db.prepare(PAGE).all(id, version, valueId, limit) as unknown as Row[]).map(refOf));
  }

  wrappedOtherwise(kek: string, limit: number): Promise<readonly KeptValue[]> {
    return this.file.try((db) => (db.prepare('SELECT * FROM held_values WHERE kek <> ? ORDER BY id, version LIMIT ?').all(kek, limit) as unknown as Row[]).map(kept));
  }

  rewrap({ id, version, valueId }: ValueRef, from: string, { kek, wrapped }: WrappedKey): Promise<boolean> {
    return this.file.try((db) => db.prepare(`UPDATE held_values SET kek = ?, wrapped = ? WHERE ${NAMED} AND kek = ?`).run(kek, wrapped, id, version, valueId, from).changes === 1);
  }

  keksInUse(): Promise<readonly string[]> {
    return this.file.try((db) => (db.prepare('SELECT DISTINCT kek FROM held_values').all() as unknown as Row[]).map(({ kek }) => kek));
  }

  async close(): Promise<void> {
    this.file.close();
  }
}

const refOf = ({ project_id, id, version, value_id }: Row): ValueRef => ({ projectId: project_id, id, version, valueId: value_id });

const kept = (row: Row): KeptValue => ({ ...refOf(row), kek: row.kek, wrapped: Buffer.from(row.wrapped), ciphertext: Buffer.from(row.ciphertext) });
