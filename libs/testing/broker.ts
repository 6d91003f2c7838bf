import { spawn, type ChildProcess } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { abandonedFolders, makeOwnFolder } from './own-folder.ts';

/** A real `nats-server` of a test's own. */
export interface TestBroker {
  readonly url: string;
  /** Of the server as it runs now. */
  readonly pid: number;
  /** SIGKILL; the port stays reserved for `restart` by nobody but luck. */
  kill(): Promise<void>;
  /** Starts it again on the same port. */
  restart(): Promise<void>;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

/** How long a server may take to listen. */
const START_MS = 10_000;

/** Starts a `nats-server` on a free port of 127.0.0.1. What crashed test runs left behind is removed first.
 *  @throws Error when it doesn't listen within 10 s; nothing is left behind then. */
export async function startNats(): Promise<TestBroker> {
  await sweep();
  const folder = await makeOwnFolder('nats');
  const port = await freePort();
  let server = await launch(port, folder).catch(async (error: unknown) => {
    await rm(folder, { recursive: true, force: true });
    throw error;
  });
  return {
    url: `nats://127.0.0.1:${port}`,
    get pid() {
      return server.pid!;
    },
    kill: () => end(server, 'SIGKILL'),
    async restart() {
      await end(server, 'SIGKILL');
      server = await launch(port, folder);
    },
    async stop() {
      await end(server, 'SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Removes the brokers of test runs that are gone. */
async function sweep(): Promise<void> {
  for (const folder of await abandonedFolders('nats')) {
    const pid = Number(await readFile(join(folder, 'pid'), 'utf8').catch(() => ''));
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    // The pid may be another process's by now.
    if (pid > 0 && commandLine.includes(`${folder}/`)) kill(pid);
    await rm(folder, { recursive: true, force: true });
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}

/** A port of 127.0.0.1 that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => probe.once('error', reject).listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

async function launch(port: number, folder: string): Promise<ChildProcess> {
  const server = spawn('nats-server', ['-a', '127.0.0.1', '-p', String(port), '-P', join(folder, 'pid')], {
    stdio: 'ignore',
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/usr/local/bin` },
  });
  let failure: Error | null = null;
  server.once('error', (error) => (failure = error));
  server.once('exit', (code) => (failure ??= new Error(`nats-server ended with ${code}`)));
  for (const until = performance.now() + START_MS; performance.now() < until; await pause(20)) {
    if (failure) throw new Error('nats-server could not be started; is it installed?', { cause: failure });
    if (await listens(port)) return server;
  }
  server.kill('SIGKILL');
  throw new Error(`nats-server didn't listen on ${port} within ${START_MS} ms`);
}

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('data', () => undefined).once('connect', () => socket.destroy());
  });

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise((resolve) => {
    child.once('exit', resolve);
    child.kill(signal);
  });
}
