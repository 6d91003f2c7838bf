import type { ActiveDeployment } from '../docker-service/docker-service.ts';
import type { Reason } from '../kernel/reason.ts';
import { deadlinesOf } from './judge.ts';
import { ending, movingOf, withoutHook, type Moving } from './moving.ts';
import { planForward } from './plan-forward.ts';
import { planReturn, planSetback } from './plan-return.ts';
import { deploymentToCarry, NOTHING_TO_DO, type RolloutInput, type RolloutPlan } from './rollout-plan.ts';

/** A service while a deployment moves it: opened, then stage by stage, closed in its own stream, ended in the service's. What was recorded
 *  decides, so a failure, a progress, a stage is first recorded. */
export function planDeployment(input: RolloutInput, active: ActiveDeployment): RolloutPlan {
  const { deployment } = input;
  if (!deployment || deployment.status === 'absent') return { ...NOTHING_TO_DO, openDeployment: opening(input, active) };
  if (deployment.closed) {
    const { deploymentId, toRelease, closed, handOver } = deployment;
    return { ...NOTHING_TO_DO, endDeployment: { deploymentId, toRelease, ...closed, ...handOver } };
  }
  return planOpened(movingOf(input, active, deployment));
}

function planOpened(moving: Moving): RolloutPlan {
  const { service, active, deployment } = moving;
  if (active !== service.activeDeployment) return planHandOver(moving);
  if (active.cutShort) return withoutHook(moving, active.cutShort) ?? closing('CANCELLED', active.cutShort);
  if (deployment.stages.has('return')) return planReturn(moving);
  const setback = [...deployment.stages.values()].find(({ result }) => result === 'FAILED' || result === 'CANCELLED');
  if (setback) return planSetback(moving, setback.result === 'CANCELLED' ? 'CANCELLED' : 'FAILED', setback.reason);
  return active.cancelRequested ? planCancel(moving) : planForward(moving);
}

/** A newer one waits for what this one ordered, and for the end of its hook. */
function planHandOver(moving: Moving): RolloutPlan {
  const { superseded, activeDeployment } = moving.service;
  const newer = superseded[1] ?? activeDeployment;
  const reason: Reason = { code: 'superseded', message: `${newer?.deploymentId ?? 'a newer deployment'} took over, to release ${newer?.toRelease}` };
  return withoutHook(moving, reason) ?? closing('SUPERSEDED', reason);
}

const CANCELLED: Reason = { code: 'cancelled', message: 'it was cancelled by request' };

function planCancel(moving: Moving): RolloutPlan {
  const waiting = withoutHook(moving, CANCELLED);
  if (waiting) return waiting;
  return moving.deployment.stage ? ending(moving, 'CANCELLED', CANCELLED) : planSetback(moving, 'CANCELLED', CANCELLED);
}

const closing = (outcome: 'CANCELLED' | 'SUPERSEDED', reason: Reason): RolloutPlan => ({ ...NOTHING_TO_DO, close: { outcome, reason } });

/** The time to the first progress counts from now on. */
function opening({ service, now }: RolloutInput, { deploymentId, toRelease, settings }: ActiveDeployment): RolloutPlan['openDeployment'] {
  const { dockerServiceId, projectId } = service;
  return { deploymentId, dockerServiceId, projectId, toRelease, startedAt: new Date(now).toISOString(), progressDeadlineMs: settings.progressDeadlineMs };
}

/** The earliest of the deadlines that have passed, in milliseconds since the epoch: the one to be judged next. null where none has. */
export function passedDeadline(input: RolloutInput): number | null {
  const active = deploymentToCarry(input.service);
  const { deployment } = input;
  if (!active || deployment?.status !== 'opened' || deployment.closed) return null;
  const passed = deadlinesOf(movingOf(input, active, deployment)).filter((at) => at <= input.now);
  return passed.length ? Math.min(...passed) : null;
}
