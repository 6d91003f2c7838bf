import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { setTimeout as pause } from 'node:timers/promises';
import { makeNetwork, namespaceOf, removeTraces, tracesIn, type EngineTraces } from './engine-host.ts';
import { abandonedFolders, makeOwnFolder } from './own-folder.ts';

const run = promisify(execFile);
const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };

/** How long dockerd may take to answer, and to end. */
const START_MS = 60_000;
const END_MS = 15_000;

/** A Docker Engine of a test run's own, in its own network namespace. */
export interface TestEngine {
  /** For `DOCKER_HOST`: `unix:///…/docker.sock`. */
  readonly host: string;
  /** Where its published ports are reached from this machine (for `WAYBILL_NODE_ADDRESS`); never 127.0.0.1. */
  readonly address: string;
  /** Where its containers and its pulls reach this machine; a registry there may be plain HTTP. */
  readonly hostAddress: string;
  /** What a command begins with that is to run in its network, where its containers are reached by their own addresses. */
  readonly enter: readonly string[];
  /** Of dockerd as it runs now. */
  readonly pid: number;
  /** What dockerd wrote so far. */
  log(): Promise<string>;
  /** Runs the docker CLI against it. @returns stdout. @throws with stderr in the message. */
  docker(...args: string[]): Promise<string>;
  /** Lets its network reach another address of this machine (another engine's `hostAddress`). */
  reach(address: string): Promise<void>;
  /** SIGKILL of dockerd (its containerd goes with it); containers run on. */
  kill(): Promise<void>;
  /** Starts dockerd again, after ending it if need be; it finds its containers running (live-restore). */
  restart(): Promise<void>;
  /** Removes containers, processes, mounts, network and folder. Harmless when repeated. */
  stop(): Promise<void>;
}

/** Starts a dockerd that shares nothing with one that may run on this machine: neither folders nor containerd nor, since
 *  dockerd empties the chains DOCKER and DOCKER-ISOLATION-* when it starts and so shuts another one's published ports, the
 *  network namespace. Needs root, and `dockerd`, `docker`, `ip`, `unshare` and `nsenter`. What test runs that were killed left
 *  behind is removed first.
 *  @param options.flags further ones for dockerd.
 *  @throws Error with dockerd's last lines when it ends or doesn't answer within 60 s; nothing is left behind then. */
export async function startEngine(options: { readonly flags?: readonly string[] } = {}): Promise<TestEngine> {
  if (process.getuid?.() !== 0) throw new Error('a test engine needs root: run the tests as root, or with sudo');
  for (const folder of await abandonedFolders('engine')) await removeTraces(tracesIn(folder));
  const traces = tracesIn(await makeOwnFolder('engine'));
  try {
    // Else dockerd would read the machine's own.
    await writeFile(join(traces.folder, 'daemon.json'), '{}');
    const { engineAddress, hostAddress } = await makeNetwork(traces);
    // By an address alone it would mean ports 80 and 443 there, by a block any.
    const flags = ['--insecure-registry', `${hostAddress}/32`, ...(options.flags ?? [])];
    return new PrivateEngine(traces, engineAddress, hostAddress, { flags, daemon: await launch(traces, flags) });
  } catch (error) {
    await removeTraces(traces);
    throw error;
  }
}

class PrivateEngine implements TestEngine {
  readonly host: string;

  constructor(
    private readonly traces: EngineTraces,
    readonly address: string,
    readonly hostAddress: string,
    private readonly running: { readonly flags: readonly string[]; daemon: ChildProcess },
  ) {
    this.host = socketOf(traces);
  }

  get enter(): readonly string[] {
    return ['nsenter', `--net=${namespaceOf(this.traces)}`];
  }

  async reach(address: string): Promise<void> {
    if (address === this.hostAddress) return;
    await run('nsenter', [...this.enter.slice(1), 'ip', 'route', 'replace', `${address}/32`, 'via', this.hostAddress], { env });
  }

