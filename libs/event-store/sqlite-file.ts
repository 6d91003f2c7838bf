import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { v4 } from 'uuid';
import type { Clock, Random } from '#contracts';
import { isBusy, primaryCode } from '#sqlite';
import { Unavailable } from './port.ts';

/** What an opened file gives: the connection, and the id that was made with the file. */
export interface SqliteFile {
  readonly db: DatabaseSync;
  readonly storeId: string;
}

/** SQLite waits for a lock by blocking the whole process, so it may do that for a moment only; longer waits are asynchronous.
 *  A process that was frozen while it held the lock must not stall the others. Milliseconds. */
const BLOCKING_WAIT_MS = 10;
/** After that long without the lock the caller hears `Unavailable`. */
const PATIENCE_MS = 5_000;
const LONGEST_PAUSE_MS = 100;

const FORMAT = 1;
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS store (id TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS events (
    position INTEGER PRIMARY KEY,
    stream   TEXT NOT NULL,
    revision INTEGER NOT NULL,
    category TEXT NOT NULL,
    id       TEXT NOT NULL UNIQUE,
    type     TEXT NOT NULL,
    data     TEXT NOT NULL,
    metadata TEXT NOT NULL,
    UNIQUE (stream, revision)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS events_by_category ON events (category, position);
  PRAGMA user_version = ${FORMAT};
`;

/** Opens the file, makes it and its folder where they are lacking; safe while other processes do the same.
 *  @throws Unavailable when it stays locked; Error when a newer version of Waybill wrote it. */
export async function openSqliteFile(file: string, clock: Clock, random: Random): Promise<SqliteFile> {
  mkdirSync(dirname(file), { recursive: true });
  const db = new DatabaseSync(file, { timeout: BLOCKING_WAIT_MS });
  try {
    await whileBusy(clock, random, () => db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;'));
    const storeId = await whileBusy(clock, random, () => inTransaction(db, () => prepareFile(db, random)));
    return { db, storeId };
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Runs `attempt` until it isn't refused a lock, sleeping between, with jitter.
 *  @throws Unavailable after 5 s, or at once when the disk or the connection doesn't serve; whatever else `attempt` throws. */
export async function whileBusy<T>(clock: Clock, random: Random, attempt: () => T): Promise<T> {
  const begun = clock.monotonic();
  for (let pause = 4; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    try {
      return attempt();
    } catch (error) {
      if (!isBusy(error)) throw asUnavailable(error);
      if (clock.monotonic() - begun >= PATIENCE_MS) throw new Unavailable('the event store stays locked by another process', { cause: error });
    }
    await clock.sleep(pause * (0.5 + random() / 2));
  }
}

/** All of `work` or nothing. The lock is taken first, so that nothing that was read can change before it is written.
 *  @throws what `work` throws, after the roll-back; CommitFailed when the last step failed. */
export function inTransaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    commit(db);
    return result;
  } catch (error) {
    // SQLite itself has rolled back after some errors (a full disk).
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

/** The writes were made, but whether they are on the disk isn't known. */
export class CommitFailed extends Error {}

function commit(db: DatabaseSync): void {
  try {
    db.exec('COMMIT');
  } catch (error) {
    if (isBusy(error)) throw error;
    throw new CommitFailed('commit failed', { cause: error });
  }
}

function prepareFile(db: DatabaseSync, random: Random): string {
  const { user_version: format } = db.prepare('PRAGMA user_version').get() as { user_version: number };
  if (format > FORMAT) throw new Error(`the event store has format ${format}, this version of Waybill knows up to ${FORMAT}`);
  db.exec(SCHEMA);
  const known = db.prepare('SELECT id FROM store').get() as { id: string } | undefined;
  if (known) return known.id;
  const id = v4({ random: Uint8Array.from({ length: 16 }, () => Math.floor(random() * 256)) });
  db.prepare('INSERT INTO store (id) VALUES (?)').run(id);
  return id;
}

/** https://www.sqlite.org/rescode.html */
const OUT_OF_ORDER = new Set([7 /* memory */, 8 /* read-only */, 10 /* I/O */, 13 /* full */, 14 /* can't open */]);

function asUnavailable(error: unknown): unknown {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  const closed = code === 'ERR_INVALID_STATE';
  if (closed || OUT_OF_ORDER.has(primaryCode(error) ?? 0)) return new Unavailable(String(message), { cause: error });
  return error;
}
