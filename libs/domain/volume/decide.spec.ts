import fc from 'fast-check';
import { given } from '../kernel/given.ts';
import type { NodeId, ReplicaId } from '../kernel/ids.ts';
import { Rejection } from '../kernel/rejection.ts';
import { volume, type VolumeCommand } from './decide.ts';
import type { VolumeEvent } from './events.ts';
import { isKeptOn, wantedOn, type Volume } from './volume.ts';

const MIB = 1024 ** 2;
const born = { volumeId: 'vol_a', projectId: 'prj_a', environmentId: 'env_a', name: 'uploads', kind: 'persistent', backend: 'local', sizeBytes: null, madeFor: null } as const;
const reason = { code: 'why', message: 'for a reason' };
const api = { type: 'docker_service', id: 'svc_api' } as const;
const migrate = { type: 'job', id: 'job_migrate' } as const;
const created: VolumeEvent = { type: 'VolumeCreated', data: born };
const began = (user: typeof api | typeof migrate): VolumeEvent => ({ type: 'VolumeUseBegan', data: { user } });
const bound: VolumeEvent = { type: 'VolumeBound', data: { nodeId: 'node_1', replicaId: 'rep_1', attempt: 1, reason } };
const provisioned: VolumeEvent = { type: 'VolumeProvisioned', data: { nodeId: 'node_1' } };
const unbound: VolumeEvent = { type: 'VolumeUnbound', data: { nodeId: 'node_1', reason } };
const requested: VolumeEvent = { type: 'VolumeDeletionRequested', data: { reason } };
const cleared: VolumeEvent = { type: 'VolumeCleared', data: { nodeId: 'node_1', reason } };
const deleted: VolumeEvent = { type: 'VolumeDeleted', data: { name: 'uploads', environmentId: 'env_a', projectId: 'prj_a' } };
const bind = (nodeId: NodeId, replicaId: ReplicaId = 'rep_1', attempt = 1): VolumeCommand => ({ type: 'BindVolume', data: { nodeId, replicaId, attempt, reason } });
const endAwait = (replicaId: ReplicaId, attempt = 1): VolumeCommand => ({ type: 'EndVolumeAwait', data: { replicaId, attempt, reason } });
const lost: VolumeEvent = { type: 'VolumeLost', data: { nodeId: 'node_1', reason } };
const recordLost: VolumeCommand = { type: 'RecordVolumeLost', data: { nodeId: 'node_1', reason } };
const recordMade: VolumeCommand = { type: 'RecordVolumeMade', data: { nodeId: 'node_1' } };
const remove: VolumeCommand = { type: 'RequestVolumeDeletion', data: { reason } };
const gone: VolumeCommand = { type: 'RecordVolumeGone', data: { nodeId: 'node_1', reason } };
const lose: VolumeCommand = { type: 'LoseVolume', data: { nodeId: 'node_1', reason } };

describe('a volume', () => {
  it('is finished where the log was put back to the middle of its deletion, and only there', () => {
    const finish: VolumeCommand = { type: 'FinishVolumeDeletion', data: {} };
    given(volume, [created, requested]).when(finish).then([deleted]);
    given(volume, [created, requested, deleted]).when(finish).then([]);
    given(volume, [created]).when(finish).then([]);
    given(volume, [created, bound, provisioned, requested]).when(finish).then([]);
  });

  it('is made once, with its first user', () => {
    given(volume, []).when({ type: 'CreateVolume', data: { ...born, user: api } }).then([created, began(api)]);
    given(volume, [created]).when({ type: 'CreateVolume', data: { ...born, user: null } }).rejects('volume.exists');
  });

  it('has a size only where something holds it to that', () => {
    const make = (more: object): VolumeCommand => ({ type: 'CreateVolume', data: { ...born, user: null, ...more } });
    given(volume, []).when(make({ sizeBytes: 32 * MIB })).rejects('volume.size_not_enforced');
    given(volume, []).when(make({ backend: 'loop' })).rejects('volume.size_required');
    given(volume, []).when(make({ backend: 'loop', sizeBytes: 7 })).rejects('volume.size_out_of_range');
    expect(volume.decide(volume.initial, make({ backend: 'loop', sizeBytes: 32 * MIB }))).toHaveLength(1);
  });

  it('is not deleted while anybody uses it, and the refusal names them', () => {
    given(volume, [created, began(api), began(migrate)]).when(remove).rejects('volume.in_use', { usedBy: [api, migrate] });
    given(volume, [created]).when(remove).then([requested, deleted]);
    given(volume, [created, bound, provisioned]).when(remove).then([requested]);
    given(volume, [created, bound, provisioned, requested]).when(remove).then([]);
  });

  it('is deleted on the word of its node, and not before', () => {
    given(volume, [created, bound, provisioned]).when(gone).then([]);
    given(volume, [created, bound, provisioned, requested]).when({ type: 'RecordVolumeGone', data: { nodeId: 'node_2', reason } }).then([]);
    given(volume, [created, bound, provisioned, requested]).when(gone).then([cleared, deleted]);
    given(volume, [created, bound, provisioned, requested]).when({ type: 'BeginVolumeUse', data: { user: api } }).rejects('volume.deleted', { volumeId: 'vol_a' });
  });

  it('goes with its last user where that was asked for, and with no other', () => {
    const end = (user: typeof api | typeof migrate): VolumeCommand => ({ type: 'EndVolumeUse', data: { user, reason, thenDelete: true } });
    const ended = (user: typeof api | typeof migrate): VolumeEvent => ({ type: 'VolumeUseEnded', data: { user, reason } });
    given(volume, [created, began(api), began(migrate)]).when(end(api)).then([ended(api)]);
    given(volume, [created, began(api)]).when(end(api)).then([ended(api), requested, deleted]);
    given(volume, [created]).when(end(api)).then([]);
  });

  it('is the one service’s that it was made for, where it is ephemeral; its jobs use it too', () => {
    const scratch: VolumeEvent = { type: 'VolumeCreated', data: { ...born, kind: 'ephemeral', madeFor: 'svc_api' } };
    given(volume, [scratch]).when({ type: 'BeginVolumeUse', data: { user: { type: 'docker_service', id: 'svc_other' } } }).rejects('volume.ephemeral', { volumeId: 'vol_a', madeFor: 'svc_api' });
    given(volume, [scratch]).when({ type: 'BeginVolumeUse', data: { user: migrate } }).then([began(migrate)]);
  });
});

