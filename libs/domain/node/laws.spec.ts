import fc from 'fast-check';
import type { DockerServiceId, ReplicaId } from '../kernel/ids.ts';
import { fits } from '../kernel/units.ts';
import { node, type NodeCommand } from './decide.ts';
import type { NodeEvent, Placement } from './events.ts';
import { compareAttempts, initial, type Node, slotKey } from './node.ts';
import { portsTaken, reserved } from './room.ts';

/** Few owners, slots, ports and amounts, so that they get in each other's way. */
const placements: fc.Arbitrary<Placement> = fc
  .record({
    service: fc.constantFrom('svc_a', 'svc_b'),
    slot: fc.integer({ min: 1, max: 2 }),
    generation: fc.integer({ min: 1, max: 4 }),
    attempt: fc.integer({ min: 1, max: 3 }),
    cpuMillis: fc.constantFrom(100, 300, 600),
    memoryBytes: fc.constantFrom(10, 40),
    hostPort: fc.constantFrom(null, 80, 81),
    replacesGeneration: fc.constantFrom(null, 1, 2, 3),
    replacesSlot: fc.integer({ min: 1, max: 2 }),
  })
  .map((it) => ({
    replicaId: idOf(it.service, it.slot, it.generation),
    owner: { type: 'docker_service', id: it.service as DockerServiceId },
    projectId: 'prj_1',
    environmentId: 'env_1',
    slot: it.slot,
    generation: it.generation,
    attempt: it.attempt,
    release: 1,
    request: { cpuMillis: it.cpuMillis, memoryBytes: it.memoryBytes },
    ports: [{ containerPort: 80, protocol: 'tcp', hostPort: it.hostPort }],
    replaces: it.replacesGeneration === null ? null : idOf(it.service, it.replacesSlot, it.replacesGeneration),
  }));
const idOf = (service: string, slot: number, generation: number): ReplicaId => `rep_${service}_${slot}_${generation}`;

const reason = { code: 'test', message: '' };
const commands: fc.Arbitrary<NodeCommand> = fc.oneof(
  { arbitrary: placements.map((data): NodeCommand => ({ type: 'PlaceReplica', data })), weight: 6 },
  { arbitrary: placements.map((data): NodeCommand => ({ type: 'RevokePlacement', data: { ...data, reason } })), weight: 1 },
  { arbitrary: placements.map(({ replicaId }): NodeCommand => ({ type: 'ReleaseReplica', data: { replicaId, reason } })), weight: 3 },
  { arbitrary: placements.map(({ replicaId }): NodeCommand => ({ type: 'ChangeWanted', data: { replicaId, to: 'gone', reason } })), weight: 1 },
  { arbitrary: fc.constantFrom<NodeCommand>({ type: 'DrainNode', data: {} }, { type: 'ActivateNode', data: {} }, { type: 'MarkNodeUnreachable', data: { lastHeardAt: null, reason } }, { type: 'MarkNodeReachable', data: {} }), weight: 1 },
);
const capacity = { cpuMillis: 1000, memoryBytes: 100 };
const start = node.evolve(initial, { type: 'NodeRegistered', data: { nodeId: 'node_1', publicKey: 'U', name: 'n', address: 'a', architecture: 'amd64', engineVersion: '1', capacity, labels: {} } });

/** Plays commands, calling back after each event with the state before and after it. */
function play(said: readonly NodeCommand[], look: (before: Node, event: NodeEvent, after: Node) => void): Node {
  let state = start;
  for (const command of said) {
    for (const event of node.decide(state, command)) {
      const before = state;
      state = node.evolve(state, event);
      look(before, event, state);
    }
  }
  return state;
}
/** What it replaces, directly and through others: none of these runs beside it. */
function chainOf(state: Node, replicaId: ReplicaId): ReplicaId[] {
  const above = state.entries.get(replicaId)?.placement.replaces;
  return above ? [above, ...chainOf(state, above)] : [];
}
const sequences = fc.array(commands, { maxLength: 60 });

describe('whatever is asked of a node', () => {
  it('never promises more than it has', () =>
    fc.assert(fc.property(sequences, (said) => void play(said, (_, __, after) => expect(fits(reserved(after), capacity)).toBe(true))), { numRuns: 500 }));

  it('never gives a host port to two that may run at once', () =>
    fc.assert(
      fc.property(sequences, (said) =>
        void play(said, (_, __, after) => {
          for (const holders of portsTaken(after).values()) {
            for (const a of holders) for (const b of holders) expect(a === b || chainOf(after, a).includes(b) || chainOf(after, b).includes(a)).toBe(true);
          }
        }),
      ),
      { numRuns: 500 },
    ));

  it('never places an attempt that is not higher than all that it settled of that slot', () =>
    fc.assert(
      fc.property(sequences, (said) =>
        void play(said, (before, event) => {
          if (event.type !== 'ReplicaPlaced') return;
          const latest = before.settled.get(slotKey(event.data));
          expect(!latest || compareAttempts(event.data, latest) > 0).toBe(true);
        }),
      ),
    ));

  it('only ever names a replaced one that is still there', () =>
    fc.assert(
      fc.property(sequences, (said) =>
        void play(said, (_, __, after) => {
          for (const { placement } of after.entries.values()) expect(placement.replaces === null || after.entries.has(placement.replaces)).toBe(true);
          for (const [released, heir] of after.heirs) expect(!after.entries.has(released) && after.entries.has(heir)).toBe(true);
        }),
      ),
    ));

  it('places an attempt once, and revokes none that it holds', () =>
    fc.assert(
      fc.property(sequences, (said) => {
        const placed = new Set<string>();
        play(said.flatMap((command) => [command, command]), (before, event) => {
          if (event.type === 'PlacementRevoked') expect(before.entries.get(event.data.replicaId)?.placement.attempt).not.toBe(event.data.attempt);
          if (event.type !== 'ReplicaPlaced') return;
          const key = `${event.data.replicaId}|${event.data.attempt}`;
          expect(placed.has(key)).toBe(false);
          placed.add(key);
        });
      }),
      { numRuns: 500 },
    ));
});
