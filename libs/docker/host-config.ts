import type { Port, Resources } from '#domain';
import { ADDED_CAPABILITIES, DROPPED_CAPABILITIES } from './capabilities.ts';
import { areMounts, type EngineMount, type MountLimits } from './mounts.ts';

/** All of the engine's HostConfig that a container of ours ever has. What isn't a key here can't be asked for:
 *  devices, privileged mode and the host's namespaces among it. Bytes, and the engine's own units. */
export interface HostConfig {
  readonly CapDrop: readonly string[];
  readonly CapAdd: readonly string[];
  readonly SecurityOpt: readonly string[];
  readonly PidsLimit: number;
  /** The limit; MemorySwap (memory and swap together) is the same, so that nothing swaps. */
  readonly Memory: number;
  readonly MemorySwap: number;
  /** The request: what the kernel tries to leave it when memory is short. */
  readonly MemoryReservation: number;
  /** The limit, in billionths of a core. */
  readonly NanoCpus: number;
  /** The request, as a weight: 1024 is a core. */
  readonly CpuShares: number;
  readonly LogConfig: { readonly Type: string; readonly Config: Readonly<Record<string, string>> };
  /** `no`: the agent restarts, so that each run is counted and reported. */
  readonly RestartPolicy: { readonly Name: string };
  readonly IpcMode: string;
  readonly CgroupnsMode: string;
  readonly NetworkMode: string;
  readonly PortBindings: Readonly<Record<string, readonly { readonly HostIp: string; readonly HostPort: string }[]>>;
  readonly Mounts: readonly EngineMount[];
}

/** Threads count too; room for a busy JVM, too little for a fork bomb to matter. */
const PIDS_LIMIT = 1024;

/** The engine's own copy of the output; the agent keeps its own beyond the container's life. */
const LOG_ROTATION = { 'max-size': '10m', 'max-file': '3' } as const;

/** The kernel's least weight (https://docs.kernel.org/scheduler/sched-design-CFS.html: cpu.shares is at least 2). */
const LEAST_SHARES = 2;

/** The engine refuses a smaller reservation, other than none. */
const LEAST_MEMORY = 6 * 1024 * 1024;

/** Compiles what a container may take and touch. No `Init`: images that bring their own (s6) insist on being process 1.
 *  @param options.cpus cores of the host: a limit beyond them is none, and the engine would refuse it. */
export function hostConfigOf(
  resources: Resources,
  ports: readonly Port[],
  options: { readonly network: string; readonly publishOn: string; readonly cpus: number; readonly mounts: readonly EngineMount[] },
): HostConfig {
  const { request, limit } = resources;
  return {
    CapDrop: DROPPED_CAPABILITIES,
    CapAdd: ADDED_CAPABILITIES,
    SecurityOpt: ['no-new-privileges:true'],
    PidsLimit: PIDS_LIMIT,
    Memory: limit.memoryBytes,
    MemorySwap: limit.memoryBytes,
    MemoryReservation: request.memoryBytes < LEAST_MEMORY ? 0 : Math.min(request.memoryBytes, limit.memoryBytes),
    NanoCpus: Math.min(limit.cpuMillis, options.cpus * 1000) * 1_000_000,
    CpuShares: Math.max(LEAST_SHARES, Math.round((request.cpuMillis * 1024) / 1000)),
    LogConfig: { Type: 'json-file', Config: LOG_ROTATION },
    RestartPolicy: { Name: 'no' },
    IpcMode: 'private',
    CgroupnsMode: 'private',
    NetworkMode: options.network,
    PortBindings: Object.fromEntries(
      ports
        .filter((port) => port.hostPort !== null)
        .map((port) => [`${port.containerPort}/${port.protocol}`, [{ HostIp: options.publishOn, HostPort: String(port.hostPort) }]]),
    ),
    Mounts: options.mounts,
  };
}

/** Raised before anything reaches the engine; it means a bug or a forged plan, never a user's mistake. */
export class ForbiddenConfig extends Error {}

/** The second look, right before a container is made: whatever compiled the plan, nothing outside of the allow-list passes.
 *  @param allowed the one network that this container may be in, the installation whose volumes it may mount, which folders of the host, and whose files.
 *  @throws ForbiddenConfig naming every key that is forbidden, missing or has a forbidden value. */
export function checkHostConfig(config: unknown, allowed: Allowed): asserts config is HostConfig {
  if (config === null || typeof config !== 'object') throw new ForbiddenConfig('there is no HostConfig');
  const given = config as Record<string, unknown>;
  const unknown = Object.keys(given).filter((key) => !Object.hasOwn(ALLOWED, key)).map((key) => `${key} is not allowed`);
  const wrong = Object.entries(ALLOWED)
    .filter(([key, allows]) => !Object.hasOwn(given, key) || !allows(given[key], given, allowed))
    .map(([key]) => `${key} may not be ${JSON.stringify(given[key])}`);
  if (unknown.length + wrong.length > 0) throw new ForbiddenConfig([...unknown, ...wrong].join('; '));
}

/** What differs from container to container. */
export interface Allowed extends MountLimits {
  readonly network: string;
}

type Allows = (value: unknown, config: Readonly<Record<string, unknown>>, allowed: Allowed) => boolean;

/** Every key is needed, and each has all of its allowed values here. */
const ALLOWED: Readonly<Record<keyof HostConfig, Allows>> = {
  CapDrop: is(DROPPED_CAPABILITIES),
  CapAdd: is(ADDED_CAPABILITIES),
  SecurityOpt: is(['no-new-privileges:true']),
  PidsLimit: is(PIDS_LIMIT),
  Memory: (value) => whole(value, 1),
  MemorySwap: (value, config) => value === config['Memory'],
  MemoryReservation: (value, config) => whole(value, 0) && (value as number) <= (config['Memory'] as number),
  NanoCpus: (value) => whole(value, 1),
  CpuShares: (value) => whole(value, LEAST_SHARES),
  LogConfig: is({ Type: 'json-file', Config: LOG_ROTATION }),
  RestartPolicy: is({ Name: 'no' }),
  IpcMode: is('private'),
  CgroupnsMode: is('private'),
  NetworkMode: (value, _config, { network }) => value === network && !/^(host|none|default|bridge|container:)/.test(network),
  PortBindings: portBindings,
  Mounts: (value, _config, allowed) => areMounts(value, allowed),
};

function is(expected: unknown): Allows {
  return (value) => JSON.stringify(value) === JSON.stringify(expected);
}

const whole = (value: unknown, least: number): boolean => Number.isSafeInteger(value) && (value as number) >= least;

function portBindings(value: unknown): boolean {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return false;
  return Object.entries(value).every(([port, bindings]) => {
    if (!/^\d{1,5}\/(tcp|udp)$/.test(port) || !Array.isArray(bindings) || bindings.length !== 1) return false;
    const { HostIp, HostPort, ...more } = bindings[0] as Record<string, unknown>;
    return Object.keys(more).length === 0 && typeof HostIp === 'string' && HostIp !== '' && /^[1-9]\d{0,4}$/.test(String(HostPort));
  });
}
