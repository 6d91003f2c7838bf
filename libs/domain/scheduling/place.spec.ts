import fc from 'fast-check';
import { fold } from '../kernel/decider.ts';
import type { NodeId } from '../kernel/ids.ts';
import { node as rules } from '../node/decide.ts';
import type { NodeEvent, NodeFacts, Placement } from '../node/events.ts';
import type { Candidate, NodeForPlacement } from './candidate.ts';
import { couldEverFit } from './could-ever-fit.ts';
import { refusals } from './filters.ts';
import { NODES_TOLD, place } from './place.ts';
import { siblingsOn } from './score.ts';

const MiB = 1_048_576;
const web = { containerPort: 80, protocol: 'tcp', hostPort: 8080 } as const;
const candidate: Candidate = {
  replicaId: 'rep_new', owner: { type: 'docker_service', id: 'svc_1' }, projectId: 'prj_1', environmentId: 'env_1', slot: 9, generation: 1, release: 1,
  request: { cpuMillis: 250, memoryBytes: 256 * MiB }, ports: [], constraints: [], replaces: null,
};
const facts: NodeFacts = { name: 'host-1', address: '10.0.0.1', architecture: 'amd64', engineVersion: '20.10', capacity: { cpuMillis: 1000, memoryBytes: 1024 * MiB }, labels: { zone: 'a' } };

/** A node by its number, with what happened to it since it registered. */
function nodeWith(number: number, events: readonly NodeEvent[] = [], more: Partial<NodeFacts> = {}): NodeForPlacement {
  const nodeId: NodeId = `node_${number}`;
  const registered: NodeEvent = { type: 'NodeRegistered', data: { ...facts, name: `host-${number}`, ...more, nodeId, publicKey: 'U' } };
  return { nodeId, node: fold(rules, [registered, ...events]) };
}
const holding = (slot: number, more: Partial<Placement> = {}): NodeEvent => ({
  type: 'ReplicaPlaced',
  data: { ...candidate, replicaId: `rep_${slot}`, slot, attempt: 1, request: { cpuMillis: 100, memoryBytes: 100 * MiB }, ...more },
});
const stranger = { owner: { type: 'docker_service', id: 'svc_other' } } as const;
const drained: NodeEvent = { type: 'NodeDrained', data: {} };
const silent: NodeEvent = { type: 'NodeUnreachable', data: { lastHeardAt: null, reason: { code: 'silent', message: '' } } };
const removed: NodeEvent = { type: 'NodeRemoved', data: { lost: [] } };
const filtersOf = (on: NodeForPlacement, more: Partial<Candidate> = {}) => refusals({ ...candidate, ...more }, on);

