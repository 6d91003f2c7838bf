import { spawn, type ChildProcess } from 'node:child_process';
import { openSync, closeSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '#testing';
import { mongoServerProgram } from './program.ts';

/** A server of a test's own that speaks MongoDB's protocol. What it is known to do otherwise than MongoDB: an index on `_id`
 *  beside another field, `$not`, and `null` inside `$or` (but for `$in: [null]`) don't work; every write is on disk before it
 *  is answered; it plans no index. */
export interface TestMongoServer {
  /** Without a database: append `/<name>`. */
  readonly url: string;
  /** Of the server as it runs now. */
  readonly pid: number;
  /** SIGKILL. What was answered is kept. */
  kill(): Promise<void>;
  /** SIGSTOP and SIGCONT: it takes connections, and doesn't answer. */
  freeze(): void;
  thaw(): void;
  /** Starts it again on the same port and documents. */
  restart(): Promise<void>;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

const START_MS = 20_000;

/** Starts a server on a free port of 127.0.0.1. @throws Error when it can't be had here, or doesn't listen within 20 s. */
export async function startMongoServer(): Promise<TestMongoServer> {
  const program = await mongoServerProgram();
  if ('missing' in program) throw new Error(program.missing);
  const folder = await mkdtemp(join(tmpdir(), 'waybill-mongodb-'));
  const port = await freePort();
  const launched = (): Promise<ChildProcess> => launch(program.python, port, folder);
  let server = await launched().catch(async (error: unknown) => {
    await rm(folder, { recursive: true, force: true });
    throw error;
  });
  const kill = (): Promise<void> => end(server);
  return {
    url: `mongodb://127.0.0.1:${port}`,
    get pid() {
      return server.pid!;
    },
    kill,
    freeze: () => void server.kill('SIGSTOP'),
    thaw: () => void server.kill('SIGCONT'),
    async restart() {
      await kill();
      server = await launched();
    },
    async stop() {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function launch(python: string, port: number, folder: string): Promise<ChildProcess> {
  const log = join(folder, 'server.log');
  const output = openSync(log, 'a');
  const args = ['-m', 'nx_27017.nx_27017', '--data-dir', join(folder, 'data'), '--port', String(port), '--pid-file', join(folder, 'pid'), '--log-file', log];
  const server = spawn(python, args, { stdio: ['ignore', output, output], cwd: folder });
  closeSync(output);
  let failure: Error | null = null;
  server.once('error', (error) => (failure = error));
  server.once('exit', (code) => (failure ??= new Error(`it ended with ${code}`)));
  for (const until = performance.now() + START_MS; performance.now() < until && !failure; await pause(50)) if (await listens(port)) return server;
  await end(server);
  throw new Error(`nx-27017 doesn't listen on ${port}: ${(await readFile(log, 'utf8')).slice(-1_000)}`, { cause: failure });
}

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  await new Promise((resolve) => {
    child.once('exit', resolve);
    child.kill('SIGKILL');
  });
}
