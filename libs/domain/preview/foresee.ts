import { deployment as deploymentRules, type DeploymentCommand } from '../deployment/decide.ts';
import type { Deployment } from '../deployment/deployment.ts';
import { dockerService as serviceRules, type DockerServiceCommand } from '../docker-service/decide.ts';
import type { ExistingDockerService } from '../docker-service/docker-service.ts';
import { takeOver, type Ordered } from '../docker-service/orders.ts';
import type { Job, JobDefinition } from '../job/job.ts';
import type { Decider } from '../kernel/decider.ts';
import type { DeploymentId, NodeId, ReplicaId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';
import { Rejection } from '../kernel/rejection.ts';
import { isEnded, unseen, type ObservedReplica } from '../rollout/observed.ts';
import { planRollout } from '../rollout/plan-rollout.ts';
import { deploymentToCarry, type RolloutInput, type RolloutPlan } from '../rollout/rollout-plan.ts';
import type { PlacementDecision } from '../scheduling/place.ts';
import type { NodeVerdict } from '../scheduling/verdict.ts';
import { ForeseenHouse, type House } from './foreseen-house.ts';

/** A service with the change in it that is to be foreseen, and everything else as it is at present. */
export interface ForeseeInput extends Omit<RolloutInput, 'reportedAfter'> {
  readonly house: House;
}

/** Where the replica of a slot would be in the end. */
export interface ForeseenPlacement {
  readonly slot: number;
  readonly generation: number | null;
  readonly release: number | null;
  /** One that is there already; null for one that has yet to be ordered, or where the slot would be left empty. */
  readonly replicaId: ReplicaId | null;
  readonly nodeId: NodeId | null;
  readonly nodeName: string | null;
  /** Why there, or why nowhere; null for one that stays where it is. */
  readonly reason: Reason | null;
  /** What every node would be for it, where it has none. */
  readonly nodes: readonly NodeVerdict[];
}

export interface Foreseen {
  /** One for each wanted slot, by slot. */
  readonly placements: readonly ForeseenPlacement[];
  /** Hooks that no node would take now, and why. */
  readonly hooks: readonly { readonly name: string; readonly reason: Reason }[];
  /** It was followed until nothing was left to do; else the later slots are told of as they stand half-way. */
  readonly isWhole: boolean;
}

/** What would come of a service if every container did well: planned, decided and placed by the same rules as the real one, turn by turn, until
 *  nothing is left to do. What stands on other streams (the room of nodes, volumes) is as it was given, so somebody else may be faster. */
export function foresee(input: ForeseeInput): Foreseen {
  const foresight = new Foresight(input);
  const isWhole = foresight.run();
  return { ...foresight.result(), isWhole };
}

/** Each turn stops, starts or settles all that it may. A roll that goes one by one through hundreds of replicas isn't followed to its end: a turn looks
 *  at all of them, and whoever asks waits for it. */
const turnsFor = (replicas: number): number => Math.min(2_000, Math.max(200, Math.floor(200_000 / Math.max(1, replicas))));

class Foresight {
  private service: ExistingDockerService;
  private readonly deployments = new Map<DeploymentId, Deployment>();
  private hook: Job | null;
  private readonly seen: Map<ReplicaId, ObservedReplica>;
  private readonly before: ReadonlySet<ReplicaId>;
  private readonly decisions = new Map<ReplicaId, PlacementDecision>();
  private readonly hooks: { name: string; reason: Reason }[] = [];
  private readonly house: ForeseenHouse;

  constructor(private readonly input: ForeseeInput) {
    this.service = input.service;
    this.hook = input.hook;
    this.house = new ForeseenHouse(input.house);
    this.seen = new Map(input.observed.map((each) => [each.order.replicaId, each]));
    this.before = new Set(this.seen.keys());
    if (input.deployment?.status === 'opened') this.deployments.set(input.deployment.deploymentId, input.deployment);
  }

  /** @returns whether nothing is left to do */
  run(): boolean {
    for (let turn = turnsFor(this.service.replicas); turn > 0; turn -= 1) {
      const planned = this.write(this.plan());
      if (!planned && !this.carryOut()) return true;
    }
    return false;
  }

  result(): Omit<Foreseen, 'isWhole'> {
    const wanted = this.service.lifecycle === 'DELETING' || this.service.paused === 'removed' ? 0 : this.service.replicas;
    return { placements: Array.from({ length: wanted }, (_, index) => this.placementIn(index + 1)), hooks: this.hooks };
  }

  private plan(): RolloutPlan {
    const { now, replicaIdOf, hookJobIdOf } = this.input;
    return planRollout({ service: this.service, deployment: this.carried(), observed: [...this.seen.values()], hook: this.hook, reportedAfter: null, now, replicaIdOf, hookJobIdOf });
  }

  private carried(): Deployment | null {
    const active = deploymentToCarry(this.service);
    return active && (this.deployments.get(active.deploymentId) ?? null);
  }

  /** As the scheduler writes a plan. @returns whether anything came of it */
  private write(plan: RolloutPlan): boolean {
    const active = deploymentToCarry(this.service);
    const command = active && deploymentCommandOf(plan, new Date(this.input.now).toISOString());
    if (command) return this.toDeployment(active.deploymentId, command);
    for (const data of plan.failures) if (!active || !this.toDeployment(active.deploymentId, { type: 'RecordReplicaFailure', data })) return false;
    if (plan.failures.length > 0) return true;
    if (plan.startHook) return this.endHook(plan.startHook, 'SUCCEEDED');
    if (plan.cancelHook) return this.endHook(plan.cancelHook.definition, 'CANCELLED');
    if (plan.pin) return this.toService({ type: 'PinReleaseImage', data: plan.pin });
    if (plan.endDeployment) return this.toService({ type: 'EndDeployment', data: plan.endDeployment });
    return plan.step !== null && this.toService({ type: 'TakeServiceStep', data: plan.step });
  }

  /** It would do well, if it found a node. */
  private endHook(definition: JobDefinition, outcome: 'SUCCEEDED' | 'CANCELLED'): boolean {
    if (this.hook?.status === 'ended' && this.hook.definition.jobId === definition.jobId) return false;
    this.hook = { status: 'ended', definition, current: null, outcome, exitCode: 0, oomKilled: false, reason: { code: 'foreseen', message: 'it would do well' } };
    const { spec: { resources: { request }, ports, constraints, volumes }, jobId, projectId, environmentId, name } = definition;
    const job = { replicaId: 'rep_', owner: { type: 'job', id: jobId }, projectId, environmentId, slot: 0, generation: 1, release: null, request, ports, constraints, replaces: null, volumes } as const;
    const { nodeId, reason } = this.house.weigh({ ...job, volumeNeeds: this.house.needs(volumes) });
    if (nodeId === null && outcome === 'SUCCEEDED') this.hooks.push({ name, reason });
    return true;
  }

  private toDeployment(id: DeploymentId, command: DeploymentCommand): boolean {
    const next = decided(deploymentRules, this.deployments.get(id) ?? deploymentRules.initial, command);
    if (next) this.deployments.set(id, next);
    return next !== null;
  }

  private toService(command: DockerServiceCommand): boolean {
    const next = decided(serviceRules, this.service, command);
    if (next?.status === 'present') this.service = next;
    return next !== null;
  }

  /** What stands ordered: who goes makes way first, then who waits is placed, then what is placed comes up, and what goes is gone.
   *  @returns whether anything moved */
  private carryOut(): boolean {
    const orders = this.orders();
    const going = orders.filter((order) => order.stopped && !isEnded(this.of(order)));
    for (const { replicaId } of going) this.leaves(replicaId);
    const placed = orders.filter((order) => this.finds(order));
    const risen = orders.filter((order) => this.rises(order));
    for (const order of going) this.ends(order);
    return going.length + placed.length + risen.length > 0;
  }

  private orders(): readonly Ordered[] {
    const deployment = this.carried();
    const orders = deployment?.status === 'opened' ? takeOver(this.service.orders, deployment.handOver) : this.service.orders;
    return [...orders.replicas.values()].sort((a, b) => a.slot - b.slot || a.generation - b.generation);
  }

  private of(order: Ordered): ObservedReplica {
    const { stopped: _, ...plain } = order;
    return this.seen.get(order.replicaId) ?? unseen(plain);
  }

  private leaves(replicaId: ReplicaId): void {
    const nodeId = this.seen.get(replicaId)?.nodeId;
    if (nodeId) this.house.leave(nodeId, replicaId);
  }

  private finds(order: Ordered): boolean {
    const seen = this.of(order);
    const spec = this.service.releases.get(order.release);
    if (order.stopped || seen.nodeId !== null || isEnded(seen) || !spec) return false;
    const decision = this.house.place({ service: this.service, order, spec });
    this.decisions.set(order.replicaId, decision);
    this.seen.set(order.replicaId, { ...seen, exists: true, nodeId: decision.nodeId });
    return decision.nodeId !== null;
  }

  /** Whoever waits for another's end is prepared until then; what is given up, or isn't heard from, stays as it is. */
  private rises(order: Ordered): boolean {
    const seen = this.of(order);
    if (order.stopped || seen.nodeId === null || seen.nodeUnreachable || seen.final || isEnded(seen) || this.service.paused) return false;
    const replaced = order.replaces === undefined ? undefined : this.seen.get(order.replaces);
    const state = replaced && !isEnded(replaced) ? 'PREPARED' : 'SETTLED';
    const health = state === 'SETTLED' && this.service.releases.get(order.release)?.healthcheck ? 'healthy' : 'unknown';
    if (seen.state === state && seen.health === health) return false;
    this.seen.set(order.replicaId, { ...seen, run: Math.max(1, seen.run), state, health, settled: state === 'SETTLED', everSettled: seen.everSettled || state === 'SETTLED' });
    return true;
  }

  private ends(order: Ordered): void {
    const seen = this.of(order);
    if (seen.nodeId) this.house.release(seen.nodeId, order.replicaId);
    this.seen.set(order.replicaId, { ...seen, exists: true, abandoned: seen.nodeId === null, state: 'GONE', final: true, gone: true, released: true, health: 'unknown' });
  }

  /** The newest that is to stay. */
  private placementIn(slot: number): ForeseenPlacement {
    const order = this.orders().findLast((each) => each.slot === slot && !each.stopped && !isEnded(this.of(each)));
    if (!order) return { slot, generation: null, release: null, replicaId: null, nodeId: null, nodeName: null, reason: this.service.halted, nodes: [] };
    const { replicaId, generation, release } = order;
    const { nodeId } = this.of(order);
    const decision = this.decisions.get(replicaId);
    const where = { nodeId, nodeName: nodeId && this.house.nodeName(nodeId) };
    return { slot, generation, release, replicaId: this.before.has(replicaId) ? replicaId : null, ...where, reason: decision?.reason ?? null, nodes: nodeId === null ? (decision?.nodes ?? []) : [] };
  }
}

/** The one thing that a plan writes on a deployment's stream; null where it is none. */
function deploymentCommandOf({ openDeployment, beginStage, endStage, progress, close, step, failures }: RolloutPlan, at: string): DeploymentCommand | null {
  if (openDeployment) return { type: 'OpenDeployment', data: openDeployment };
  if (beginStage) return { type: 'BeginDeploymentStage', data: beginStage };
  if (endStage) return { type: 'EndDeploymentStage', data: endStage };
  if (failures.length > 0) return null;
  if (progress) return { type: 'RecordDeploymentProgress', data: progress };
  if (close) return { type: 'CloseDeployment', data: { ...close, at } };
  return step && { type: 'TakeDeploymentStep', data: step };
}

/** What a command leads to; null where it leads nowhere, or is refused. */
function decided<State, Command, Event>(rules: Decider<State, Command, Event>, state: State, command: Command): State | null {
  try {
    const events = rules.decide(state, command);
    return events.length > 0 ? events.reduce((next, event) => rules.evolve(next, event), state) : null;
  } catch (error) {
    if (error instanceof Rejection) return null;
    throw error;
  }
}
