import type { PullProgress, Sensitive } from '#domain';

/** One engine, as much of it as an agent needs. Implemented by `dockerode-runtime.ts`, in memory in `testing`.
 *  Only things that carry this installation's label are listed or touched. */
export interface ContainerRuntime {
  info(): Promise<EngineInfo>;
  /** Containers of this installation, running or not. */
  listContainers(): Promise<readonly ContainerState[]>;
  inspectContainer(name: string): Promise<ContainerState | null>;
  /** The environment that it was made with, `NAME=value`, secrets among them: for whoever looks for those in what it writes. Empty when gone. */
  environment(name: string): Promise<readonly string[]>;
  /** @returns the id. A container of that name is left as it is and its id returned: a repeated step adopts. */
  createContainer(plan: ContainerPlan): Promise<string>;
  /** Puts a container that doesn't run yet into further networks; those that it is in already are left as they are, so that a repeated
   *  step goes on where it was cut off. @throws EngineError `not_found` where there is no such container. */
  joinNetworks(id: string, joins: readonly JoinPlan[]): Promise<void>;
  /** Silent when it runs already. @throws EngineError `not_found` | `host_port_taken` | `invalid_config` | `start_lost`. */
  startContainer(id: string): Promise<void>;
  /** SIGTERM, after `graceMs` SIGKILL. Silent when it isn't running or gone. @returns whether it was running */
  stopContainer(id: string, graceMs: number): Promise<boolean>;
  /** With its anonymous volumes. Silent when gone. */
  removeContainer(id: string): Promise<void>;
  /** Local image id, or null. */
  findImage(reference: string): Promise<{ id: string; architecture: string; repoDigests: readonly string[] } | null>;
  /** @param onProgress hears of every sign of life, with what there is so far. @param credentials what the registry is shown; none: nothing.
   *  @throws EngineError `image_not_found` | `image_pull_denied` | `image_architecture` | `registry_unreachable`; aborted: `engine_unreachable`. */
  pullImage(reference: string, signal: AbortSignal, onProgress?: (progress: PullProgress) => void, credentials?: Credentials | null): Promise<void>;
  /** Runs a command in a running container, and waits for its end: nothing but its own end, or the container's, ends it; aborted, nobody
   *  waits any more. What it writes is dropped.
   *  @returns its exit code, 127 where there is no such command. @throws EngineError `not_found` where the container doesn't run. */
  exec(id: string, command: readonly string[], signal: AbortSignal): Promise<number>;
  /** What was asked of the engine to end a container or to signal its process, by anybody, since an instant (RFC 3339) and until
   *  another (milliseconds since the epoch). The engine remembers its last 256 events, and none from before its own start. */
  interventions(id: string, since: string, until: number): Promise<readonly Intervention[]>;
  /** One that is there with another subnet is remade while nobody is in it, and kept otherwise.
   *  @throws EngineError `subnet_taken`. */
  ensureNetwork(plan: NetworkPlan): Promise<void>;
  listNetworks(): Promise<readonly { id: string; name: string; networkId: string; containers: number }[]>;
  /** Silent when gone or not ours. @throws EngineError `engine_failed` while somebody is in it. */
  removeNetwork(name: string): Promise<void>;
  /** A volume of that name is left as it is, where it is the same. @returns where the engine has its data on its own host; null: it was `made`, and there is
   *  none any more. @throws EngineError `engine_failed` where it is another one. */
  ensureVolume(plan: VolumePlan): Promise<string | null>;
  /** Those of this installation. `path`: where the engine has its data on its own host. */
  listVolumes(): Promise<readonly { name: string; volumeId: string; path: string }[]>;
  /** With its data, where the engine itself has that. Silent when gone or not ours. @throws EngineError `engine_failed` while a container has it. */
  removeVolume(name: string): Promise<void>;
  /** From `since` on, that instant included (RFC 3339 with nanoseconds; null = the start), then live while it runs.
   *  Ends of itself once the container isn't running, and silently when aborted. Complete only if that was so from the beginning:
   *  engines may end what they give live, or begin it anew, when they rotate the log, and without its last lines when it stops. A line that the engine kept in pieces
   *  is one, up to 64 KiB; a longer one comes in pieces, of which all but the last have `more`. */
  logs(id: string, since: string | null, signal: AbortSignal): AsyncIterable<{ at: string; stream: 'stdout' | 'stderr'; line: string; more?: true }>;
  /** What running containers take at this moment, in one look at each: a few milliseconds of work, up to a second or two of waiting for many; left out: who isn't running any more. */
  usage(ids: readonly string[]): Promise<readonly ContainerUsage[]>;
  /** What happens to this installation's containers, as it happens; ends with an error when the engine goes away. */
  watch(signal: AbortSignal): AsyncIterable<{ containerId: string; action: string }>;
}