describe('its binding', () => {
  it('is to one node, for all', () => {
    given(volume, [created]).when(bind('node_1')).then([bound]);
    given(volume, [created, bound]).when(bind('node_1')).then([]);
    given(volume, [created, bound]).when(bind('node_2', 'rep_2')).rejects('volume.bound', { nodeId: 'node_1' });
    given(volume, [created, bound, provisioned]).when(bind('node_1', 'rep_2')).then([]);
  });

  it('ends when none of those that it was made for came to run there', () => {
    const second: VolumeEvent = { type: 'VolumeAwaited', data: { nodeId: 'node_1', replicaId: 'rep_2', attempt: 1 } };
    given(volume, [created, bound]).when(bind('node_1', 'rep_2')).then([second]);
    given(volume, [created, bound, second]).when(endAwait('rep_1')).then([{ type: 'VolumeAwaitEnded', data: { replicaId: 'rep_1', attempt: 1, reason } }]);
    given(volume, [created, bound]).when(endAwait('rep_1')).then([unbound]);
    given(volume, [created, bound]).when(endAwait('rep_2')).then([]);
  });

  it('stands for the next attempt, whatever comes late of the last one', () => {
    const again: VolumeEvent = { type: 'VolumeAwaited', data: { nodeId: 'node_1', replicaId: 'rep_1', attempt: 2 } };
    given(volume, [created, bound]).when(bind('node_1', 'rep_1', 2)).then([again]);
    given(volume, [created, bound, again]).when(endAwait('rep_1', 1)).then([]);
  });

  it('stays once it was made: there may be data in it', () => {
    given(volume, [created, bound]).when({ type: 'RecordVolumeMade', data: { nodeId: 'node_1' } }).then([provisioned]);
    given(volume, [created, bound]).when({ type: 'RecordVolumeMade', data: { nodeId: 'node_2' } }).then([]);
    given(volume, [created, bound, provisioned]).when(endAwait('rep_1')).then([]);
  });

  it('is known as lost where its node misses what was made there, until it is put back', () => {
    const found: VolumeEvent = { type: 'VolumeFound', data: { nodeId: 'node_1' } };
    given(volume, [created, bound, provisioned]).when(recordLost).then([lost]);
    given(volume, [created, bound, provisioned, lost]).when(recordLost).then([]);
    given(volume, [created, bound, provisioned, lost]).when(recordMade).then([found]);
    given(volume, [created, bound, provisioned, lost, found]).when(recordMade).then([]);
    given(volume, [created, bound, provisioned, lost, found]).when(recordLost).then([lost]);
    given(volume, [created, bound, provisioned, lost]).when(remove).then([requested]);
    given(volume, [created, bound, provisioned, lost, requested]).when(gone).then([cleared, deleted]);
  });

  it('is never known as lost where nothing was made, nobody counts on it, it is to go, or another node says so', () => {
    given(volume, [created, bound]).when(recordLost).then([]);
    given(volume, [{ type: 'VolumeCreated', data: { ...born, kind: 'ephemeral', madeFor: 'svc_api' } }, bound, provisioned]).when(recordLost).then([]);
    given(volume, [created, bound, provisioned, requested]).when(recordLost).then([]);
    given(volume, [created, bound, provisioned]).when({ type: 'RecordVolumeLost', data: { nodeId: 'node_2', reason } }).then([]);
    given(volume, []).when(recordLost).then([]);
  });

  it('that is persistent is left alone on a node that it was on, bound there again as it is, and removed from there with it', () => {
    const again: VolumeEvent = { type: 'VolumeBound', data: { nodeId: 'node_1', replicaId: 'rep_2', attempt: 1, reason } };
    given(volume, [created, bound, unbound]).when(bind('node_1', 'rep_2')).then([again]);
    const on = (...events: VolumeEvent[]): (string | null)[] => nodes.map((nodeId) => wantedOn(events.reduce(volume.evolve, volume.initial), nodeId));
    expect([on(created, bound, unbound), on(created, bound, unbound, again), on(created, bound, unbound, requested)]).toEqual([[null, null], ['present', null], ['gone', null]]);
    given(volume, [created, bound, unbound, requested]).when(gone).then([cleared, deleted]);
  });

  it('that is ephemeral waits on a node that it was on until nothing is left of it there', () => {
    const created: VolumeEvent = { type: 'VolumeCreated', data: { ...born, kind: 'ephemeral', madeFor: 'svc_api' } };
    given(volume, [created, bound, unbound]).when(bind('node_1', 'rep_2')).rejects('volume.not_cleared', { nodeId: 'node_1' });
    given(volume, [created, bound, unbound]).when(gone).then([cleared]);
    const elsewhere: VolumeEvent = { type: 'VolumeBound', data: { nodeId: 'node_2', replicaId: 'rep_2', attempt: 1, reason } };
    given(volume, [created, bound, unbound]).when(bind('node_2', 'rep_2')).then([elsewhere]);
    given(volume, [created, bound, unbound, elsewhere, requested]).when(gone).then([cleared]);
  });

  it('outlasts its node where it may hold data that somebody counts on, and nothing else does', () => {
    given(volume, [created, bound, provisioned]).when(lose).then([]);
    given(volume, [created, bound]).when(lose).then([unbound, cleared]);
    given(volume, [{ type: 'VolumeCreated', data: { ...born, kind: 'ephemeral', madeFor: 'svc_api' } }, bound, provisioned]).when(lose).then([unbound, cleared]);
    given(volume, [created, bound, provisioned, requested]).when(lose).then([cleared, deleted]);
  });
});

