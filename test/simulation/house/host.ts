import { volumeName, type ContainerPlan, type ContainerRuntime, type ContainerState, type EngineInfo, type NetworkPlan } from '#docker';
import { MemoryRuntime, type ImageScript } from '#testing';
import { MemoryDisk } from '../../../apps/node-agent/memory-disk.ts';
import { MemoryFiles } from '../../../apps/node-agent/memory-files.ts';
import { MemoryStorage } from '../../../apps/node-agent/memory-storage.ts';
import { engineOnly, type Storage } from '../../../apps/node-agent/storage.ts';
import type { Held } from '../../../apps/node-agent/applied-set.ts';
import type { Disk } from '../../../apps/node-agent/disk.ts';
import { Life } from './life.ts';
import type { Timeline } from './timeline.ts';

export const MIB = 1024 ** 2;
export const INSTALLATION = 'simulation';

/** One machine: an engine with its containers and a disk, both of which outlive the agent. */
export class Host {
  readonly engine: MemoryRuntime;
  disk: MemoryDisk;
  readonly files = new MemoryFiles();
  readonly storage: Storage;
  /** Volumes in which a container may have written, and as which node: what a node had is lost with it, on the word of who removed it. */
  readonly written = new Map<string, string | undefined>();
  /** Whatever its containers need to be well is away. */
  isIll = false;
  /** The engine's own process, and the containers': never frozen, never dead. */
  readonly #life: Life;
  /** What happens to a container is told as its engine would: `create`, `start`, `die`, `destroy`; and who stops it (`stop`, `stop by hand`)
   *  and how it answers who asks how it is (`well`, `ill`). */
  readonly #tell: (container: ContainerState, action: string) => void;

