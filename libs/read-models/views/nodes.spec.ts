import { foldDocument } from '../view.ts';
import { registerNode, RESOURCES, SPEC, Story, SYSTEM, timeOf } from '../given/story.ts';
import { nodes, type NodeDocument } from './nodes.ts';

const nodeIn = (story: Story): NodeDocument => foldDocument<NodeDocument>(nodes, story.events, 'node_a')!;
const owner = { type: 'docker_service', id: 'svc_web' } as const;

const placement = (slot: number, replaces: 'rep_1' | null = null) =>
  ({
    replicaId: `rep_${slot}`,
    owner,
    projectId: 'prj_shop',
    environmentId: 'env_live',
    slot,
    generation: 1,
    attempt: 1,
    release: 1,
    request: RESOURCES.request,
    ports: SPEC.ports,
    replaces,
  }) as const;

describe('the nodes view', () => {
  it('is a whole answer once the node has registered and holds a replica', () => {
    const story = new Story('platform');
    registerNode(story);
    story.tell('node-node_a', 'ReplicaPlaced', placement(1), SYSTEM);
    expect(nodeIn(story)).toEqual({
      id: 'node_a',
      position: '00000000000000000002',
      node_id: 'node_a',
      name: 'host-a',
      address: '10.0.0.1',
      status: 'READY',
      status_reason: null,
      architecture: 'amd64',
      engine_version: '20.10.24',
      capacity: { cpu_millis: 4_000, memory_bytes: 8_000 },
      reserved: { cpu_millis: 100, memory_bytes: 64 },
      labels: { zone: 'a' },
      volume_backends: [],
      host_paths: [],
      last_heard_at: timeOf(1),
      drained: false,
      reachable: true,
      removed: false,
      entries: [{ placement: placement(1), wanted: 'run', wantedReason: null, placedAt: 1 }],
      registered_at: timeOf(1),
      revision: 1,
    });
  });

  it('reserves the larger of a replica and the one that replaces it, until it is released', () => {
    const story = new Story('platform');
    registerNode(story);
    for (const each of [placement(1), placement(2, 'rep_1'), placement(3)]) story.tell('node-node_a', 'ReplicaPlaced', each, SYSTEM);
    expect(nodeIn(story).reserved).toEqual({ cpu_millis: 200, memory_bytes: 128 });
    story.tell('node-node_a', 'ReplicaWantedChanged', { replicaId: 'rep_3', owner, from: 'run', to: 'gone', reason: { code: 'stop', message: 'stopped' } }, SYSTEM);
    expect(nodeIn(story)).toMatchObject({ reserved: { cpu_millis: 200, memory_bytes: 128 }, entries: [{ wanted: 'run' }, { wanted: 'run' }, { wanted: 'gone' }] });
    story.tell('node-node_a', 'ReplicaReleased', { replicaId: 'rep_3', owner, reason: { code: 'gone', message: 'its container is gone' } }, SYSTEM);
    expect(nodeIn(story)).toMatchObject({ reserved: { cpu_millis: 100, memory_bytes: 64 }, revision: 5 });
  });

  it('says the worst that is known of it as its status', () => {
    const story = new Story('platform');
    registerNode(story);
    const statuses = (['NodeDrained', 'NodeUnreachable', 'NodeReachable', 'NodeActivated', 'NodeRemoved'] as const).map((type) => {
      if (type === 'NodeUnreachable') story.tell('node-node_a', type, { lastHeardAt: timeOf(40), reason: { code: 'silent', message: 'not heard for 15 s' } });
      else if (type === 'NodeRemoved') story.tell('node-node_a', type, { lost: [] });
      else story.tell('node-node_a', type, {});
      return [nodeIn(story).status, nodeIn(story).status_reason?.code ?? null];
    });
    expect(statuses).toEqual([['DRAINED', null], ['UNREACHABLE', 'silent'], ['DRAINED', null], ['READY', null], ['REMOVED', null]]);
    expect(nodeIn(story)).toMatchObject({ last_heard_at: timeOf(40), revision: 5 });
  });

  it('follows the facts of its host', () => {
    const story = new Story('platform');
    registerNode(story);
    const facts = { name: 'host-b', address: '10.0.0.9', architecture: 'arm64', engineVersion: '28.0', capacity: { cpuMillis: 1, memoryBytes: 2 }, labels: {}, backends: ['local', 'loop'], hostPaths: ['/srv'] } as const;
    story.tell('node-node_a', 'NodeFactsChanged', facts);
    expect(nodeIn(story)).toMatchObject({ name: 'host-b', address: '10.0.0.9', architecture: 'arm64', engine_version: '28.0', capacity: { cpu_millis: 1, memory_bytes: 2 }, labels: {}, volume_backends: ['local', 'loop'], host_paths: ['/srv'] });
  });

  it('has no document of a node that refused a placement without ever registering', () => {
    const story = new Story('platform');
    story.tell('node-node_a', 'PlacementRefused', { ...placement(1), reason: { code: 'unknown', message: 'never registered' } }, SYSTEM);
    expect(foldDocument(nodes, story.events, 'node_a')).toBeNull();
  });
});
