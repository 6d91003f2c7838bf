import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AppendFault } from '../eventstoredb-server/faults.ts';
import { ServerProcess } from '../eventstoredb-server/process.ts';
import { mongoServerProgram } from '../mongodb-server/program.ts';
import { startMongoServer } from '../mongodb-server/server.ts';
import type { Outsider } from './saboteur.ts';

/** Stores that are servers of their own, and so may die alone. */
export interface StoreServers {
  /** What tells the apps of them. */
  readonly env: { readonly EVENT_STORE_URL: string; readonly READ_MODEL_URL?: string };
  readonly outsiders: ReadonlyMap<string, Outsider>;
  readonly events: EventServer;
  stop(): Promise<void>;
}

/** The one of `EVENT_STORE_URL`. */
export interface EventServer extends Outsider {
  readonly file: string;
  /** The next appends go wrong so, one after another. */
  spoil(...faults: readonly AppendFault[]): void;
}

/** A server that speaks EventStoreDB's protocol, and one that speaks MongoDB's where one can be had here: else the views are files. */
export async function startStores(): Promise<StoreServers> {
  const program = await mongoServerProgram();
  const events = await startEventStore();
  if ('missing' in program) {
    process.stderr.write(`\nSKIPPED: MongoDB in the chaos runs. ${program.missing}\n`);
    return { env: { EVENT_STORE_URL: events.url }, outsiders: new Map([['eventstoredb', events]]), events, stop: () => events.stop() };
  }
  try {
    const views = await startMongoServer();
    return {
      env: { EVENT_STORE_URL: events.url, READ_MODEL_URL: `${views.url}/waybill` },
      outsiders: new Map<string, Outsider>([['eventstoredb', events], ['mongodb', views]]),
      events,
      stop: async () => {
        await views.stop();
        await events.stop();
      },
    };
  } catch (error) {
    await events.stop();
    throw error;
  }
}

async function startEventStore(): Promise<EventServer & { readonly url: string; stop(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-chaos-events-'));
  const file = join(folder, 'events.db');
  let server = await ServerProcess.start(file);
  return {
    url: server.url,
    file,
    get pid() {
      return server.pid;
    },
    kill: () => server.kill(),
    spoil(...faults) {
      for (const fault of faults) server.tell(fault);
    },
    async restart() {
      await server.kill();
      server = await ServerProcess.start(file, server.port);
    },
    async stop() {
      await server.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
