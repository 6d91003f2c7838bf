import { DEFAULT_DEPLOY_SETTINGS } from '../docker-service/deploy-settings.ts';
import { ALWAYS } from '../docker-service/restart-policy.ts';
import { DEFAULT_TARGETS } from '../docker-service/targets.ts';
import fc from 'fast-check';
import { deployment as deploymentDecider, type DeploymentCommand } from '../deployment/decide.ts';
import type { DeploymentEvent } from '../deployment/events.ts';
import { dockerService, type DockerServiceCommand } from '../docker-service/decide.ts';
import type { ContainerSpec, DockerServiceEvent, ReplicaOrder, Step } from '../docker-service/events.ts';
import { fold } from '../kernel/decider.ts';
import type { ReplicaId } from '../kernel/ids.ts';
import { unseen, type ObservedReplica } from './observed.ts';
import { planRollout } from './plan-rollout.ts';
import { NOTHING_TO_DO, type RolloutPlan } from './rollout-plan.ts';

const amount = { cpuMillis: 250, memoryBytes: 268_435_456 };
const spec: ContainerSpec = { image: 'docker.io/a/b:c', pullPolicy: 'missing', command: null, args: null, env: {}, ports: [], plan: null, resources: { request: amount, limit: amount }, labels: {}, constraints: [], restartPolicy: ALWAYS, healthcheck: null, ...DEFAULT_TARGETS };
const replicaIdOf = (slot: number, generation: number): ReplicaId => `rep_${slot}_${generation}`;

/** A service, its deployment and its containers, moved by plans and by whatever happens to containers. */
class World {
  readonly service: DockerServiceEvent[] = [];
  readonly deployment: DeploymentEvent[] = [];
  readonly containers = new Map<ReplicaId, ObservedReplica>();
  /** Every order ever given, in the order of being given. */
  readonly orders: ReplicaOrder[] = [];
  now = 0;

  constructor(replicas: number, maxFailures: number) {
    const deploy = { ...DEFAULT_DEPLOY_SETTINGS, minHealthyMs: 10, healthyDeadlineMs: 100, progressDeadlineMs: 1000, maxFailures };
    const born = { dockerServiceId: 'svc_1', projectId: 'prj_1', environmentId: 'env_1', networkId: 'net_1', name: 'api', hostname: 'api.e.p.internal', kind: 'worker', replicas, deploy } as const;
    this.tell({ type: 'CreateDockerService', data: { ...born, spec, deploymentId: 'dep_1' } });
  }

  state() {
    const state = fold(dockerService, this.service);
    if (state.status !== 'present') throw new Error('the service was never created');
    return state;
  }

  plan(): RolloutPlan {
    const observed = [...this.containers.values()];
    return planRollout({ service: this.state(), deployment: fold(deploymentDecider, this.deployment), observed, observationsFresh: true, now: this.now, replicaIdOf });
  }

  tell(command: DockerServiceCommand): void {
    this.service.push(...dockerService.decide(fold(dockerService, this.service), command));
  }

  tellDeployment(command: DeploymentCommand): void {
    this.deployment.push(...deploymentDecider.decide(fold(deploymentDecider, this.deployment), command));
  }

  /** Writes all that a plan says. @returns whether there was anything. */
  apply(plan: RolloutPlan): boolean {
    if (plan.openDeployment) this.tellDeployment({ type: 'OpenDeployment', data: plan.openDeployment });
    for (const data of plan.failures) this.tellDeployment({ type: 'RecordReplicaFailure', data });
    if (plan.progress) this.tellDeployment({ type: 'RecordDeploymentProgress', data: plan.progress });
    if (plan.step) this.take(plan.step);
    if (plan.close) this.tellDeployment({ type: 'CloseDeployment', data: plan.close });
    if (plan.endDeployment) this.tell({ type: 'EndDeployment', data: plan.endDeployment });
    if (plan.finishDeletion) this.tell({ type: 'ConfirmDockerServiceDeleted', data: {} });
    return JSON.stringify({ ...plan, wakeInMs: null }) !== JSON.stringify(NOTHING_TO_DO);
  }