describe('a filter', () => {
  it("keeps one that takes another's place on its node, as long as any node holds that one", () => {
    const replacing = { ...candidate, slot: 1, generation: 2, replaces: 'rep_1' as const };
    const nodes = [nodeWith(1), nodeWith(2, [holding(1)])];
    expect(place(replacing, nodes)).toMatchObject({ nodeId: 'node_2', nodes: [{ fits: true }, { reasons: [{ filter: 'replaced' }] }] });
    expect(place(replacing, [nodeWith(1)])).toMatchObject({ nodeId: 'node_1' });
    const heirs = new Map([['rep_1' as const, 'rep_2' as const]]);
    const [free, waitedFor] = [nodeWith(1), nodeWith(2, [holding(2)])];
    expect(place(replacing, [free, { ...waitedFor, node: { ...waitedFor.node, heirs } }])).toMatchObject({ nodeId: 'node_2' });
  });

  it('tries no node in vain that has taken a later generation of its slot, and tries again where an attempt of its own was refused', () => {
    const later = holding(9, { generation: 2 });
    expect(filtersOf(nodeWith(1, [later]))).toEqual([{ filter: 'superseded', detail: 'generation 2 of its slot was settled there before' }]);
    expect(place(candidate, [nodeWith(1, [later]), nodeWith(2, [holding(1)])]).nodeId).toBe('node_2');
    const { replicaId, owner, slot, generation } = candidate;
    const refused: NodeEvent = { type: 'PlacementRefused', data: { replicaId, owner, slot, generation, attempt: 3, reason: { code: 'capacity', message: '' } } };
    expect(filtersOf(nodeWith(1, [refused]))).toEqual([]);
  });

  it('leaves a node where the release keeps failing for the last', () => {
    expect(place({ ...candidate, troubledOn: ['node_1'] }, [nodeWith(1), nodeWith(2, [holding(1), holding(2)])]).nodeId).toBe('node_2');
    expect(place({ ...candidate, troubledOn: ['node_1'] }, [nodeWith(1)]).nodeId).toBe('node_1');
  });

  it('sends a replica where its volume is, and one whose volume is nowhere yet where that can be made', () => {
    const on = (nodeId: NodeId | null, backend: 'local' | 'loop' = 'local') => ({ volumeNeeds: [{ name: 'data', backend, nodeId, ...(nodeId ? { nodeName: 'host-2' } : {}) }] });
    const nodes = [nodeWith(1, [], { backends: ['local'] }), nodeWith(2, [holding(1)], { backends: ['local', 'loop'] })];
    expect(place({ ...candidate, ...on(null) }, nodes).nodeId).toBe('node_1');
    expect(place({ ...candidate, ...on('node_2') }, nodes).nodeId).toBe('node_2');
    expect(place({ ...candidate, ...on(null, 'loop') }, nodes).nodeId).toBe('node_2');
    expect(filtersOf(nodes[0]!, on('node_2'))).toEqual([{ filter: 'volume', detail: 'the volume data is on host-2' }]);
    expect(filtersOf(nodes[0]!, on(null, 'loop'))).toEqual([{ filter: 'volume', detail: 'it has no backend loop for the volume data' }]);
    expect(filtersOf(nodes[0]!, { volumeNeeds: [{ name: 'data', backend: 'local', nodeId: null, clearedFrom: new Set(['node_1']) }] })).toMatchObject([{ filter: 'volume' }]);
    expect(place({ ...candidate, ...on('node_2') }, [nodes[0]!])).toMatchObject({ nodeId: null, reason: { code: 'volume', message: 'no node fits (host-1: the volume data is on host-2)' } });
  });

  it('lets a container have folders of the host only where they are allowed', () => {
    const volumes = [{ type: 'host_path', source: '/srv/media', mountPath: '/m', readOnly: true }] as const;
    expect(filtersOf(nodeWith(1, [], { hostPaths: ['/srv'] }), { volumes })).toEqual([]);
    expect(filtersOf(nodeWith(1, [], { hostPaths: ['/srv/med'] }), { volumes })).toEqual([{ filter: 'host_path', detail: 'its operator does not allow /srv/media' }]);
    expect(filtersOf(nodeWith(1), { volumes })).toMatchObject([{ filter: 'host_path' }]);
    expect(filtersOf(nodeWith(1, [], { hostPaths: ['prj_1:/srv'] }), { volumes })).toEqual([]);
    expect(filtersOf(nodeWith(1, [], { hostPaths: ['prj_2:/srv', 'prj_12:/srv'] }), { volumes })).toMatchObject([{ filter: 'host_path' }]);
  });

  it('never puts replicas that share a volume and publish a port on two nodes', () => {
    const volumes = [{ type: 'volume', volumeId: 'vol_a', name: 'data', mountPath: '/d', readOnly: false }] as const;
    const nodes = [nodeWith(1, [], { backends: ['local'] }), nodeWith(2, [], { backends: ['local'] })];
    expect(couldEverFit({ projectId: candidate.projectId, request: candidate.request, ports: [web], constraints: [], volumes }, nodes, 2)).toMatchObject({ fits: false, reason: { code: 'volume_spread' } });
    expect(couldEverFit({ projectId: candidate.projectId, request: candidate.request, ports: [web], constraints: [], volumes }, nodes, 1)).toMatchObject({ fits: true });
  });

  it('lets a node pass that has what is asked for', () => expect(filtersOf(nodeWith(1))).toEqual([]));

  it.each([
    [[removed], {}, [{ filter: 'removed', detail: 'it was removed' }]],
    [[silent], {}, [{ filter: 'liveness', detail: 'it is unreachable' }]],
    [[drained], {}, [{ filter: 'drained', detail: 'it is drained' }]],
    [[], { constraints: ['node.labels.zone==b', 'node.name!=host-1'] }, [{ filter: 'constraint', detail: "node.labels.zone==b and node.name!=host-1 don't hold" }]],
    [[], { constraints: ['node.labels.zone==a', 'node.labels.disk==ssd'] }, [{ filter: 'constraint', detail: "node.labels.disk==ssd doesn't hold" }]],
    [[], { constraints: ['node.id==node_1', 'node.arch==arm64'] }, [{ filter: 'constraint', detail: "node.arch==arm64 doesn't hold" }]],
    [[], { constraints: ['nonsense'] }, [{ filter: 'constraint', detail: "nonsense doesn't hold" }]],
    [[], { image: { architectures: ['arm64', 's390x'] } }, [{ filter: 'architecture', detail: 'needs arm64 or s390x, it is amd64' }]],
    [[], { image: { onlyOn: { reference: 'docker.io/a/b:1', nodes: ['node_2'] } } }, [{ filter: 'image', detail: 'it does not have the image docker.io/a/b:1, which is not to be pulled' }]],
    [[holding(1, { ...stranger, ports: [web] })], { ports: [web] }, [{ filter: 'host_port', detail: 'host port 8080/tcp is taken' }]],
    [[holding(1)], { ports: [web] }, [{ filter: 'spread', detail: 'it has a replica of the same service, and host ports are published once on a node' }]],
    [[], { request: { cpuMillis: 4000, memoryBytes: MiB } }, [{ filter: 'capacity', detail: 'needs 4000 millicores, 1000 millicores free' }]],
    [[holding(1, { request: { cpuMillis: 0, memoryBytes: 1012 * MiB } })], {}, [{ filter: 'capacity', detail: 'needs 256 MiB, 12 MiB free' }]],
  ] as const)('says why, given %j and %j', (events, more, expected) => expect(filtersOf(nodeWith(1, events), more as Partial<Candidate>)).toEqual(expected));

  it('refuses nothing for what is not known of the image', () => {
    expect(filtersOf(nodeWith(1), { image: { architectures: null, onlyOn: null } })).toEqual([]);
    expect(filtersOf(nodeWith(1), { image: { architectures: ['amd64'], onlyOn: { reference: 'docker.io/a/b:1', nodes: ['node_1'] } } })).toEqual([]);
  });

  it('speaks beside the others, in their order', () =>
    expect(filtersOf(nodeWith(1, [drained, silent]), { constraints: ['node.name==x'] }).map(({ filter }) => filter)).toEqual(['liveness', 'drained', 'constraint']));

  it('takes no offence at what the replica replaces', () =>
    expect(filtersOf(nodeWith(1, [holding(1, { ports: [web], request: { cpuMillis: 1000, memoryBytes: MiB } })]), { ports: [web], replaces: 'rep_1' })).toEqual([]));
});

