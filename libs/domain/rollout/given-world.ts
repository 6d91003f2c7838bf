import { deployment as deploymentDecider, type DeploymentCommand } from '../deployment/decide.ts';
import type { Deployment } from '../deployment/deployment.ts';
import type { DeploymentEvent } from '../deployment/events.ts';
import { dockerService, type DockerServiceCommand } from '../docker-service/decide.ts';
import type { DeploySettings } from '../docker-service/deploy-settings.ts';
import type { ExistingDockerService } from '../docker-service/docker-service.ts';
import type { DockerServiceEvent, ReplicaOrder, Step } from '../docker-service/events.ts';
import { takeOver } from '../docker-service/orders.ts';
import { fold } from '../kernel/decider.ts';
import type { DeploymentId, ReplicaId } from '../kernel/ids.ts';
import { Rejection } from '../kernel/rejection.ts';
import { T0, replicaIdOf, SETTINGS, SPEC } from './given.ts';
import { isEnded, unseen, type ObservedReplica } from './observed.ts';
import { planRollout } from './plan-rollout.ts';
import { deploymentToCarry, NOTHING_TO_DO, type RolloutPlan } from './rollout-plan.ts';

/** What becomes of a release's containers: they stay up; they are given up as soon as they run; they never come up; they fail for good some
 *  turns after they had stayed up. */
export type Fate = 'settles' | 'crashes' | 'hangs' | 'lapses';

const LAPSES_AFTER = 8;

/** A service, its deployments and its containers, moved by plans and by whatever happens to containers. For specs. */
export class RolloutWorld {
  readonly service: DockerServiceEvent[] = [];
  readonly deployments = new Map<DeploymentId, DeploymentEvent[]>();
  readonly containers = new Map<ReplicaId, ObservedReplica>();
  /** Every order ever given, in the order of being given. */
  readonly orders: ReplicaOrder[] = [];
  readonly fates = new Map<number, Fate>();
  /** Turns that a replica has been settled for. */
  private readonly settledFor = new Map<ReplicaId, number>();
  now = T0;
  private started = 1;

  constructor(replicas: number, settings: Partial<DeploySettings> = {}) {
    const deploy = { ...SETTINGS, minHealthyMs: 10, healthyDeadlineMs: 100, progressDeadlineMs: 1000, ...settings };
    const born = { dockerServiceId: 'svc_1', projectId: 'prj_1', environmentId: 'env_1', networkId: 'net_1', name: 'api', hostname: 'api.e.p.internal', kind: 'worker', replicas, deploy } as const;
    this.tell({ type: 'CreateDockerService', data: { ...born, spec: SPEC, deploymentId: 'dep_1' } });
  }

  state(): ExistingDockerService {
    const state = fold(dockerService, this.service);
    if (state.status !== 'present') throw new Error('the service was never created');
    return state;
  }

  nextDeployment(): DeploymentId {
    this.started += 1;
    return `dep_${this.started}`;
  }

  /** Deploys the next release, whose containers do so. */
  deploy(fate: Fate, settings: Partial<DeploySettings> = {}): void {
    const release = Math.max(...this.state().releases.keys()) + 1;
    this.fates.set(release, fate);
    const spec = { ...SPEC, env: { RELEASE: String(release) } };
    this.tell({ type: 'DeployDockerService', data: { deploymentId: this.nextDeployment(), spec, settings, sameSpec: 'nothing' } });
  }

  /** @returns whether the rules let it. */
  tries(command: DockerServiceCommand): boolean {
    try {
      this.tell(command);
      return true;
    } catch (error) {
      if (error instanceof Rejection) return false;
      throw error;
    }
  }

  tell(command: DockerServiceCommand): void {
    this.service.push(...dockerService.decide(fold(dockerService, this.service), command));
  }

  plan(): RolloutPlan {
    const service = this.state();
    const observed = [...this.containers.values()];
    return planRollout({ service, deployment: this.carried(service), observed, hook: null, reportedAfter: this.now, now: this.now, replicaIdOf, hookJobIdOf: (_, which) => `job_${which}` });
  }

  /** Writes all that a plan says. @returns whether there was anything. */
  apply(plan: RolloutPlan): boolean {
    const at = new Date(this.now).toISOString();
    if (plan.openDeployment) this.tellDeployment({ type: 'OpenDeployment', data: plan.openDeployment });
    if (plan.beginStage) this.tellDeployment({ type: 'BeginDeploymentStage', data: plan.beginStage });
    if (plan.endStage) this.tellDeployment({ type: 'EndDeploymentStage', data: plan.endStage });
    for (const data of plan.failures) this.tellDeployment({ type: 'RecordReplicaFailure', data });
    if (plan.progress) this.tellDeployment({ type: 'RecordDeploymentProgress', data: plan.progress });
    if (plan.step) this.take(plan.step);
    if (plan.close) this.tellDeployment({ type: 'CloseDeployment', data: { ...plan.close, at } });
    if (plan.endDeployment) this.tell({ type: 'EndDeployment', data: plan.endDeployment });
    if (plan.finishDeletion) this.tell({ type: 'ConfirmDockerServiceDeleted', data: {} });
    return JSON.stringify({ ...plan, wakeInMs: null }) !== JSON.stringify(NOTHING_TO_DO);
  }

