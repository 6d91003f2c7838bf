import type { OpenedDeployment } from '../deployment/deployment.ts';
import type { ActiveDeployment } from '../docker-service/docker-service.ts';
import type { Reason } from '../kernel/reason.ts';
import { isEnded, isGivenUp } from './observed.ts';
import { planSlots, slotsText, standingOf, type Standing } from './plan-slots.ts';
import { DELETED, NOTHING_TO_DO, type RolloutInput, type RolloutPlan } from './rollout-plan.ts';

/** How soon a deadline that has passed is judged again while a report is lacking. Milliseconds. */
const REJUDGE_MS = 1000;

/** A service while a deployment moves it. What was recorded decides, so a failure or a progress is first recorded.
 *  Only the deployment's own orders are planned: this is a first deployment, nothing of an older release is there. */
export function planDeployment(input: RolloutInput, active: ActiveDeployment): RolloutPlan {
  const { service, deployment, observed, now } = input;
  if (!deployment || deployment.status === 'absent') return { ...NOTHING_TO_DO, openDeployment: opening(input, active) };
  if (deployment.closed) {
    const { deploymentId, toRelease, closed, handOver } = deployment;
    return { ...NOTHING_TO_DO, endDeployment: { deploymentId, toRelease, ...closed, ...handOver } };
  }
  if (service.lifecycle !== 'ACTIVE') return { ...NOTHING_TO_DO, close: { outcome: 'CANCELLED', reason: DELETED } };

  const standing = standingOf(deployment.orders, observed);
  const live = standing.filter(({ order, seen }) => !order.stopped && !isEnded(seen));
  const failures = newFailures(deployment, live);
  if (failures.length) return { ...NOTHING_TO_DO, failures };
  if (deployment.failures.size > service.deploy.maxFailures) return { ...NOTHING_TO_DO, close: { outcome: 'FAILED', reason: failureReason(deployment) } };

  const wanted = live.filter(({ order }) => order.slot <= service.replicas);
  const settled = wanted.filter(isSettled);
  if (settled.length === service.replicas) return { ...NOTHING_TO_DO, close: { outcome: 'SUCCEEDED', reason: successReason(input) } };

  const running = wanted.filter(isUp);
  if (running.length > deployment.progress.running || settled.length > deployment.progress.settled) {
    const deadlineAt = new Date(now + deployment.progressDeadlineMs).toISOString();
    return { ...NOTHING_TO_DO, progress: { running: running.length, settled: settled.length, wanted: service.replicas, deadlineAt } };
  }

  const remainingMs = Date.parse(deployment.deadlineAt ?? new Date(now).toISOString()) - now;
  if (remainingMs <= 0 && input.observationsFresh) return { ...NOTHING_TO_DO, close: { outcome: 'FAILED', reason: deadlineReason(deployment, wanted) } };
  return { ...NOTHING_TO_DO, step: moving(input, deployment, standing), wakeInMs: remainingMs > 0 ? remainingMs : REJUDGE_MS };
}

/** The time to the first progress counts from now on. */
function opening({ service, now }: RolloutInput, { deploymentId, toRelease }: ActiveDeployment): RolloutPlan['openDeployment'] {
  const { dockerServiceId, projectId, deploy } = service;
  return { deploymentId, dockerServiceId, projectId, toRelease, startedAt: new Date(now).toISOString(), progressDeadlineMs: deploy.progressDeadlineMs };
}

/** Fills the slots with the new release; one that was given up, within `maxFailures`, gets another try. */
function moving({ service, replicaIdOf }: RolloutInput, deployment: OpenedDeployment, standing: readonly Standing[]): RolloutPlan['step'] {
  const generations = new Map(service.orders.generations);
  for (const [slot, generation] of deployment.orders.generations) generations.set(slot, Math.max(generation, generations.get(slot) ?? 0));
  const goal = {
    wanted: service.replicas,
    release: deployment.toRelease,
    filling: { code: 'deployment', message: `the service moves to release ${deployment.toRelease}` },
    emptying: { code: 'scaled', message: `scaled to ${service.replicas}` },
    retryGivenUp: true,
  };
  return planSlots(standing, goal, generations, replicaIdOf);
}

const newFailures = ({ failures }: OpenedDeployment, live: readonly Standing[]): RolloutPlan['failures'] =>
  live
    .filter(({ order, seen }) => isGivenUp(seen) && !failures.has(order.replicaId))
    .map(({ order: { replicaId, slot }, seen }) => ({ replicaId, slot, reason: seen.reason ?? { code: 'replica_failed', message: `it is ${seen.state}` } }));

/** Not on a node that isn't heard from: success is proven, never assumed. */
const isSettled = ({ seen }: Standing): boolean => seen.settled && !seen.nodeUnreachable;
const isUp = ({ seen }: Standing): boolean => (seen.state === 'RUNNING' || seen.settled) && !seen.nodeUnreachable;

function successReason({ service }: RolloutInput): Reason {
  const { replicas, deploy } = service;
  if (!replicas) return { code: 'nothing_wanted', message: 'no replica is wanted' };
  return { code: 'settled', message: `${replicas} of ${replicas} replicas have stayed up for ${deploy.minHealthyMs} ms` };
}

/** The first failure gives the code, so that a caller can match on the cause itself. */
function failureReason({ failures }: OpenedDeployment): Reason {
  const [first] = failures.values();
  if (!first) return { code: 'replica_failed', message: 'a replica failed' };
  const more = failures.size > 1 ? ` (${failures.size} replicas failed)` : '';
  return { code: first.reason.code, message: `slot ${first.slot}: ${first.reason.message}${more}` };
}

/** A node that isn't heard from may run its replicas still: the deployment failed, what became of them is unknown. */
function deadlineReason({ progressDeadlineMs }: OpenedDeployment, wanted: readonly Standing[]): Reason {
  const since = `nothing went forward for ${progressDeadlineMs} ms`;
  const lacking = wanted.filter((each) => !isSettled(each)).sort((a, b) => a.order.slot - b.order.slot);
  const unreachable = lacking.filter(({ seen }) => seen.nodeUnreachable).map(({ order }) => order.slot);
  if (unreachable.length) {
    const nodes = unreachable.length === 1 ? "its node isn't heard from" : "their nodes aren't heard from";
    return { code: 'node_unreachable', message: `${since}; ${slotsText(unreachable)}: ${nodes}; outcome: unknown` };
  }
  const told = lacking.find(({ seen }) => seen.reason) ?? lacking[0];
  const why = told ? `; slot ${told.order.slot} is ${told.seen.state}${told.seen.reason ? `: ${told.seen.reason.message}` : ''}` : '';
  return { code: 'progress_deadline', message: `${since}${why}` };
}
