import { chmodSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Transient, type Clock } from '#contracts';
import type { KeptValue, ValueRef, ValueStore, WrappedKey } from './port.ts';

/** SQLite waits for a lock by blocking the process: for a moment only, longer waits are asynchronous. Milliseconds. */
const BLOCKING_WAIT_MS = 10;
const PAUSE_MS = 20;
const PATIENCE_MS = 5_000;

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA secure_delete = ON;
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
  const db = opened(file);
  const store = new SqliteValueStore(db, clock);
  try {
    await store.prepare();
    chmodSync(file, 0o600);
    return store;
  } catch (error) {
    db.close();
    throw error;
  }
}

function opened(file: string): DatabaseSync {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    return new DatabaseSync(file, { timeout: BLOCKING_WAIT_MS });
  } catch (error) {
    throw unusable(error);
  }
}

/** Without a word of what was to be written. */
const unusable = (error: unknown): Transient => new Transient('value_store.unavailable', `the store of values can't be used: ${(error as Error).message}`);

class SqliteValueStore implements ValueStore {
  constructor(
    private readonly db: DatabaseSync,
    private readonly clock: Clock,
  ) {}

  prepare(): Promise<void> {
    return this.#try(() => this.db.exec(SCHEMA));
  }

  async insert(value: KeptValue): Promise<KeptValue> {
    const { projectId, id, version, valueId, kek, wrapped, ciphertext } = value;
    const insert = () => this.db.prepare('INSERT OR IGNORE INTO held_values VALUES (?, ?, ?, ?, ?, ?, ?)').run(projectId, id, version, valueId, kek, wrapped, ciphertext);
    await this.#try(insert);
    return (await this.find(value))!;
  }

  find({ id, version, valueId }: ValueRef): Promise<KeptValue | null> {
    return this.#try(() => {
      const row = this.db.prepare(`SELECT * FROM held_values WHERE ${NAMED}`).get(id, version, valueId) as Row | undefined;
      return row ? kept(row) : null;
    });
  }

  async remove({ id, version, valueId }: ValueRef): Promise<void> {
    await this.#try(() => this.db.prepare(`DELETE FROM held_values WHERE ${NAMED}`).run(id, version, valueId));
  }

  async removeAll(id: string): Promise<void> {
    await this.#try(() => this.db.prepare('DELETE FROM held_values WHERE id = ?').run(id));
  }

  wrappedOtherwise(kek: string, limit: number): Promise<readonly KeptValue[]> {
    return this.#try(() => (this.db.prepare('SELECT * FROM held_values WHERE kek <> ? ORDER BY id, version LIMIT ?').all(kek, limit) as unknown as Row[]).map(kept));
  }

  rewrap({ id, version, valueId }: ValueRef, from: string, { kek, wrapped }: WrappedKey): Promise<boolean> {
    return this.#try(() => this.db.prepare(`UPDATE held_values SET kek = ?, wrapped = ? WHERE ${NAMED} AND kek = ?`).run(kek, wrapped, id, version, valueId, from).changes === 1);
  }

  keksInUse(): Promise<readonly string[]> {
    return this.#try(() => (this.db.prepare('SELECT DISTINCT kek FROM held_values').all() as unknown as Row[]).map(({ kek }) => kek));
  }

  async close(): Promise<void> {
    this.db.close();
  }

  /** @throws Transient `value_store.unavailable`, without a word of what was to be written */
  async #try<T>(attempt: () => T): Promise<T> {
    const begun = this.clock.monotonic();
    for (;;) {
      try {
        return attempt();
      } catch (error) {
        const isBusy = BUSY.has(((error as { errcode?: number }).errcode ?? 0) & 0xff);
        if (!isBusy || this.clock.monotonic() - begun >= PATIENCE_MS) throw unusable(error);
      }
      await this.clock.sleep(PAUSE_MS);
    }
  }
}

/** SQLITE_BUSY, SQLITE_LOCKED: https://www.sqlite.org/rescode.html */
const BUSY: ReadonlySet<number> = new Set([5, 6]);

const kept = ({ project_id, id, version, value_id, kek, wrapped, ciphertext }: Row): KeptValue => ({
  projectId: project_id, id, version, valueId: value_id, kek, wrapped: Buffer.from(wrapped), ciphertext: Buffer.from(ciphertext),
});
