import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { startStores } from '../chaos/stores.ts';

/** Where a world keeps its events and its views, and what a hand does to both while the apps are stopped. */
export interface Stores {
  readonly env: NodeJS.ProcessEnv;
  dropViews(): Promise<void>;
  saveEvents(): Promise<void>;
  /** Back to what was saved last; what was appended since is lost. */
  restoreEvents(): Promise<void>;
  stop(): Promise<void>;
}

/** `WAYBILL_TEST_STORES`: `files`, the embedded pair and the default, or `servers`: both stores behind the protocols of EventStoreDB
 *  and MongoDB. */
export function openStores(home: string): Promise<Stores> {
  const wanted = process.env.WAYBILL_TEST_STORES ?? 'files';
  if (wanted === 'files') return Promise.resolve(files(home));
  if (wanted === 'servers') return servers();
  throw new Error(`WAYBILL_TEST_STORES takes files or servers, not ${wanted}`);
}

const files = (home: string): Stores => ({
  env: {},
  dropViews: () => remove(join(home, 'read-models.db')),
  saveEvents: () => copy(join(home, 'events.db'), join(home, 'saved.db')),
  restoreEvents: () => copy(join(home, 'saved.db'), join(home, 'events.db')),
  stop: () => Promise.resolve(),
});

/** Where no server that speaks MongoDB's protocol can be had, the views stay in a file, and what drops them says so. */
async function servers(): Promise<Stores> {
  const { env, events, stop } = await startStores();
  const saved = `${events.file}.saved`;
  return {
    env: { ...env },
    async dropViews() {
      if (!env.READ_MODEL_URL) throw new Error('there is no server here that speaks the protocol of MongoDB');
      const client = new MongoClient(env.READ_MODEL_URL);
      await client.db().dropDatabase();
      await client.close();
    },
    async saveEvents() {
      await events.kill();
      await copy(events.file, saved);
      await events.restart();
    },
    async restoreEvents() {
      await events.kill();
      await copy(saved, events.file);
      await events.restart();
    },
    stop,
  };
}

/** SQLite keeps what was written last beside the file. */
const PARTS = ['', '-wal', '-shm'];

async function remove(file: string): Promise<void> {
  for (const part of PARTS) await rm(file + part, { force: true });
}

async function copy(from: string, to: string): Promise<void> {
  await remove(to);
  for (const part of PARTS) await copyFile(from + part, to + part).catch((error: NodeJS.ErrnoException) => (error.code === 'ENOENT' && part ? undefined : Promise.reject(error)));
}
