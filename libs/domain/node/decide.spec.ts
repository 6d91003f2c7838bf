import { fold } from '../kernel/decider.ts';
import { given } from '../kernel/given.ts';
import type { ReplicaId } from '../kernel/ids.ts';
import { node, type NodeCommand } from './decide.ts';
import type { NodeEvent, NodeFacts, Placement } from './events.ts';

const MiB = 1_048_576;
const facts: NodeFacts = { name: 'host-1', address: '10.0.0.5', architecture: 'amd64', engineVersion: '20.10', capacity: { cpuMillis: 1000, memoryBytes: 512 * MiB }, labels: { zone: 'a', disk: 'ssd' } };
const registered: NodeEvent = { type: 'NodeRegistered', data: { ...facts, nodeId: 'node_1', publicKey: 'UA' } };
const removed: NodeEvent = { type: 'NodeRemoved', data: { lost: [] } };
const register = (more: Partial<NodeFacts> = {}, publicKey = 'UA'): NodeCommand => ({ type: 'RegisterNode', data: { nodeId: 'node_1', facts: { ...facts, ...more }, publicKey } });
const silent = { lastHeardAt: '2026-01-01T00:00:00.000Z', reason: { code: 'silent', message: 'nothing heard for 15 s' } };

const placement: Placement = {
  replicaId: 'rep_1', owner: { type: 'docker_service', id: 'svc_1' }, projectId: 'prj_1', environmentId: 'env_1', slot: 1, generation: 1, attempt: 1, release: 1,
  request: { cpuMillis: 250, memoryBytes: 256 * MiB }, ports: [], replaces: null,
};
const placed = (more: Partial<Placement> = {}): NodeEvent => ({ type: 'ReplicaPlaced', data: { ...placement, ...more } });
const unwanted = { code: 'scaled_down', message: '0 replicas are enough' };
const wanted = (to: 'run' | 'hold' | 'gone', replicaId: ReplicaId = 'rep_1'): NodeCommand => ({ type: 'ChangeWanted', data: { replicaId, to, reason: unwanted } });
const wantedChanged = (from: 'run' | 'hold', to: 'hold' | 'gone' | 'run'): NodeEvent => ({ type: 'ReplicaWantedChanged', data: { replicaId: 'rep_1', owner: placement.owner, from, to, reason: unwanted } });

describe('a node that registers', () => {
  it('is known from then on', () => given(node, []).when(register()).then([registered]));

  it('is silent about what has not changed, in whatever order its labels come', () =>
    given(node, [registered]).when(register({ labels: { disk: 'ssd', zone: 'a' } })).then([]));

  it('tells what has changed of its host', () => {
    const more = { capacity: { cpuMillis: 2000, memoryBytes: 512 * MiB } };
    given(node, [registered]).when(register(more)).then([{ type: 'NodeFactsChanged', data: { ...facts, ...more } }]);
    given(node, [registered]).when(register({ labels: { zone: 'b', disk: 'ssd' } })).then([{ type: 'NodeFactsChanged', data: { ...facts, labels: { zone: 'b', disk: 'ssd' } } }]);
  });

  it('is refused with another key, and after its removal', () => {
    given(node, [registered]).when(register({}, 'UB')).rejects('node.other_key');
    given(node, [registered, removed]).when(register()).rejects('node.removed');
  });

  it.each([
    [{ name: '' }, '/name'],
    [{ address: '' }, '/address'],
    [{ architecture: '' }, '/architecture'],
    [{ capacity: { cpuMillis: -1, memoryBytes: 0 } }, '/capacity'],
    [{ capacity: { cpuMillis: 1000, memoryBytes: NaN } }, '/capacity'],
  ])('is refused with facts that can not be: %j', (more, pointer) => given(node, []).when(register(more)).rejects('node.facts_invalid', { pointer }));

  it('may have refused an attempt before anybody knew it', () => {
    const refused: NodeEvent = { type: 'PlacementRefused', data: { replicaId: 'rep_1', owner: placement.owner, slot: 1, generation: 1, attempt: 1, reason: { code: 'unknown_node', message: '' } } };
    given(node, [refused]).when(register()).then([registered]);
  });
});

