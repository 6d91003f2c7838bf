import { BlockList } from 'node:net';
import type { Clock } from '#contracts';
import { EngineError, type ContainerPlan, type ContainerRuntime, type ContainerState, type ContainerUsage, type Credentials, type EngineInfo, type Intervention, type JoinPlan, type NetworkPlan, type VolumePlan } from '#docker';
import type { PullProgress } from '#domain';
import { MemoryContainer, type ContainerConfig, type ImageScript } from './memory-container.ts';

/** A container engine in memory, by scripts: what each image does when it is pulled and run. Names and labels are as the
 *  agent gives them; only `Image`, `Labels`, and `PortBindings`, `NetworkMode` and `Mounts` of the `HostConfig` of a plan's config are looked at.
 *  What it refuses, and whether that is passing trouble, is what the real one says: `test/contract/runtime-contract.ts`. */
export class MemoryRuntime implements ContainerRuntime {
  /** Why the engine doesn't answer; null: it does. */
  readonly #cutsOff = new Set<string>();
  #down: string | null = null;
  #made = 0;
  #networksMade = 0;
  readonly #containers = new Map<string, MemoryContainer>();
  readonly #networks = new Map<string, NetworkPlan & { readonly id: string }>();
  readonly #volumes = new Map<string, VolumePlan>();
  readonly #local = new Set<string>();
  readonly #images: Readonly<Record<string, ImageScript>>;
  readonly #takenSubnets = new Set<string>();
  readonly #takenPorts = new Set<string>();
  readonly #watchers = new Set<(item: { containerId: string; action: string } | Error) => void>();
  readonly #facts: EngineInfo;
  readonly #onChange: (container: ContainerState, action: string) => void;

  /** @param options.images by canonical reference; one that isn't here is unknown to every registry.
   *  @param options.local references that need no pull.
   *  @param options.onChange told at once of what happens to each container, whether the engine answers or not. */
  constructor(
    private readonly clock: Clock,
    options: {
      images: Readonly<Record<string, ImageScript>>;
      local?: readonly string[];
      facts?: Partial<EngineInfo>;
      onChange?: (container: ContainerState, action: string) => void;
    },
  ) {
    this.#onChange = options.onChange ?? (() => undefined);
    this.#images = options.images;
    for (const reference of options.local ?? []) this.#local.add(reference);
    this.#facts = { engineVersion: '20.10.24', architecture: 'amd64', cpus: 4, memoryBytes: 8 * 1024 ** 3, hostname: 'memory', dataRoot: '/var/lib/docker', ...options.facts };
  }

  async info(): Promise<EngineInfo> {
    this.#answer();
    return this.#facts;
  }

