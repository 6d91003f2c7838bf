import type { ReplicaId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';
import type { ReplicaOrder, Step } from './events.ts';

/** A replica that stands ordered: wanted until `stopped` says why it isn't any more. */
export interface Ordered extends ReplicaOrder {
  readonly stopped: Reason | null;
}

/** What the steps of one stream add up to. */
export interface Orders {
  /** Not forgotten yet, by replica. */
  readonly replicas: ReadonlyMap<ReplicaId, Ordered>;
  /** The highest generation that a slot ever had, forgotten ones included: ids derive from it, so none is given twice. */
  readonly generations: ReadonlyMap<number, number>;
}

export const noOrders: Orders = { replicas: new Map(), generations: new Map() };

/** Adds a step to what stands. A repeated create or stop changes nothing; a forgotten replica is never heard of again. */
export function takeStep(orders: Orders, step: Pick<Step, 'creates' | 'stops' | 'forgets'>): Orders {
  const replicas = new Map(orders.replicas);
  for (const order of step.creates) if (!replicas.has(order.replicaId)) replicas.set(order.replicaId, { ...order, stopped: null });
  for (const { replicaId, reason } of step.stops) {
    const order = replicas.get(replicaId);
    if (order && !order.stopped) replicas.set(replicaId, { ...order, stopped: reason });
  }
  for (const replicaId of step.forgets) replicas.delete(replicaId);
  return { replicas, generations: highest(orders.generations, step.creates) };
}

/** What an ended deployment hands to its service: everything it ordered, what of it was stopped, and what is over. */
export interface HandOver {
  readonly ordered: readonly ReplicaOrder[];
  readonly stopped: Step['stops'];
  readonly forgotten: readonly ReplicaId[];
}

/** Adds what an ended deployment hands over. */
export const takeOver = (orders: Orders, { ordered, stopped, forgotten }: HandOver): Orders =>
  takeStep(orders, { creates: ordered, stops: stopped, forgets: forgotten });

/** What of a step would change anything: the same step again comes out empty. */
export function effectOf(orders: Orders, step: Step): Step {
  return {
    ...step,
    creates: step.creates.filter((order) => !orders.replicas.has(order.replicaId)),
    stops: step.stops.filter(({ replicaId }) => orders.replicas.get(replicaId)?.stopped === null),
    forgets: step.forgets.filter((replicaId) => orders.replicas.has(replicaId)),
  };
}

export const isEmptyStep = (step: Step): boolean => !step.creates.length && !step.stops.length && !step.forgets.length;

/** The first create whose generation its slot already had, or that comes twice in the step; null where all are new. */
export function takenGeneration(orders: Orders, creates: readonly ReplicaOrder[]): ReplicaOrder | null {
  const generations = new Map(orders.generations);
  for (const order of creates) {
    if (order.generation <= (generations.get(order.slot) ?? 0)) return order;
    generations.set(order.slot, order.generation);
  }
  return null;
}

function highest(generations: ReadonlyMap<number, number>, orders: readonly ReplicaOrder[]): ReadonlyMap<number, number> {
  const next = new Map(generations);
  for (const { slot, generation } of orders) next.set(slot, Math.max(generation, next.get(slot) ?? 0));
  return next;
}
