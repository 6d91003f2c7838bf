import type { DeploySettings } from '../docker-service/deploy-settings.ts';
import type { ReplicaOrder, Step } from '../docker-service/events.ts';
import type { Reason } from '../kernel/reason.ts';
import type { Bounds } from './bounds.ts';
import { isPrepared } from './observed.ts';
import { countLive, isAvailable, isLive, isThere, isWanted, type Standing } from './standing.ts';
import { nextOrder, stepOf, type OrderMaker } from './step.ts';

/** What the slots of a service are to come to, and how. */
export interface RollTarget {
  readonly strategy: DeploySettings['strategy'];
  readonly bounds: Bounds;
  /** Something of before is wanted still. Else there is no roll: slots are filled, and filled again when what was in them has ended. */
  readonly isRoll: boolean;
  /** Slots 1 to this number. */
  readonly wanted: number;
  /** What new replicas run. */
  readonly release: number;
  /** Whether a replica is one that the service is to be left with. */
  readonly isGood: (standing: Standing) => boolean;
  /** Whether the new one may run where this one does: its node doesn't break a constraint of the new release. */
  readonly mayFollow: (standing: Standing) => boolean;
  /** Whether a new one has failed: another one is tried in its slot. */
  readonly hasFailed: (standing: Standing) => boolean;
  /** Those of before that don't serve have no time to come: they are stopped at once. So on a return. */
  readonly isImpatient: boolean;
  /** Why new ones are ordered, and why those of before are stopped. */
  readonly moving: Reason;
}

/** One slot: at most one replica to stay with, those that have to give way, and those that are on their way out. */
interface SlotView {
  readonly slot: number;
  readonly good: Standing | null;
  readonly before: readonly Standing[];
  readonly leaving: readonly Standing[];
}

/** The one step of a roll; null where only time is lacking.
 *
 *  Never fewer than wanted − `unavailable` are available while those of before serve, and never more than wanted + `surge` live. Within the
 *  surge a new replica starts beside the one of before, which is stopped when the new one has settled. Beyond it, a new one is prepared
 *  beside it (`replaces`: its image is there, its container made), the one of before is stopped, and then the new one starts. `recreate`:
 *  all are prepared, all of before are stopped, all start. Those that don't serve anyway go first. */
export function planRoll(standing: readonly Standing[], target: RollTarget, maker: OrderMaker): Step | null {
  const slots = viewsOf(standing, target);
  const done = slots.filter(({ good }) => good?.seen.finished).length;
  const roll = new Roll(standing, slots, { ...target, wanted: target.wanted - done }, maker);
  const stops = roll.stops(standing.filter((each) => isWanted(each) && each.order.slot > target.wanted));
  const remembers = (each: Standing): boolean => slots.some(({ good }) => good === each);
  return stepOf(standing, roll.creates(stops), stops, { filling: target.moving, remembers });
}

/** Whether nothing is left to do: every slot has its new replica settled or finished, and nobody of before is wanted. */
export function hasRolled(standing: readonly Standing[], target: RollTarget): boolean {
  const slots = viewsOf(standing, target);
  const surplus = standing.some((each) => isWanted(each) && each.order.slot > target.wanted);
  return !surplus && slots.every(({ good, before }) => good !== null && isThere(good) && !before.length);
}

/** Those that the service is to be left with, the newest of each wanted slot. */
export const goodOnes = (standing: readonly Standing[], target: RollTarget): readonly Standing[] => viewsOf(standing, target).flatMap(({ good }) => good ?? []);

function viewsOf(standing: readonly Standing[], { wanted, isGood }: RollTarget): readonly SlotView[] {
  const bySlot = Map.groupBy(standing, ({ order }) => order.slot);
  return Array.from({ length: wanted }, (_, index) => {
    const inSlot = [...(bySlot.get(index + 1) ?? [])].sort((a, b) => b.order.generation - a.order.generation);
    const good = inSlot.find((each) => !each.order.stopped && isGood(each) && (isLive(each) || each.seen.finished)) ?? null;
    return { slot: index + 1, good, before: inSlot.filter((each) => each !== good && isWanted(each)), leaving: inSlot.filter((each) => isLive(each) && each.order.stopped) };
  });
}

class Roll {
  /** How many serve, without those that this step stops. */
  private available: number;
  private readonly spared = new Set<Standing>();

  constructor(
    private readonly standing: readonly Standing[],
    private readonly slots: readonly SlotView[],
    private readonly target: RollTarget,
    private readonly maker: OrderMaker,
  ) {
    this.available = standing.filter((each) => isWanted(each) && isAvailable(each)).length;
  }

  /** First those whose successor serves, then those whom nobody wants, then those whose successor waits for their end. */
  stops(surplus: readonly Standing[]): Step['stops'] {
    const { wanted, moving } = this.target;
    const scaled: Reason = { code: 'scaled', message: `scaled to ${wanted}` };
    const highestFirst = [...surplus].sort((a, b) => b.order.slot - a.order.slot || a.order.generation - b.order.generation);
    const ready = this.slots.filter(({ good, before }) => good && before.length && isThere(good));
    const useless = this.target.isImpatient ? this.slots.flatMap(({ before }) => before).filter((each) => !isAvailable(each)) : [];
    const waiting = this.slots.filter((slot) => this.waitsForEnd(slot));
    const failed = this.slots.flatMap(({ before }) => before).filter((each) => this.target.hasFailed(each));
    const stops = [
      ...failed.flatMap((each) => this.spareFailed(each, { code: 'replica_failed', message: `another replica is tried in slot ${each.order.slot}` })),
      ...this.spare(useless, moving),
      ...this.spare(ready.flatMap(({ before }) => before), moving),
      ...this.spare(highestFirst, scaled),
      ...this.spare(this.slots.flatMap((slot) => this.doubles(slot)), moving),
      ...this.spare(waiting.flatMap(({ before }) => before), moving),
    ];
    return [...new Map(stops.map((stop) => [stop.replicaId, stop])).values()];
  }

