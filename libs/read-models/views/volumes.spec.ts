import { recorded } from '#testing';
import { foldDocument } from '../view.ts';
import { volumes } from './volumes.ts';

const reason = { code: 'only_fit', message: 'host-1 is the only node that fits' };
const user = { type: 'docker_service', id: 'svc_a' } as const;
const created = { type: 'VolumeCreated', data: { volumeId: 'vol_a', projectId: 'prj_a', environmentId: 'env_a', name: 'uploads', kind: 'persistent', backend: 'loop', sizeBytes: 5, madeFor: null } };
const bound = { type: 'VolumeBound', data: { nodeId: 'node_1', replicaId: 'rep_1', attempt: 1, reason } };
const volumeIn = (...events: { type: string; data: object }[]) => foldDocument(volumes, recorded('volume-vol_a', [created, ...events]), 'vol_a');

describe('the volumes view', () => {
  it('has a volume from its creation on', () => {
    expect(volumeIn()).toEqual({
      id: 'vol_a', position: '00000000000000000001', volume_id: 'vol_a', project_id: 'prj_a', environment_id: 'env_a', name: 'uploads', type: 'persistent', backend: 'loop', size_bytes: 5,
      lifecycle: 'ACTIVE', node_id: null, provisioned: false, lost: null, node_reason: null, used_by: [], created_at: '2026-01-01T00:00:00.000Z', created_by: { type: 'token', id: 'tok_operator' }, deleted_at: null, revision: 0,
    });
  });

  it('says who uses it, where it is, and why', () => {
    const began = { type: 'VolumeUseBegan', data: { user } };
    expect(volumeIn(began, bound)).toMatchObject({ used_by: [user], node_id: 'node_1', provisioned: false, node_reason: reason, revision: 2 });
    expect(volumeIn(began, bound, { type: 'VolumeProvisioned', data: { nodeId: 'node_1' } }, { type: 'VolumeUseEnded', data: { user, reason } })).toMatchObject({ used_by: [], provisioned: true });
  });

  it('says that its data is lost, until that is there again or nobody wants it', () => {
    const reason = { code: 'volume_lost', message: 'its data is gone' };
    const told = [bound, { type: 'VolumeProvisioned', data: { nodeId: 'node_1' } }, { type: 'VolumeLost', data: { nodeId: 'node_1', reason } }];
    expect(volumeIn(...told)).toMatchObject({ node_id: 'node_1', provisioned: true, lost: reason });
    expect(volumeIn(...told, { type: 'VolumeFound', data: { nodeId: 'node_1' } })).toMatchObject({ provisioned: true, lost: null });
    expect(volumeIn(...told, { type: 'VolumeDeletionRequested', data: { reason } }, { type: 'VolumeCleared', data: { nodeId: 'node_1', reason } })).toMatchObject({ node_id: null, lost: null });
  });

  it('says why it is on no node any more, and keeps what was deleted', () => {
    const lost = { code: 'node_removed', message: 'its node was removed' };
    const cleared = { type: 'VolumeCleared', data: { nodeId: 'node_1', reason: lost } };
    expect(volumeIn(bound, { type: 'VolumeUnbound', data: { nodeId: 'node_1', reason: lost } }, cleared)).toMatchObject({ node_id: null, node_reason: lost, lifecycle: 'ACTIVE' });
    const deleted = { type: 'VolumeDeleted', data: { name: 'uploads', environmentId: 'env_a', projectId: 'prj_a' } };
    expect(volumeIn(bound, { type: 'VolumeDeletionRequested', data: { reason } }, cleared, deleted)).toMatchObject({ lifecycle: 'DELETED', node_id: null, deleted_at: '2026-01-01T00:00:00.000Z', revision: 4 });
  });
});