const nodes = ['node_1', 'node_2'] as const;
const replicas = ['rep_1', 'rep_2', 'rep_3'] as const;
const anyCommand = fc.oneof(
  fc.record({ nodeId: fc.constantFrom(...nodes), replicaId: fc.constantFrom(...replicas), attempt: fc.integer({ min: 1, max: 3 }) }).map((data): VolumeCommand => ({ type: 'BindVolume', data: { ...data, reason } })),
  fc.record({ replicaId: fc.constantFrom(...replicas), attempt: fc.integer({ min: 1, max: 3 }) }).map((data): VolumeCommand => ({ type: 'EndVolumeAwait', data: { ...data, reason } })),
  fc.tuple(fc.constantFrom('RecordVolumeMade', 'RecordVolumeLost', 'RecordVolumeGone', 'LoseVolume' as const), fc.constantFrom(...nodes)).map(([type, nodeId]) => ({ type, data: { nodeId, reason } }) as VolumeCommand),
  fc.constant<VolumeCommand>({ type: 'BeginVolumeUse', data: { user: api } }),
  fc.boolean().map((thenDelete): VolumeCommand => ({ type: 'EndVolumeUse', data: { user: api, reason, thenDelete } })),
  fc.constant(remove),
);

describe('whatever is asked of a volume', () => {
  const after = (commands: readonly VolumeCommand[], look: (before: Volume, events: readonly VolumeEvent[], state: Volume) => void): void => {
    let state = volume.evolve(volume.initial, created);
    for (const command of commands) {
      const before = state;
      let events: readonly VolumeEvent[] = [];
      try {
        events = volume.decide(state, command);
      } catch (error) {
        if (!(error instanceof Rejection)) throw error;
      }
      state = events.reduce(volume.evolve, state);
      look(before, events, state);
      expect(refusedOrNone(state, command)).toBe(true);
    }
  };
  const refusedOrNone = (state: Volume, command: VolumeCommand): boolean => {
    try {
      return volume.decide(state, command).length === 0;
    } catch (error) {
      return error instanceof Rejection;
    }
  };

  it('it is wanted on one node at most, what was made leaves that by its deletion only, and the same again is silence', () => {
    fc.assert(
      fc.property(fc.array(anyCommand, { maxLength: 40 }), (commands) =>
        after(commands, (before, events, state) => {
          expect(nodes.filter((nodeId) => wantedOn(state, nodeId) === 'present').length).toBeLessThanOrEqual(1);
          if (before.status === 'present' && before.binding?.provisioned && before.lifecycle === 'ACTIVE') {
            expect(events.some(({ type }) => type === 'VolumeUnbound' || type === 'VolumeCleared')).toBe(false);
          }
          if (state.status === 'present' && state.lifecycle === 'ACTIVE' && state.binding?.lost) expect(isKeptOn(state, state.binding.nodeId)).toBe(true);
          if (state.status === 'present' && state.lifecycle !== 'ACTIVE') expect(state.users.size).toBe(0);
          if (state.status === 'present' && state.lifecycle === 'DELETED') expect(nodes.map((nodeId) => wantedOn(state, nodeId))).toEqual([null, null]);
        }),
      ),
    );
  });
});
