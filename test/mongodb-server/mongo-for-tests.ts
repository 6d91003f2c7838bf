import { randomBytes } from 'node:crypto';
import { MongoClient, type Db } from 'mongodb';
import { mongoServerProgram } from './program.ts';
import { startMongoServer, type TestMongoServer } from './server.ts';

/** A server to test against. */
export interface MongoForTests {
  readonly name: string;
  /** Null for one that isn't ours to kill. */
  readonly server: TestMongoServer | null;
  /** One of its own for each call, empty. */
  database(): TestDatabase;
  close(): Promise<void>;
}

export interface TestDatabase {
  readonly url: string;
  /** A connection past the adapter, for what a hand or another program does there. */
  readonly db: Db;
  drop(): Promise<void>;
}

/** The server that `MONGODB_URL` names, else one started for this; `missing` says, and the terminal too, why there is none. */
export async function mongoForTests(): Promise<MongoForTests | { readonly missing: string }> {
  const named = process.env.MONGODB_URL;
  if (named) return { name: 'the server of MONGODB_URL', server: null, database: () => databaseAt(named), close: async () => undefined };
  const program = await mongoServerProgram();
  if ('missing' in program) {
    process.stderr.write(`\nSKIPPED: what needs MongoDB was not tried. ${program.missing}\nSet MONGODB_URL to try it on a server of yours.\n\n`);
    return program;
  }
  const server = await startMongoServer();
  return { name: `nx-27017 ${program.version}`, server, database: () => databaseAt(server.url), close: () => server.stop() };
}

/** @param server may have a database, which is replaced, and options, which are kept. */
function databaseAt(server: string): TestDatabase {
  const [, hosts, options = ''] = /^([^:]+:\/\/[^/?]+)(?:\/[^?]*)?(\?.*)?$/.exec(server)!;
  const url = `${hosts}/waybill_test_${randomBytes(6).toString('hex')}${options}`;
  const client = new MongoClient(url, { serverSelectionTimeoutMS: 5_000 });
  return {
    url,
    db: client.db(),
    drop: async () => {
      await client.db().dropDatabase();
      await client.close();
    },
  };
}
