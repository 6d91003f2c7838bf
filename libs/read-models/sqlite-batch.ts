import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** A value as SQLite binds it: it has no booleans of its own, and `json_extract` gives 1 and 0 for them. */
export type Bound = string | number | null;

/** Writes that stand or fall together, as plain data: they can be handed to a thread. */
export interface Batch {
  /** Nothing is written unless this finds a row. */
  readonly guard?: { readonly sql: string; readonly params: readonly Bound[] };
  /** One statement after the other, each once for every row of values. */
  readonly steps: readonly { readonly sql: string; readonly rows: readonly (readonly Bound[])[] }[];
}

/** Writes all of a batch, or nothing. False where its guard found nothing. @throws what SQLite throws, after the roll-back */
export function runBatch(db: DatabaseSync, batch: Batch, prepare: (sql: string) => StatementSync = (sql) => db.prepare(sql)): boolean {
  return inTransaction(db, 'BEGIN IMMEDIATE', () => {
    const { guard, steps } = batch;
    if (guard && !prepare(guard.sql).get(...guard.params)) return false;
    for (const { sql, rows } of steps) {
      const statement = prepare(sql);
      for (const row of rows) statement.run(...row);
    }
    return true;
  });
}

/** All of `work` or nothing. @throws what it throws, after the roll-back */
export function inTransaction<T>(db: DatabaseSync, begin: 'BEGIN' | 'BEGIN IMMEDIATE', work: () => T): T {
  db.exec(begin);
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

/** SQLite waits this long by itself, and blocks the event loop: another process may be frozen with the lock in hand. Milliseconds. */
export const BUSY_TIMEOUT_MS = 20;

/** For every connection. Read models can be folded again, so a commit doesn't wait for the disk: a crash of the machine may lose the last
 *  writes, whole. A page of 8 KiB, of a new file only, is filled better by documents of a kilobyte or so. The log of writes is carried over
 *  to the file every 256 MiB, which waits for the disk each time: pages that were written often meanwhile are carried over once. Then it is cut
 *  back to 64 MiB. */
export const PRAGMAS = 'PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 32768; PRAGMA journal_size_limit = 67108864';