  constructor(
    readonly timeline: Timeline,
    readonly name: string,
    readonly capacity: { readonly cpuMillis: number; readonly memoryBytes: number },
    images: (random: () => number, isIll: () => boolean) => Readonly<Record<string, ImageScript>>,
    private readonly watch: HostWatch,
  ) {
    this.#life = new Life(timeline, `engine of ${name}`);
    this.storage = this.#life.random() < 0.5 ? new MemoryStorage() : engineOnly;
    this.#tell = (container, action) => watch.onChange(this, container, action);
    this.engine = new MemoryRuntime(this.#life, { images: images(this.#life.random, () => this.isIll), facts: { hostname: name }, onChange: this.#tell });
    this.disk = new MemoryDisk(this.#life);
  }

  /** What an agent that was restarted after a power cut finds: containers that were killed, files as far as they were durable. */
  losePower(): void {
    this.files.reboot();
    this.disk.losePower(this.timeline.between(0, 40));
    for (const name of this.engine.running) this.engine.kill(name);
  }

  /** `docker stop` by somebody. */
  stopByHand(container: ContainerState): void {
    this.#tell(container, 'stop by hand');
    void this.engine.stopOutside(container.name, 2_000);
  }

  /** The node's folder is gone, but for what an operator has a copy of. */
  async loseDisk(keepsIdentity: boolean): Promise<void> {
    const seed = keepsIdentity ? await this.disk.read(SEED_FILE) : null;
    this.disk = new MemoryDisk(this.#life);
    if (seed !== null) await this.disk.write(SEED_FILE, seed);
  }

  /** What the set on its disk wants to run. */
  async wanted(): Promise<ReadonlySet<string>> {
    const held = JSON.parse((await this.disk.read('applied-set.json')) ?? '{"entries":[]}') as Held;
    return new Set(held.entries.filter(({ wanted }) => wanted === 'run').map(({ replicaId }) => replicaId));
  }

  has(volumeId: string): boolean {
    return this.engine.volumes.has(volumeName(INSTALLATION, volumeId));
  }

  engineFor(life: Life): ContainerRuntime {
    return new EngineOf(this.engine, life, { tell: this.#tell, tellGone: (volumeId) => this.watch.onVolumeGone(this, volumeId) });
  }

  diskFor(life: Life): Disk {
    return new DiskOf(this.disk, life, (text) => this.watch.onWritten(this, text));
  }
}

/** Who looks at what happens on a host. */
export interface HostWatch {
  onChange(host: Host, container: ContainerState, action: string): void;
  /** The engine has removed it, with all that was in it. */
  onVolumeGone(host: Host, volumeId: string): void;
  /** Its agent writes this to its disk. */
  onWritten(host: Host, text: string): void;
}

const SEED_FILE = 'node.seed';

/** An agent's way to its engine: answers take their time, and a dead agent hears none. */
class EngineOf implements ContainerRuntime {
  constructor(
    private readonly engine: MemoryRuntime,
    private readonly life: Life,
    private readonly told: { readonly tell: (container: ContainerState, action: string) => void; readonly tellGone: (volumeId: string) => void },
  ) {}

  info(): Promise<EngineInfo> {
    return this.#ask(() => this.engine.info());
  }
  listContainers(): Promise<readonly ContainerState[]> {
    return this.#ask(() => this.engine.listContainers());
  }
  inspectContainer(name: string): Promise<ContainerState | null> {
    return this.#ask(() => this.engine.inspectContainer(name));
  }
  findImage(reference: string): ReturnType<ContainerRuntime['findImage']> {
    return this.#ask(() => this.engine.findImage(reference));
  }
  environment(name: string): ReturnType<ContainerRuntime['environment']> {
    return this.#ask(() => this.engine.environment(name));
  }
  usage(ids: readonly string[]): ReturnType<ContainerRuntime['usage']> {
    return this.#ask(() => this.engine.usage(ids));
  }
  listNetworks(): ReturnType<ContainerRuntime['listNetworks']> {
    return this.#ask(() => this.engine.listNetworks());
  }
  createContainer(plan: ContainerPlan): Promise<string> {
    return this.#do('create', () => this.engine.createContainer(plan));
  }
  startContainer(id: string): Promise<void> {
    return this.#do('start', () => this.engine.startContainer(id));
  }
  stopContainer(id: string, graceMs: number): Promise<void> {
    return this.#do('stop', () => {
      this.#tellOf(id, 'stop');
      return this.engine.stopContainer(id, graceMs);
    });
  }
  removeContainer(id: string): Promise<void> {
    return this.#do('remove', () => this.engine.removeContainer(id));
  }
  ensureNetwork(plan: NetworkPlan): Promise<void> {
    return this.#do('network', () => this.engine.ensureNetwork(plan));
  }
  joinNetworks(...asked: Parameters<ContainerRuntime['joinNetworks']>): Promise<void> {
    return this.#do('join', () => this.engine.joinNetworks(...asked));
  }
  removeNetwork(name: string): Promise<void> {
    return this.#do('remove network', () => this.engine.removeNetwork(name));
  }
  ensureVolume(...asked: Parameters<ContainerRuntime['ensureVolume']>): Promise<string> {
    return this.#do('volume', () => this.engine.ensureVolume(...asked));
  }
  listVolumes(): ReturnType<ContainerRuntime['listVolumes']> {
    return this.#ask(() => this.engine.listVolumes());
  }
  removeVolume(name: string): Promise<void> {
    return this.#do('remove volume', async () => {
      const volumeId = this.engine.volumes.get(name)?.volumeId;
      await this.engine.removeVolume(name);
      if (volumeId !== undefined) this.told.tellGone(volumeId);
    });
  }

  async pullImage(...asked: Parameters<ContainerRuntime['pullImage']>): Promise<void> {
    await this.#do('pull', () => this.engine.pullImage(...asked));
  }
  exec(...asked: Parameters<ContainerRuntime['exec']>): Promise<number> {
    return this.#do('exec', async () => {
      const code = await this.engine.exec(...asked);
      this.#tellOf(asked[0], code === 0 ? 'well' : 'ill');
      return code;
    });
  }
  interventions(...asked: Parameters<ContainerRuntime['interventions']>): ReturnType<ContainerRuntime['interventions']> {
    return this.#ask(() => this.engine.interventions(...asked));
  }

  async *logs(id: string, since: string | null, signal: AbortSignal): ReturnType<ContainerRuntime['logs']> {
    for await (const line of this.engine.logs(id, since, signal)) {
      await this.life.hop('engine line', this.life.timeline.between(0, 10));
      yield line;
    }
    await this.life.hop('engine said all', this.life.timeline.between(0, 10));
  }

  async *watch(signal: AbortSignal): ReturnType<ContainerRuntime['watch']> {
    for await (const item of this.engine.watch(signal)) {
      await this.life.hop('engine event', this.life.timeline.between(0, 10));
      yield item;
    }
  }

  #tellOf(id: string, action: string): void {
    const container = this.engine.containers.find((each) => each.id === id);
    if (container?.status === 'running') this.told.tell(container, action);
  }

  async #ask<T>(question: () => Promise<T>): Promise<T> {
    const answer = question();
    answer.catch(() => undefined);
    await this.life.perhapsHop('engine answer', 0.15, 20);
    return answer;
  }

  /** It may die before the deed, between the deed and the answer, or live to hear it. */
  async #do<T>(label: string, deed: () => Promise<T>): Promise<T> {
    await this.life.hop(`engine ${label}`, this.life.timeline.between(0, 30));
    const done = deed();
    done.catch(() => undefined);
    const outcome = await Promise.allSettled([done]);
    await this.life.hop(`engine did ${label}`, this.life.timeline.between(0, 30));
    if (outcome[0].status === 'rejected') throw outcome[0].reason;
    return outcome[0].value;
  }
}

/** An agent's way to its disk. */
class DiskOf implements Disk {
  constructor(
    private readonly disk: MemoryDisk,
    private readonly life: Life,
    private readonly see: (text: string) => void,
  ) {}

  read(name: string): Promise<string | null> {
    return this.disk.read(name);
  }
  readBytes(name: string, from: number, length: number): ReturnType<Disk['readBytes']> {
    return this.disk.readBytes(name, from, length);
  }
  list(folder: string): ReturnType<Disk['list']> {
    return this.disk.list(folder);
  }
  async write(name: string, text: string): Promise<void> {
    await this.#before();
    this.see(text);
    await this.disk.write(name, text);
    await this.#after();
  }
  async append(name: string, text: string, options?: { durable?: boolean }): Promise<void> {
    await this.#before();
    this.see(text);
    await this.disk.append(name, text, options);
    await this.#after();
  }
  async remove(name: string): Promise<void> {
    await this.#before();
    await this.disk.remove(name);
  }
  async rename(from: string, to: string): Promise<void> {
    await this.#before();
    await this.disk.rename(from, to);
  }

  #before(): Promise<void> {
    return this.life.perhapsHop('disk', 0.15, 10);
  }
  #after(): Promise<void> {
    return this.life.perhapsHop('disk done', 0.15, 10);
  }
}
