import { volumeName, type ContainerPlan, type ContainerRuntime, type ContainerState, type EngineInfo, type NetworkPlan } from '#docker';
import type { ExistingVolume, VolumeId } from '#domain';
import { MemoryRuntime, type ImageScript } from '#testing';
import { MemoryDisk } from '../../../apps/node-agent/memory-disk.ts';
import { MemoryFiles } from '../../../apps/node-agent/memory-files.ts';
import { MemoryStorage } from '../../../apps/node-agent/memory-storage.ts';
import { engineOnly, type Storage } from '../../../apps/node-agent/storage.ts';
import type { Held } from '../../../apps/node-agent/applied-set.ts';
import type { Disk } from '../../../apps/node-agent/disk.ts';
import { volumesOf } from '../laws/volume-laws.ts';
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
  /** Volumes of which somebody from outside has taken what was in them. */
  readonly robbed = new Set<string>();
  /** When its agent took a set last. */
  toldAt = -Infinity;
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
    this.storage = this.#life.random() < 0.5 ? new WatchedStorage((volumeId) => watch.onVolumeMade(this, volumeId)) : engineOnly;
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

  /** The node's folder is gone, with the files of its volumes, but for what an operator has a copy of. */
  async loseDisk(keepsIdentity: boolean): Promise<void> {
    if (this.storage instanceof MemoryStorage) for (const volumeId of this.storage.lose()) this.#rob(volumeId);
    const seed = keepsIdentity ? await this.disk.read(SEED_FILE) : null;
    this.disk = new MemoryDisk(this.#life);
    if (seed !== null) await this.disk.write(SEED_FILE, seed);
  }

  /** What the set on its disk wants to run. */
  async wanted(): Promise<ReadonlySet<string>> {
    const held = JSON.parse((await this.disk.read(SET_FILE)) ?? '{"entries":[]}') as Held;
    return new Set(held.entries.filter(({ wanted }) => wanted === 'run').map(({ replicaId }) => replicaId));
  }

  /** `docker volume rm` by somebody, of what its engine keeps for a container that is gone; others may have it still. @returns whether there was any */
  loseVolume(volumeId: VolumeId): boolean {
    const name = volumeName(INSTALLATION, volumeId);
    const found = this.engine.volumes.get(name);
    if (!found || this.engine.containers.some((container) => volumesOf(this, container).includes(volumeId))) return false;
    this.engine.removeVolumeOutside(name);
    // Of a file the engine has only known.
    if (found.folder === null) this.#rob(volumeId);
    return true;
  }

  /** Somebody had a copy. */
  async putBack({ volumeId, backend, sizeBytes }: Pick<ExistingVolume, 'volumeId' | 'backend' | 'sizeBytes'>): Promise<void> {
    this.robbed.delete(volumeId);
    if (this.storage instanceof WatchedStorage && backend === 'loop') await this.storage.putBack({ volumeId, sizeBytes });
    else await this.engine.ensureVolume({ name: volumeName(INSTALLATION, volumeId), volumeId, folder: null });
  }

  #rob(volumeId: string): void {
    this.written.delete(volumeId);
    this.robbed.add(volumeId);
  }

  has(volumeId: string): boolean {
    return this.engine.volumes.has(volumeName(INSTALLATION, volumeId));
  }

  /** What is in it, too: of a file the engine knows only the name. */
  keeps({ volumeId, backend }: Pick<ExistingVolume, 'volumeId' | 'backend'>): boolean {
    return backend === 'loop' ? this.storage instanceof MemoryStorage && this.storage.has(volumeId) : this.has(volumeId);
  }

  engineFor(life: Life): ContainerRuntime {
    return new EngineOf(this.engine, life, { tell: this.#tell, tellGone: (volumeId) => this.watch.onVolumeGone(this, volumeId), tellMade: (volumeId) => this.watch.onVolumeMade(this, volumeId) });
  }

  diskFor(life: Life): Disk {
    return new DiskOf(this.disk, life, (text, name) => {
      if (name === SET_FILE) this.toldAt = this.timeline.now;
      this.watch.onWritten(this, text);
    });
  }
}

/** Who looks at what happens on a host. */
export interface HostWatch {
  onChange(host: Host, container: ContainerState, action: string): void;
  /** The engine has removed it, with all that was in it. */
  onVolumeGone(host: Host, volumeId: string): void;
  /** There was none, and now there is: its agent has made it, empty. */
  onVolumeMade(host: Host, volumeId: string): void;
  /** Its agent writes this to its disk. */
  onWritten(host: Host, text: string): void;
}

const SEED_FILE = 'node.seed';
const SET_FILE = 'applied-set.json';

/** Files of volumes, and who looks at when one is made. */
class WatchedStorage extends MemoryStorage {
  constructor(private readonly tellMade: (volumeId: string) => void) {
    super();
  }

  override ensureLoop(...asked: Parameters<Storage['ensureLoop']>): ReturnType<Storage['ensureLoop']> {
    const [{ volumeId }] = asked;
    const before = this.has(volumeId);
    const mounted = super.ensureLoop(...asked);
    if (!before && this.has(volumeId)) this.tellMade(volumeId);
    return mounted;
  }

  /** By somebody, with what was in it. */
  putBack(volume: Parameters<Storage['ensureLoop']>[0]): ReturnType<Storage['ensureLoop']> {
    return super.ensureLoop(volume);
  }
}

/** An agent's way to its engine: answers take their time, and a dead agent hears none. */
class EngineOf implements ContainerRuntime {
  constructor(
    private readonly engine: MemoryRuntime,
    private readonly life: Life,
    private readonly told: { readonly tell: (container: ContainerState, action: string) => void; readonly tellGone: (volumeId: string) => void; readonly tellMade: (volumeId: string) => void },
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
  stopContainer(id: string, graceMs: number): Promise<boolean> {
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
  ensureVolume(...asked: Parameters<ContainerRuntime['ensureVolume']>): ReturnType<ContainerRuntime['ensureVolume']> {
    return this.#do('volume', () => {
      const [{ name, volumeId, folder }] = asked;
      const isThere = (): boolean => this.engine.volumes.has(name);
      const before = isThere();
      const made = this.engine.ensureVolume(...asked);
      if (!before && isThere() && folder === null) this.told.tellMade(volumeId);
      return made;
    });
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
    private readonly see: (text: string, name: string) => void,
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
    this.see(text, name);
    await this.disk.write(name, text);
    await this.#after();
  }
  async append(name: string, text: string, options?: { durable?: boolean }): Promise<void> {
    await this.#before();
    this.see(text, name);
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
