import type { ReplicaOrder, Step } from '../docker-service/events.ts';
import { isEmptyStep, type Ordered, type Orders } from '../docker-service/orders.ts';
import type { ReplicaId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';
import { isEnded, isGivenUp, isOver, unseen, type ObservedReplica } from './observed.ts';

/** What the slots of a service are to hold. */
export interface SlotGoal {
  /** Slots 1 to this number are filled, all others emptied. */
  readonly wanted: number;
  /** What new replicas run. */
  readonly release: number;
  /** Why new replicas are ordered for slots that never had one. */
  readonly filling: Reason;
  /** Why replicas of slots that aren't wanted are stopped. */
  readonly emptying: Reason;
  /** Whether a replica that its agent gave up is replaced; else it stays, for its reason to be seen. */
  readonly retryGivenUp: boolean;
}

/** An order beside what was seen of it. */
export interface Standing {
  readonly order: Ordered;
  readonly seen: ObservedReplica;
}

/** Every order that stands, beside what was seen of it. */
export function standingOf(orders: Orders, observed: readonly ObservedReplica[]): readonly Standing[] {
  const seen = new Map(observed.map((each) => [each.order.replicaId, each]));
  return [...orders.replicas.values()].map((order) => ({ order, seen: seen.get(order.replicaId) ?? unseen(order) }));
}

/** The one step from what stands to the goal; null where it is reached, or only time is lacking.
 *  A slot is filled again only when its replica has ended, a stopped one too: two containers of one slot never live at
 *  once. So one whose node isn't heard from holds up its slot: it may well be running.
 *  @param generations the highest that each slot ever had, in whichever stream */
export function planSlots(
  standing: readonly Standing[],
  goal: SlotGoal,
  generations: ReadonlyMap<number, number>,
  replicaIdOf: (slot: number, generation: number) => ReplicaId,
): Step | null {
  const live = standing.filter(({ order, seen }) => !order.stopped && !isEnded(seen));
  const stops = planStops(live, goal);
  const filled = new Set(standing.filter(({ seen }) => !isEnded(seen)).map(({ order }) => order.slot));
  const creates: ReplicaOrder[] = [];
  for (let slot = 1; slot <= goal.wanted; slot += 1) {
    if (filled.has(slot)) continue;
    const generation = (generations.get(slot) ?? 0) + 1;
    creates.push({ replicaId: replicaIdOf(slot, generation), slot, generation, release: goal.release });
  }
  const forgets = standing.filter(({ seen }) => isOver(seen)).map(({ order }) => order.replicaId);
  const step: Step = { creates, stops, forgets, reason: reasonOf(creates, stops, goal) };
  return isEmptyStep(step) ? null : step;
}

/** Highest slots first, and in a slot the older generations. */
function planStops(live: readonly Standing[], goal: SlotGoal): Step['stops'] {
  const newest = new Map<number, number>();
  for (const { order } of live) newest.set(order.slot, Math.max(order.generation, newest.get(order.slot) ?? 0));
  const why = ({ order, seen }: Standing): Reason | null => {
    if (order.slot > goal.wanted) return goal.emptying;
    if (order.generation < (newest.get(order.slot) ?? 0)) return { code: 'superseded', message: `slot ${order.slot} has a newer replica` };
    return goal.retryGivenUp && isGivenUp(seen) ? { code: 'replica_failed', message: `another replica is tried in slot ${order.slot}` } : null;
  };
  return [...live]
    .sort((a, b) => b.order.slot - a.order.slot || a.order.generation - b.order.generation)
    .flatMap((each) => {
      const reason = why(each);
      return reason ? [{ replicaId: each.order.replicaId, reason }] : [];
    });
}

/** The weightiest cause gives the code; the sentence names all. */
function reasonOf(creates: Step['creates'], stops: Step['stops'], goal: SlotGoal): Reason {
  const again = creates.filter(({ generation }) => generation > 1).map(({ slot }) => slot);
  const causes: Reason[] = [
    ...(creates.length > again.length ? [goal.filling] : []),
    ...(again.length ? [{ code: 'slot_empty', message: `${slotsText(again)} lost ${again.length === 1 ? 'its replica' : 'their replicas'}` }] : []),
    ...new Map(stops.map(({ reason }) => [reason.code, reason])).values(),
  ];
  const [first] = causes;
  if (!first) return { code: 'over', message: 'ended, and released by their nodes' };
  return { code: first.code, message: causes.map(({ message }) => message).join('; ') };
}

/** `slot 2`, `slots 2, 3`, and at most five of them. */
export function slotsText(slots: readonly number[]): string {
  const shown = slots.slice(0, 5).join(', ');
  return `${slots.length === 1 ? 'slot' : 'slots'} ${shown}${slots.length > 5 ? ` and ${slots.length - 5} more` : ''}`;
}
