import { fold, node, type NodeEvent, type Placement, type ReplicaId, ALWAYS, DEFAULT_TARGETS } from '#domain';
import { type AssignmentSource, buildSet } from './build-set.ts';

const placement: Placement = {
  replicaId: 'rep_1',
  owner: { type: 'docker_service', id: 'svc_api' },
  projectId: 'prj_shop',
  environmentId: 'env_production',
  slot: 1,
  generation: 2,
  attempt: 1,
  release: 3,
  request: { cpuMillis: 100, memoryBytes: 1 },
  ports: [],
  replaces: null,
};
const history: NodeEvent[] = [
  {
    type: 'NodeRegistered',
    data: { nodeId: 'node_a', name: 'a', address: '10.0.0.1', architecture: 'amd64', engineVersion: '24', capacity: { cpuMillis: 1_000, memoryBytes: 10 }, labels: {}, publicKey: 'U' },
  },
  { type: 'ReplicaPlaced', data: placement },
];
const source: AssignmentSource = {
  spec: {
    image: 'docker.io/library/api:1',
    pullPolicy: 'missing',
    command: null,
    args: null,
    env: {},
    ports: [],
    plan: null,
    resources: { request: placement.request, limit: placement.request },
    labels: {},
    constraints: [],
    restartPolicy: ALWAYS,
    healthcheck: null, ...DEFAULT_TARGETS,
  },
  networks: [{ networkId: 'net_1', name: 'default', subnet: '10.192.0.0/24', aliases: ['api'] }],
  minHealthyMs: 10_000,
  healthyDeadlineMs: 300_000,
  timeoutMs: null,
  last: null,
};
const build = (sources: ReadonlyMap<ReplicaId, AssignmentSource>, events = history) =>
  buildSet({ storeId: 'store', nodeId: 'node_a', node: fold(node, events), head: { revision: '1', eventId: 'event 1' }, base: null, adoption: null, sources });

describe('a set', () => {
  it('has an entry for all that the node holds, with what its owner froze', () => {
    const { request: _request, ports: _ports, attempt: _attempt, ...named } = placement;
    expect(build(new Map([['rep_1', source]])).entries).toEqual([{ ...named, ...source, wanted: 'run', graceMs: 10_000 }]);
  });

  it('says what is wanted, and the last run that the log knows', () => {
    const stopped: NodeEvent = { type: 'ReplicaWantedChanged', data: { replicaId: 'rep_1', owner: placement.owner, from: 'run', to: 'gone', reason: { code: 'scaled', message: 'scaled to 0' } } };
    const last = { replicaId: 'rep_1', run: 4, state: 'RUNNING', final: false, containerId: 'c', address: null, imageId: null, exitCode: null, oomKilled: false, health: 'unknown', reason: null, at: '' } as const;
    const [entry] = build(new Map([['rep_1', { ...source, last }]]), [...history, stopped]).entries;
    expect(entry).toMatchObject({ wanted: 'gone', last: { run: 4, state: 'RUNNING', final: false } });
  });

  it('says how the last run was, too, and since when: whoever lost its folder would take what has a check for something that has none', () => {
    const last = { replicaId: 'rep_1', run: 1, state: 'RUNNING', final: false, containerId: 'c', address: null, imageId: null, exitCode: null, oomKilled: false, health: 'starting', reason: null, at: '2026-01-01T00:00:07.000Z' } as const;
    const [entry] = build(new Map([['rep_1', { ...source, last }]])).entries;
    expect(entry!.last).toEqual({ run: 1, state: 'RUNNING', final: false, health: 'starting', at: '2026-01-01T00:00:07.000Z' });
  });

  it('is not built without what one of its entries needs: an agent would take the lacking one for unwanted', () => {
    expect(() => build(new Map())).toThrow('nothing is known of rep_1');
  });
});