  get pid(): number {
    return readPid(this.traces);
  }

  log(): Promise<string> {
    return readFile(join(this.traces.folder, 'log'), 'utf8');
  }

  async docker(...args: string[]): Promise<string> {
    const { stdout } = await run('docker', ['-H', this.host, ...args], { env, maxBuffer: 64 * 1024 * 1024 });
    return stdout;
  }

  async kill(): Promise<void> {
    await end(this.running.daemon, 'SIGKILL');
    await containerdGone(this.traces);
  }

  async restart(): Promise<void> {
    await end(this.running.daemon, 'SIGTERM');
    this.running.daemon = await launch(this.traces, this.running.flags);
  }

  async stop(): Promise<void> {
    // Asked politely, the engine leaves less to clear up; whatever it doesn't do, or not in time, is done below.
    const ask = (...args: string[]) => run('docker', ['-H', this.host, ...args], { env, timeout: END_MS }).then(({ stdout }) => stdout, () => '');
    const containers = (await ask('ps', '-aq')).split('\n').filter(Boolean);
    if (containers.length > 0) await ask('rm', '-f', '-v', ...containers);
    await end(this.running.daemon, 'SIGTERM');
    await removeTraces(this.traces);
  }
}

async function launch(traces: EngineTraces, flags: readonly string[]): Promise<ChildProcess> {
  const { folder, name } = traces;
  const log = openSync(join(folder, 'log'), 'a');
  const daemon = spawn(
    'nsenter',
    [
      `--net=${namespaceOf(traces)}`, 'dockerd',
      '--host', socketOf(traces), '--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec'), '--pidfile', join(folder, 'pid'),
      '--config-file', join(folder, 'daemon.json'), '--live-restore', '--bridge', 'none', '--group', 'root',
      '--exec-opt', 'native.cgroupdriver=cgroupfs', '--cgroup-parent', `/${name}`, ...flags,
    ],
    { stdio: ['ignore', log, log], env, detached: true },
  );
  closeSync(log);
  let failure: Error | null = null;
  daemon.once('error', (error) => (failure = error)).once('exit', (code) => (failure ??= new Error(`dockerd ended with ${code}`)));
  for (const until = performance.now() + START_MS; performance.now() < until && !failure; await pause(100)) {
    const answers = await run('docker', ['-H', socketOf(traces), 'version', '--format', '{{.Server.Version}}'], { env, timeout: END_MS }).then(() => true, () => false);
    if (answers) return daemon;
  }
  await end(daemon, 'SIGKILL');
  const lines = readFileSync(join(folder, 'log'), 'utf8').trimEnd().split('\n').slice(-15).join('\n');
  throw new Error(`dockerd doesn't answer; its last lines:\n${lines}`, { cause: failure });
}

async function end(daemon: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (daemon.exitCode !== null || daemon.signalCode !== null || daemon.pid === undefined) return;
  const ended = new Promise((resolve) => daemon.once('exit', resolve));
  daemon.kill(signal);
  const inTime = await Promise.race([ended.then(() => true), pause(END_MS, false, { ref: false })]);
  if (!inTime) daemon.kill('SIGKILL');
  await ended;
}

/** A new dockerd that finds the old containerd's process, if only as a zombie, takes it for alive and waits for it in vain. */
async function containerdGone({ folder }: EngineTraces): Promise<void> {
  const pid = readFileSync(join(folder, 'exec/containerd/containerd.pid'), 'utf8').trim();
  for (const until = performance.now() + END_MS; existsSync(`/proc/${pid}`); await pause(20)) {
    if (performance.now() > until) throw new Error(`containerd (${pid}) outlives its dockerd`);
  }
}

const socketOf = ({ folder }: EngineTraces): string => `unix://${join(folder, 'docker.sock')}`;
const readPid = ({ folder }: EngineTraces): number => Number(readFileSync(join(folder, 'pid'), 'utf8'));
