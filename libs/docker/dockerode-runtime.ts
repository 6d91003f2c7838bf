import Dockerode from 'dockerode';
import type { Logger } from '#contracts';
import { hostPathsFor, isBelow, parseImageReference, type PullProgress } from '#domain';
import { checkContainerPlan, endpointOf } from './container-config.ts';
import { ANSWER_MS, ask, epochOf, jsonLines, orNull, stateOf, unlessUnchanged } from './engine-answers.ts';
import { toEngineError } from './engine-errors.ts';
import { ForbiddenConfig } from './host-config.ts';
import { InCommon } from './in-common.ts';
import { runInside } from './exec.ts';
import { readInterventions } from './interventions.ts';
import { LogFrames, type OutputLine } from './log-frames.ts';
import { LABELS, networkName } from './names.ts';
import { PullMeter } from './pull-meter.ts';
import { EngineError, type ContainerPlan, type ContainerRuntime, type ContainerState, type ContainerUsage, type Credentials, type EngineInfo, type Intervention, type JoinPlan, type NetworkPlan, type VolumePlan } from './runtime.ts';
import { driverOptionsOf, isSameVolume } from './volumes.ts';
import { usageOf, type EngineStats } from './usage.ts';

/** @param options.hostPaths folders of its host that containers may have, with all below; `prj_…:<folder>` those of that project only.
 *  The engine at `host` (`unix:///…`, `tcp://host:port`, `http(s)://…`), as far as it carries this installation's label.
 *  Nothing is asked of it yet: an engine that isn't there shows at the first call, as `engine_unreachable`. */
export function openDockerRuntime(options: { readonly host: string; readonly installation: string; readonly logger: Logger; readonly hostPaths?: readonly string[] }): ContainerRuntime {
  return new DockerodeRuntime(new Dockerode(connectionOf(options.host)), options.installation, options.logger, options.hostPaths ?? []);
}

/** Containers whose figures are asked for at the same time. A look costs the engine a few reads in a cgroup, but 20.10 answers at its
 *  next round only, up to a second later: it is the waiting that is shared. */
const STATS_AT_ONCE = 64;

