import { execFile } from 'node:child_process';
import { readdir, readFile, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { setTimeout as pause } from 'node:timers/promises';

const run = promisify(execFile);

/** Everything that a test's engine puts on the machine is named after it, so that it can be found again and removed. */
export interface EngineTraces {
  /** Short, of letters and digits: network namespace, cgroup and (with `h`/`n` behind it) both ends of the link. */
  readonly name: string;
  readonly folder: string;
}

/** Both ends of the link between the machine and the engine's network namespace. */
export interface Link {
  /** The machine's end: where a test can offer something to containers (a registry). */
  readonly hostAddress: string;
  /** The engine's end: where its published ports are reached. */
  readonly engineAddress: string;
}

/** Makes the network namespace and links it, by a /30 of the range for benchmarks (198.18.0.0/15, RFC 2544) that no
 *  interface here uses. Nothing leads further: containers reach the machine's end and each other only. */
export async function makeNetwork({ name }: EngineTraces): Promise<Link> {
  const { hostAddress, engineAddress } = await freeLink();
  await ip('netns', 'add', name);
  await ip('link', 'add', `${name}h`, 'type', 'veth', 'peer', 'name', `${name}n`, 'netns', name);
  await ip('addr', 'add', `${hostAddress}/30`, 'dev', `${name}h`);
  await ip('link', 'set', `${name}h`, 'up');
  await ip('-n', name, 'addr', 'add', `${engineAddress}/30`, 'dev', `${name}n`);
  await ip('-n', name, 'link', 'set', `${name}n`, 'up');
  await ip('-n', name, 'link', 'set', 'lo', 'up');
  return { hostAddress, engineAddress };
}

/** Removes whatever is still there, in an order that works from any state: processes, mounts, network, cgroups, folder.
 *  Repeating it is harmless. */
export async function removeTraces({ name, folder }: EngineTraces): Promise<void> {
  const sockets = await shimSockets(folder);
  await killAll(folder, name);
  await unmountAll(folder);
  await ip('link', 'del', `${name}h`).catch(() => undefined);
  await ip('netns', 'del', name).catch(() => undefined);
  await Promise.all(sockets.map((socket) => rm(socket, { force: true })));
  await removeCgroups('/sys/fs/cgroup', name, 0);
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

const ip = (...args: string[]): Promise<unknown> => run('ip', args, { env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` } });

async function freeLink(): Promise<Link> {
  const { stdout } = await run('ip', ['-o', '-4', 'addr'], { env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` } });
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const block = Math.floor(Math.random() * 32_768);
    const prefix = `198.${18 + (block >> 14)}.${(block >> 6) & 255}`;
    const first = (block & 63) * 4;
    const link = { hostAddress: `${prefix}.${first + 1}`, engineAddress: `${prefix}.${first + 2}` };
    if (!stdout.includes(` ${link.hostAddress}/`) && !stdout.includes(` ${link.engineAddress}/`)) return link;
  }
  throw new Error('no /30 of 198.18.0.0/15 is free on this machine');
}

/** Containers first, so that no shim reports an end that nobody listens to; then shims, containerd, dockerd and its proxies. */
async function killAll(folder: string, name: string): Promise<void> {
  for (let round = 0; round < 50; round += 1) {
    const processes = await processesOf(folder, name);
    if (processes.length === 0) return;
    for (const pid of processes) kill(pid);
    await pause(50);
  }
  throw new Error(`processes of the engine in ${folder} don't end`);
}

/** Whose command line names the folder or whose network is the engine's, and the children of those. */
async function processesOf(folder: string, name: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry)).map(Number);
  const all = await Promise.all(pids.map(async (pid) => ({ pid, parent: await parentOf(pid), commandLine: await readText(`/proc/${pid}/cmdline`) })));
  const { stdout } = await run('ip', ['netns', 'pids', name], { env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` } }).catch(() => ({ stdout: '' }));
  const inNetwork = new Set(stdout.split('\n').filter(Boolean).map(Number));
  const own = new Set(all.filter(({ pid, commandLine }) => pid !== process.pid && (commandLine.includes(`${folder}/`) || inNetwork.has(pid))).map(({ pid }) => pid));
  const children = all.filter(({ pid, parent }) => own.has(parent) && !own.has(pid)).map(({ pid }) => pid);
  return [...children, ...own].filter((pid) => pid !== process.pid);
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
  const mounts = (await readText('/proc/self/mountinfo')).split('\n').map((line) => line.split(' ')[4] ?? '');
  for (const mount of mounts.filter((path) => path === folder || path.startsWith(`${folder}/`)).reverse()) {
    await run('umount', ['-l', mount]).catch(() => undefined);
  }
}

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
