import fc from 'fast-check';
import { deployment as deploymentRules } from '../deployment/decide.ts';
import { dockerService, type DockerServiceCommand } from '../docker-service/decide.ts';
import type { ContainerSpec, DockerServiceEvent } from '../docker-service/events.ts';
import { fold } from '../kernel/decider.ts';
import type { NodeId } from '../kernel/ids.ts';
import { node as nodeRules } from '../node/decide.ts';
import type { NodeEvent, Placement } from '../node/events.ts';
import { created, deploying, replicaIdOf, settled, SPEC, stable, T0 } from '../rollout/given.ts';
import type { ObservedReplica } from '../rollout/observed.ts';
import type { NodeForPlacement } from '../scheduling/candidate.ts';
import { foresee, type Foreseen } from './foresee.ts';
import type { House } from './foreseen-house.ts';

const SIZE = SPEC.resources.request;

/** A node with room for so many replicas, that holds those of `api` in these slots. */
function host(number: number, room: number, slots: readonly number[] = [], more: readonly NodeEvent[] = []): NodeForPlacement {
  const nodeId: NodeId = `node_${number}`;
  const capacity = { cpuMillis: room * SIZE.cpuMillis, memoryBytes: room * SIZE.memoryBytes };
  const facts = { name: `host-${number}`, address: '10.0.0.1', architecture: 'amd64', engineVersion: '20.10', capacity, labels: {}, backends: ['local'] } as const;
  const placed = slots.map((slot): NodeEvent => ({ type: 'ReplicaPlaced', data: placement(slot) }));
  return { nodeId, node: fold(nodeRules, [{ type: 'NodeRegistered', data: { ...facts, nodeId, publicKey: 'U' } }, ...placed, ...more]) };
}

const placement = (slot: number): Placement => ({
  replicaId: replicaIdOf(slot, 1), owner: { type: 'docker_service', id: 'svc_1' }, projectId: 'prj_1', environmentId: 'env_1', slot, generation: 1, attempt: 1, release: 1, request: SIZE, ports: [], replaces: null,
});

interface Told {
  readonly service: readonly DockerServiceEvent[];
  readonly observed?: readonly ObservedReplica[];
  readonly house?: Partial<House>;
  /** What is asked of it. */
  readonly asked?: DockerServiceCommand;
}

function foreseen({ service: events, observed = [], house = {}, asked }: Told): Foreseen {
  const before = fold(dockerService, events);
  const service = asked ? dockerService.decide(before, asked).reduce(dockerService.evolve, before) : before;
  if (service.status !== 'present') throw new Error('no service in this history');
  const rest = { deployment: deploymentRules.initial, hook: null, now: T0, replicaIdOf, hookJobIdOf: (_: string, which: string) => `job_${which}` as const };
  return foresee({ service, observed, house: { nodes: [], images: new Map(), volumes: new Map(), ...house }, ...rest });
}

const on = (slot: number, nodeId: NodeId): ObservedReplica => ({ ...settled(slot), nodeId });
const whereOf = ({ placements }: Foreseen): (string | null)[] => placements.map(({ nodeName }) => nodeName);
const deploy = (spec: Partial<ContainerSpec> = { image: 'docker.io/a/b:d' }, settings = {}): DockerServiceCommand => ({ type: 'DeployDockerService', data: { deploymentId: 'dep_9', spec: { ...SPEC, ...spec }, settings, sameSpec: 'nothing' } });

