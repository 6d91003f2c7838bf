import type { ReplicaOrder, Step } from '../docker-service/events.ts';
import type { Reason } from '../kernel/reason.ts';
import { isEnded, isGivenUp } from './observed.ts';
import { countLive, isLive, isWanted, type Standing } from './standing.ts';
import { nextOrder, stepOf, type OrderMaker } from './step.ts';

/** What the slots of a service are to hold while no deployment moves it. */
export interface SlotGoal {
  /** Slots 1 to this number are wanted, all others emptied. */
  readonly wanted: number;
  /** What new ones run. */
  readonly release: number;
  /** What is there of other releases, or twice in a slot, stays: a deployment that hasn't touched anything yet took over from one that had. Else
   *  another release has no place here. */
  readonly keepsOthers: boolean;
  /** Why nothing is ordered, though slots are empty; null where they are filled. */
  readonly standstill: Reason | null;
  /** Nobody who hasn't a container yet is to get one: the service is paused. */
  readonly isHeld: boolean;
  /** Whether a replica that its agent gave up is tried elsewhere; else it stays, for its reason to be seen. */
  readonly replacesGivenUp: boolean;
  /** Why new replicas are ordered for slots that never had one. */
  readonly filling: Reason;
  /** Why replicas of slots that aren't wanted are stopped. */
  readonly emptying: Reason;
}

/** Milliseconds: the wait before the second replacement in a row, doubling from there. */
const FIRST_WAIT_MS = 30_000;
const LONGEST_WAIT_MS = 3_600_000;

/** When a replica that was given up is replaced: the first at once, the next ones 30 s after being ordered, doubling to 1 h. */
export function retryAt({ orderedAt, tries = 0 }: ReplicaOrder): number {
  if (tries === 0 || orderedAt === undefined) return 0;
  return Date.parse(orderedAt) + Math.min(FIRST_WAIT_MS * 2 ** (tries - 1), LONGEST_WAIT_MS);
}

/** The one step from what stands to the goal, and when time alone will make for another.
 *  A slot is filled again only when its replica has ended, a stopped one too: two containers of one slot never live at once here. So one
 *  whose node isn't heard from holds up its slot: it may well be running. */
export function planSlots(standing: readonly Standing[], goal: SlotGoal, maker: OrderMaker): { readonly step: Step | null; readonly wakeAt: number | null } {
  const waiting = goal.replacesGivenUp ? standing.filter((each) => isWanted(each) && isGivenUp(each.seen)).map(({ order }) => retryAt(order)) : [];
  const later = waiting.filter((at) => at > maker.now);
  const creates = goal.standstill ? [] : planCreates(standing, goal, maker);
  const newest = newestIn(standing.filter((each) => isWanted(each) || isFinished(each, goal)), goal);
  const remembers = (each: Standing): boolean => isFinished(each, goal) && (goal.keepsOthers || each.order.generation === newest.get(each.order.slot));
  const why = { filling: goal.filling, remembers };
  return { step: stepOf(standing, creates, planStops(standing, goal, maker.now), why), wakeAt: later.length ? Math.min(...later) : null };
}

/** Its slot wants nobody else, even when nothing is left of it. */
const isFinished = ({ order, seen }: Standing, { wanted, release }: SlotGoal): boolean => seen.finished !== null && !order.stopped && order.slot <= wanted && order.release === release;

function planCreates(standing: readonly Standing[], goal: SlotGoal, maker: OrderMaker): readonly ReplicaOrder[] {
  const filled = new Set(standing.filter((each) => !isEnded(each.seen) || isFinished(each, goal)).map(({ order }) => order.slot));
  const slots = Array.from({ length: goal.wanted }, (_, index) => index + 1).filter((slot) => !filled.has(slot));
  // Two in one slot serve for another that has none.
  const room = goal.keepsOthers ? Math.max(0, goal.wanted - countLive(standing)) : slots.length;
  return slots.slice(0, room).map((slot) => {
    const tries = triesBefore(standing, slot);
    return nextOrder(maker, slot, goal.release, tries ? { tries } : {});
  });
}

const REPLACED: Reason['code'] = 'replica_failed';

/** How many were given up in a row; one that had stayed up for a while ends a row. */
function triesBefore(standing: readonly Standing[], slot: number): number {
  const before = standing.filter(({ order }) => order.slot === slot).sort((a, b) => b.order.generation - a.order.generation)[0];
  if (!before) return 0;
  const row = before.seen.everSettled ? 0 : (before.order.tries ?? 0);
  return before.order.stopped?.code === REPLACED ? row + 1 : row;
}

/** By slot, the latest generation of the release that is to be there. */
function newestIn(standing: readonly Standing[], { release }: SlotGoal): ReadonlyMap<number, number> {
  const newest = new Map<number, number>();
  for (const { order } of standing) if (order.release === release) newest.set(order.slot, Math.max(order.generation, newest.get(order.slot) ?? 0));
  return newest;
}

/** Highest slots first, and in a slot the older generations. */
function planStops(standing: readonly Standing[], goal: SlotGoal, now: number): Step['stops'] {
  const wanted = standing.filter(isWanted);
  const newest = newestIn(wanted, goal);
  const why = ({ order, seen }: Standing): Reason | null => {
    if (order.slot > goal.wanted) return goal.emptying;
    if (goal.keepsOthers) return null;
    if (order.release !== goal.release) return goal.standstill ?? { code: 'other_release', message: `the service stands on release ${goal.release}` };
    if (order.generation < (newest.get(order.slot) ?? 0)) return { code: 'superseded', message: `slot ${order.slot} has a newer replica` };
    if (goal.isHeld && (seen.state === 'PENDING' || seen.state === 'ASSIGNED') && seen.run === 0) return goal.standstill;
    const isDue = goal.replacesGivenUp && !goal.standstill && isGivenUp(seen) && retryAt(order) <= now;
    return isDue ? { code: REPLACED, message: `another replica is tried in slot ${order.slot}` } : null;
  };
  return [...wanted]
    .sort((a, b) => b.order.slot - a.order.slot || a.order.generation - b.order.generation)
    .flatMap((each) => {
      const reason = isLive(each) ? why(each) : null;
      return reason ? [{ replicaId: each.order.replicaId, reason }] : [];
    });
}
