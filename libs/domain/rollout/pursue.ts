import { boundsOf, isRoll } from './bounds.ts';
import { hostPortKeys } from '../node/room.ts';
import type { Reason } from '../kernel/reason.ts';
import { isSame } from '../kernel/same.ts';
import { deadlineReason, deadlinesOf, failureReason, isJudged, newFailures, progressDeadline } from './judge.ts';
import type { Moving } from './moving.ts';
import { isEnded } from './observed.ts';
import { goodOnes, hasRolled, planRoll, type RollTarget } from './plan-roll.ts';
import { NOTHING_TO_DO, type RolloutPlan } from './rollout-plan.ts';
import { isAvailable, isLive, isSettled, type Standing } from './standing.ts';

/** How soon a deadline that has passed is judged again while a report is lacking. Milliseconds. */
const REJUDGE_MS = 1000;

/** The roll to a release by the deployment's settings: to the new one, or back to the stable one. */
export function targetOf({ service, active, deployment, standing }: Moving, release: number, isGood: (standing: Standing) => boolean, way: { readonly isImpatient: boolean; readonly moving: Reason }): RollTarget {
  const spec = service.releases.get(release);
  const constraints = spec?.constraints ?? [];
  const { strategy } = active.settings;
  const before = standing.filter(({ order, seen }) => !seen.final && !isEnded(seen) && !deployment.orders.replicas.has(order.replicaId));
  return {
    strategy,
    isRoll: isRoll(service, before.map(({ order }) => ({ isStopped: order.stopped !== null }))),
    bounds: boundsOf(active.settings, service.replicas, hostPortKeys(spec?.ports ?? []).length > 0),
    wanted: service.replicas,
    release,
    isGood: (each) => isGood(each) && !deployment.failures.has(each.order.replicaId),
    hasFailed: ({ order }) => deployment.failures.has(order.replicaId),
    mayFollow: ({ order }) => isSame(service.releases.get(order.release)?.constraints ?? [], constraints),
    ...way,
  };
}

/** Goes on towards a target: failures are recorded, too many of them or too long a time without progress are the end of it, else the next
 *  step is taken. null: it is reached, as far as this was read. @param failed what comes then */
export function pursue(moving: Moving, target: RollTarget, failed: (reason: Reason) => RolloutPlan): RolloutPlan | null {
  const { deployment, active, standing, maker } = moving;
  const good = goodOnes(standing, target);
  const failures = newFailures(moving, good);
  if (failures.length) return { ...NOTHING_TO_DO, failures };
  if (deployment.failures.size > active.settings.maxFailures) return failed(failureReason(deployment));
  if (hasRolled(standing, target)) return null;

  const progress = newProgress(moving, good);
  if (progress) return { ...NOTHING_TO_DO, progress };
  if (isJudged(moving, progressDeadline(deployment))) return failed(deadlineReason(deployment, good, missing(good, target)));
  return { ...NOTHING_TO_DO, step: planRoll(standing, target, maker), wakeInMs: wakeIn(moving) };
}

/** Success is said when nothing of before is left either. What can't be removed for as long as nothing may stay as it is doesn't hold it up
 *  for ever, and nobody can say what a node holds that isn't heard from: both are stopped, whenever that is. */
export function whenEmptied(moving: Moving, target: RollTarget, over: () => RolloutPlan): RolloutPlan {
  const good = new Set(goodOnes(moving.standing, target));
  const isLeaving = moving.standing.some((each) => isLive(each) && !good.has(each) && !each.seen.nodeUnreachable);
  const step = isLeaving ? planRoll(moving.standing, target, moving.maker) : null;
  return isLeaving && !isJudged(moving, progressDeadline(moving.deployment)) ? { ...NOTHING_TO_DO, step, wakeInMs: wakeIn(moving) } : over();
}

/** The time to the next deadline; a passed one that can't be judged yet is looked at again soon. */
export function wakeIn(moving: Moving): number | null {
  const waits = deadlinesOf(moving).map((at) => (at > moving.now ? at - moving.now : REJUDGE_MS));
  return waits.length ? Math.min(...waits) : null;
}

/** Only more than ever before is progress. */
function newProgress({ deployment, service, now }: Moving, good: readonly Standing[]): RolloutPlan['progress'] {
  const running = good.filter((each) => isAvailable(each) || each.seen.finished).length;
  const settled = good.filter((each) => isSettled(each) || each.seen.finished).length;
  if (running <= deployment.progress.running && settled <= deployment.progress.settled) return null;
  return { running, settled, wanted: service.replicas, deadlineAt: new Date(now + deployment.progressDeadlineMs).toISOString() };
}

const missing = (good: readonly Standing[], { wanted }: RollTarget): readonly number[] => {
  const filled = new Set(good.map(({ order }) => order.slot));
  return Array.from({ length: wanted }, (_, index) => index + 1).filter((slot) => !filled.has(slot));
};
