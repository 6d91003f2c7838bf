import { node as nodeRules, type Node, type NodeId, type Placement, type ReplicaId } from '#domain';
import { aNodeFacts } from '#testing';
import { KnownNodes } from './known-nodes.ts';

const NODE = 'node_a' as NodeId;

const placement = (replicaId: string): Placement => ({
  replicaId: replicaId as ReplicaId,
  owner: { type: 'docker_service', id: 'svc_a' },
  projectId: 'prj_a',
  environmentId: 'env_a',
  slot: 1,
  generation: 1,
  attempt: 1,
  release: 1,
  request: { cpuMillis: 100, memoryBytes: 1 },
  ports: [],
  replaces: null,
});

const registered: Node = nodeRules.evolve(nodeRules.initial, { type: 'NodeRegistered', data: { ...aNodeFacts(), nodeId: NODE, publicKey: 'U' } });
const holding = (...ids: string[]): Node => ids.reduce((node, id) => nodeRules.evolve(node, { type: 'ReplicaPlaced', data: placement(id) }), registered);

function known() {
  const index = { nodes: new Map([[NODE, registered]]) };
  const nodes = new KnownNodes(index);
  return { index, nodes, held: () => [...nodes.all()[0]!.node.entries.keys()] };
}

describe('known nodes', () => {
  it('hold what was claimed and is not settled yet, and nothing of it when it is over', () => {
    const { nodes, held } = known();
    nodes.claim(NODE, placement('rep_a'));
    nodes.claim(NODE, placement('rep_b'));
    expect(held()).toEqual(['rep_a', 'rep_b']);
    nodes.unclaim('rep_a' as ReplicaId);
    expect(held()).toEqual(['rep_b']);
    nodes.unclaim('rep_b' as ReplicaId);
    nodes.unclaim('rep_b' as ReplicaId);
    expect(held()).toEqual([]);
  });

  it('count a claim and its placement once', () => {
    const { index, nodes, held } = known();
    nodes.claim(NODE, placement('rep_a'));
    index.nodes.set(NODE, holding('rep_a'));
    expect(held()).toEqual(['rep_a']);
  });

  it('are as their streams were read, until as much was heard', () => {
    const { index, nodes, held } = known();
    nodes.read(NODE, holding('rep_a', 'rep_b'));
    expect(held()).toEqual(['rep_a', 'rep_b']);
    index.nodes.set(NODE, holding('rep_a'));
    expect(held()).toEqual(['rep_a', 'rep_b']);
    index.nodes.set(NODE, holding('rep_a', 'rep_b', 'rep_c'));
    expect(held()).toEqual(['rep_a', 'rep_b', 'rep_c']);
  });
});