  /** Of several in a slot that has no new one yet, one is enough. */
  private doubles({ good, before }: SlotView): readonly Standing[] {
    if (good || before.length < 2) return [];
    const kept = before.find(isAvailable) ?? before[0];
    return before.filter((each) => each !== kept);
  }

  /** The new one is prepared, in recreation like all others; or it can't be prepared before this one's end. */
  private waitsForEnd({ good, before }: SlotView): boolean {
    if (!before.length || (good && isThere(good))) return false;
    if (!good) return before.length === 1 && this.hasToGoFirst(before[0]!) && this.areAllPrepared();
    return good.order.replaces !== undefined && isPrepared(good.seen) && this.areAllPrepared();
  }

  private areAllPrepared(): boolean {
    if (this.target.strategy !== 'recreate') return true;
    return this.slots.every(({ good, before }) => !before.length || (good ? isPrepared(good.seen) : before.every((each) => this.hasToGoFirst(each))));
  }

  /** Those that don't serve cost nothing; of the others, as many as may lack. */
  private spare(candidates: readonly Standing[], reason: Reason): Step['stops'] {
    const least = this.target.wanted - this.target.bounds.unavailable;
    return candidates.flatMap((each) => {
      if (isAvailable(each) && !this.spared.has(each)) {
        if (this.available <= least) return [];
        this.available -= 1;
        this.spared.add(each);
      }
      return [{ replicaId: each.order.replicaId, reason }];
    });
  }

  /** It may serve again by now: then it stays until others do, beside the one that is tried. Without a roll nothing starts beside it. */
  private spareFailed(each: Standing, reason: Reason): Step['stops'] {
    return this.target.isRoll ? this.spare([each], reason) : [{ replicaId: each.order.replicaId, reason }];
  }

  /** Empty slots first, then those whose replica doesn't serve, then the others in order, those that nobody hears from last. A slot that has two of
   *  before, since the roll that was under way was taken over, gets no third: one of them leaves as soon as others serve. */
  creates(stops: Step['stops']): readonly ReplicaOrder[] {
    const stopping = new Set(stops.map(({ replicaId }) => replicaId));
    let room = this.target.wanted + this.target.bounds.surge - countLive(this.standing);
    let inHand = this.slots.filter((slot) => this.isInHand(slot)).length;
    const waiting = this.slots.filter(({ good, before, leaving }) => !good && before.length < 2 && !(leaving.length && !before.length) && !before.some(({ order }) => stopping.has(order.replicaId)));
    const order = [...waiting].sort((a, b) => rank(a) - rank(b) || a.slot - b.slot);
    return order.flatMap((view) => {
      const [replaced] = view.before;
      if (room > 0 && this.mayStartBeside(view)) {
        room -= 1;
        return [nextOrder(this.maker, view.slot, this.target.release)];
      }
      // What its agent has given up isn't counted among those that live: whoever waits for its end is.
      const more = replaced?.seen.final ? 1 : 0;
      if (!replaced || more > room || inHand >= this.target.bounds.unavailable || !this.canPrepareBeside(replaced)) return [];
      room -= more;
      inHand += 1;
      return [nextOrder(this.maker, view.slot, this.target.release, { replaces: replaced.order.replicaId })];
    });
  }

  /** In recreation nobody new starts before all of before are gone. */
  private mayStartBeside({ before }: SlotView): boolean {
    const { strategy, isRoll, bounds } = this.target;
    if (strategy === 'rolling') return before.length === 0 || (isRoll && bounds.surge > 0) || before.every(({ seen }) => seen.final);
    return !this.standing.some((each) => isLive(each) && !this.target.isGood(each));
  }

  /** A slot that is between two replicas. */
  private isInHand({ good, before, leaving }: SlotView): boolean {
    if (good) return good.order.replaces !== undefined && !isThere(good);
    return leaving.length > 0 && !before.length;
  }

  private canPrepareBeside(standing: Standing): boolean {
    const { seen } = standing;
    return seen.nodeId !== null && !seen.nodeUnreachable && !seen.nodeDrained && this.target.mayFollow(standing);
  }

  /** Its successor can't be prepared on its node, and none may start elsewhere beside it. Where nobody knows whether it runs, stopping it
   *  makes no room. */
  private hasToGoFirst(standing: Standing): boolean {
    return this.target.bounds.surge === 0 && !this.canPrepareBeside(standing) && !standing.seen.nodeUnreachable;
  }
}

/** What isn't heard from may live on: a new one beside it takes room that comes back only when its node does, so it goes last. */
function rank({ before }: SlotView): number {
  if (!before.length) return 0;
  if (before.some(({ seen }) => seen.nodeUnreachable)) return 3;
  return before.some(isAvailable) ? 2 : 1;
}
