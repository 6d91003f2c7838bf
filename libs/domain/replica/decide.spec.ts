import { given } from '../kernel/given.ts';
import type { FilterName, NodeVerdict } from '../scheduling/verdict.ts';
import { replica, type ReplicaCommand } from './decide.ts';
import type { ReplicaEvent } from './events.ts';
import { replicaState } from './replica.ts';

const ref = { replicaId: 'rep_1', owner: { type: 'docker_service', id: 'svc_1' } } as const;
const order = {
  ...ref,
  deploymentId: 'dep_1',
  projectId: 'prj_1',
  environmentId: 'env_1',
  slot: 1,
  generation: 1,
  release: 1,
  request: { cpuMillis: 250, memoryBytes: 268_435_456 },
  ports: [],
  constraints: [],
  replaces: null,
} as const;
const reason = { code: 'best_score', message: 'host-1 ranks first' };
const unwanted = { code: 'scaled_down', message: '2 replicas are enough' };

const created: ReplicaEvent = { type: 'ReplicaCreated', data: order };
const abandoned: ReplicaEvent = { type: 'ReplicaAbandoned', data: { ...ref, reason: unwanted } };
const claimed = (attempt: number, nodeId: 'node_1' | 'node_2' = 'node_1'): ReplicaEvent => ({ type: 'PlacementClaimed', data: { ...ref, attempt, nodeId, reason, nodes: [] } });
const settled = (attempt: number, outcome: 'placed' | 'refused' | 'revoked'): ReplicaEvent => ({
  type: 'PlacementSettled',
  data: { ...ref, attempt, nodeId: 'node_1', outcome, reason: { code: outcome, message: 'the node says so' }, eventId: `event-${attempt}` },
});
const refusedBy = (filter: FilterName, detail: string): NodeVerdict => ({ nodeId: 'node_1', name: 'host-1', fits: false, reasons: [{ filter, detail }], score: null });

const create: ReplicaCommand = { type: 'CreateReplica', data: order };
const abandon: ReplicaCommand = { type: 'AbandonReplica', data: { ...ref, reason: unwanted } };
const claim = (attempt: number): ReplicaCommand => ({ type: 'ClaimPlacement', data: { attempt, nodeId: 'node_1', reason, nodes: [] } });
const copy = (attempt: number, nodeId: 'node_1' | 'node_2' = 'node_1'): ReplicaCommand => ({
  type: 'CopySettlement',
  data: { attempt, nodeId, outcome: 'placed', reason: { code: 'placed', message: 'the node says so' }, eventId: `event-${attempt}` },
});

describe('a replica that is ordered', () => {
  it('is created once', () => {
    given(replica, []).when(create).then([created]);
    given(replica, [created]).when(create).then([]);
  });

  it('is not created any more once it was abandoned, so that a late plan raises nothing', () => {
    given(replica, []).when(abandon).then([abandoned]);
    given(replica, [abandoned]).when(create).rejects('replica.abandoned');
    given(replica, [abandoned]).when(abandon).then([]);
  });

  it('is abandoned only while no node may hold it', () => {
    given(replica, [created]).when(abandon).then([abandoned]);
    given(replica, [created, claimed(1), settled(1, 'revoked')]).when(abandon).then([abandoned]);
    given(replica, [created, claimed(1)]).when(abandon).rejects('replica.claim_open', { attempt: 1, nodeId: 'node_1' });
    given(replica, [created, claimed(1), settled(1, 'placed')]).when(abandon).rejects('replica.placed', { nodeId: 'node_1' });
  });
});

describe('a replica that looks for a node', () => {
  const noRoom = { reason: { code: 'capacity', message: 'no node fits' }, nodes: [refusedBy('capacity', 'needs 256 MiB, 12 MiB free')] };
  const deferred: ReplicaEvent = { type: 'PlacementDeferred', data: { ...ref, ...noRoom } };

  it('says why none fits', () => given(replica, [created]).when({ type: 'DeferPlacement', data: noRoom }).then([deferred]));

  it('says it again only when the refusals change in kind', () => {
    const lessRoom = { ...noRoom, nodes: [refusedBy('capacity', 'needs 256 MiB, 11 MiB free')] };
    given(replica, [created, deferred]).when({ type: 'DeferPlacement', data: lessRoom }).then([]);
    const drained = { reason: { code: 'drained', message: 'no node fits' }, nodes: [refusedBy('drained', 'it is drained')] };
    given(replica, [created, deferred]).when({ type: 'DeferPlacement', data: drained }).then([{ type: 'PlacementDeferred', data: { ...ref, ...drained } }]);
  });

  it('claims one node at a time, attempt by attempt', () => {
    given(replica, [created]).when(claim(1)).then([claimed(1)]);
    given(replica, [created, claimed(1)]).when(claim(1)).then([]);
    given(replica, [created, claimed(1)]).when(claim(2)).rejects('replica.claim_open', { attempt: 1, nodeId: 'node_1' });
    given(replica, [created, claimed(1), settled(1, 'refused')]).when(claim(2)).then([claimed(2)]);
    given(replica, [created, claimed(1), settled(1, 'refused')]).when(claim(3)).rejects('replica.attempt_out_of_order', { next: 2 });
    given(replica, [created, claimed(1, 'node_2')]).when(claim(1)).rejects('replica.claim_open', { attempt: 1, nodeId: 'node_2' });
  });

  it('claims nothing more once it is placed, or not wanted', () => {
    given(replica, [created, claimed(1), settled(1, 'placed')]).when(claim(2)).rejects('replica.placed', { nodeId: 'node_1' });
    given(replica, [abandoned]).when(claim(1)).rejects('replica.abandoned');
    given(replica, []).when(claim(1)).rejects('replica.not_found');
  });

  it('is not deferred while a node has its claim', () =>
    given(replica, [created, claimed(1)]).when({ type: 'DeferPlacement', data: noRoom }).rejects('replica.claim_open', { attempt: 1, nodeId: 'node_1' }));

  it("copies the node's word once", () => {
    given(replica, [created, claimed(1)]).when(copy(1)).then([settled(1, 'placed')]);
    given(replica, [created, claimed(1), settled(1, 'placed')]).when(copy(1)).then([]);
    given(replica, [created, claimed(1), settled(1, 'refused'), claimed(2)]).when(copy(1)).then([]);
  });

  it('takes no word on what it never claimed', () => {
    given(replica, [created]).when(copy(1)).rejects('replica.not_claimed', { attempt: 1, nodeId: 'node_1' });
    given(replica, [created, claimed(1)]).when(copy(1, 'node_2')).rejects('replica.not_claimed', { attempt: 1, nodeId: 'node_2' });
  });

  it('reads PENDING until a node took it, then ASSIGNED', () => {
    const stateAfter = (...events: ReplicaEvent[]) => replicaState(events.reduce(replica.evolve, replica.initial));
    expect([stateAfter(), stateAfter(created), stateAfter(created, claimed(1)), stateAfter(created, claimed(1), settled(1, 'placed')), stateAfter(abandoned)]).toEqual([
      null, 'PENDING', 'PENDING', 'ASSIGNED', null,
    ]);
  });
});
