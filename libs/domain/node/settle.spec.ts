import { fold } from '../kernel/decider.ts';
import { given } from '../kernel/given.ts';
import { node, type NodeCommand } from './decide.ts';
import type { NodeEvent, Placement } from './events.ts';
import { settlementOf } from './node.ts';
import { freeRoom, reserved } from './room.ts';

const MiB = 1_048_576;
const registered: NodeEvent = {
  type: 'NodeRegistered',
  data: { nodeId: 'node_1', publicKey: 'UA', name: 'host-1', address: '10.0.0.5', architecture: 'amd64', engineVersion: '20.10', capacity: { cpuMillis: 1000, memoryBytes: 512 * MiB }, labels: {} },
};
const web = { containerPort: 80, protocol: 'tcp', hostPort: 8080 } as const;
const first: Placement = {
  replicaId: 'rep_1', owner: { type: 'docker_service', id: 'svc_1' }, projectId: 'prj_1', environmentId: 'env_1', slot: 1, generation: 1, attempt: 1, release: 1,
  request: { cpuMillis: 250, memoryBytes: 256 * MiB }, ports: [], replaces: null,
};
const next: Placement = { ...first, replicaId: 'rep_2', slot: 2 };
const place = (placement: Placement): NodeCommand => ({ type: 'PlaceReplica', data: placement });
const placed = (placement: Placement): NodeEvent => ({ type: 'ReplicaPlaced', data: placement });
const released = ({ replicaId, owner }: Placement): NodeEvent => ({ type: 'ReplicaReleased', data: { replicaId, owner, reason: { code: 'gone', message: '' } } });
const attemptOf = ({ replicaId, owner, slot, generation, attempt }: Placement) => ({ replicaId, owner, slot, generation, attempt });
const refused = (placement: Placement, code: string, message: string): NodeEvent => ({ type: 'PlacementRefused', data: { ...attemptOf(placement), reason: { code, message } } });
const deleted = { code: 'deleted', message: 'the service is deleted' };
const revoke = (placement: Placement): NodeCommand => ({ type: 'RevokePlacement', data: { ...attemptOf(placement), reason: deleted } });
const revoked = (placement: Placement): NodeEvent => ({ type: 'PlacementRevoked', data: { ...attemptOf(placement), reason: deleted } });