/** What a registry is shown, by basic auth. */
export interface Credentials {
  readonly username: string;
  readonly password: Sensitive<string>;
}

/** A signal that the engine was told to send to a container; null: it was told to stop it, and has. */
export interface Intervention {
  readonly signal: number | null;
  /** RFC 3339, by the engine's clock. */
  readonly at: string;
}

/** What a container has taken since its start and holds now. */
export interface ContainerUsage {
  readonly id: string;
  /** When the engine looked, RFC 3339. */
  readonly at: string;
  /** CPU time since its start. */
  readonly cpuNanos: number;
  /** All that is charged to it, the page cache too. */
  readonly memoryBytes: number;
  /** The same without the page cache that the kernel would give up first: what counts against the limit in earnest. */
  readonly workingSetBytes: number;
  /** Over all of its networks, since its start. */
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

export interface EngineInfo {
  readonly engineVersion: string;
  readonly architecture: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly hostname: string;
  /** Where it keeps its data on its own host. */
  readonly dataRoot: string;
}

/** Everything about a container, compiled by `container-config.ts`: `config` goes to the engine as it stands. */
export interface ContainerPlan {
  readonly name: string;
  readonly config: object;
}

/** A network by its name, and what a container answers to there. */
export interface JoinPlan {
  readonly name: string;
  readonly aliases: readonly string[];
  /** As an assignment has them. */
  readonly links?: readonly string[];
}

export interface NetworkPlan {
  readonly name: string;
  readonly networkId: string;
  readonly subnet: string;
}

export interface VolumePlan {
  readonly name: string;
  readonly volumeId: string;
  /** A folder of the engine's host that stands behind it; null: one of the engine's own. */
  readonly folder: string | null;
  /** It was made before: where it isn't there any more none is made. Left out: it may be made. */
  readonly made?: boolean;
}

export interface ContainerState {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly imageId: string;
  readonly status: 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';
  readonly exitCode: number | null;
  readonly oomKilled: boolean;
  readonly error: string | null;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly address: string | null;
}

/** What the engine said no to, sorted by what can be done about it. `transient` ones are tried again: always
 *  `registry_unreachable`, `pull_stalled` (said by whoever waits for it), `host_port_taken`, `subnet_taken` (another one is allotted), `volume_failed`, `volume_lost` (looked for again: it may be put back), `value_unavailable` (said by whoever asks for it), `not_found` (look again) and `engine_…`;
 *  never `value_refused`, `image_pull_denied`, `image_architecture`, `invalid_config`, `host_path_denied` and `start_lost` (the engine was killed in the middle of an earlier
 *  start, and can do no more with that container than remove it); `image_not_found` only where it vanished before its use. */
export class EngineError extends Error {
  constructor(
    readonly code:
      | 'image_not_found' | 'image_pull_denied' | 'image_architecture' | 'registry_unreachable' | 'pull_stalled' | 'host_port_taken' | 'subnet_taken' | 'volume_failed' | 'volume_lost' | 'host_path_denied'
      | 'value_unavailable' | 'value_refused' | 'invalid_config' | 'start_lost' | 'not_found' | 'engine_unreachable' | 'engine_failed',
    readonly transient: boolean,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  /** Of `engine_unreachable`: it was asked before it went away, and may have done it. */
  get mayBeDone(): boolean {
    const { code } = (this.cause ?? {}) as { code?: unknown };
    return this.code === 'engine_unreachable' && !(typeof code === 'string' && NEVER_ASKED.has(code));
  }
}

/** Nobody listened. */
const NEVER_ASKED: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ENOENT', 'EACCES', 'EHOSTUNREACH', 'ENOTFOUND']);
