import type { TenantContext } from '#contracts';
import type { Actor, EnvironmentId, NodeId, Owner, ProjectId, Reason, VolumeBackend, VolumeId, VolumeType } from '#domain';
import type { Page } from '../port.ts';
import { answered, findWithin, getWithin, type Paging, type Reads } from '../reads.ts';
import { evolveBy, type Of, type View } from '../view.ts';

/** Data of an environment that services and jobs mount; what it holds is joined by whoever can ask its node. */
export interface VolumeAnswer {
  readonly volume_id: VolumeId;
  readonly project_id: ProjectId;
  readonly environment_id: EnvironmentId;
  readonly name: string;
  readonly type: VolumeType;
  readonly backend: VolumeBackend;
  readonly size_bytes: number | null;
  readonly lifecycle: 'ACTIVE' | 'DELETING' | 'DELETED';
  /** Null: on no node yet, or no more. */
  readonly node_id: NodeId | null;
  /** Its node's agent has made it. */
  readonly provisioned: boolean;
  /** Why its data isn't there any more, though it is wanted; null where nothing is lost. */
  readonly lost: Reason | null;
  /** Why it is on its node, or on none any more; null where it never was on one. */
  readonly node_reason: Reason | null;
  readonly used_by: readonly Owner[];
  readonly created_at: string;
  readonly created_by: Actor;
  readonly deleted_at: string | null;
  readonly revision: number;
}

export interface VolumeDocument extends VolumeAnswer {
  readonly id: string;
  readonly position: string;
}

/** Volumes, the deleted ones too. */
export const volumes: View<VolumeDocument> = {
  schema: { view: 'volumes', version: 2, indexes: [['project_id', 'lifecycle'], ['environment_id', 'name']] },
  prefixes: ['volume-'],
  keys: ({ stream }) => [stream.slice('volume-'.length)],
  evolve(doc, event, id) {
    const next = fold(doc, event, id);
    return next && { ...next, revision: Number(event.revision) };
  },
};

const fold = evolveBy<VolumeDocument>(
  { VolumeCreated: created },
  {
    VolumeUseBegan: (volume, { data: { user } }) => ({ ...volume, used_by: [...volume.used_by, user] }),
    VolumeUseEnded: (volume, { data: { user } }) => ({ ...volume, used_by: volume.used_by.filter(({ id }) => id !== user.id) }),
    VolumeBound: (volume, { data: { nodeId, reason } }) => ({ ...volume, node_id: nodeId, provisioned: false, node_reason: reason }),
    VolumeUnbound: (volume, { data: { reason } }) => ({ ...volume, node_id: null, provisioned: false, lost: null, node_reason: reason }),
    VolumeProvisioned: (volume) => ({ ...volume, provisioned: true }),
    VolumeLost: (volume, { data: { reason } }) => ({ ...volume, lost: reason }),
    VolumeFound: (volume) => ({ ...volume, lost: null }),
    VolumeCleared: (volume, { data: { nodeId, reason } }) => (volume.node_id === nodeId ? { ...volume, node_id: null, provisioned: false, lost: null, node_reason: reason } : volume),
    VolumeDeletionRequested: (volume) => ({ ...volume, lifecycle: 'DELETING' }),
    VolumeDeleted: (volume, { metadata }) => ({ ...volume, lifecycle: 'DELETED', deleted_at: metadata.at }),
  },
);

function created({ data, metadata, position, revision }: Of<'VolumeCreated'>): VolumeDocument {
  return {
    id: data.volumeId,
    position,
    volume_id: data.volumeId,
    project_id: data.projectId,
    environment_id: data.environmentId,
    name: data.name,
    type: data.kind,
    backend: data.backend,
    size_bytes: data.sizeBytes,
    lifecycle: 'ACTIVE',
    node_id: null,
    provisioned: false,
    lost: null,
    node_reason: null,
    used_by: [],
    created_at: metadata.at,
    created_by: metadata.actor,
    deleted_at: null,
    revision: Number(revision),
  };
}

/** One volume, a deleted one too; null where there is none within reach. */
export async function getVolume(reads: Reads, tenant: TenantContext, id: string): Promise<VolumeAnswer | null> {
  const volume = await getWithin<VolumeDocument>(reads, tenant, 'volumes', id);
  return volume && answer(volume);
}

/** The volumes within reach. DELETED ones are listed only when asked for by their lifecycle. */
export async function listVolumes(
  reads: Reads,
  tenant: TenantContext,
  { cursor, limit, lifecycle, ...eq }: Paging & { project_id?: string; environment_id?: string; name?: string; lifecycle?: string } = {},
): Promise<Page<VolumeAnswer>> {
  return answered(await findWithin<VolumeDocument>(reads, tenant, 'volumes', { cursor, limit, eq, in: { lifecycle: lifecycle ? [lifecycle] : ['ACTIVE', 'DELETING'] } }), answer);
}

const answer = ({ id: _id, position: _position, ...volume }: VolumeDocument): VolumeAnswer => volume;
