import type { Awaited, DockerServiceId, ReplicaId } from '#domain';

/** Replicas that have no place yet because they wait for services, by those services. */
export class HeldReplicas {
  readonly #byService = new Map<DockerServiceId, Set<ReplicaId>>();
  readonly #awaited = new Map<ReplicaId, readonly Awaited[]>();

  /** It was ordered, and waits for these. */
  hold(replicaId: ReplicaId, awaited: readonly Awaited[]): void {
    if (awaited.length === 0) return;
    this.#awaited.set(replicaId, awaited);
    for (const { dockerServiceId } of awaited) this.#byService.set(dockerServiceId, (this.#byService.get(dockerServiceId) ?? new Set()).add(replicaId));
  }

  /** It has its place, or isn't wanted any more. */
  forget(replicaId: ReplicaId): void {
    for (const { dockerServiceId } of this.#awaited.get(replicaId) ?? []) {
      const held = this.#byService.get(dockerServiceId)!;
      if (held.delete(replicaId) && held.size === 0) this.#byService.delete(dockerServiceId);
    }
    this.#awaited.delete(replicaId);
  }

  /** Those that wait for this service, or did. */
  by(dockerServiceId: string): Iterable<ReplicaId> {
    return this.#byService.get(dockerServiceId as DockerServiceId) ?? [];
  }
}
