import { planDeployment } from './plan-deployment.ts';
import { planPin } from './plan-pin.ts';
import { planService } from './plan-service.ts';
import { deploymentToCarry, NOTHING_TO_DO, type RolloutInput, type RolloutPlan } from './rollout-plan.ts';

/** From what is wanted and seen to what to write next. Pure: planned twice it is the same plan, and once that stands,
 *  a plan that lacks it. */
export function planRollout(input: RolloutInput): RolloutPlan {
  const { service } = input;
  if (service.lifecycle === 'DELETED') return NOTHING_TO_DO;
  const pin = planPin(input);
  if (pin) return { ...NOTHING_TO_DO, pin };
  const carried = deploymentToCarry(service);
  return carried ? planDeployment(input, carried) : planService(input);
}