describe('a claim on a node', () => {
  it('is settled as placed where there is room', () => given(node, [registered]).when(place(first)).then([placed(first)]));

  it('is settled once: saying it again is silence', () => {
    given(node, [registered, placed(first)]).when(place(first)).then([]);
    given(node, [registered, placed(first)]).when(revoke(first)).then([]);
    given(node, [registered, revoked(first)]).when(place(first)).then([]);
    given(node, [registered, placed(first), released(first)]).when(place(first)).then([]);
  });

  it('is refused by a node that nobody knows, in its own stream', () =>
    given(node, []).when(place(first)).then([refused(first, 'unknown_node', 'no such node ever registered')]));

  it('is refused by a removed, a silent and a drained node', () => {
    given(node, [registered, { type: 'NodeRemoved', data: { lost: [] } }]).when(place(first)).then([refused(first, 'removed', 'the node was removed')]);
    const silent: NodeEvent = { type: 'NodeUnreachable', data: { lastHeardAt: null, reason: { code: 'silent', message: '' } } };
    given(node, [registered, silent]).when(place(first)).then([refused(first, 'unreachable', 'nothing is heard of the node')]);
    given(node, [registered, { type: 'NodeDrained', data: {} }]).when(place(first)).then([refused(first, 'drained', 'the node is drained')]);
  });

  it('is refused by a full node, with both figures', () => {
    const big = { ...next, request: { cpuMillis: 800, memoryBytes: 300 * MiB } };
    given(node, [registered, placed(first)])
      .when(place(big))
      .then([refused(big, 'capacity', 'needs 300 MiB, 256 MiB free; needs 800 millicores, 750 millicores free')]);
    given(node, [registered, placed(first)]).when(place({ ...next, request: { cpuMillis: 750, memoryBytes: 256 * MiB } })).then([
      placed({ ...next, request: { cpuMillis: 750, memoryBytes: 256 * MiB } }),
    ]);
  });

  it('finds no less than nothing free on a node that has shrunk', () => {
    const shrunk: NodeEvent = { type: 'NodeFactsChanged', data: { name: 'host-1', address: '10.0.0.5', architecture: 'amd64', engineVersion: '20.10', capacity: { cpuMillis: 1000, memoryBytes: 128 * MiB }, labels: {} } };
    given(node, [registered, placed(first), shrunk]).when(place(next)).then([refused(next, 'capacity', 'needs 256 MiB, 0 B free')]);
  });

  it('is refused where its host port is taken, by protocol', () => {
    const holder = placed({ ...first, ports: [web] });
    const same = { ...next, ports: [{ ...web, containerPort: 9000 }] };
    given(node, [registered, holder]).when(place(same)).then([refused(same, 'host_port', 'host port 8080/tcp is taken')]);
    const udp = { ...next, ports: [{ ...web, protocol: 'udp' as const }] };
    given(node, [registered, holder]).when(place(udp)).then([placed(udp)]);
    const inside = { ...next, ports: [{ ...web, hostPort: null }] };
    given(node, [registered, holder]).when(place(inside)).then([placed(inside)]);
  });

  it('is refused once a later one of its slot was settled, even after that was released', () => {
    const later = { ...first, replicaId: 'rep_9' as const, generation: 2 };
    const message = 'generation 2, attempt 1 of this slot was settled here before';
    given(node, [registered, placed(later)]).when(place(first)).then([refused(first, 'superseded', message)]);
    given(node, [registered, placed(later), released(later)]).when(place(first)).then([refused(first, 'superseded', message)]);
    given(node, [registered, revoked({ ...first, attempt: 3 })]).when(place({ ...first, attempt: 2 })).then([
      refused({ ...first, attempt: 2 }, 'superseded', 'generation 1, attempt 3 of this slot was settled here before'),
    ]);
  });

  it('is refused for a replica that the node holds already', () =>
    given(node, [registered, placed(first)])
      .when(place({ ...first, attempt: 2 }))
      .then([refused({ ...first, attempt: 2 }, 'superseded', 'the replica is on this node since an earlier attempt')]));

  it('of another slot or owner has its own count', () => {
    const other: Placement = { ...first, replicaId: 'rep_3', owner: { type: 'job', id: 'job_1' } };
    given(node, [registered, placed({ ...first, generation: 5 })]).when(place(other)).then([placed(other)]);
  });

  it('is revoked when nothing settled it before', () => {
    given(node, [registered]).when(revoke(first)).then([revoked(first)]);
    given(node, []).when(revoke(first)).then([revoked(first)]);
    given(node, [registered, revoked({ ...first, attempt: 2 })]).when(revoke(first)).then([]);
    given(node, [registered, placed({ ...first, replicaId: 'rep_9', generation: 2 })]).when(revoke(first)).then([revoked(first)]);
  });

  it('can be looked up by its attempt as long as it is held, or the latest of its slot', () => {
    const state = fold(node, [registered, placed(first)]);
    expect(settlementOf(state, first)).toMatchObject({ replicaId: 'rep_1', outcome: 'placed' });
    expect(settlementOf(state, { ...first, attempt: 2 })).toBeNull();
    const overtaken: NodeEvent[] = [registered, placed(first), placed({ ...first, replicaId: 'rep_9', generation: 2 })];
    expect(settlementOf(fold(node, overtaken), first)).toMatchObject({ replicaId: 'rep_1', outcome: 'placed' });
    expect(settlementOf(fold(node, [...overtaken, released(first)]), first)).toBeNull();
  });
});

