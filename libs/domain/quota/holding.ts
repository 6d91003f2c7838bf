import type { DockerServiceId } from '../kernel/ids.ts';
import { mostOf, NO_AMOUNTS, type QuotaAmounts } from './amounts.ts';

/** Room that a command has reserved before its own write on the holder's stream. */
export interface PendingRoom {
  /** How many events the holder's stream had when the command was decided: its write is fenced by that. Once there are more it has been written,
   *  or never will be. */
  readonly at: number;
  readonly amounts: QuotaAmounts;
}

/** What a service, job or volume holds of its project's quota. */
export interface Holding {
  /** The service that it counts for: itself, or the one that a volume was made for. Null: for the project only. */
  readonly countsFor: DockerServiceId | null;
  /** How many events its stream had when this was settled. */
  readonly at: number;
  /** What it may come to need as it stood then, and what of it still ran. */
  readonly settled: QuotaAmounts;
  /** By command. */
  readonly pending: ReadonlyMap<string, PendingRoom>;
}

export const holdingOf = (countsFor: DockerServiceId | null): Holding => ({ countsFor, at: 0, settled: NO_AMOUNTS, pending: new Map() });

/** What counts: enough for how the holder stands, and for any change of it that is under way. */
export const heldRoom = ({ settled, pending }: Holding): QuotaAmounts => mostOf(settled, ...[...pending.values()].map(({ amounts }) => amounts));

/** Another command has reserved room. What older ones had reserved is decided by now, and goes on to count until it is settled; only of this very
 *  command it is known that it wasn't written then. */
export function withPending(holding: Holding, commandId: string, { at, amounts }: PendingRoom): Holding {
  const decided = [...holding.pending].filter(([id, room]) => id !== commandId && room.at < at);
  const open = new Map([...holding.pending].filter(([, room]) => room.at >= at));
  const same = open.get(commandId);
  open.set(commandId, { at, amounts: same ? mostOf(same.amounts, amounts) : amounts });
  return { ...holding, settled: mostOf(holding.settled, ...decided.map(([, room]) => room.amounts)), pending: open };
}

/** As it stands with `at` events in its stream: whatever was reserved before is contained. */
export const settledAt = ({ pending, ...holding }: Holding, at: number, settled: QuotaAmounts): Holding => ({ ...holding, at, settled, pending: new Map([...pending].filter(([, room]) => room.at >= at)) });
