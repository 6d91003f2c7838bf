import type { Reason } from '../kernel/reason.ts';
import { isUnwritten } from '../kernel/reservation.ts';
import { failureReason, isJudged } from './judge.ts';
import { isPrepared } from './observed.ts';
import { beginning, ending, hookOf, withoutHook, type HookName, type Moving } from './moving.ts';
import { goodOnes, type RollTarget } from './plan-roll.ts';
import { keptAt } from './plan-service.ts';
import { planSlots } from './plan-slots.ts';
import { planSetback } from './plan-return.ts';
import { pursue, targetOf, wakeIn, whenEmptied } from './pursue.ts';
import { NOTHING_TO_DO, type RolloutPlan } from './rollout-plan.ts';
import type { Standing } from './standing.ts';

/** The way to the new release, stage by stage: the `pre_deploy` hook, the first replicas prepared, all replaced, watched, the `post_deploy`
 *  hook, success. */
export function planForward(moving: Moving): RolloutPlan {
  const { active, deployment } = moving;
  switch (deployment.stage) {
    case 'pre_deploy':
      return planHook(moving, 'pre_deploy', () => beginning(moving, 'prepare', { code: 'hook_succeeded', message: 'the pre_deploy hook has succeeded' })) ?? steady(moving);
    case 'prepare':
      return planPrepare(moving);
    case 'monitor':
      return pursueForward(moving) ?? watched(moving);
    case 'post_deploy':
      return planPostDeploy(moving);
    case null:
      if (!deployment.stages.size) return active.settings.preDeploy ? beginning(moving, 'pre_deploy', purpose(moving)) : beginning(moving, 'prepare', purpose(moving));
  }
  return pursueForward(moving) ?? afterReplacing(moving);
}

const purpose = ({ active }: Moving): Reason => ({ code: 'deployment', message: `the service moves to release ${active.toRelease}` });

/** The replicas that this deployment ordered of the new release, but for those that failed; also where the service had that release before. */
function forward(moving: Moving): RollTarget {
  const { active, deployment } = moving;
  const isGood = ({ order }: Standing): boolean => order.release === active.toRelease && deployment.orders.replicas.has(order.replicaId);
  return targetOf(moving, active.toRelease, isGood, { isImpatient: false, moving: purpose(moving) });
}

/** What fails ends the stage that is under way, and its hook first: that doesn't run beside a return. Between two stages, as after the last
 *  one or where a log was put back to the middle of an append, there is none to be ended: the setback follows at once. */
const pursueForward = (moving: Moving): RolloutPlan | null =>
  pursue(moving, forward(moving), (reason) => withoutHook(moving, beside(reason)) ?? (moving.deployment.stage ? ending(moving, 'FAILED', reason) : planSetback(moving, 'FAILED', reason)));

const beside = ({ message }: Reason): Reason => ({ code: 'deployment_failed', message: `its deployment has failed meanwhile: ${message}` });

/** Until the hook has succeeded the service stays what it was, also where that is a roll half done: no replica is touched, what is lost is made
 *  good, what was scaled follows. */
function steady(moving: Moving): RolloutPlan {
  const { service, standing, maker } = moving;
  if (service.stableRelease === null) return NOTHING_TO_DO;
  return { ...NOTHING_TO_DO, step: planSlots(standing, { ...keptAt(service, service.replicas), keepsOthers: true }, maker).step };
}

/** Nothing is stopped before somebody of the new release stands ready. */
function planPrepare(moving: Moving): RolloutPlan {
  const target = forward(moving);
  const isReady = goodOnes(moving.standing, target).some(({ seen }) => isPrepared(seen));
  const replacing = (): RolloutPlan => beginning(moving, 'replace', { code: 'prepared', message: 'a replica of the new release is prepared' });
  return isReady ? replacing() : (pursueForward(moving) ?? replacing());
}

function afterReplacing(moving: Moving): RolloutPlan {
  const { active, deployment, service } = moving;
  const isWatched = active.settings.monitorMs > 0 && service.replicas > 0 && !deployment.stages.has('post_deploy');
  return isWatched && !deployment.stages.has('monitor') ? beginning(moving, 'monitor', settled(moving)) : afterMonitor(moving);
}

/** All are there. It is over when that has stayed so for long enough, as its nodes have said since. */
function watched(moving: Moving): RolloutPlan {
  const until = Date.parse(moving.deployment.stages.get('monitor')!.deadlineAt!);
  return isJudged(moving, until) ? afterMonitor(moving) : { ...NOTHING_TO_DO, wakeInMs: wakeIn(moving) };
}

function afterMonitor(moving: Moving): RolloutPlan {
  const { active, deployment } = moving;
  const hasHook = active.settings.postDeploy !== null && !deployment.stages.has('post_deploy');
  if (hasHook) return beginning(moving, 'post_deploy', settled(moving));
  return whenEmptied(moving, forward(moving), () => ({ ...NOTHING_TO_DO, close: { outcome: 'SUCCEEDED', reason: settled(moving) } }));
}

function settled({ service, active }: Moving): Reason {
  const { replicas } = service;
  if (!replicas) return { code: 'nothing_wanted', message: 'no replica is wanted' };
  const { minHealthyMs, monitorMs } = active.settings;
  return { code: 'settled', message: `${replicas} of ${replicas} replicas have stayed up for ${minHealthyMs} ms${monitorMs ? `, and were watched for ${monitorMs} ms` : ''}` };
}

/** A replica that is lost meanwhile is made good, and waited for. */
function planPostDeploy(moving: Moving): RolloutPlan {
  const succeeded = (): RolloutPlan => ending(moving, 'SUCCEEDED', { code: 'hook_succeeded', message: 'the post_deploy hook has succeeded' });
  return planHook(moving, 'post_deploy', succeeded) ?? pursueForward(moving) ?? NOTHING_TO_DO;
}

/** Starts a hook's job, and judges its outcome; one that was taken back since replicas failed ends by their reason. null while it runs. */
function planHook(moving: Moving, which: HookName, succeeded: () => RolloutPlan): RolloutPlan | null {
  const { hook, deployment, active } = moving;
  if (!hook || isUnwritten(hook)) return { ...NOTHING_TO_DO, startHook: hookOf(moving, which) };
  if (hook.status === 'open') return null;
  if (hook.outcome === 'SUCCEEDED') return succeeded();
  if (deployment.failures.size > active.settings.maxFailures) return ending(moving, 'FAILED', failureReason(deployment));
  return ending(moving, 'FAILED', { code: `${which}_failed`, message: `the ${which} hook ended ${hook.outcome}: ${hook.reason.message}` });
}
