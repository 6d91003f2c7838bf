import { type NodeId, type ReplicaId, volume as volumeRules, type Volume, type VolumeEvent, type VolumeId } from '#domain';

/** Volumes as the log was heard: whom an event may concern, never what a decision rests on. */
export class KnownVolumes {
  /** Those that exist; a deleted one leaves. */
  readonly #volumes = new Map<VolumeId, Volume>();

  /** Folds one event of a volume's stream in. */
  take(volumeId: VolumeId, event: VolumeEvent): void {
    const next = volumeRules.evolve(this.#volumes.get(volumeId) ?? volumeRules.initial, event);
    if (next.status !== 'present' || next.lifecycle === 'DELETED') this.#volumes.delete(volumeId);
    else this.#volumes.set(volumeId, next);
  }

  all(): readonly VolumeId[] {
    return [...this.#volumes.keys()];
  }

  /** Those that a service or job uses. */
  usedBy(ownerId: string): readonly VolumeId[] {
    return this.#where((volume) => volume.users.has(ownerId));
  }

  /** Those that a replica was sent to a node for and that nobody has seen there yet. */
  awaitedBy(replicaId: ReplicaId): readonly VolumeId[] {
    return this.#where(({ binding }) => binding?.awaitedBy.has(replicaId) ?? false);
  }

  /** Those that are on a node, or of which something may be left there. */
  on(nodeId: NodeId): readonly VolumeId[] {
    return this.#where(({ binding, leftOn }) => binding?.nodeId === nodeId || leftOn.has(nodeId));
  }

  /** The nodes that have something to do about a volume. */
  nodesOf(volumeId: VolumeId): readonly NodeId[] {
    const volume = this.#volumes.get(volumeId);
    if (volume?.status !== 'present') return [];
    return [...(volume.binding ? [volume.binding.nodeId] : []), ...volume.leftOn];
  }

  #where(holds: (volume: Extract<Volume, { status: 'present' }>) => boolean): readonly VolumeId[] {
    return [...this.#volumes].flatMap(([volumeId, volume]) => (volume.status === 'present' && holds(volume) ? [volumeId] : []));
  }
}
