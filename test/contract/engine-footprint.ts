import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** All that an engine and its containers put on the machine, noted while they run. */
export interface Footprint {
  readonly folder: string;
  /** `net:[4026532281]` */
  readonly namespace: string;
  /** Of the machine's end of the link, and of the cgroup when the last letter is left out. */
  readonly link: string;
  readonly addresses: readonly string[];
  readonly pids: readonly number[];
  readonly shimSockets: readonly string[];
}

/** Notes it. @throws Error when there is less of it than a running container makes: what isn't seen now would not be missed later. */
export function footprintOf(engine: { readonly host: string; readonly address: string; readonly hostAddress: string }): Footprint {
  const folder = dirname(engine.host.slice('unix://'.length));
  const namespace = `net:[${statSync(join(folder, 'net')).ino}]`;
  const link = lines('ip', '-o', '-4', 'addr').find((line) => line.includes(` ${engine.hostAddress}/`))?.split(/\s+/)[1] ?? '';
  const shims = allProcesses().filter(({ commandLine }) => commandLine.includes('containerd-shim') && commandLine.includes(folder));
  const pids = allProcesses()
    .filter(({ pid, parent, commandLine }) => commandLine.includes(folder) || namespaceOf(pid) === namespace || shims.some((shim) => shim.pid === parent))
    .map(({ pid }) => pid);
  const bundles = join(folder, 'exec/containerd/daemon/io.containerd.runtime.v2.task/moby');
  const shimSockets = readdirSync(bundles).map((bundle) => readFileSync(join(bundles, bundle, 'address'), 'utf8').trim().slice('unix://'.length));
  // dockerd, containerd, a shim, two port proxies (IPv4 and IPv6) or one, and what runs in the container.
  if (link === '' || pids.length < 5 || shimSockets.length === 0) throw new Error(`too little is there: ${JSON.stringify({ link, pids, shimSockets })}`);
  return { folder, namespace, link, addresses: [engine.address, engine.hostAddress], pids, shimSockets };
}

/** What of it is still there, in words; empty when nothing is. */
export function remainsOf({ folder, namespace, link, addresses, pids, shimSockets }: Footprint): string[] {
  const cgroup = link.slice(0, -1);
  return [
    ...allProcesses().filter(({ pid, commandLine }) => commandLine.includes(folder) || namespaceOf(pid) === namespace || pids.includes(pid)).map(({ pid, commandLine }) => `process ${pid} ${commandLine}`),
    ...readFileSync('/proc/self/mountinfo', 'utf8').split('\n').filter((line) => line.includes(folder)).map((line) => `mount ${line}`),
    ...lines('ip', '-o', 'link').filter((line) => line.includes(cgroup)),
    ...lines('ip', 'route', 'show', 'table', 'all').filter((line) => addresses.some((address) => line.includes(address))),
    ...lines('iptables-save').filter((line) => line.includes(cgroup) || addresses.some((address) => line.includes(address))),
    ...lines('find', '/sys/fs/cgroup', '-maxdepth', '3', '-name', cgroup),
    ...shimSockets.filter((socket) => existsSync(socket)),
    ...(existsSync(folder) ? [folder] : []),
  ];
}

/** Not gone, nor dead and only waiting for its parent to notice. */
export const runs = (pid: number): boolean => allProcesses().some((process) => process.pid === pid);

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly commandLine: string;
}

/** Those that run: one that is dead and waits for its parent has no command line left. */
function allProcesses(): Process[] {
  const pids = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry));
  return pids.flatMap((pid) => {
    try {
      const commandLine = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      const [, parent] = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ');
      return commandLine === '' ? [] : [{ pid: Number(pid), parent: Number(parent), commandLine }];
    } catch {
      return [];
    }
  });
}

function namespaceOf(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return null;
  }
}

const lines = (command: string, ...args: string[]): string[] =>
  execFileSync(command, args, { encoding: 'utf8', env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` } }).split('\n').filter(Boolean);
