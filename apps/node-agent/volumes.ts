import { subjects, type AssignedVolume, type Assignment, type Bus, type Clock, type Logger, type ReportReply, type VolumeReport, type VolumeUsageReply, type VolumeUsageRequest } from '#contracts';
import { EngineError, volumeName, type ContainerRuntime, type Host } from '#docker';
import { hostPathsFor, hostPathsIn, isBelow, type ProjectId, volumesIn, type VolumeId } from '#domain';
import type { AppliedSet } from './applied-set.ts';
import type { Storage } from './storage.ts';

const REPORT_MS = 10_000;
/** The same words are said again after this: a loss of one must not be for good. */
const SAY_AGAIN_MS = 60_000;
/** How old a look into a volume may be. */
const USAGE_MS = 10_000;
/** How long who asks waits for a new one. */
const USAGE_WAIT_MS = 2_000;

/** The volumes of this node: made before a container has them, and only once where somebody counts on what is in them; taken away on an explicit
 *  word only, and told of. */
export class Volumes {
  /** One deed about a volume after the other. */
  readonly #turns = new Map<VolumeId, Promise<unknown>>();
  #said: { readonly words: string; readonly at: number } | null = null;
  #usage: { readonly reply: VolumeUsageReply; readonly at: number } | null = null;
  #looking: Promise<void> | null = null;

  constructor(
    private readonly options: {
      readonly runtime: ContainerRuntime;
      readonly storage: Storage;
      readonly host: Pick<Host, 'installation'>;
      readonly applied: AppliedSet;
      readonly bus: Bus;
      readonly clock: Clock;
      readonly logger: Logger;
    },
  ) {}

  /** Whatever a container mounts is there when this is through; before each start too, since a host forgets its mounts when it starts anew.
   *  @throws EngineError `volume_failed`, `volume_lost`, `host_path_denied`, and as the engine does */
  async ensure({ projectId, spec }: Assignment): Promise<void> {
    for (const path of hostPathsIn(spec.volumes)) await this.#checkHostPath(path, projectId);
    const volumeIds = volumesIn(spec.volumes);
    for (const volumeId of volumeIds) await this.#inTurn(volumeId, () => this.#make(volumeId));
    await this.#sayMade(volumeIds.filter((volumeId) => this.#assigned(volumeId)?.made === false));
  }

  /** Takes away what is to be gone, and says what is there and what isn't any more. @throws Error where that failed: try again */
  async settle(): Promise<void> {
    const { applied } = this.options;
    if (!applied.mayClean) return;
    const failed = new Map<VolumeId, unknown>();
    for (const { volumeId } of applied.volumes.filter(({ wanted }) => wanted === 'gone')) {
      await this.#inTurn(volumeId, () => this.#remove(volumeId)).catch((error: unknown) => failed.set(volumeId, error));
    }
    await this.#report(failed);
    for (const error of failed.values()) throw error;
  }

  /** What they hold, as it was seen some seconds ago at most, or as it was seen last. */
  async usage({ volumeIds }: VolumeUsageRequest): Promise<VolumeUsageReply> {
    const { clock } = this.options;
    if (this.#usage === null || clock.monotonic() - this.#usage.at >= USAGE_MS) {
      this.#looking ??= this.#look().finally(() => (this.#looking = null));
      await Promise.race([this.#looking, clock.sleep(USAGE_WAIT_MS)]);
    }
    const usages = this.#usage?.reply.usages ?? [];
    return { usages: volumeIds === null ? usages : usages.filter(({ volumeId }) => volumeIds.includes(volumeId)) };
  }

  async #make(volumeId: VolumeId): Promise<void> {
    const { runtime, host, storage } = this.options;
    const volume = this.#assigned(volumeId);
    if (volume?.wanted !== 'present') throw new EngineError('volume_failed', true, `the volume ${volume?.name ?? volumeId} is not on this node, as far as it was told`);
    const name = volumeName(host.installation, volumeId);
    if (volume.backend === 'loop') {
      const folder = await this.#onHost(volume, () => storage.ensureLoop(volume));
      if (folder === null) throw lost(volume, 'its file');
      // What the engine knows of it is no data.
      await runtime.ensureVolume({ name, volumeId, folder });
      return;
    }
    const path = await runtime.ensureVolume({ name, volumeId, folder: null, made: volume.made ?? false });
    if (path === null) throw lost(volume, `the engine's volume ${name}`);
    await this.#onHost(volume, () => storage.openUp(path));
  }

  /** Before anything is written to them: what the log never heard of as made is taken for empty, and cleared away where nobody comes for it. */
  async #sayMade(volumeIds: readonly VolumeId[]): Promise<void> {
    if (volumeIds.length === 0) return;
    const volumes = volumeIds.map((volumeId) => ({ volumeId, state: 'made' }) as const);
    try {
      await this.#say(volumes);
    } catch (error) {
      throw new EngineError('volume_failed', true, 'its volume was made, and nothing is written to it before the platform knows that, which it could not be told yet', { cause: error });
    }
  }