  /** Containers do as they are told; each call is one turn of theirs. */
  behave(): void {
    this.now += 1;
    for (const [replicaId, seen] of this.containers) this.containers.set(replicaId, next(seen, this.isStopped(replicaId)));
  }

  meddle(pick: number, change: Partial<ObservedReplica>): void {
    const alive = [...this.containers.values()].filter(({ gone, abandoned }) => !gone && !abandoned);
    const target = alive[pick % Math.max(alive.length, 1)];
    if (target) this.containers.set(target.order.replicaId, { ...target, ...change });
  }

  private take(step: Step): void {
    if (this.state().activeDeployment) this.tellDeployment({ type: 'TakeDeploymentStep', data: step });
    else this.tell({ type: 'TakeServiceStep', data: step });
    for (const order of step.creates) {
      this.orders.push(order);
      this.containers.set(order.replicaId, unseen(order));
    }
  }

  private isStopped(replicaId: ReplicaId): boolean {
    const deployment = fold(deploymentDecider, this.deployment);
    const orders = [this.state().orders, ...(deployment.status === 'opened' ? [deployment.orders] : [])];
    return orders.some(({ replicas }) => replicas.get(replicaId)?.stopped);
  }
}

function next(seen: ObservedReplica, stopped: boolean): ObservedReplica {
  if (seen.gone) return { ...seen, released: true };
  if (seen.abandoned || seen.nodeUnreachable) return seen;
  if (stopped) return seen.exists ? { ...seen, state: 'GONE', final: true, settled: false, gone: true } : { ...seen, exists: true, abandoned: true };
  if (seen.final) return seen;
  if (!seen.exists) return { ...seen, exists: true };
  return seen.state === 'RUNNING' ? { ...seen, state: 'SETTLED', settled: true } : seen.state === 'SETTLED' ? seen : { ...seen, state: 'RUNNING', run: seen.run + 1 };
}

const happening = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ type: 'plan' } as const) },
  { weight: 4, arbitrary: fc.constant({ type: 'turn' } as const) },
  fc.record({ type: fc.constant('scale' as const), to: fc.integer({ min: 0, max: 5 }) }),
  fc.record({ type: fc.constant('lose' as const), pick: fc.nat(9) }),
  fc.record({ type: fc.constant('fail' as const), pick: fc.nat(9) }),
  fc.record({ type: fc.constant('silence' as const), pick: fc.nat(9) }),
  fc.constant({ type: 'hear' } as const),
  fc.record({ type: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 1500 }) }),
  { weight: 1, arbitrary: fc.constant({ type: 'delete' } as const) },
);
type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never;
const stories = fc.record({ replicas: fc.integer({ min: 0, max: 4 }), maxFailures: fc.integer({ min: 0, max: 2 }), happenings: fc.array(happening, { maxLength: 60 }) });

function happen(world: World, it: Happening): void {
  if (it.type === 'plan') world.apply(world.plan());
  if (it.type === 'turn') world.behave();
  if (it.type === 'wait') world.now += it.ms;
  if (it.type === 'scale' && world.state().lifecycle === 'ACTIVE') world.tell({ type: 'ScaleDockerService', data: { replicas: it.to } });
  if (it.type === 'delete') world.tell({ type: 'RequestDockerServiceDeletion', data: {} });
  if (it.type === 'lose') world.meddle(it.pick, { exists: true, state: 'GONE', final: true, settled: false, gone: true });
  if (it.type === 'fail') world.meddle(it.pick, { exists: true, state: 'FAILED', final: true, settled: false, everFailed: true });
  if (it.type === 'silence') world.meddle(it.pick, { nodeUnreachable: true });
  if (it.type === 'hear') hearAll(world);
}

