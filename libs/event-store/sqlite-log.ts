import { DatabaseSync } from 'node:sqlite';
import type { RawLog } from './audit-chain/read-heads.ts';
import { RAW, SqliteReader } from './sqlite-read.ts';

/** The log in an SQLite file, for whoever only looks: nothing is written to it, and nobody has to run. */
export interface SqliteLog extends RawLog {
  /** What is wrong with the file itself, in a sentence each: its pages, its indexes, and what stands beside each event for the sake of finding it. */
  faults(): string[];
  close(): void;
}

/** @throws Error where there is no such file, or it is no event store */
export function openSqliteLog(file: string): SqliteLog {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    const { id } = db.prepare('SELECT id FROM store').get() as { id: string };
    const reader = new SqliteReader(db, RAW);
    return {
      storeId: id,
      readRaw: async (after, { prefixes, limit }) => reader.page(after, prefixes, limit),
      faults: () => faultsOf(db),
      close: () => db.close(),
    };
  } catch (error) {
    db.close();
    throw error;
  }
}

function faultsOf(db: DatabaseSync): string[] {
  const found = (db.prepare('PRAGMA integrity_check(20)').all() as { integrity_check: string }[]).map(({ integrity_check: said }) => said);
  const misplaced = db.prepare("SELECT position, stream, category FROM events WHERE category <> substr(stream, 1, instr(stream, '-') - 1) LIMIT 20").all();
  return [
    ...found.filter((said) => said !== 'ok').map((said) => `the file is damaged: ${said}`),
    ...misplaced.map(({ position, stream, category }) => `event ${position} of ${stream} is filed under ${category}`),
  ];
}