  /** The engine first: it refuses while a container has it. */
  async #remove(volumeId: VolumeId): Promise<void> {
    const { runtime, host, storage, logger } = this.options;
    const volume = this.#assigned(volumeId);
    // The set may have changed since.
    if (volume?.wanted !== 'gone') return;
    const name = volumeName(host.installation, volumeId);
    const found = (await runtime.listVolumes()).some((each) => each.name === name);
    if (found) logger.info('removing a volume with its data', { volume_id: volumeId, name: volume.name });
    await runtime.removeVolume(name);
    if (volume.backend === 'loop') await this.#onHost(volume, () => storage.removeLoop(volumeId));
  }

  /** @param failed those of which something may be left, though the engine has them no more */
  async #report(failed: ReadonlyMap<VolumeId, unknown>): Promise<void> {
    const { applied, clock, runtime, host } = this.options;
    if (applied.volumes.length === 0) return;
    const there = new Set((await runtime.listVolumes()).map(({ name }) => name));
    const inFiles = applied.volumes.filter(({ backend, wanted, made }) => backend === 'loop' && wanted === 'present' && made);
    const files = inFiles.length > 0 ? await this.#filesOf(inFiles) : null;
    const volumes = applied.volumes.flatMap((volume): VolumeReport['volumes'] => {
      const { volumeId, wanted } = volume;
      const isThere = there.has(volumeName(host.installation, volumeId));
      const state = wanted === 'present' ? stateOf(volume, isThere, files?.get(volumeId)) : isThere || failed.has(volumeId) ? null : 'gone';
      return state === null ? [] : [{ volumeId, state }];
    });
    const { stand } = applied;
    const words = JSON.stringify([stand.storeId, volumes]);
    if (volumes.length === 0 || (this.#said?.words === words && clock.monotonic() - this.#said.at < SAY_AGAIN_MS)) return;
    await this.#say(volumes);
    this.#said = { words, at: clock.monotonic() };
  }

  async #say(volumes: VolumeReport['volumes']): Promise<void> {
    const { applied, bus } = this.options;
    const { stand } = applied;
    const report: VolumeReport = { stand, volumes };
    const { taken } = await bus.request<ReportReply>(subjects.volumes(stand.nodeId), report, REPORT_MS);
    if (!taken) throw new Error('the report of volumes was not taken');
  }

  /** Whether each has its file; left out: nobody can tell. */
  async #filesOf(volumes: readonly AssignedVolume[]): Promise<ReadonlyMap<VolumeId, boolean>> {
    const files = new Map<VolumeId, boolean>();
    for (const { volumeId } of volumes) {
      const has = await this.options.storage.hasLoop(volumeId).catch(() => null);
      if (has !== null) files.set(volumeId, has);
    }
    return files;
  }

  async #look(): Promise<void> {
    const { applied, storage, runtime, host, clock } = this.options;
    const paths = new Map((await runtime.listVolumes()).map(({ name, path }) => [name, path]));
    const usages: VolumeUsageReply['usages'][number][] = [];
    for (const { volumeId, backend, wanted } of applied.volumes) {
      const path = paths.get(volumeName(host.installation, volumeId));
      if (wanted !== 'present' || path === undefined) continue;
      const usedBytes = backend === 'loop' ? await storage.usedByLoop(volumeId) : await storage.usedIn(path);
      if (usedBytes !== null) usages.push({ volumeId, usedBytes, at: new Date(clock.now()).toISOString() });
    }
    this.#usage = { reply: { usages }, at: clock.monotonic() };
  }

  /** A link would lead the engine to where it leads: only what is what it says is mounted. */
  async #checkHostPath(path: string, projectId: ProjectId): Promise<void> {
    const { storage } = this.options;
    const allowed = hostPathsFor(projectId, storage.hostPaths);
    if (!isBelow(path, allowed)) throw new EngineError('host_path_denied', false, `${path} is not below a folder that this host's operator allows the project`);
    const real = await storage.realPath(path);
    if (real === null) throw new EngineError('volume_failed', true, `there is no folder ${path} on this host`);
    if (real !== path) throw new EngineError('host_path_denied', false, `${path} leads through a link${isBelow(real, allowed) ? ` to ${real}: name that` : ' to where its operator does not allow it'}`);
  }

  async #onHost<T>({ name, backend }: AssignedVolume, deed: () => Promise<T>): Promise<T> {
    try {
      return await deed();
    } catch (error) {
      throw new EngineError('volume_failed', true, `the volume ${name} (${backend}): ${(error as Error).message}`, { cause: error });
    }
  }

  #assigned(volumeId: VolumeId): AssignedVolume | null {
    return this.options.applied.volumes.find((volume) => volume.volumeId === volumeId) ?? null;
  }

  #inTurn(volumeId: VolumeId, deed: () => Promise<void>): Promise<void> {
    const turn = (this.#turns.get(volumeId) ?? Promise.resolve()).catch(() => undefined).then(deed);
    this.#turns.set(volumeId, turn);
    return turn;
  }
}

/** Tried again: it may be put back. @param what is gone, in the words of who could do that */
const lost = ({ name, volumeId }: AssignedVolume, what: string): EngineError =>
  new EngineError('volume_lost', true, `the data of the volume ${name} (${volumeId}) was on this host and is gone: somebody has removed ${what}. Put it back, or mount another volume in its place and delete this one`);

/** Null: nothing to tell of, or nobody can tell. One in a file is its file, whatever the engine knows of it. */
function stateOf({ backend, made }: AssignedVolume, isOnEngine: boolean, hasFile: boolean | undefined): 'made' | 'lost' | null {
  const isThere = backend === 'loop' && made ? hasFile : isOnEngine;
  if (isThere === false && made) return 'lost';
  return isThere ? 'made' : null;
}
