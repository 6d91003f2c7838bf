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

  backendsWith(): readonly StorageBackend[] {
    return ['local', 'loop', 'tmpfs'];
  }

  async ensureLoop(volumeId: VolumeId, sizeBytes: number): Promise<string> {
    if (this.refuses !== null) throw new Error(this.refuses);
    this.#volumes.set(volumeId, sizeBytes);
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