describe('a node in operation', () => {
  it('is drained and activated, each said once', () => {
    const drained: NodeEvent = { type: 'NodeDrained', data: {} };
    given(node, [registered]).when({ type: 'DrainNode', data: {} }).then([drained]);
    given(node, [registered, drained]).when({ type: 'DrainNode', data: {} }).then([]);
    given(node, [registered, drained]).when({ type: 'ActivateNode', data: {} }).then([{ type: 'NodeActivated', data: {} }]);
    given(node, [registered]).when({ type: 'ActivateNode', data: {} }).then([]);
  });

  it('turns unreachable and reachable, each said once', () => {
    const unreachable: NodeEvent = { type: 'NodeUnreachable', data: silent };
    given(node, [registered]).when({ type: 'MarkNodeUnreachable', data: silent }).then([unreachable]);
    given(node, [registered, unreachable]).when({ type: 'MarkNodeUnreachable', data: silent }).then([]);
    given(node, [registered, unreachable]).when({ type: 'MarkNodeReachable', data: {} }).then([{ type: 'NodeReachable', data: {} }]);
    given(node, [registered]).when({ type: 'MarkNodeReachable', data: {} }).then([]);
  });

  it('is adopted each time that an operator says so', () => {
    const adopted: NodeEvent = { type: 'NodeAdopted', data: {} };
    given(node, [registered, adopted]).when({ type: 'AdoptNode', data: {} }).then([adopted]);
    expect(fold(node, [registered, adopted, { type: 'NodeDrained', data: {} }]).adoptedAt).toBe(1);
  });

  it.each(['DrainNode', 'ActivateNode', 'AdoptNode', 'RemoveNode', 'MarkNodeReachable'] as const)('does not take %s before it is known', (type) =>
    given(node, []).when({ type, data: {} }).rejects('node.not_found'));

  it.each(['DrainNode', 'ActivateNode', 'AdoptNode'] as const)('does not take %s once it is removed', (type) =>
    given(node, [registered, removed]).when({ type, data: {} }).rejects('node.removed'));
});

describe('a node that is removed', () => {
  it('names what is lost with it', () =>
    given(node, [registered, placed(), placed({ replicaId: 'rep_2', slot: 2 })]).when({ type: 'RemoveNode', data: {} }).then([{ type: 'NodeRemoved', data: { lost: ['rep_1', 'rep_2'] } }]));

  it('is removed once, and its liveness is nobody\'s business any more', () => {
    given(node, [registered, removed]).when({ type: 'RemoveNode', data: {} }).then([]);
    given(node, [registered, removed]).when({ type: 'MarkNodeReachable', data: {} }).then([]);
    given(node, [registered, removed]).when({ type: 'MarkNodeUnreachable', data: silent }).then([]);
  });

  it('still lists what it held, until each is released', () => {
    const state = fold(node, [registered, placed(), { type: 'NodeRemoved', data: { lost: ['rep_1'] } }]);
    expect([...state.entries.keys()]).toEqual(['rep_1']);
    given(node, [registered, placed(), { type: 'NodeRemoved', data: { lost: ['rep_1'] } }])
      .when({ type: 'ReleaseReplica', data: { replicaId: 'rep_1', reason: { code: 'node_removed', message: '' } } })
      .then([{ type: 'ReplicaReleased', data: { replicaId: 'rep_1', owner: placement.owner, reason: { code: 'node_removed', message: '' } } }]);
  });
});

describe('a replica on a node', () => {
  const history = [registered, placed()];

  it('stands in the assignment list with the revision that brought it', () =>
    expect([...fold(node, [registered, { type: 'NodeDrained', data: {} }, placed()]).entries.values()]).toEqual([{ placement, wanted: 'run', wantedReason: null, placedAt: 2 }]));

  it('is held, run again and removed, each said once', () => {
    given(node, history).when(wanted('hold')).then([wantedChanged('run', 'hold')]);
    given(node, [...history, wantedChanged('run', 'hold')]).when(wanted('hold')).then([]);
    given(node, [...history, wantedChanged('run', 'hold')]).when(wanted('run')).then([wantedChanged('hold', 'run')]);
    given(node, [...history, wantedChanged('run', 'hold')]).when(wanted('gone')).then([wantedChanged('hold', 'gone')]);
  });

  it('does not come back once it is to be gone', () =>
    given(node, [...history, wantedChanged('run', 'gone')]).when(wanted('run')).rejects('node.replica_going', { replicaId: 'rep_1' }));

  it('keeps the reason why it is not wanted to run, while that lasts', () => {
    const reasonAfter = (...events: NodeEvent[]) => fold(node, [...history, ...events]).entries.get('rep_1')?.wantedReason;
    expect(reasonAfter(wantedChanged('run', 'hold'))).toEqual(unwanted);
    expect(reasonAfter(wantedChanged('run', 'hold'), wantedChanged('hold', 'run'))).toBeNull();
  });

  it('is released once, and nothing is asked of it after that', () => {
    const release: NodeCommand = { type: 'ReleaseReplica', data: { replicaId: 'rep_1', reason: { code: 'gone', message: '' } } };
    const released: NodeEvent = { type: 'ReplicaReleased', data: { replicaId: 'rep_1', owner: placement.owner, reason: { code: 'gone', message: '' } } };
    given(node, history).when(release).then([released]);
    given(node, [...history, released]).when(release).then([]);
    given(node, [...history, released]).when(wanted('gone')).then([]);
  });
});