  /** Containers do as they are told; each call is one turn of theirs. */
  behave(): void {
    this.now += 1;
    const before = new Map(this.containers);
    for (const [replicaId, seen] of before) this.containers.set(replicaId, this.next(seen, before));
  }

  meddle(pick: number, change: Partial<ObservedReplica>): void {
    const alive = [...this.containers.values()].filter((seen) => !isEnded(seen));
    const target = alive[pick % Math.max(alive.length, 1)];
    if (target) this.containers.set(target.order.replicaId, { ...target, ...change });
  }

  /** Every node is heard from again. */
  hearAll(): void {
    for (const [id, seen] of this.containers) this.containers.set(id, { ...seen, nodeUnreachable: false });
  }

  /** Containers that are up and not told to stop. */
  available(): number {
    return [...this.containers.values()].filter((seen) => isUp(seen) && !this.isStopped(seen.order.replicaId)).length;
  }

  /** Containers that run, those that are on their way out too. */
  running(): ObservedReplica[] {
    return [...this.containers.values()].filter((seen) => isUp(seen) || seen.state === 'STARTING');
  }

  /** Containers of a slot that live and aren't told to stop. */
  staying(slot: number): ObservedReplica[] {
    return [...this.containers.values()].filter((seen) => seen.order.slot === slot && !isEnded(seen) && !this.isStopped(seen.order.replicaId));
  }

  isStopped(replicaId: ReplicaId): boolean {
    const service = this.state();
    const carried = this.carried(service);
    const orders = carried.status === 'opened' ? takeOver(service.orders, carried.handOver) : service.orders;
    const order = orders.replicas.get(replicaId);
    return order ? order.stopped !== null : true;
  }

  private carried(service: ExistingDockerService): Deployment {
    const active = deploymentToCarry(service);
    return fold(deploymentDecider, (active && this.deployments.get(active.deploymentId)) ?? []);
  }

  private tellDeployment(command: DeploymentCommand): void {
    const { deploymentId } = deploymentToCarry(this.state())!;
    const events = this.deployments.get(deploymentId) ?? [];
    this.deployments.set(deploymentId, [...events, ...deploymentDecider.decide(fold(deploymentDecider, events), command)]);
  }

  private take(step: Step): void {
    if (deploymentToCarry(this.state())) this.tellDeployment({ type: 'TakeDeploymentStep', data: step });
    else this.tell({ type: 'TakeServiceStep', data: step });
    for (const order of step.creates) {
      this.orders.push(order);
      this.containers.set(order.replicaId, unseen(order));
    }
  }

  private next(seen: ObservedReplica, before: ReadonlyMap<ReplicaId, ObservedReplica>): ObservedReplica {
    const { order } = seen;
    if (seen.gone) return { ...seen, released: true };
    if (seen.abandoned || seen.nodeUnreachable) return seen;
    if (this.isStopped(order.replicaId)) return seen.exists ? { ...seen, ...GONE } : { ...seen, exists: true, abandoned: true };
    if (seen.final) return seen;
    if (!seen.exists) return { ...seen, exists: true, nodeId: 'node_1' };
    if (this.state().paused === 'held') return seen.state === 'PENDING' ? seen : { ...seen, state: 'STOPPED', settled: false };
    if (seen.state === 'STOPPED') return { ...seen, state: 'STARTING', run: seen.run + 1 };
    const replaced = order.replaces && before.get(order.replaces);
    if (replaced && !isEnded(replaced)) return { ...seen, state: 'PREPARED' };
    return this.live(seen);
  }

  private live(seen: ObservedReplica): ObservedReplica {
    const fate = this.fates.get(seen.order.release) ?? 'settles';
    if (seen.state === 'PENDING' || seen.state === 'PREPARED') return { ...seen, state: 'STARTING', run: seen.run + 1 };
    if (seen.state === 'STARTING') return fate === 'hangs' ? seen : fate === 'crashes' ? { ...seen, ...FAILED } : { ...seen, state: 'RUNNING' };
    const turns = (this.settledFor.get(seen.order.replicaId) ?? 0) + 1;
    this.settledFor.set(seen.order.replicaId, turns);
    return fate === 'lapses' && turns > LAPSES_AFTER ? { ...seen, ...FAILED } : { ...seen, state: 'SETTLED', settled: true, everSettled: true };
  }
}

const isUp = ({ state }: ObservedReplica): boolean => state === 'RUNNING' || state === 'SETTLED';

const crash = { code: 'exited', message: 'exit code 1' };
/** The engine's word, and the agent's. */
export const GONE = { exists: true, state: 'GONE', final: true, settled: false, gone: true } as const;
export const FAILED = { exists: true, state: 'FAILED', final: true, settled: false, everFailed: true, failure: crash, reason: crash } as const;
