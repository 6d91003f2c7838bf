import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { Worker } from 'node:worker_threads';
import type { Clock } from '#contracts';
import { runBatch, type Batch } from './sqlite-batch.ts';

/** So many rows are worth handing over: some 5 ms of SQLite's work, in which this thread folds what is written next. */
const LARGE = 250;
/** The thread ends when there was nothing large for so long. */
const IDLE_MS = 10_000;

type Answer = { readonly written: boolean } | { readonly message: string; readonly errcode?: number };

/** Writes batches one at a time, small ones at once and large ones by a thread with a connection of its own, so that a view that is built
 *  doesn't hold up the process. */
export class SqliteWriter {
  #turn: Promise<unknown> = Promise.resolve();
  #thread: Worker | null = null;
  #closed = false;
  #endIdle = (): void => undefined;

  /** @param file null: in memory, where no other connection gets */
  constructor(
    private readonly db: DatabaseSync,
    private readonly file: string | null,
    private readonly clock: Clock,
  ) {}

  /** Does something that writes when nothing else of this process does: two of its connections would only wait for each other. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  /** In its turn: all of the batch, or nothing. False where its guard found nothing. @throws what SQLite throws; Error when the thread died */
  async write(batch: Batch, prepare: (sql: string) => StatementSync): Promise<boolean> {
    const rows = batch.steps.reduce((sum, step) => sum + step.rows.length, 0);
    if (this.file === null || this.#closed || (rows < LARGE && !this.#thread)) return runBatch(this.db, batch, prepare);
    const answer = await this.#ask(this.file, batch);
    if ('written' in answer) return answer.written;
    throw Object.assign(new Error(answer.message), { errcode: answer.errcode });
  }

  /** After what is being written; whatever comes later fails with the connection. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#turn;
    await this.#end();
  }

  async #ask(file: string, batch: Batch): Promise<Answer> {
    this.#endIdle();
    const thread = (this.#thread ??= begun(file));
    // Only while it is waited for does it keep the process alive.
    thread.ref();
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const died = (error: unknown): void => reject(error instanceof Error ? error : new Error('the thread that writes read models ended by itself'));
    thread.once('message', resolve).once('error', died).once('exit', died);
    thread.postMessage(batch);
    try {
      return await promise;
    } catch (error) {
      this.#thread = null;
      throw error;
    } finally {
      thread.off('message', resolve).off('error', died).off('exit', died).unref();
      this.#endIdle = this.clock.after(IDLE_MS, () => void this.inTurn(() => this.#end()));
    }
  }

  async #end(): Promise<void> {
    this.#endIdle();
    const thread = this.#thread;
    this.#thread = null;
    await thread?.terminate();
  }
}

/** Beside this file, compiled or not as this one is. */
const begun = (file: string): Worker => new Worker(new URL(`./sqlite-thread${/\.\w+$/.exec(import.meta.url)![0]}`, import.meta.url), { workerData: file });