describe('a replica', () => {
  it('goes where its service has the fewest, before it looks at room', () => {
    const decision = place(candidate, [nodeWith(1, [holding(1)]), nodeWith(2, [holding(2, { ...stranger, request: { cpuMillis: 700, memoryBytes: 700 * MiB } })])]);
    expect(decision.nodeId).toBe('node_2');
    expect(decision.nodes.map(({ nodeId, score }) => [nodeId, score])).toEqual([['node_2', 90.5], ['node_1', 86.49]]);
    expect(decision.reason).toEqual({ code: 'best_score', message: 'host-2 ranks first of 2 nodes that fit, at 90.5: 0 of the same service there, 5% free afterwards' });
  });

  it('goes where most room stays free, among equals', () =>
    expect(place(candidate, [nodeWith(1, [holding(1, stranger)]), nodeWith(2)]).nodeId).toBe('node_2'));

  it('does not count those that are on their way out', () => {
    const leaving: NodeEvent = { type: 'ReplicaWantedChanged', data: { replicaId: 'rep_1', owner: candidate.owner, from: 'run', to: 'gone', reason: { code: 'x', message: '' } } };
    expect(place(candidate, [nodeWith(2, [holding(2)]), nodeWith(1, [holding(1), leaving])]).nodeId).toBe('node_1');
  });

  it('goes to the lowest id among equals, in whatever order they come', () => {
    const nodes = [nodeWith(3), nodeWith(1), nodeWith(2)];
    expect([place(candidate, nodes).nodeId, place(candidate, nodes.toReversed()).nodeId]).toEqual(['node_1', 'node_1']);
  });

  it('tells the same nodes in the same order in whatever order they come, the best first', () => {
    const many = Array.from({ length: 70 }, (_, index) => nodeWith(index, index % 7 === 0 ? [drained] : index % 5 === 0 ? [holding(1)] : [], { capacity: { cpuMillis: 1000 + (index % 3), memoryBytes: 1024 * MiB } }));
    const expected = place(candidate, many);
    const scores = expected.nodes.map((node) => node.score ?? -1);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    const shuffled = fc.shuffledSubarray(many, { minLength: 70 });
    fc.assert(fc.property(shuffled, (nodes) => expect(place(candidate, nodes)).toEqual(expected)), { numRuns: 50 });
  });

  it('speaks of the first fifty, and says how many more there are', () => {
    const many = Array.from({ length: 60 }, (_, index) => nodeWith(index));
    const chosen = place(candidate, many);
    expect(chosen.nodes).toHaveLength(NODES_TOLD);
    expect(chosen.nodes[0]).toMatchObject({ nodeId: chosen.nodeId, fits: true });
    expect(chosen.reason.message).toContain('first of 60 nodes that fit');
    const nowhere = place({ ...candidate, constraints: ['node.labels.zone==z'] }, many);
    expect(nowhere.nodes).toHaveLength(NODES_TOLD);
    expect(nowhere.reason.message).toContain(', and 10 more)');
  });

  it('says so where only one node fits', () =>
    expect(place(candidate, [nodeWith(1), nodeWith(2, [drained])])).toMatchObject({
      nodeId: 'node_1',
      reason: { code: 'only_fit', message: 'host-1 is the only node that fits: 0 of the same service there, 75% free afterwards' },
      nodes: [{ nodeId: 'node_1', fits: true }, { nodeId: 'node_2', fits: false, score: null, reasons: [{ filter: 'drained', detail: 'it is drained' }] }],
    }));

  it('goes nowhere without a node', () => {
    const nowhere = { nodeId: null, reason: { code: 'no_nodes', message: 'no node is registered' } };
    expect(place(candidate, [])).toMatchObject(nowhere);
    expect(place(candidate, [nodeWith(1, [removed])])).toMatchObject(nowhere);
    expect(place(candidate, [{ nodeId: 'node_1', node: rules.initial }])).toMatchObject({ ...nowhere, nodes: [] });
  });

  it('names the one thing that every node lacks, else that none fits', () => {
    const big = { ...candidate, request: { cpuMillis: 5000, memoryBytes: MiB } };
    expect(place(big, [nodeWith(1), nodeWith(2, [drained])]).reason).toEqual({
      code: 'capacity',
      message: 'no node fits (host-1: needs 5000 millicores, 1000 millicores free | host-2: it is drained; needs 5000 millicores, 1000 millicores free)',
    });
    const full = holding(1, { request: { cpuMillis: 1000, memoryBytes: MiB } });
    expect(place(candidate, [nodeWith(1, [full]), nodeWith(2, [drained])]).reason.code).toBe('no_node_fits');
  });
});

