import type { Reason } from '../kernel/reason.ts';
import { planDeployment } from './plan-deployment.ts';
import { planSlots, standingOf } from './plan-slots.ts';
import { DELETED, NOTHING_TO_DO, type RolloutInput, type RolloutPlan } from './rollout-plan.ts';

/** From what is wanted and seen to what to write next. Pure: planned twice it is the same plan, and once that stands,
 *  a plan that lacks it. */
export function planRollout(input: RolloutInput): RolloutPlan {
  const { service } = input;
  if (service.lifecycle === 'DELETED') return NOTHING_TO_DO;
  return service.activeDeployment ? planDeployment(input, service.activeDeployment) : planService(input);
}

/** A service on its own: kept at its number, emptied where it is halted or being deleted. */
function planService({ service, observed, replicaIdOf }: RolloutInput): RolloutPlan {
  const { orders, stableRelease, lifecycle, replicas, halted } = service;
  if (lifecycle === 'DELETING' && !orders.replicas.size) return { ...NOTHING_TO_DO, finishDeletion: true };
  const emptied = lifecycle === 'DELETING' ? DELETED : (halted ?? (stableRelease === null ? NO_RELEASE : null));
  const scaled: Reason = { code: 'scaled', message: `scaled to ${replicas}` };
  const goal = {
    wanted: emptied ? 0 : replicas,
    release: stableRelease ?? 0,
    filling: scaled,
    emptying: emptied ?? scaled,
    retryGivenUp: false,
  };
  return { ...NOTHING_TO_DO, step: planSlots(standingOf(orders, observed), goal, orders.generations, replicaIdOf) };
}

const NO_RELEASE: Reason = { code: 'no_release', message: 'no deployment has succeeded yet' };
