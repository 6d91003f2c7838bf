import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { BUSY_TIMEOUT_MS, PRAGMAS, runBatch, type Batch } from './sqlite-batch.ts';

/** The thread of a `SqliteWriter`: writes one batch after the other, and says how each went. */
const db = new DatabaseSync(workerData as string, { timeout: BUSY_TIMEOUT_MS });
db.exec(PRAGMAS);

parentPort!.on('message', (batch: Batch) => {
  try {
    parentPort!.postMessage({ written: runBatch(db, batch) });
  } catch (error) {
    // An error loses its own fields on the way: what SQLite calls it says whether it is worth another try.
    const { message, errcode } = error as Error & { errcode?: number };
    parentPort!.postMessage({ message, errcode });
  }
});
