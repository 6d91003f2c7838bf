import type { StorageBackend, VolumeId } from '#domain';
import type { Storage } from './storage.ts';

/** A host's storage where time is virtual. */
export class MemoryStorage implements Storage {
  readonly hostPaths = ['/srv', 'prj_else:/opt'];
  readonly #volumes = new Map<VolumeId, number>();
  /** Where links lead. */
  readonly links = new Map<string, string>();
  readonly used = new Map<VolumeId, number>();
  /** Why nothing can be made; null: it can. */
  refuses: string | null = null;
  /** Why nothing can be removed; null: it can. */
  holds: string | null = null;

  /** `vol_a 1048576`, for a spec to look at. */
  get made(): readonly string[] {
    return [...this.#volumes].map(([volumeId, bytes]) => `${volumeId} ${bytes}`);
  }

  /** Whether its file is there, for whoever looks on. */
  has(volumeId: VolumeId): boolean {
    return this.#volumes.has(volumeId);
  }

  /** The agent's folder is lost, with all files in it. @returns which volumes they were of */
  lose(): readonly VolumeId[] {
    const lost = [...this.#volumes.keys()];
    this.#volumes.clear();
    return lost;
  }

  backendsWith(): readonly StorageBackend[] {
    return ['local', 'loop', 'tmpfs'];
  }

  async hasLoop(volumeId: VolumeId): Promise<boolean> {
    return this.has(volumeId);
  }

  async ensureLoop({ volumeId, sizeBytes, made }: Parameters<Storage['ensureLoop']>[0]): Promise<string | null> {
    if (this.refuses !== null) throw new Error(this.refuses);
    if (made && !this.has(volumeId)) return null;
    this.#volumes.set(volumeId, sizeBytes ?? 0);
    return `/volumes/${volumeId}/mount/data`;
  }

  async removeLoop(volumeId: VolumeId): Promise<void> {
    if (this.holds !== null) throw new Error(this.holds);
    this.#volumes.delete(volumeId);
  }

  async usedByLoop(volumeId: VolumeId): Promise<number | null> {
    return this.#volumes.has(volumeId) ? (this.used.get(volumeId) ?? 0) : null;
  }

  async usedIn(): Promise<number | null> {
    return 0;
  }

  async openUp(): Promise<void> {}

  async realPath(path: string): Promise<string | null> {
    return this.links.get(path) ?? path;
  }
}
