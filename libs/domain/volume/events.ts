import type { DockerServiceId, EnvironmentId, NodeId, Owner, ProjectId, ReplicaId, VolumeId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';
import type { VolumeBackend, VolumeType } from './mount.ts';

export type VolumeEvent =
  | {
      type: 'VolumeCreated';
      data: {
        volumeId: VolumeId;
        projectId: ProjectId;
        environmentId: EnvironmentId;
        name: string;
        kind: VolumeType;
        backend: VolumeBackend;
        /** What it holds at most; null where its backend holds it to nothing. Bytes. */
        sizeBytes: number | null;
        /** The service that it was made with; an ephemeral one goes with it. Null: by itself. */
        madeFor: DockerServiceId | null;
      };
    }
  /** A service or job mounts it, or is about to: it can't be deleted. */
  | { type: 'VolumeUseBegan'; data: { user: Owner } }
  | { type: 'VolumeUseEnded'; data: { user: Owner; reason: Reason } }
  /** It is on this node from now on, for a replica that is about to be placed there: every user runs there only. */
  | { type: 'VolumeBound'; data: { nodeId: NodeId; replicaId: ReplicaId; attempt: number; reason: Reason } }
  /** Another replica, or the next attempt of the same one, goes to that node for it, while nobody has seen it made yet. */
  | { type: 'VolumeAwaited'; data: { nodeId: NodeId; replicaId: ReplicaId; attempt: number } }
  /** One that waited for it there never came to run there; others still may. */
  | { type: 'VolumeAwaitEnded'; data: { replicaId: ReplicaId; attempt: number; reason: Reason } }
  /** It is on no node any more: nothing was ever in it there, or what was is lost with the node. */
  | { type: 'VolumeUnbound'; data: { nodeId: NodeId; reason: Reason } }
  /** The node's agent has made it. */
  | { type: 'VolumeProvisioned'; data: { nodeId: NodeId } }
  /** The node's agent finds nothing of it any more, and nobody asked for that. It stays bound: its data may be put back. */
  | { type: 'VolumeLost'; data: { nodeId: NodeId; reason: Reason } }
  /** It was lost, and is there again: somebody has put it back. */
  | { type: 'VolumeFound'; data: { nodeId: NodeId } }
  | { type: 'VolumeDeletionRequested'; data: { reason: Reason } }
  /** Nothing of it is left on the node: its agent says so, or the node was removed. */
  | { type: 'VolumeCleared'; data: { nodeId: NodeId; reason: Reason } }
  /** Nothing of it is left anywhere. */
  | { type: 'VolumeDeleted'; data: { name: string; environmentId: EnvironmentId; projectId: ProjectId } }
  /** The name was claimed but the volume never written; a late write of it now conflicts. */
  | { type: 'VolumeReservationVoided'; data: { commandId: string; name: string; reason?: Reason } };
