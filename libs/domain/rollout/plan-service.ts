import { DELETED, type ExistingDockerService, PAUSED, STOPPED } from '../docker-service/docker-service.ts';
import type { Orders } from '../docker-service/orders.ts';
import type { Reason } from '../kernel/reason.ts';
import { planSlots, type SlotGoal } from './plan-slots.ts';
import { NOTHING_TO_DO, type RolloutInput, type RolloutPlan } from './rollout-plan.ts';
import { standingOf } from './standing.ts';
import type { OrderMaker } from './step.ts';

/** A service that no deployment moves: kept at its number of its stable release. */
export function planService(input: RolloutInput): RolloutPlan {
  const { service, observed, now } = input;
  const { orders, lifecycle } = service;
  if (lifecycle === 'DELETING' && !orders.replicas.size) return { ...NOTHING_TO_DO, finishDeletion: true };
  const { step, wakeAt } = planSlots(standingOf(service, orders, observed), goalOf(service), makerOf(input, orders));
  return { ...NOTHING_TO_DO, step, wakeInMs: wakeAt === null ? null : wakeAt - now };
}

/** Who names the next replicas of slots. */
export const makerOf = ({ now, replicaIdOf }: Pick<RolloutInput, 'now' | 'replicaIdOf'>, { generations }: Orders): OrderMaker => ({ now, generations, replicaIdOf });

/** What the slots are to hold. A halted service keeps what it has of its stable release, and gets nothing new. */
function goalOf(service: ExistingDockerService): SlotGoal {
  const { replicas, lifecycle, paused, stableRelease, halted } = service;
  const nothingWanted = lifecycle === 'DELETING' ? DELETED : paused === 'removed' ? STOPPED : stableRelease === null ? (halted ?? NO_RELEASE) : null;
  if (nothingWanted) return { ...keptAt(service, 0), standstill: nothingWanted, emptying: nothingWanted };
  const standstill = paused === 'held' ? PAUSED : halted;
  return { ...keptAt(service, replicas), standstill, isHeld: paused === 'held' };
}

/** At so many replicas of its stable release. */
export function keptAt({ stableRelease, releases }: ExistingDockerService, wanted: number): SlotGoal {
  const scaled: Reason = { code: 'scaled', message: `scaled to ${wanted}` };
  const release = stableRelease ?? 0;
  const replacesGivenUp = releases.get(release)?.restartPolicy?.onExhausted === 'replace';
  return { wanted, release, keepsOthers: false, standstill: null, isHeld: false, replacesGivenUp, filling: scaled, emptying: scaled };
}

const NO_RELEASE: Reason = { code: 'no_release', message: 'no deployment has succeeded yet' };