function hearAll(world: World): void {
  for (const [id, seen] of world.containers) world.containers.set(id, { ...seen, nodeUnreachable: false });
}

/** From here on every container does as it is told. @returns how many turns it took until nothing was to be done. */
function comeToRest(world: World): number {
  hearAll(world);
  let quiet = 0;
  let turns = 0;
  for (; quiet < 4 && turns < 200; turns += 1) {
    world.behave();
    quiet = world.apply(world.plan()) ? 0 : quiet + 1;
  }
  return turns;
}

function told({ replicas, maxFailures, happenings }: { replicas: number; maxFailures: number; happenings: readonly Happening[] }): World {
  const world = new World(replicas, maxFailures);
  for (const it of happenings) happen(world, it);
  return world;
}

describe('whatever happens', () => {
  it('no slot is given a generation twice, and generations only grow', () =>
    fc.assert(
      fc.property(stories, (story) => {
        const world = told(story);
        comeToRest(world);
        const highest = new Map<number, number>();
        for (const { slot, generation } of world.orders) {
          expect(generation).toBe((highest.get(slot) ?? 0) + 1);
          highest.set(slot, generation);
        }
      }),
    ));

  it('it comes to rest, and then holds just what is wanted, unless it is halted or a replica was given up', () =>
    fc.assert(
      fc.property(stories, (story) => {
        const world = told(story);
        expect(comeToRest(world)).toBeLessThan(200);
        const { lifecycle, replicas, halted, activeDeployment, orders } = world.state();
        expect(activeDeployment).toBeNull();
        expect(lifecycle).not.toBe('DELETING');
        const wanted = lifecycle === 'ACTIVE' && !halted ? replicas : 0;
        const slots = [...orders.replicas.values()].map(({ slot }) => slot).sort((a, b) => a - b);
        expect(slots).toEqual(Array.from({ length: wanted }, (_, index) => index + 1));
        for (const { replicaId, stopped } of orders.replicas.values()) {
          expect(stopped).toBeNull();
          const { state, final } = world.containers.get(replicaId) ?? {};
          expect(state === 'SETTLED' || (state === 'FAILED' && final)).toBe(true);
        }
      }),
    ));

  it('a halted or deleted service orders nothing, and stops but never revives', () =>
    fc.assert(
      fc.property(stories, fc.array(happening, { maxLength: 30 }), (story, later) => {
        const world = told(story);
        comeToRest(world);
        const { halted, lifecycle } = world.state();
        fc.pre(halted !== null || lifecycle === 'DELETED');
        const before = world.orders.length;
        for (const it of later) happen(world, it);
        comeToRest(world);
        expect(world.orders.length).toBe(before);
      }),
    ));

  it('a plan that stands is not planned again', () =>
    fc.assert(
      fc.property(stories, (story) => {
        const world = told(story);
        const first = world.plan();
        world.apply(first);
        const { step, progress, failures, close, openDeployment, endDeployment } = world.plan();
        if (first.step) expect(step).toBeNull();
        if (first.progress) expect(progress).toBeNull();
        if (first.failures.length) expect(failures).toEqual([]);
        if (first.close) expect(close).toBeNull();
        if (first.openDeployment) expect(openDeployment).toBeNull();
        if (first.endDeployment) expect(endDeployment).toBeNull();
      }),
    ));

  it('a world at rest has an empty plan', () =>
    fc.assert(
      fc.property(stories, (story) => {
        const world = told(story);
        comeToRest(world);
        expect(world.plan()).toEqual(NOTHING_TO_DO);
      }),
    ));

  it('a deployment ends, even when nothing of it is ever heard', () =>
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), (replicas) => {
        const world = new World(replicas, 0);
        for (let turn = 0; turn < 6; turn += 1) {
          const plan = world.plan();
          world.apply(plan);
          world.now += plan.wakeInMs ?? 0;
        }
        expect(world.state()).toMatchObject({ activeDeployment: null, halted: { code: 'progress_deadline' } });
      }),
    ));
});
