import type { ReplicaOrder, Step } from '../docker-service/events.ts';
import { isEmptyStep } from '../docker-service/orders.ts';
import type { ReplicaId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';
import { isOver } from './observed.ts';
import { isLive, type Standing } from './standing.ts';

/** How the next replica of a slot comes to be. */
export interface OrderMaker {
  readonly now: number;
  /** The highest generation that each slot ever had, in whichever stream. */
  readonly generations: ReadonlyMap<number, number>;
  readonly replicaIdOf: (slot: number, generation: number) => ReplicaId;
}

/** The next generation of a slot. */
export function nextOrder({ now, generations, replicaIdOf }: OrderMaker, slot: number, release: number, more: Pick<ReplicaOrder, 'replaces' | 'tries'> = {}): ReplicaOrder {
  const generation = (generations.get(slot) ?? 0) + 1;
  return { replicaId: replicaIdOf(slot, generation), slot, generation, release, orderedAt: new Date(now).toISOString(), ...more };
}

/** Why a batch is what it is. */
export interface StepReasons {
  /** Why replicas are ordered for slots that haven't lost any. */
  readonly filling: Reason;
  /** Whether an order is remembered though it is over: one that has finished, so that nobody fills its slot again. */
  readonly remembers: (standing: Standing) => boolean;
}

/** A batch, with its reason and what is over; null where it is empty. */
export function stepOf(standing: readonly Standing[], creates: Step['creates'], stops: Step['stops'], { filling, remembers }: StepReasons): Step | null {
  const forgets = standing.filter((each) => isOver(each.seen) && !remembers(each)).map(({ order }) => order.replicaId);
  const step: Step = { creates, stops, forgets, reason: reasonOf(creates, stops, { filling, lost: lostSlots(standing, creates) }) };
  return isEmptyStep(step) ? null : step;
}

/** Slots that are filled again and whose replica before nobody had stopped. */
function lostSlots(standing: readonly Standing[], creates: Step['creates']): readonly number[] {
  const lost = ({ slot, generation, replaces }: ReplicaOrder): boolean => {
    const inSlot = standing.filter(({ order }) => order.slot === slot);
    return generation > 1 && !replaces && !inSlot.some((each) => each.order.stopped || isLive(each));
  };
  return creates.filter(lost).map(({ slot }) => slot);
}

/** The weightiest cause gives the code; the sentence names all. */
function reasonOf(creates: Step['creates'], stops: Step['stops'], { filling, lost }: { readonly filling: Reason; readonly lost: readonly number[] }): Reason {
  const causes: Reason[] = [
    ...(creates.length > lost.length ? [filling] : []),
    ...(lost.length ? [{ code: 'slot_empty', message: `${slotsText(lost)} lost ${lost.length === 1 ? 'its replica' : 'their replicas'}` }] : []),
    ...new Map(stops.map(({ reason }) => [reason.code, reason])).values(),
  ];
  const [first] = causes;
  if (!first) return { code: 'over', message: 'ended, and released by their nodes' };
  return { code: first.code, message: [...new Set(causes.map(({ message }) => message))].join('; ') };
}

/** `slot 2`, `slots 2, 3`, and at most five of them. */
export function slotsText(slots: readonly number[]): string {
  const shown = slots.slice(0, 5).join(', ');
  return `${slots.length === 1 ? 'slot' : 'slots'} ${shown}${slots.length > 5 ? ` and ${slots.length - 5} more` : ''}`;
}
