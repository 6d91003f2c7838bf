import type { Cases } from '../kernel/decider.ts';
import type { DockerServiceId, EnvironmentId, NodeId, Owner, ProjectId, ReplicaId, VolumeId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';
import type { Unwritten } from '../kernel/reservation.ts';
import type { VolumeEvent } from './events.ts';
import type { VolumeBackend, VolumeType } from './mount.ts';

/** Where a volume is. */
export interface VolumeBinding {
  readonly nodeId: NodeId;
  /** The agent has made it: from now on there may be data in it, and it stays. */
  readonly provisioned: boolean;
  /** It was made, and is not there any more, though it is wanted. */
  readonly lost: boolean;
  /** Replicas that were sent there before that, with the attempt of each. With none left it is unbound. */
  readonly awaitedBy: ReadonlyMap<ReplicaId, number>;
}

/** A volume that was created, a deleted one too. */
export interface ExistingVolume {
  readonly status: 'present';
  readonly volumeId: VolumeId;
  readonly projectId: ProjectId;
  readonly environmentId: EnvironmentId;
  readonly name: string;
  readonly kind: VolumeType;
  readonly backend: VolumeBackend;
  readonly sizeBytes: number | null;
  readonly madeFor: DockerServiceId | null;
  readonly lifecycle: 'ACTIVE' | 'DELETING' | 'DELETED';
  /** By the id of the service or job. */
  readonly users: ReadonlyMap<string, Owner>;
  /** Null: on no node yet. */
  readonly binding: VolumeBinding | null;
  /** Nodes that it was unbound from and that may still have something of it: see `clearedFrom`. */
  readonly leftOn: ReadonlySet<NodeId>;
  /** Why it was unbound last; null where it never was. */
  readonly unbound: Reason | null;
}

export type Volume = Unwritten | ExistingVolume;

export const initial: Volume = { status: 'absent' };

const existing = (volume: Volume): ExistingVolume => {
  if (volume.status !== 'present') throw new Error(`history out of order: volume is ${volume.status}`);
  return volume;
};

const evolutions: Cases<VolumeEvent, Volume, Volume> = {
  VolumeCreated: (_, { data }) => ({ ...data, status: 'present', lifecycle: 'ACTIVE', users: new Map(), binding: null, leftOn: new Set(), unbound: null }),
  VolumeUseBegan: (volume, { data: { user } }) => ({ ...existing(volume), users: new Map([...existing(volume).users, [user.id, user]]) }),
  VolumeUseEnded(volume, { data: { user } }) {
    const users = new Map(existing(volume).users);
    users.delete(user.id);
    return { ...existing(volume), users };
  },
  VolumeBound: (volume, { data: { nodeId, replicaId, attempt } }) => ({ ...existing(volume), leftOn: without(existing(volume).leftOn, nodeId), binding: { nodeId, provisioned: false, lost: false, awaitedBy: new Map([[replicaId, attempt]]) } }),
  VolumeAwaited: (volume, { data: { replicaId, attempt } }) => awaited(existing(volume), (replicas) => replicas.set(replicaId, attempt)),
  VolumeAwaitEnded: (volume, { data: { replicaId } }) => awaited(existing(volume), (replicas) => replicas.delete(replicaId)),
  VolumeUnbound: (volume, { data: { nodeId, reason } }) => ({ ...existing(volume), binding: null, leftOn: new Set([...existing(volume).leftOn, nodeId]), unbound: reason }),
  VolumeProvisioned(volume) {
    const { binding, ...rest } = existing(volume);
    return { ...rest, binding: binding && { ...binding, provisioned: true, awaitedBy: new Map() } };
  },
  VolumeLost: (volume) => withLost(existing(volume), true),
  VolumeFound: (volume) => withLost(existing(volume), false),
  VolumeDeletionRequested: (volume) => ({ ...existing(volume), lifecycle: 'DELETING' }),
  VolumeCleared(volume, { data: { nodeId } }) {
    const { binding, leftOn, ...rest } = existing(volume);
    return { ...rest, binding: binding?.nodeId === nodeId ? null : binding, leftOn: without(leftOn, nodeId) };
  },
  VolumeDeleted: (volume) => ({ ...existing(volume), lifecycle: 'DELETED' }),
  VolumeReservationVoided: (_, { data: { reason } }) => ({ status: 'voided', reason }),
};

const without = (nodes: ReadonlySet<NodeId>, nodeId: NodeId): ReadonlySet<NodeId> => new Set([...nodes].filter((each) => each !== nodeId));

function awaited(volume: ExistingVolume, change: (replicas: Map<ReplicaId, number>) => unknown): ExistingVolume {
  const { binding } = volume;
  if (!binding) return volume;
  const awaitedBy = new Map(binding.awaitedBy);
  change(awaitedBy);
  return { ...volume, binding: { ...binding, awaitedBy } };
}

const withLost = (volume: ExistingVolume, lost: boolean): ExistingVolume => ({ ...volume, binding: volume.binding && { ...volume.binding, lost } });

/** Folds one event of a volume's stream in. */
export const evolve = (volume: Volume, event: VolumeEvent): Volume => evolutions[event.type](volume, event as never);

/** Whether a node has to have it and must not make it anew: it was made there, and somebody counts on what is in it. An ephemeral one is
 *  nobody's word that anything outlasts. */
export const isKeptOn = (volume: Volume, nodeId: NodeId): boolean =>
  wantedOn(volume, nodeId) === 'present' && volume.status === 'present' && volume.kind === 'persistent' && volume.binding?.provisioned === true;

/** What a node's agent has to do about a volume: have it, or have nothing of it. Null: the node has nothing to do with it. */
export function wantedOn(volume: Volume, nodeId: NodeId): 'present' | 'gone' | null {
  if (volume.status !== 'present') return null;
  if (volume.binding?.nodeId === nodeId) return volume.lifecycle === 'ACTIVE' ? 'present' : 'gone';
  return clearedFrom(volume).has(nodeId) ? 'gone' : null;
}

/** Nodes that whatever they have of it is to be removed from, before it may be bound there again. Of a persistent one only its deletion removes anything:
 *  the log takes it for empty there, and a log that was put back may be wrong. */
export const clearedFrom = ({ kind, lifecycle, leftOn }: ExistingVolume): ReadonlySet<NodeId> => (kind === 'ephemeral' || lifecycle !== 'ACTIVE' ? leftOn : new Set());
