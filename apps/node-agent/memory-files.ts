import { FILE_ROOTS } from '#docker';
import type { ReplicaId } from '#domain';
import type { HostFile, HostFiles } from './host-files.ts';

/** A host's files in memory, for specs and simulations: `reboot` takes them. */
export class MemoryFiles implements HostFiles {
  readonly #files = new Map<ReplicaId, readonly HostFile[]>();

  async folderOf(replicaId: ReplicaId): Promise<string> {
    return `${FILE_ROOTS[0]}/mine/${replicaId}`;
  }

  async has(replicaId: ReplicaId): Promise<boolean> {
    return this.#files.has(replicaId);
  }

  async put(replicaId: ReplicaId, files: readonly HostFile[]): Promise<void> {
    this.#files.set(replicaId, files);
  }

  async secretsOf(replicaId: ReplicaId): Promise<readonly string[]> {
    return (this.#files.get(replicaId) ?? []).filter(({ name }) => name.startsWith('secrets/')).map(({ content }) => content.reveal().toString());
  }

  async remove(replicaId: ReplicaId): Promise<void> {
    this.#files.delete(replicaId);
  }

  async list(): Promise<readonly ReplicaId[]> {
    return [...this.#files.keys()];
  }

  /** What a replica has, by name. */
  of(replicaId: ReplicaId): Record<string, string> {
    return Object.fromEntries((this.#files.get(replicaId) ?? []).map(({ name, content }) => [name, content.reveal().toString()]));
  }

  reboot(): void {
    this.#files.clear();
  }
}