describe('what is foreseen of a service', () => {
  it('is, of a new one, a node for each of its slots, spread over them', () => {
    const { placements, isWhole } = foreseen({ service: created(3), house: { nodes: [host(1, 4), host(2, 4)] } });
    expect(isWhole).toBe(true);
    expect(placements).toMatchObject([
      { slot: 1, generation: 1, release: 1, replicaId: null, nodeName: 'host-1', reason: { code: 'best_score' } },
      { slot: 2, nodeName: 'host-2' },
      { slot: 3, nodeName: 'host-1', nodes: [] },
    ]);
  });

  it('is, where no node has room, which slot would wait, with what each node lacks', () => {
    const { placements } = foreseen({ service: stable(1), observed: [on(1, 'node_1')], house: { nodes: [host(1, 2, [1]), host(2, 0)] }, asked: { type: 'ScaleDockerService', data: { replicas: 3 } } });
    expect(placements).toMatchObject([
      { slot: 1, replicaId: 'rep_1_1', nodeName: 'host-1', reason: null },
      { slot: 2, replicaId: null, nodeName: 'host-1' },
      { slot: 3, replicaId: null, nodeId: null, reason: { code: 'capacity' }, nodes: [{ name: 'host-1', fits: false, reasons: [{ filter: 'capacity' }] }, { name: 'host-2', fits: false }] },
    ]);
  });

  it('is, of a deployment, where every new replica would be in the end, weighed while the old ones are there', () => {
    const service = stable(2, { maxSurge: 1, maxUnavailable: 0 });
    const { placements } = foreseen({ service, observed: [on(1, 'node_1'), on(2, 'node_2')], house: { nodes: [host(1, 2, [1]), host(2, 2, [2])] }, asked: deploy() });
    expect(placements).toMatchObject([{ slot: 1, generation: 2, release: 2, replicaId: null }, { slot: 2, generation: 2, release: 2, replicaId: null }]);
    expect(placements.map(({ nodeName }) => nodeName)).toEqual(['host-1', 'host-1']);
  });

  it('is, without room for both, that the new one takes the place of the old one on its node', () => {
    const service = stable(1, { maxSurge: 0, maxUnavailable: 1 });
    expect(foreseen({ service, observed: [on(1, 'node_2')], house: { nodes: [host(1, 0), host(2, 1, [1])] }, asked: deploy() }).placements).toMatchObject([{ slot: 1, generation: 2, nodeName: 'host-2', release: 2 }]);
  });

  it('is, where a surge finds no room, that its replica waits', () => {
    const service = stable(1, { maxSurge: 1, maxUnavailable: 0 });
    const { placements } = foreseen({ service, observed: [on(1, 'node_1')], house: { nodes: [host(1, 1, [1])] }, asked: deploy() });
    expect(placements).toMatchObject([{ slot: 1, generation: 2, nodeId: null, reason: { code: 'capacity' } }]);
  });

  it('is that a deployment under way ends, and the newer one goes its way', () => {
    const { placements } = foreseen({ service: deploying(1), observed: [on(1, 'node_1')], house: { nodes: [host(1, 4, [1])] }, asked: deploy({ image: 'docker.io/a/b:e' }) });
    expect(placements).toMatchObject([{ slot: 1, release: 3, nodeName: 'host-1' }]);
  });

  it('is that all users of a volume go where it is, and the first one takes a new one with it', () => {
    const spec = { volumes: [{ type: 'volume', volumeId: 'vol_1', name: 'data', mountPath: '/data', readOnly: false }] } as const;
    const at = (nodeId: NodeId | null) => ({ nodes: [host(1, 4), host(2, 4)], volumes: new Map([['vol_1' as const, { name: 'data', backend: 'local' as const, nodeId }]]) });
    expect(whereOf(foreseen({ service: created(2, {}, spec), house: at(null) }))).toEqual(['host-1', 'host-1']);
    expect(whereOf(foreseen({ service: created(2, {}, spec), house: at('node_2') }))).toEqual(['host-2', 'host-2']);
  });

  it('tells of a hook that no node takes', () => {
    const hook = { timeoutMs: 1_000, retries: 0, overrides: { constraints: ['node.name==nowhere'] } };
    const { hooks } = foreseen({ service: created(1, { preDeploy: hook }), house: { nodes: [host(1, 4)] } });
    expect(hooks).toMatchObject([{ name: 'api-pre-deploy', reason: { code: 'constraint' } }]);
  });

  it('says that no slot is wanted of one that is stopped or goes', () => {
    const asked = { type: 'StopDockerService', data: {} } as const;
    expect(foreseen({ service: stable(2), observed: [on(1, 'node_1'), on(2, 'node_1')], house: { nodes: [host(1, 4, [1, 2])] }, asked }).placements).toEqual([]);
  });

  it('says where it was not followed to its end', () => {
    const slots = Array.from({ length: 300 }, (_, index) => index + 1);
    const service = stable(300, { maxSurge: 1, maxUnavailable: 0 });
    const told = { service, observed: slots.map((slot) => on(slot, 'node_1')), house: { nodes: [host(1, 400, slots)] } };
    expect(foreseen({ ...told, asked: deploy() }).isWhole).toBe(false);
    const { isWhole, placements } = foreseen({ ...told, asked: deploy(undefined, { maxSurge: '25%' }) });
    expect([isWhole, new Set(placements.map(({ release }) => release))]).toEqual([true, new Set([2])]);
  });

  it('never overfills a node, tells of every slot once, and is the same each time', () =>
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 4 }), fc.integer({ min: 0, max: 3 }), (replicas, rooms, surge) => {
        const told = { service: created(replicas, { maxSurge: surge, maxUnavailable: 1 }), house: { nodes: rooms.map((room, index) => host(index + 1, room)) } };
        const result = foreseen(told);
        expect(foreseen(told)).toEqual(result);
        expect(result.placements.map(({ slot }) => slot)).toEqual(Array.from({ length: replicas }, (_, index) => index + 1));
        rooms.forEach((room, index) => expect(result.placements.filter(({ nodeName }) => nodeName === `host-${index + 1}`).length).toBeLessThanOrEqual(room));
        const placed = result.placements.filter(({ nodeId }) => nodeId !== null).length;
        expect(placed).toBe(Math.min(replicas, rooms.reduce((sum, room) => sum + room, 0)));
      }),
      { numRuns: 100 },
    ));
});
