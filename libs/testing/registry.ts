import { spawn, type ChildProcess } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { abandonedFolders, makeOwnFolder } from './own-folder.ts';

/** An image registry of a test's own, over plain HTTP: Debian's `docker-registry`. */
export interface TestRegistry {
  /** `198.18.0.1:41234`: what its images' names begin with. It has what is pushed to it. */
  readonly host: string;
  /** SIGKILL; what was pushed is still there after `restart`. */
  kill(): Promise<void>;
  /** Starts it again at the same address. */
  restart(): Promise<void>;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

/** Whom a private registry knows. */
export const REGISTRY_USER = { username: 'puller', password: 'pull-me-quietly' } as const;

/** The same as the registry has it, by bcrypt. */
const HTPASSWD = 'puller:$2b$05$N9qo8uLOickgx2ZMRZoMyeFhxF8RlF0k3fJH2ktrqpRExQTGXzKd2\n';

/** How long it may take to listen. */
const START_MS = 10_000;

/** Starts a registry on a free port. What test runs that were killed left behind is removed first.
 *  @param address to listen at: `TestEngine.hostAddress`, from where the engine takes images over plain HTTP
 *  @param options.isPrivate it gives nothing to anybody who doesn't name himself, and knows `REGISTRY_USER` only
 *  @throws Error when it doesn't listen within 10 s; nothing is left behind then. */
export async function startRegistry(address: string, { isPrivate = false }: { readonly isPrivate?: boolean } = {}): Promise<TestRegistry> {
  await sweep();
  const folder = await makeOwnFolder('registry');
  const host = `${address}:${await freePortAt(address)}`;
  await writeFile(join(folder, 'htpasswd'), HTPASSWD);
  await writeFile(join(folder, 'config.json'), JSON.stringify(configOf(folder, host, isPrivate)));
  const remove = () => rm(folder, { recursive: true, force: true });
  let server = await launch(folder, host).catch(async (error: unknown) => {
    await remove();
    throw error;
  });
  return {
    host,
    kill: () => end(server),
    async restart() {
      await end(server);
      server = await launch(folder, host);
    },
    async stop() {
      await end(server);
      await remove();
    },
  };
}

/** A registry that takes every connection and never says a word. */
export async function startSilentRegistry(address: string): Promise<Pick<TestRegistry, 'host' | 'stop'>> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => sockets.add(socket.on('error', () => undefined)));
  await listening(server, address);
  return {
    host: `${address}:${(server.address() as AddressInfo).port}`,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** YAML's subset that JSON is. https://distribution.github.io/distribution/about/configuration/ */
const configOf = (folder: string, addr: string, isPrivate: boolean): object => ({
  version: '0.1',
  log: { level: 'warn' },
  storage: { filesystem: { rootdirectory: join(folder, 'data') } },
  http: { addr },
  ...(isPrivate ? { auth: { htpasswd: { realm: 'test', path: join(folder, 'htpasswd') } } } : {}),
});

async function launch(folder: string, host: string): Promise<ChildProcess> {
  const server = spawn('docker-registry', ['serve', join(folder, 'config.json')], { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let [said, failure] = ['', ''];
  for (const stream of [server.stdout, server.stderr]) stream.on('data', (bytes: Buffer) => (said = (said + bytes.toString()).slice(-2_000)));
  server.once('error', (error) => (failure = error.message)).once('exit', (code) => (failure ||= `it ended with ${code}`));
  if (server.pid !== undefined) await writeFile(join(folder, 'pid'), String(server.pid));
  for (const until = performance.now() + START_MS; performance.now() < until && failure === ''; await pause(30)) if (await listens(host)) return server;
  await end(server);
  throw new Error(`docker-registry doesn't listen (${failure || 'it waits'}): ${said.trim()}; install Debian's docker-registry`);
}

async function end(server: ChildProcess): Promise<void> {
  if (server.pid === undefined || server.exitCode !== null || server.signalCode !== null) return;
  const ended = new Promise((resolve) => server.once('exit', resolve));
  server.kill('SIGKILL');
  await ended;
}

/** Removes the registries of test runs that are gone. */
async function sweep(): Promise<void> {
  for (const folder of await abandonedFolders('registry')) {
    const pid = Number(await readFile(join(folder, 'pid'), 'utf8').catch(() => ''));
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    // The pid may be another process's by now.
    if (pid > 0 && commandLine.includes(`${folder}/`)) process.kill(pid, 'SIGKILL');
    await rm(folder, { recursive: true, force: true });
  }
}

function listens(host: string): Promise<boolean> {
  const [address, port] = host.split(':');
  return new Promise((resolve) => {
    const socket = connect(Number(port), address, () => {
      resolve(true);
      socket.destroy();
    });
    socket.once('error', () => resolve(false));
  });
}

async function freePortAt(address: string): Promise<number> {
  const server = createServer();
  await listening(server, address);
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const listening = (server: Server, address: string): Promise<void> => new Promise((resolve, reject) => server.once('error', reject).listen(0, address, resolve));