describe('whatever the nodes are like', () => {
  const events: fc.Arbitrary<NodeEvent> = fc.oneof(
    fc.constantFrom<NodeEvent>(drained, silent, removed),
    fc.record({ slot: fc.integer({ min: 1, max: 8 }), cpuMillis: fc.integer({ min: 0, max: 1000 }), other: fc.boolean(), published: fc.boolean(), follows: fc.boolean() }).map(({ slot, cpuMillis, other, published, follows }) =>
      holding(slot, { request: { cpuMillis, memoryBytes: MiB }, ports: published ? [web] : [], replaces: follows && slot > 1 ? 'rep_1' : null, ...(other ? stranger : {}) })),
  );
  const worlds = fc.array(fc.array(events, { maxLength: 5 }), { maxLength: 6 }).map((list) => list.map((history, index) => nodeWith(index, history)));
  const candidates = fc.boolean().map((published): Candidate => ({ ...candidate, ports: published ? [web] : [] }));

  it('never goes where a filter refuses it, and waits only where all refuse', () =>
    fc.assert(
      fc.property(worlds, candidates, (nodes, asked) => {
        const { nodeId } = place(asked, nodes);
        const fitting = nodes.filter((on) => refusals(asked, on).length === 0).map((on) => on.nodeId);
        expect(nodeId === null ? fitting : fitting.includes(nodeId)).toEqual(nodeId === null ? [] : true);
      }),
    ));

  it('is settled by the node that it was given', () =>
    fc.assert(
      fc.property(worlds, candidates, (nodes, asked) => {
        const { nodeId } = place(asked, nodes);
        const chosen = nodes.find((on) => on.nodeId === nodeId);
        const settled = chosen && rules.decide(chosen.node, { type: 'PlaceReplica', data: { ...asked, attempt: 1 } });
        expect(settled?.[0]?.type).toBe(chosen ? 'ReplicaPlaced' : undefined);
      }),
    ));

  it('goes where the fewest of its service are, of all that fit', () =>
    fc.assert(
      fc.property(worlds, candidates, (nodes, asked) => {
        const { nodeId } = place(asked, nodes);
        const counts = nodes.filter((on) => refusals(asked, on).length === 0).map((on) => ({ nodeId: on.nodeId, count: siblingsOn(asked, on) }));
        expect(counts.find((one) => one.nodeId === nodeId)?.count ?? Infinity).toBe(Math.min(...counts.map(({ count }) => count)));
      }),
    ));

  it('gives the same answer whoever looked at them before', () => {
    const asking = fc.record({ slot: fc.integer({ min: 1, max: 8 }), generation: fc.integer({ min: 0, max: 1 }), published: fc.boolean(), other: fc.boolean(), replaces: fc.constantFrom(null, 'rep_1' as const), cpuMillis: fc.constantFrom(250, 900) });
    const all = fc.array(asking.map(({ published, other, cpuMillis, ...rest }): Candidate =>
      ({ ...candidate, ...rest, replicaId: rest.replaces ? 'rep_new' : `rep_${rest.slot}`, ports: published ? [web] : [], request: { cpuMillis, memoryBytes: MiB }, ...(other ? stranger : {}) })), { minLength: 2, maxLength: 6 });
    fc.assert(fc.property(worlds, all, (nodes, asked) => {
      for (const each of asked) expect(place(each, nodes)).toEqual(place(each, nodes.map((on) => ({ ...on }))));
    }), { numRuns: 500 });
  });

  it('gives the same answer in whatever order they come, with scores from 0 to 100', () =>
    fc.assert(
      fc.property(worlds, candidates, (nodes, asked) => {
        const decision = place(asked, nodes);
        expect(place(asked, nodes.toReversed())).toEqual(decision);
        for (const { score } of decision.nodes) expect(score === null || (score >= 0 && score <= 100)).toBe(true);
      }),
    ));
});

