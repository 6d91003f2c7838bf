import type { Cases, Decider } from '../kernel/decider.ts';
import type { NodeId, Owner, ReplicaId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';
import { Rejection } from '../kernel/rejection.ts';
import { tooLate, voidOnce, type VoidReservation } from '../kernel/reservation.ts';
import type { VolumeEvent } from './events.ts';
import { sizeViolations } from './mount-rules.ts';
import { clearedFrom, evolve, initial, isKeptOn, type ExistingVolume, type Volume } from './volume.ts';

type Created = Extract<VolumeEvent, { type: 'VolumeCreated' }>['data'];

export type VolumeCommand =
  /** With its first user, where it is made for one. */
  | { type: 'CreateVolume'; data: Created & { user: Owner | null } }
  /** Before the release or job that mounts it is written. */
  | { type: 'BeginVolumeUse'; data: { user: Owner } }
  /** `thenDelete`: with its last user it goes too. */
  | { type: 'EndVolumeUse'; data: { user: Owner; reason: Reason; thenDelete: boolean } }
  /** Before the replica claims the node for the `attempt`; send it at the revision that the node was chosen at. */
  | { type: 'BindVolume'; data: { nodeId: NodeId; replicaId: ReplicaId; attempt: number; reason: Reason } }
  /** The node didn't take this attempt of the replica, or it went before it had its container; silent once it tries again. */
  | { type: 'EndVolumeAwait'; data: { replicaId: ReplicaId; attempt: number; reason: Reason } }
  /** Its node was removed, with whatever was in it. */
  | { type: 'LoseVolume'; data: { nodeId: NodeId; reason: Reason } }
  /** An agent's word, like the next. */
  | { type: 'RecordVolumeMade'; data: { nodeId: NodeId } }
  | { type: 'RecordVolumeLost'; data: { nodeId: NodeId; reason: Reason } }
  | { type: 'RecordVolumeGone'; data: { nodeId: NodeId; reason: Reason } }
  | { type: 'RequestVolumeDeletion'; data: { reason: Reason } }
  /** It is on no node, and yet not gone: a log that was put back ends in the middle of what was written at once. Silent otherwise. */
  | { type: 'FinishVolumeDeletion'; data: Record<never, never> }
  | VoidReservation;

const decisions: Cases<VolumeCommand, Volume, readonly VolumeEvent[]> = {
  CreateVolume(volume, { data: { user, ...data } }) {
    if (volume.status === 'voided') throw tooLate('name', volume.reason);
    if (volume.status === 'present') throw new Rejection('conflict', 'volume.exists', 'it was created by another request: read it instead');
    refuseSize(data);
    return [{ type: 'VolumeCreated', data }, ...(user ? [{ type: 'VolumeUseBegan', data: { user } } as const] : [])];
  },

  BeginVolumeUse(state, { data: { user } }) {
    const volume = active(state);
    if (volume.users.has(user.id)) return [];
    if (volume.kind === 'ephemeral' && user.type === 'docker_service' && user.id !== volume.madeFor) {
      throw new Rejection('conflict', 'volume.ephemeral', `${volume.name} is ephemeral and goes with the service that it was made for: make a persistent one to share`, { volumeId: volume.volumeId, madeFor: volume.madeFor });
    }
    return [{ type: 'VolumeUseBegan', data: { user } }];
  },

  /** Silent for whoever doesn't use it. */
  EndVolumeUse(state, { data: { user, reason, thenDelete } }) {
    const { users, lifecycle } = existing(state);
    if (!users.has(user.id)) return [];
    const isLast = users.size === 1;
    return [
      { type: 'VolumeUseEnded', data: { user, reason } },
      ...(thenDelete && isLast && lifecycle === 'ACTIVE' ? deletion(existing(state), reason) : []),
    ];
  },

  BindVolume(state, { data: { nodeId, replicaId, attempt, reason } }) {
    const volume = active(state);
    const { binding } = volume;
    if (binding && binding.nodeId !== nodeId) throw new Rejection('conflict', 'volume.bound', 'it is on another node', { nodeId: binding.nodeId });
    if (binding) return binding.provisioned || binding.awaitedBy.get(replicaId) === attempt ? [] : [{ type: 'VolumeAwaited', data: { nodeId, replicaId, attempt } }];
    if (clearedFrom(volume).has(nodeId)) throw new Rejection('conflict', 'volume.not_cleared', 'what was left of it there is being removed first', { nodeId });
    return [{ type: 'VolumeBound', data: { nodeId, replicaId, attempt, reason } }];
  },

  EndVolumeAwait(state, { data: { replicaId, attempt, reason } }) {
    const { binding } = existing(state);
    if (!binding || binding.provisioned || binding.awaitedBy.get(replicaId) !== attempt) return [];
    if (binding.awaitedBy.size > 1) return [{ type: 'VolumeAwaitEnded', data: { replicaId, attempt, reason } }];
    return [{ type: 'VolumeUnbound', data: { nodeId: binding.nodeId, reason } }];
  },

  /** What may hold data stays bound, unless nobody counts on it to outlive anything: people decide about data. */
  LoseVolume(state, { data: { nodeId, reason } }) {
    const { binding, leftOn, kind, lifecycle } = existing(state);
    const cleared = (): VolumeEvent => ({ type: 'VolumeCleared', data: { nodeId, reason } });
    if (lifecycle !== 'ACTIVE') return gone(existing(state), nodeId, reason);
    if (leftOn.has(nodeId)) return [cleared()];
    if (binding?.nodeId !== nodeId || (binding.provisioned && kind === 'persistent')) return [];
    return [{ type: 'VolumeUnbound', data: { nodeId, reason } }, cleared()];
  },

  RecordVolumeMade(state, { data: { nodeId } }) {
    if (state.status !== 'present') return [];
    const { binding, lifecycle } = state;
    if (lifecycle !== 'ACTIVE' || binding?.nodeId !== nodeId) return [];
    if (binding.lost) return [{ type: 'VolumeFound', data: { nodeId } }];
    return binding.provisioned ? [] : [{ type: 'VolumeProvisioned', data: { nodeId } }];
  },

  /** Silent for what the node may make anew. */
  RecordVolumeLost: (state, { data: { nodeId, reason } }) =>
    isKeptOn(state, nodeId) && state.status === 'present' && !state.binding!.lost ? [{ type: 'VolumeLost', data: { nodeId, reason } }] : [],

  RecordVolumeGone: (state, { data: { nodeId, reason } }) => (state.status === 'present' ? gone(state, nodeId, reason) : []),

  RequestVolumeDeletion(state, { data: { reason } }) {
    const volume = existing(state);
    if (volume.lifecycle !== 'ACTIVE') return [];
    if (volume.users.size > 0) {
      const usedBy = [...volume.users.values()];
      const names = usedBy.map(({ type, id }) => `${type} ${id}`).join(', ');
      throw new Rejection('conflict', 'volume.in_use', `it is used by ${names}: delete those, or take the volume out of them, first`, { usedBy });
    }
    return deletion(volume, reason);
  },

  FinishVolumeDeletion: (state) => (state.status === 'present' && state.lifecycle === 'DELETING' && !isAnywhere(state) ? [deleted(state)] : []),

  VoidReservation: (volume, { data }) => voidOnce(volume, { type: 'VolumeReservationVoided', data }),
};

/** On no node: it is gone at once. */
function deletion(volume: ExistingVolume, reason: Reason): readonly VolumeEvent[] {
  return [{ type: 'VolumeDeletionRequested', data: { reason } }, ...(isAnywhere(volume) ? [] : [deleted(volume)])];
}

const isAnywhere = ({ binding, leftOn }: ExistingVolume): boolean => binding !== null || leftOn.size > 0;

/** Only what is to be gone there: an agent that lost a volume which is wanted doesn't take it away from its users by saying so. */
function gone(volume: ExistingVolume, nodeId: NodeId, reason: Reason): readonly VolumeEvent[] {
  const { binding, leftOn, lifecycle } = volume;
  const isBound = binding?.nodeId === nodeId && lifecycle === 'DELETING';
  if (!isBound && !leftOn.has(nodeId)) return [];
  const stillBound = binding !== null && !isBound;
  const isLast = lifecycle === 'DELETING' && !stillBound && [...leftOn].every((each) => each === nodeId);
  return [{ type: 'VolumeCleared', data: { nodeId, reason } }, ...(isLast ? [deleted(volume)] : [])];
}

const deleted = ({ name, environmentId, projectId }: ExistingVolume): VolumeEvent => ({ type: 'VolumeDeleted', data: { name, environmentId, projectId } });

/** A size that nothing enforces is a promise that nobody keeps. */
function refuseSize({ backend, sizeBytes }: Created): void {
  const refusal = sizeRefusal(backend, sizeBytes);
  if (refusal) throw new Rejection('invalid', refusal.code, refusal.message);
}

/** Why a volume on this backend can't have this size; null where it can. Codes `volume.size_not_enforced`, `volume.size_required`,
 *  `volume.size_out_of_range`. */
export function sizeRefusal(backend: Created['backend'], sizeBytes: number | null): Reason | null {
  if (backend === 'local') return sizeBytes === null ? null : { code: 'volume.size_not_enforced', message: 'a local volume is as large as its disk, and held to no size: leave size_bytes out, or take the backend loop' };
  if (sizeBytes === null) return { code: 'volume.size_required', message: 'a loop volume is made in its size: give size_bytes, or take the backend local' };
  const [wrong] = sizeViolations('/size_bytes', sizeBytes);
  return wrong ? { code: 'volume.size_out_of_range', message: wrong.message } : null;
}

function existing(volume: Volume): ExistingVolume {
  if (volume.status !== 'present') throw new Rejection('not_found', 'volume.not_found', 'no volume of this id was ever created');
  return volume;
}

function active(state: Volume): ExistingVolume {
  const volume = existing(state);
  if (volume.lifecycle !== 'ACTIVE') throw new Rejection('conflict', 'volume.deleted', `${volume.name} is being deleted, or was: make another one`, { volumeId: volume.volumeId });
  return volume;
}

/** The rules of a volume: on one node at most, gone only when nobody uses it. */
export const volume: Decider<Volume, VolumeCommand, VolumeEvent> = {
  initial,
  evolve,
  decide: (state, command) => decisions[command.type](state, command as never),
};