/** What an engine calls its architecture → what images and placements call it. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x86_64: 'amd64', aarch64: 'arm64', armv7l: 'arm', i686: '386' };

class DockerodeRuntime implements ContainerRuntime {
  readonly #networks = new InCommon<void>();
  /** Containers that were seen to be ours: an id is never given twice, and its labels never change. */
  readonly #seen = new Set<string>();

  constructor(
    private readonly docker: Dockerode,
    private readonly installation: string,
    private readonly logger: Logger,
    private readonly hostPaths: readonly string[],
  ) {}

  async info(): Promise<EngineInfo> {
    const info = (await ask(() => this.docker.info())) as Record<'ServerVersion' | 'Architecture' | 'Name' | 'DockerRootDir', string> & Record<'NCPU' | 'MemTotal', number>;
    return {
      engineVersion: info.ServerVersion,
      architecture: ARCHITECTURES[info.Architecture] ?? info.Architecture,
      cpus: info.NCPU,
      memoryBytes: info.MemTotal,
      hostname: info.Name,
      dataRoot: info.DockerRootDir,
    };
  }

  async listContainers(): Promise<readonly ContainerState[]> {
    const found = await ask((abortSignal) => this.docker.listContainers({ all: true, filters: this.#ours, abortSignal }));
    const states = await Promise.all(found.map((container) => this.inspectContainer(container.Id)));
    return states.filter((state) => state !== null);
  }

  async inspectContainer(name: string): Promise<ContainerState | null> {
    const found = await orNull(ask((abortSignal) => this.docker.getContainer(name).inspect({ abortSignal })));
    if (found?.Config.Labels?.[LABELS.installation] !== this.installation) return null;
    this.#seen.add(found.Id);
    return stateOf(found);
  }

  async environment(name: string): Promise<readonly string[]> {
    const found = await orNull(ask((abortSignal) => this.docker.getContainer(name).inspect({ abortSignal })));
    return found && found.Config.Labels?.[LABELS.installation] === this.installation ? (found.Config.Env ?? []) : [];
  }

  async createContainer(plan: ContainerPlan): Promise<string> {
    checkContainerPlan(plan, this.installation, (path, projectId) => isBelow(path, hostPathsFor(projectId, this.hostPaths)));
    // Told apart, the client puts only the name into the URL; else all of the configuration would stand there too.
    const request = { _query: { name: plan.name }, _body: plan.config } as Dockerode.ContainerCreateOptions;
    try {
      const { id } = await ask((abortSignal) => this.docker.createContainer({ ...request, abortSignal }));
      this.#seen.add(id);
      return id;
    } catch (error) {
      const existing = (error as EngineError).code === 'engine_failed' ? await this.inspectContainer(plan.name) : null;
      if (existing) return existing.id;
      throw error;
    }
  }

  async startContainer(id: string): Promise<void> {
    const container = await this.#own(id);
    if (!container) throw new EngineError('not_found', true, `there is no container ${id} of this installation`);
    await ask((abortSignal) => container.start({ abortSignal })).catch(unlessUnchanged);
  }

  async stopContainer(id: string, graceMs: number): Promise<boolean> {
    const container = await this.#own(id);
    const t = Math.ceil(graceMs / 1000);
    if (!container) return false;
    return (await orNull(ask((abortSignal) => container.stop({ t, abortSignal }).then(() => true), ANSWER_MS + graceMs))) ?? false;
  }

  async removeContainer(id: string): Promise<void> {
    const container = await this.#own(id);
    if (container) await orNull(ask(() => container.remove({ v: true, force: true })), /already in progress/);
    this.#seen.delete(id);
  }

  async findImage(reference: string): Promise<{ id: string; architecture: string; repoDigests: readonly string[] } | null> {
    const image = await orNull(ask(() => this.docker.getImage(reference).inspect()));
    return image && { id: image.Id, architecture: image.Architecture, repoDigests: image.RepoDigests ?? [] };
  }

  async pullImage(reference: string, signal: AbortSignal, onProgress?: (progress: PullProgress) => void, credentials: Credentials | null = null): Promise<void> {
    const meter = new PullMeter();
    try {
      const progress: NodeJS.ReadableStream = await this.docker.pull(reference, { abortSignal: signal, ...authOf(reference, credentials) });
      for await (const message of jsonLines(progress)) {
        // The status was sent long before: what goes wrong later stands in the stream.
        if (typeof message['error'] === 'string') throw new Error(message['error']);
        onProgress?.(meter.take(message));
      }
    } catch (error) {
      throw toEngineError(error);
    }
  }

  async exec(id: string, command: readonly string[], signal: AbortSignal): Promise<number> {
    const container = await this.#own(id);
    if (!container) throw new EngineError('not_found', true, `there is no container ${id} of this installation`);
    return runInside(container, command, signal);
  }

  interventions(id: string, since: string, until: number): Promise<readonly Intervention[]> {
    return readInterventions(this.docker, id, { since, until });
  }

  /** One at a time: two replicas' steps for one network would else each find the other's in the way of its subnet. */
  ensureNetwork(plan: NetworkPlan): Promise<void> {
    return this.#networks.inTurn(JSON.stringify(plan), () => this.#ensureNetwork(plan));
  }

  async #ensureNetwork(plan: NetworkPlan): Promise<void> {
    const network = this.docker.getNetwork(plan.name);
    const found = await orNull(ask(() => network.inspect()));
    if (found) {
      const { Labels, IPAM, Containers } = found as Dockerode.NetworkInspectInfo;
      if (Labels?.[LABELS.installation] !== this.installation) throw new EngineError('engine_failed', true, `the network ${plan.name} is somebody else's`);
      const subnet = IPAM?.Config?.[0]?.Subnet;
      if (subnet === plan.subnet) return;
      if (Object.keys(Containers ?? {}).length > 0) {
        return this.logger.warn('network keeps its subnet while containers are in it', { network: plan.name, subnet, wanted: plan.subnet });
      }
      await orNull(ask(() => network.remove()));
    }
    await ask((abortSignal) =>
      this.docker.createNetwork({
        Name: plan.name,
        Driver: 'bridge',
        CheckDuplicate: true,
        IPAM: { Driver: 'default', Config: [{ Subnet: plan.subnet }] },
        Labels: { [LABELS.installation]: this.installation, [LABELS.networkId]: plan.networkId },
        abortSignal,
      }),
    );
  }

  async joinNetworks(id: string, joins: readonly JoinPlan[]): Promise<void> {
    const found = await orNull(ask((abortSignal) => this.docker.getContainer(id).inspect({ abortSignal })));
    if (found?.Config.Labels?.[LABELS.installation] !== this.installation) throw new EngineError('not_found', true, `there is no container ${id} of this installation`);
    const lacking = joins.filter(({ name }) => !Object.hasOwn(found.NetworkSettings.Networks, name));
    for (const join of lacking) {
      const { name } = join;
      if (!name.startsWith(networkName(this.installation, ''))) throw new ForbiddenConfig(`${name} is no network of this installation`);
      const endpoint = { Container: found.Id, EndpointConfig: endpointOf(join) };
      await ask((abortSignal) => this.docker.getNetwork(name).connect({ ...endpoint, abortSignal } as unknown as Dockerode.NetworkConnectOptions));
    }
  }

  async listNetworks(): Promise<readonly { id: string; name: string; networkId: string; containers: number }[]> {
    const found = await ask((abortSignal) => this.docker.listNetworks({ filters: this.#ours, abortSignal }));
    const whole = await Promise.all(found.map((network) => orNull(ask(() => this.docker.getNetwork(network.Id).inspect()))));
    return (whole as (Dockerode.NetworkInspectInfo | null)[])
      .filter((network) => network !== null)
      .map((network) => ({
        id: network.Id,
        name: network.Name,
        networkId: network.Labels?.[LABELS.networkId] ?? '',
        containers: Object.keys(network.Containers ?? {}).length,
      }));
  }

  async removeNetwork(name: string): Promise<void> {
    const network = this.docker.getNetwork(name);
    const found = (await orNull(ask(() => network.inspect()))) as Dockerode.NetworkInspectInfo | null;
    if (found?.Labels?.[LABELS.installation] === this.installation) await orNull(ask(() => network.remove()));
  }

  async ensureVolume(plan: VolumePlan): Promise<string | null> {
    const look = () => orNull(ask((abortSignal) => this.docker.getVolume(plan.name).inspect({ abortSignal })));
    let found = await look();
    if (!found && plan.made) return null;
    if (!found) {
      const Labels = { [LABELS.installation]: this.installation, [LABELS.volumeId]: plan.volumeId };
      await ask((abortSignal) => this.docker.createVolume({ Name: plan.name, Driver: 'local', DriverOpts: driverOptionsOf(plan), Labels, abortSignal }));
      found = await look();
    }
    const isOurs = found?.Labels?.[LABELS.installation] === this.installation;
    if (!found || !isOurs || !isSameVolume(found, plan)) throw new EngineError('engine_failed', true, `the volume ${plan.name} is ${isOurs ? 'another one' : "somebody else's"}`);
    return found.Mountpoint;
  }

  async listVolumes(): Promise<readonly { name: string; volumeId: string; path: string }[]> {
    const { Volumes } = await ask((abortSignal) => this.docker.listVolumes({ filters: this.#ours, abortSignal }));
    return (Volumes ?? []).map(({ Name, Labels, Mountpoint }) => ({ name: Name, volumeId: Labels?.[LABELS.volumeId] ?? '', path: Mountpoint }));
  }

  async removeVolume(name: string): Promise<void> {
    const volume = this.docker.getVolume(name);
    const found = await orNull(ask((abortSignal) => volume.inspect({ abortSignal })));
    if (found?.Labels?.[LABELS.installation] === this.installation) await orNull(ask((abortSignal) => volume.remove({ abortSignal })));
  }

  async *logs(id: string, since: string | null, signal: AbortSignal): AsyncIterable<OutputLine> {
    const frames = new LogFrames();
    try {
      const isRunning = (await this.inspectContainer(id))?.status === 'running';
      const stream = await this.docker
        .getContainer(id)
        .logs({ follow: true, stdout: true, stderr: true, timestamps: true, ...(since && { since: epochOf(since) as never }), abortSignal: signal });
      for await (const bytes of stream) yield* frames.take(bytes as Buffer);
      // Followed live, the stream may end before its last message: what looks like last words is half of a line then.
      if (!isRunning) yield* frames.end();
    } catch (error) {
      if (!signal.aborted) throw toEngineError(error);
    }
  }

  async usage(ids: readonly string[]): Promise<readonly ContainerUsage[]> {
    const found: ContainerUsage[] = [];
    for (let from = 0; from < ids.length; from += STATS_AT_ONCE) {
      const looks = await Promise.all(ids.slice(from, from + STATS_AT_ONCE).map((id) => this.#usage(id)));
      found.push(...looks.filter((usage) => usage !== null));
    }
    return found;
  }

  async #usage(id: string): Promise<ContainerUsage | null> {
    // Without `one-shot` every engine waits for a second look, a second later.
    const look = (abortSignal: AbortSignal) => this.docker.getContainer(id).stats({ stream: false, 'one-shot': true, abortSignal } as { stream: false });
    const stats = await orNull(ask(look));
    return stats && usageOf(id, stats as unknown as EngineStats);
  }

  async *watch(signal: AbortSignal): AsyncIterable<{ containerId: string; action: string }> {
    try {
      const options: Dockerode.GetEventsOptions & { abortSignal: AbortSignal } = { filters: { type: ['container'], ...this.#ours }, abortSignal: signal };
      const stream = await this.docker.getEvents(options);
      for await (const event of jsonLines(stream)) {
        const actor = event['Actor'] as { ID?: string } | undefined;
        if (actor?.ID) yield { containerId: actor.ID, action: String(event['Action']) };
      }
    } catch (error) {
      if (!signal.aborted) throw toEngineError(error);
    }
    if (!signal.aborted) throw new EngineError('engine_unreachable', true, 'the engine ended its events');
  }

  get #ours(): { label: string[] } {
    return { label: [`${LABELS.installation}=${this.installation}`] };
  }

  /** The container, if it is one of ours: nobody else's is ever started, stopped or removed. */
  async #own(id: string): Promise<Dockerode.Container | null> {
    return this.#seen.has(id) || (await this.inspectContainer(id)) ? this.docker.getContainer(id) : null;
  }
}

/** For the registry of this image, in a header of the request. */
const authOf = (reference: string, credentials: Credentials | null) =>
  credentials && { authconfig: { username: credentials.username, password: credentials.password.reveal(), serveraddress: parseImageReference(reference).registry } };

/** Given outright, so that the client doesn't look at the environment a second time. */
function connectionOf(host: string): Dockerode.DockerOptions {
  const url = new URL(host);
  if (url.protocol === 'unix:') return { socketPath: url.pathname, host: undefined, port: undefined };
  const protocol = url.protocol === 'https:' ? 'https' : 'http';
  return { host: url.hostname, port: url.port || (protocol === 'https' ? 2376 : 2375), protocol, socketPath: undefined };
}