  async listContainers(): Promise<readonly ContainerState[]> {
    this.#answer();
    return [...this.#containers.values()].map((container) => container.state);
  }

  async inspectContainer(name: string): Promise<ContainerState | null> {
    this.#answer();
    return this.#find(name)?.state ?? null;
  }

  async environment(name: string): Promise<readonly string[]> {
    this.#answer();
    return this.#find(name)?.config.Env ?? [];
  }

  async createContainer(plan: ContainerPlan): Promise<string> {
    this.#answer();
    const known = this.#find(plan.name);
    if (known) return known.id;
    const config = plan.config as ContainerConfig;
    const script = this.#images[config.Image];
    if (!script || !this.#local.has(config.Image)) throw new EngineError('image_not_found', true, `no such image: ${config.Image}`);
    this.#made += 1;
    const id = this.#made.toString(16).padStart(64, '0');
    const container = new MemoryContainer(this.clock, { id, name: plan.name, address: `10.192.0.${(this.#made % 250) + 2}` }, config, script, (action) => this.#tell(container, action));
    this.#containers.set(id, container);
    this.#tell(container, 'create');
    return id;
  }

  async startContainer(id: string): Promise<void> {
    this.#answer();
    if (this.#cutsOff.delete(this.#known(id).state.name)) throw new EngineError('engine_unreachable', true, 'socket hang up');
    const container = this.#known(id);
    if (container.state.status === 'running') return;
    const busy = container.hostPorts.find((port) => this.#takenPorts.has(port) || this.#running().some((other) => other.hostPorts.includes(port)));
    if (busy) throw new EngineError('host_port_taken', true, `port is already allocated: ${busy}`);
    const lacking = [...container.networks.keys()].find((network) => !this.#networks.has(network));
    if (lacking) throw new EngineError('not_found', true, `network ${lacking} not found`);
    container.start();
  }

  async stopContainer(id: string, graceMs: number): Promise<boolean> {
    this.#answer();
    const container = this.#containers.get(id);
    const wasUp = container?.state.status === 'running';
    await container?.stop(graceMs);
    return wasUp;
  }

  async removeContainer(id: string): Promise<void> {
    this.#answer();
    this.#remove(id);
  }

  async findImage(reference: string): Promise<{ id: string; architecture: string; repoDigests: readonly string[] } | null> {
    this.#answer();
    if (!this.#local.has(reference)) return null;
    return { id: `sha256:${reference}`, architecture: this.#images[reference]?.architecture ?? this.#facts.architecture, repoDigests: this.#images[reference]?.repoDigests ?? [] };
  }

  async pullImage(reference: string, signal: AbortSignal, onProgress?: (progress: PullProgress) => void, credentials: Credentials | null = null): Promise<void> {
    this.#answer();
    const script = this.#images[reference];
    const { pullMs = 0, bytes = 0, isSilent = false } = script ?? {};
    for (let part = 1; part <= 20 && pullMs > 0 && !signal.aborted; part += 1) {
      await this.clock.sleep(pullMs / 20, signal);
      if (!isSilent) onProgress?.({ doneBytes: (bytes * part) / 20, totalBytes: bytes });
    }
    if (signal.aborted) throw new EngineError('engine_unreachable', true, 'the pull was given up');
    this.#answer();
    const pull = answerOf(script, credentials);
    if (pull !== 'ok') throw new EngineError(pull, pull === 'registry_unreachable', `the registry says: ${pull}`);
    this.#local.add(reference);
  }

  async exec(id: string, command: readonly string[], signal: AbortSignal): Promise<number> {
    this.#answer();
    const code = await this.#known(id).exec(command, signal);
    this.#answer();
    if (code === null) throw new EngineError('engine_unreachable', true, 'nobody waits for the command any more');
    return code;
  }

  async interventions(id: string, since: string, until: number): Promise<readonly Intervention[]> {
    this.#answer();
    return this.#known(id).interventions.filter(({ at }) => at >= since && Date.parse(at) <= until);
  }

  async ensureNetwork(plan: NetworkPlan): Promise<void> {
    this.#answer();
    const present = this.#networks.get(plan.name);
    if (present?.subnet === plan.subnet || (present && this.#members(plan.name) > 0)) return;
    this.#networks.delete(plan.name);
    const taken = [...this.#takenSubnets, ...[...this.#networks.values()].map(({ subnet }) => subnet)];
    if (taken.some((subnet) => overlap(subnet, plan.subnet))) throw new EngineError('subnet_taken', true, `${plan.subnet} overlaps with another network`);
    this.#networksMade += 1;
    this.#networks.set(plan.name, { ...plan, id: `network-${this.#networksMade}` });
  }

  async joinNetworks(id: string, joins: readonly JoinPlan[]): Promise<void> {
    this.#answer();
    const container = this.#known(id);
    for (const { name, aliases } of joins) container.join(name, aliases);
  }

  async listNetworks(): Promise<readonly { id: string; name: string; networkId: string; containers: number }[]> {
    this.#answer();
    return [...this.#networks.values()].map(({ id, name, networkId }) => ({ id, name, networkId, containers: this.#members(name) }));
  }

  async removeNetwork(name: string): Promise<void> {
    this.#answer();
    if (this.#members(name) > 0) throw new EngineError('engine_failed', true, `network ${name} has active endpoints`);
    this.#networks.delete(name);
  }

  async ensureVolume(plan: VolumePlan): Promise<string | null> {
    this.#answer();
    const present = this.#volumes.get(plan.name);
    if (!present && plan.made) return null;
    if (present && present.folder !== plan.folder) throw new EngineError('engine_failed', true, `the volume ${plan.name} is another one`);
    this.#volumes.set(plan.name, plan);
    return plan.folder ?? `/volumes/${plan.name}`;
  }

  async listVolumes(): Promise<readonly { name: string; volumeId: string; path: string }[]> {
    this.#answer();
    return [...this.#volumes.values()].map(({ name, volumeId, folder }) => ({ name, volumeId, path: folder ?? `/volumes/${name}` }));
  }

  async removeVolume(name: string): Promise<void> {
    this.#answer();
    if (this.#hasVolume(name)) throw new EngineError('engine_failed', true, `volume is in use: ${name}`);
    this.#volumes.delete(name);
  }

  async *logs(id: string, since: string | null, signal: AbortSignal): AsyncIterable<{ at: string; stream: 'stdout' | 'stderr'; line: string }> {
    this.#answer();
    const container = this.#known(id);
    for (let given = 0; !signal.aborted; ) {
      const lines = container.lines.slice(given);
      given += lines.length;
      yield* lines.filter(({ at }) => since === null || at >= since);
      if (lines.length > 0) continue;
      if (container.state.status !== 'running') return;
      await container.changed(signal);
    }
  }

  /** Every container that runs takes half a core and 8 MiB. */
  async usage(ids: readonly string[]): Promise<readonly ContainerUsage[]> {
    this.#answer();
    return ids.flatMap((id) => {
      const { status, startedAt } = this.#containers.get(id)?.state ?? {};
      if (status !== 'running' || !startedAt) return [];
      const now = this.clock.now();
      const cpuNanos = (now - Date.parse(startedAt)) * 500_000;
      return [{ id, at: new Date(now).toISOString(), cpuNanos, memoryBytes: 10 * 2 ** 20, workingSetBytes: 8 * 2 ** 20, receivedBytes: 0, sentBytes: 0 }];
    });
  }

  async *watch(signal: AbortSignal): AsyncIterable<{ containerId: string; action: string }> {
    this.#answer();
    const items: ({ containerId: string; action: string } | Error)[] = [];
    let ring = (): void => undefined;
    const hear = (item: { containerId: string; action: string } | Error): void => {
      items.push(item);
      ring();
    };
    const end = (): void => ring();
    this.#watchers.add(hear);
    signal.addEventListener('abort', end);
    try {
      while (!signal.aborted) {
        const item = items.shift();
        if (item instanceof Error) throw item;
        if (item) yield item;
        else await new Promise<void>((resolve) => (ring = resolve));
      }
    } finally {
      this.#watchers.delete(hear);
      signal.removeEventListener('abort', end);
    }
  }

  // What happens from outside:

  /** Its process dies: SIGKILL by somebody past the engine, or the kernel for want of memory. */
  kill(name: string, how: { exitCode?: number; oomKilled?: boolean } = {}): void {
    this.#find(name)?.end(how.exitCode ?? 137, how.oomKilled ?? false);
  }

  /** `docker stop` by somebody else. */
  async stopOutside(name: string, graceMs = 10_000): Promise<void> {
    await this.#find(name)?.stop(graceMs);
  }

  /** The engine is killed in the middle of its next start, and knows nothing of it afterwards. */
  cutOffStart(name: string): void {
    this.#cutsOff.add(name);
  }

  /** `docker start` by somebody else. */
  async startOutside(name: string): Promise<void> {
    await this.startContainer(this.#known(name).id);
  }

  /** `docker rm -f` by somebody else. */
  removeOutside(name: string): void {
    const container = this.#find(name);
    if (container) this.#remove(container.id);
  }

  /** `docker network disconnect` by somebody else. */
  leaveOutside(name: string, network: string): void {
    this.#known(name).leave(network);
  }

  /** `docker volume rm` by somebody else, of one that no container has. */
  removeVolumeOutside(name: string): void {
    if (this.#hasVolume(name)) throw new Error(`volume is in use: ${name}`);
    this.#volumes.delete(name);
  }

  /** dockerd is gone: every call fails, watchers end, containers run on (live-restore). */
  goDown(why = 'the engine was told to be away'): void {
    this.#down = why;
    for (const watcher of [...this.#watchers]) watcher(new EngineError('engine_unreachable', true, why));
  }

  comeUp(): void {
    this.#down = null;
  }

  /** Something on the host that Waybill doesn't own uses it. @param port `8080/tcp` */
  takePort(port: string): void {
    this.#takenPorts.add(port);
  }

  /** A network on the host that Waybill doesn't own has it. */
  takeSubnet(subnet: string): void {
    this.#takenSubnets.add(subnet);
  }

  /** Everything that is there, in any state: for a spec to look at. */
  get containers(): readonly ContainerState[] {
    return [...this.#containers.values()].map(({ state }) => state);
  }

  /** By name: for a spec to look at. */
  get volumes(): ReadonlyMap<string, VolumePlan> {
    return this.#volumes;
  }

  /** What a container was made with. @throws Error when there is none of that name. */
  configOf(name: string): object {
    const found = [...this.#containers.values()].find(({ state }) => state.name === name);
    if (!found) throw new Error(`no container ${name}`);
    return found.config;
  }

  /** The networks of a container, and what it answers to in each: for a spec to look at. */
  networksOf(name: string): Readonly<Record<string, readonly string[]>> {
    return Object.fromEntries(this.#known(name).networks);
  }

  /** Names of what runs now, sorted: for a spec to look at. */
  get running(): readonly string[] {
    return this.#running()
      .map(({ state }) => state.name)
      .sort();
  }

  #answer(): void {
    if (this.#down !== null) throw new EngineError('engine_unreachable', true, this.#down, { cause: { code: 'ECONNREFUSED' } });
  }

  #find(nameOrId: string): MemoryContainer | undefined {
    return this.#containers.get(nameOrId) ?? [...this.#containers.values()].find(({ state }) => state.name === nameOrId);
  }

  #known(id: string): MemoryContainer {
    const container = this.#find(id);
    if (!container) throw new EngineError('not_found', true, `no such container: ${id}`);
    return container;
  }

  #hasVolume(name: string): boolean {
    return [...this.#containers.values()].some(({ volumes }) => volumes.includes(name));
  }

  #running(): MemoryContainer[] {
    return [...this.#containers.values()].filter(({ state }) => state.status === 'running');
  }

  #members(network: string): number {
    return this.#running().filter((container) => container.networks.has(network)).length;
  }

  #remove(id: string): void {
    const container = this.#containers.get(id);
    if (!container) return;
    container.end(137, false);
    this.#containers.delete(id);
    this.#tell(container, 'destroy');
  }

  #tell({ id: containerId, state }: MemoryContainer, action: string): void {
    this.#onChange(state, action);
    if (this.#down === null) for (const watcher of [...this.#watchers]) watcher({ containerId, action });
  }
}

/** Blocks are apart, or one lies in the other. */
const overlap = (one: string, other: string): boolean => contains(one, other) || contains(other, one);

function contains(subnet: string, inner: string): boolean {
  const [address, prefix] = subnet.split('/');
  const block = new BlockList();
  block.addSubnet(address!, Number(prefix), 'ipv4');
  return block.check(inner.split('/')[0]!, 'ipv4');
}

/** What a registry says to a pull. */
function answerOf(script: ImageScript | undefined, credentials: Credentials | null): NonNullable<ImageScript['pull']> {
  if (!script) return 'image_not_found';
  const isShut = script.credentials !== undefined && script.credentials !== (credentials && `${credentials.username}:${credentials.password.reveal()}`);
  return isShut ? 'image_pull_denied' : (script.pull ?? 'ok');
}