describe('a demand that is looked at before anything is written', () => {
  const { projectId, request, constraints, owner } = candidate;
  const demand = { projectId, request, constraints, ports: [] };
  const full = holding(1, { ...stranger, request: { cpuMillis: 1000, memoryBytes: MiB } });

  it('may fit where the node is only full, drained or silent for now', () =>
    expect(couldEverFit(demand, [nodeWith(1, [full, drained, silent])]).fits).toBe(true));

  it('is not refused before any node is known', () => {
    expect(couldEverFit(demand, []).fits).toBe(true);
    expect(couldEverFit(demand, [nodeWith(1, [removed])]).fits).toBe(true);
  });

  it('never fits where each node is too small, or breaks a constraint', () => {
    expect(couldEverFit({ ...demand, request: { cpuMillis: 100, memoryBytes: 2048 * MiB } }, [nodeWith(1, [full])])).toMatchObject({
      fits: false,
      reason: { code: 'capacity', message: 'no node fits (host-1: needs 2 GiB, 1 GiB free)' },
    });
    expect(couldEverFit({ ...demand, constraints: ['node.labels.zone==z'] }, [nodeWith(1)])).toMatchObject({ fits: false, reason: { code: 'constraint' } });
  });

  it('does not get a host port that another has, but keeps its own', () => {
    const asked = { ...demand, ports: [web] };
    expect(couldEverFit(asked, [nodeWith(1, [holding(1, { ...stranger, ports: [web] })])])).toMatchObject({ fits: false, reason: { code: 'host_port' } });
    expect(couldEverFit({ ...asked, owner }, [nodeWith(1, [holding(1, { ports: [web] })])]).fits).toBe(true);
  });

  it('needs a node for each replica with a host port', () => {
    const nodes = [nodeWith(1), nodeWith(2)];
    expect(couldEverFit({ ...demand, ports: [web] }, nodes, 2).fits).toBe(true);
    expect(couldEverFit({ ...demand, ports: [web] }, nodes, 3)).toMatchObject({
      fits: false,
      reason: { code: 'host_port_spread', message: 'a host port is published once on a node: 3 replicas asked, 2 fitting nodes (host-1, host-2)' },
    });
    expect(couldEverFit(demand, nodes, 3).fits).toBe(true);
  });
});
