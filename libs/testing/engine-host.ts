import { execFile } from 'node:child_process';
import { readdir, readFile, readlink, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { setTimeout as pause } from 'node:timers/promises';

const run = promisify(execFile);
const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };

/** Everything that a test's engine puts on the machine is named after it, so that it can be found again and removed. */
export interface EngineTraces {
  /** Short, of letters and digits: the cgroup and, with `h` or `n` behind it, both ends of the link. */
  readonly name: string;
  readonly folder: string;
}

/** What the engine in a folder is called: by the folder's random end. */
export const tracesIn = (folder: string): EngineTraces => ({ folder, name: `wbt${basename(folder).slice(-6).toLowerCase().replace(/[^a-z0-9]/g, '0')}` });

/** Both ends of the link between the machine and the engine's network namespace. */
export interface Link {
  /** The machine's end: where a test can offer something to containers (a registry). */
  readonly hostAddress: string;
  /** The engine's end: where its published ports are reached. */
  readonly engineAddress: string;
}

/** Makes the network namespace and links it, by a /30 of the range for benchmarks (198.18.0.0/15, RFC 2544) that no
 *  interface here uses. Nothing leads further: containers reach the machine's end and each other only. */
export async function makeNetwork(traces: EngineTraces): Promise<Link> {
  const { hostAddress, engineAddress } = await freeLink();
  const namespace = namespaceOf(traces);
  const [near, far] = [`${traces.name}h`, `${traces.name}n`];
  await writeFile(namespace, '');
  await run('unshare', [`--net=${namespace}`, 'true'], { env });
  await ip('link', 'add', near, 'type', 'veth', 'peer', 'name', far, 'netns', namespace);
  await ip('addr', 'add', `${hostAddress}/30`, 'dev', near);
  await ip('link', 'set', near, 'up');
  const inside = (...args: string[]) => run('nsenter', [`--net=${namespace}`, 'ip', ...args], { env });
  await inside('addr', 'add', `${engineAddress}/30`, 'dev', far);
  await inside('link', 'set', far, 'up');
  await inside('link', 'set', 'lo', 'up');
  return { hostAddress, engineAddress };
}

/** The file that a network namespace is bound to, for `nsenter --net=`. */
export const namespaceOf = ({ folder }: EngineTraces): string => join(folder, 'net');

/** Removes whatever is still there, in an order that works from any state: processes, mounts, network, cgroups, folder.
 *  Repeating it is harmless. */
export async function removeTraces(traces: EngineTraces): Promise<void> {
  const { name, folder } = traces;
  const sockets = await shimSockets(folder);
  await killAll(traces);
  await ip('link', 'del', `${name}h`).catch(() => undefined);
  await unmountAll(folder);
  await Promise.all(sockets.map((socket) => rm(socket, { force: true })));
  await removeCgroups('/sys/fs/cgroup', name, 0);
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

const ip = (...args: string[]): Promise<{ stdout: string }> => run('ip', args, { env });

async function freeLink(): Promise<Link> {
  const { stdout } = await ip('-o', '-4', 'addr');
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const block = Math.floor(Math.random() * 32_768);
    const prefix = `198.${18 + (block >> 14)}.${(block >> 6) & 255}`;
    const first = (block & 63) * 4;
    const link = { hostAddress: `${prefix}.${first + 1}`, engineAddress: `${prefix}.${first + 2}` };
    if (!stdout.includes(` ${link.hostAddress}/`) && !stdout.includes(` ${link.engineAddress}/`)) return link;
  }
  throw new Error('no /30 of 198.18.0.0/15 is free on this machine');
}

/** All at once, again and again: a shim that is quicker than its killer starts nothing new. */
async function killAll(traces: EngineTraces): Promise<void> {
  for (let round = 0; round < 100; round += 1) {
    const processes = await processesOf(traces);
    if (processes.length === 0) return;
    for (const pid of processes) kill(pid);
    await pause(50);
  }
  throw new Error(`processes of the engine in ${traces.folder} don't end`);
}

/** Whose command line names the folder (dockerd, containerd, shims) or whose network is the engine's (its port proxies),
 *  and their children (the containers). */
async function processesOf(traces: EngineTraces): Promise<number[]> {
  const namespace = await networkOf(traces);
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry)).map(Number);
  const all = await Promise.all(
    pids.map(async (pid) => {
      const commandLine = await readText(`/proc/${pid}/cmdline`);
      const network = await readlink(`/proc/${pid}/ns/net`).catch(() => '');
      return { pid, parent: await parentOf(pid), own: commandLine.includes(`${traces.folder}/`) || network === namespace };
    }),
  );
  const living = all.filter(({ pid, parent }) => parent >= 0 && pid !== process.pid);
  const own = new Set(living.filter((candidate) => candidate.own).map(({ pid }) => pid));
  return living.filter(({ pid, parent }) => own.has(pid) || own.has(parent)).map(({ pid }) => pid);
}

/** As `/proc/<pid>/ns/net` names it; null where nothing is bound to the file, or what all processes here are in: better leave
 *  something behind than end whatever else runs on this machine. */
async function networkOf(traces: EngineTraces): Promise<string | null> {
  const found = await stat(namespaceOf(traces)).then(({ ino }) => `net:[${ino}]`, () => null);
  const bound = (await mountPoints()).includes(namespaceOf(traces));
  return bound && found !== (await readlink('/proc/self/ns/net')) ? found : null;
}

/** -1 for one that is gone, or dead and only waits for its parent. */
async function parentOf(pid: number): Promise<number> {
  const [state, parent] = (await readText(`/proc/${pid}/stat`)).replace(/^.*\) /s, '').split(' ');
  return state === undefined || state === 'Z' ? -1 : Number(parent);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}

/** Innermost first; lazily, since a dying process may hold one for a moment. */
async function unmountAll(folder: string): Promise<void> {
  for (const mount of (await mountPoints()).filter((path) => path === folder || path.startsWith(`${folder}/`)).reverse()) {
    await run('umount', ['-l', mount]).catch(() => undefined);
  }
}

/** In the order that they were mounted. */
const mountPoints = async (): Promise<string[]> => (await readText('/proc/self/mountinfo')).split('\n').map((line) => line.split(' ')[4] ?? '');

/** A shim's socket lies outside the engine's folder; its bundle says where. One that ends by itself removes it. */
async function shimSockets(folder: string): Promise<string[]> {
  const bundles = join(folder, 'exec/containerd/daemon/io.containerd.runtime.v2.task/moby');
  const names = await readdir(bundles).catch(() => []);
  const addresses = await Promise.all(names.map((bundle) => readText(join(bundles, bundle, 'address'))));
  return addresses.filter((address) => address.startsWith('unix:///run/containerd/s/')).map((address) => address.trim().slice('unix://'.length));
}

/** Empty cgroups that are called `name`, in every hierarchy, with what is below them. */
async function removeCgroups(folder: string, name: string, depth: number): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries.filter((candidate) => candidate.isDirectory())) {
    const path = join(folder, entry.name);
    if (entry.name === name) await removeTree(path);
    else if (depth < 1) await removeCgroups(path, name, depth + 1);
  }
}

async function removeTree(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) if (entry.isDirectory()) await removeTree(join(folder, entry.name));
  await rmdir(folder).catch(() => undefined);
}

const readText = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '');