describe('a placement that replaces another', () => {
  const old = { ...first, ports: [web], request: { cpuMillis: 600, memoryBytes: 256 * MiB } };
  const fresh: Placement = { ...old, replicaId: 'rep_2', generation: 2, replaces: 'rep_1', request: { cpuMillis: 800, memoryBytes: 128 * MiB } };

  it('takes over room and ports, and is settled against the larger of the two', () => {
    given(node, [registered, placed(old)]).when(place(fresh)).then([placed(fresh)]);
    expect(reserved(fold(node, [registered, placed(old), placed(fresh)]))).toEqual({ cpuMillis: 800, memoryBytes: 256 * MiB });
  });

  it('has its own room only once the other is released', () =>
    expect(reserved(fold(node, [registered, placed(old), placed(fresh), released(old)]))).toEqual(fresh.request));

  it('asks for room of its own where it names one that is not here, or another owner\'s', () => {
    const stranger: Placement = { ...fresh, owner: { type: 'docker_service', id: 'svc_2' } };
    given(node, [registered, placed(old)]).when(place(stranger)).then([refused(stranger, 'host_port', 'host port 8080/tcp is taken')]);
    const noPorts = { ...fresh, ports: [], replaces: 'rep_8' as const };
    given(node, [registered, placed(old)]).when(place(noPorts)).then([refused(noPorts, 'capacity', 'needs 800 millicores, 400 millicores free')]);
    expect(fold(node, [registered, placed({ ...fresh, replaces: 'rep_8' })]).entries.get('rep_2')?.placement.replaces).toBeNull();
  });

  it('keeps a chain whole when one in the middle leaves first', () => {
    const third: Placement = { ...fresh, replicaId: 'rep_3', generation: 3, replaces: 'rep_2', request: { cpuMillis: 900, memoryBytes: MiB } };
    given(node, [registered, placed(old), placed(fresh)]).when(place(third)).then([placed(third)]);
    const state = fold(node, [registered, placed(old), placed(fresh), placed(third), released(fresh)]);
    expect(state.entries.get('rep_3')?.placement.replaces).toBe('rep_1');
    expect(freeRoom(state)).toEqual({ cpuMillis: 100, memoryBytes: 256 * MiB });
  });

  it('takes over from what that one was waiting for, where that one was released before it could be placed', () => {
    const third: Placement = { ...fresh, replicaId: 'rep_3', generation: 3, replaces: 'rep_2', request: { cpuMillis: 900, memoryBytes: MiB } };
    const state = fold(node, [registered, placed(old), placed(fresh), released(fresh), placed(third)]);
    expect(state.entries.get('rep_3')?.placement.replaces).toBe('rep_1');
    const left = fold(node, [registered, placed(old), placed(fresh), released(fresh), placed(third), released(old)]);
    expect(left.entries.get('rep_3')?.placement.replaces).toBeNull();
    expect(left.heirs).toEqual(new Map([['rep_1', 'rep_3']]));
  });

  it.each([
    ['placed before the end of what both replace', (third: Placement) => [placed(third), released(old)]],
    ['placed after it', (third: Placement) => [released(old), placed(third)]],
  ])('takes over from whoever was to come in that place before it, and may have begun: %s', (_when, rest) => {
    const third: Placement = { ...fresh, replicaId: 'rep_3', generation: 3, ports: [], request: { cpuMillis: 100, memoryBytes: MiB } };
    const state = fold(node, [registered, placed(old), placed(fresh), ...rest(third)]);
    expect([state.entries.get('rep_2')?.placement.replaces, state.entries.get('rep_3')?.placement.replaces]).toEqual([null, 'rep_2']);
    const left = fold(node, [registered, placed(old), placed(fresh), ...rest(third), released(fresh)]);
    expect(left.entries.get('rep_3')?.placement.replaces).toBeNull();
    expect(left.heirs.get('rep_2')).toBe('rep_3');
  });
});
