import type { Step } from '../docker-service/events.ts';
import type { Reason } from '../kernel/reason.ts';
import { beginning, ending, type Moving } from './moving.ts';
import { pursue, targetOf, whenEmptied } from './pursue.ts';
import { NOTHING_TO_DO, type RolloutPlan } from './rollout-plan.ts';
import { isWanted, type Standing } from './standing.ts';
import { stepOf } from './step.ts';

/** What comes after a stage that didn't succeed: the return to the last stable release, where there is one and it is wanted; else what this
 *  deployment has ordered is stopped, and it is over. */
export function planSetback(moving: Moving, result: 'FAILED' | 'CANCELLED', reason: Reason): RolloutPlan {
  const { service, active } = moving;
  const returns = service.stableRelease !== null && (result === 'CANCELLED' || active.settings.autoRollback);
  return returns ? beginning(moving, 'return', reason) : givingUp(moving, result, reason);
}

/** On the way back to the last stable release, by the same rules and with the same deadlines as forward. A return that fails is the end of it:
 *  nothing is ever returned from. */
export function planReturn(moving: Moving): RolloutPlan {
  const { service, active, deployment } = moving;
  const { result, reason } = deployment.stages.get('return')!;
  const lost = (why: Reason): RolloutPlan => givingUp(moving, 'FAILED', { code: why.code, message: `it could not return to release ${service.stableRelease}: ${why.message}` });
  // One that SUCCEEDED is about to be closed: a log may have been put back to between the two.
  if (result === 'FAILED') return lost(reason);
  const back: Reason = { code: 'return', message: `the service returns to release ${service.stableRelease}` };
  const target = targetOf(moving, service.stableRelease ?? 0, (each) => isStable(moving, each), { isImpatient: true, moving: back });
  const over = (): RolloutPlan => ({ ...NOTHING_TO_DO, close: { outcome: active.cancelRequested ? 'CANCELLED' : 'ROLLED_BACK', reason } });
  return pursue(moving, target, (why) => (deployment.stage ? ending(moving, 'FAILED', why) : lost(why))) ?? whenEmptied(moving, target, over);
}

/** Of the stable release; none that a restart ordered of it on the way forward. */
function isStable({ service, active, deployment }: Moving, { order }: Standing): boolean {
  const isRestarted = active.toRelease === service.stableRelease && deployment.forward.has(order.replicaId);
  return order.release === service.stableRelease && !isRestarted;
}

/** Stops what was ordered on the way forward before the end stands in the log: nothing of it is left to anybody. */
function givingUp(moving: Moving, outcome: 'FAILED' | 'CANCELLED', reason: Reason): RolloutPlan {
  const { active, deployment, standing } = moving;
  const hasReturned = deployment.stages.has('return');
  const isForward = ({ order: { replicaId, release } }: Standing): boolean =>
    release === active.toRelease && deployment.orders.replicas.has(replicaId) && (!hasReturned || deployment.forward.has(replicaId));
  const stops: Step['stops'] = standing.filter((each) => isWanted(each) && isForward(each)).map(({ order }) => ({ replicaId: order.replicaId, reason }));
  if (stops.length) return { ...NOTHING_TO_DO, step: stepOf(standing, [], stops, { filling: reason, remembers: () => true }) };
  return { ...NOTHING_TO_DO, close: { outcome, reason } };
}
