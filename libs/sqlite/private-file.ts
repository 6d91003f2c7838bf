import { chmodSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Clock } from '#contracts';
import { isBusy } from './busy.ts';

/** SQLite waits for a lock by blocking the process: for a moment only, longer waits are asynchronous. Milliseconds. */
const BLOCKING_WAIT_MS = 10;
const PAUSE_MS = 20;
const PATIENCE_MS = 5_000;

/** What is committed is on the disk, and what is deleted is overwritten. */
const PRAGMAS = 'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;';

export interface PrivateFileOptions {
  /** Path, or `:memory:`. */
  readonly file: string;
  /** SQL that may run again over what it has made. */
  readonly schema: string;
  readonly clock: Clock;
  /** What callers hear when the file can't be used. Nothing of what was to be written is in the message it is given. */
  readonly unusable: (message: string) => Error;
}

/** One SQLite file that nobody else may read (0600, its folder 0700). Several processes may share it, on one machine. */
export class PrivateFile {
  private constructor(
    private readonly db: DatabaseSync,
    private readonly options: PrivateFileOptions,
  ) {}

  /** Opens the file, makes it and its folder where they are lacking. @throws `unusable` when it can't be, or stays locked for 5 s. */
  static async open(options: PrivateFileOptions): Promise<PrivateFile> {
    const opened = new PrivateFile(connect(options), options);
    try {
      await opened.try((db) => db.exec(PRAGMAS + options.schema));
      if (options.file !== ':memory:') chmodSync(options.file, 0o600);
      return opened;
    } catch (error) {
      opened.close();
      throw error;
    }
  }

  /** Runs `attempt` until it isn't refused a lock. @throws `unusable` after 5 s, or at once for any other reason. */
  async try<T>(attempt: (db: DatabaseSync) => T): Promise<T> {
    const { clock } = this.options;
    const begun = clock.monotonic();
    for (;;) {
      try {
        return attempt(this.db);
      } catch (error) {
        if (!isBusy(error) || clock.monotonic() - begun >= PATIENCE_MS) throw refusal(error, this.options);
      }
      await clock.sleep(PAUSE_MS);
    }
  }

  close(): void {
    this.db.close();
  }
}

function connect(options: PrivateFileOptions): DatabaseSync {
  try {
    if (options.file !== ':memory:') mkdirSync(dirname(options.file), { recursive: true, mode: 0o700 });
    return new DatabaseSync(options.file, { timeout: BLOCKING_WAIT_MS });
  } catch (error) {
    throw refusal(error, options);
  }
}

const refusal = (error: unknown, { unusable }: PrivateFileOptions): Error => unusable((error as Error).message);
