import type { Cases } from '../kernel/decider.ts';
import type { DockerServiceId } from '../kernel/ids.ts';
import { LargeMap } from '../kernel/large-map.ts';
import { addAmounts, NO_AMOUNTS, type QuotaAmounts, subtractAmounts } from './amounts.ts';
import type { QuotaEvent } from './events.ts';
import { heldRoom, holdingOf, settledAt, withPending, type Holding } from './holding.ts';
import { NO_QUOTA, type Quota } from './quota.ts';
import { warningKey, type QuotaWarning } from './warnings.ts';

/** The quotas of a project and its services, and who holds what of them. */
export interface Quotas {
  readonly quota: Quota;
  /** Of the services that were given one. */
  readonly ofServices: ReadonlyMap<string, Quota>;
  /** By the id of the service, job or volume. Kept also where no quota is set: one that is set later knows what is reserved. */
  readonly holdings: LargeMap<string, Holding>;
  /** What all of them hold. */
  readonly reserved: QuotaAmounts;
  /** Those that stand, by `warningKey`. */
  readonly warnings: ReadonlyMap<string, QuotaWarning>;
}

export const noQuotas: Quotas = { quota: NO_QUOTA, ofServices: new Map(), holdings: LargeMap.empty(), reserved: NO_AMOUNTS, warnings: new Map() };

const evolutions: Cases<QuotaEvent, Quotas, Quotas> = {
  ProjectQuotaChanged: (quotas, { data: { to } }) => ({ ...quotas, quota: to }),
  ServiceQuotaChanged: (quotas, { data: { dockerServiceId, to } }) => ({ ...quotas, ofServices: new Map(quotas.ofServices).set(dockerServiceId, to) }),
  RoomReserved: (quotas, { data: { holder, countsFor, commandId, at, amounts } }) =>
    holding(quotas, holder, withPending(quotas.holdings.get(holder) ?? holdingOf(countsFor), commandId, { at, amounts })),
  RoomSettled: (quotas, { data: { holder, countsFor, at, amounts } }) =>
    holding(quotas, holder, settledAt(quotas.holdings.get(holder) ?? holdingOf(countsFor), at, amounts)),
  RoomReleased: (quotas, { data: { holder } }) => ({ ...holding(quotas, holder, null), ofServices: without(quotas.ofServices, holder) }),
  QuotaWarningRaised: (quotas, { data }) => ({ ...quotas, warnings: new Map(quotas.warnings).set(warningKey(data), data) }),
  QuotaWarningEnded: (quotas, { data }) => ({ ...quotas, warnings: without(quotas.warnings, warningKey(data)) }),
};

/** Folds one event in. */
export const evolveQuotas = (quotas: Quotas, event: QuotaEvent): Quotas => evolutions[event.type](quotas, event as never);

function holding(quotas: Quotas, holder: string, next: Holding | null): Quotas {
  const before = quotas.holdings.get(holder);
  const holdings = next ? quotas.holdings.with(holder, next) : quotas.holdings.without(holder);
  const others = subtractAmounts(quotas.reserved, before ? heldRoom(before) : NO_AMOUNTS);
  return { ...quotas, holdings, reserved: addAmounts(others, next ? heldRoom(next) : NO_AMOUNTS) };
}

function without<V>(map: ReadonlyMap<string, V>, key: string): ReadonlyMap<string, V> {
  if (!map.has(key)) return map;
  const rest = new Map(map);
  rest.delete(key);
  return rest;
}

/** What counts for a service's quota: what it holds itself, and the volumes that were made for it. */
export function reservedBy({ holdings }: Quotas, dockerServiceId: DockerServiceId): QuotaAmounts {
  const own = [...holdings.values()].filter((each) => each.countsFor === dockerServiceId);
  return own.reduce((sum, each) => addAmounts(sum, heldRoom(each)), NO_AMOUNTS);
}
