import type { Cases } from '../kernel/decider.ts';
import type { DockerServiceId, ProjectId } from '../kernel/ids.ts';
import { Rejection } from '../kernel/rejection.ts';
import { isSame } from '../kernel/same.ts';
import { addAmounts, isWithin, NO_AMOUNTS, QUOTA_RESOURCES, type QuotaAmounts, sameAmounts, subtractAmounts } from './amounts.ts';
import type { QuotaEvent, RoomHolder } from './events.ts';
import { heldRoom, holdingOf, settledAt, withPending } from './holding.ts';
import { isUnlimited, NO_QUOTA, type Quota, QUOTA_NAMES, refuseBeyond } from './quota.ts';
import { evolveQuotas, reservedBy, type Quotas } from './quotas.ts';
import { type QuotaWarning, warningChanges } from './warnings.ts';

export type QuotaCommand =
  | { type: 'ChangeProjectQuota'; data: { quota: Quota } }
  | { type: 'ChangeServiceQuota'; data: { dockerServiceId: DockerServiceId; quota: Quota } }
  /** Before a change of the holder is written, at the place in its stream that `at` says. */
  | { type: 'ReserveRoom'; data: RoomHolder & { commandId: string } }
  /** What the holder needs as it stands; never refused. `isFound`: it is there, and nothing was ever reserved for it: it was made before there were
   *  reservations. */
  | { type: 'SettleRoom'; data: RoomHolder & { isFound: boolean } }
  /** Nothing of the holder is left. */
  | { type: 'ReleaseRoom'; data: { holder: string } }
  /** What a service or all of a project was measured to take. CPU and memory only. */
  | { type: 'RecordUse'; data: { scope: 'project' | 'docker_service'; id: string; use: Pick<QuotaAmounts, 'cpuMillis' | 'memoryBytes'> } };

/** The part of a project that quotas are decided by. */
export interface QuotaState {
  readonly projectId: ProjectId;
  readonly quotas: Quotas;
}

const decisions: Cases<QuotaCommand, QuotaState, readonly QuotaEvent[]> = {
  ChangeProjectQuota: ({ quotas: { quota: from } }, { data: { quota: to } }) => (isSame(from, to) ? [] : [{ type: 'ProjectQuotaChanged', data: { from, to } }]),

  ChangeServiceQuota({ quotas }, { data: { dockerServiceId, quota: to } }) {
    for (const resource of QUOTA_RESOURCES) {
      const [asked, most] = [to[resource], quotas.quota[resource]];
      if (asked === null || most === null || asked <= most) continue;
      throw new Rejection('invalid', 'quota.above_project', `${QUOTA_NAMES[resource]} may be at most the project's own: ${most}`, { pointer: `/${QUOTA_NAMES[resource]}`, limit: most });
    }
    const from = quotas.ofServices.get(dockerServiceId) ?? NO_QUOTA;
    return isSame(from, to) ? [] : [{ type: 'ServiceQuotaChanged', data: { dockerServiceId, from, to } }];
  },

  ReserveRoom: (state, { data }) => reserve(state, data),

  SettleRoom({ quotas }, { data: { isFound, ...data } }) {
    const { holder, at, amounts } = data;
    const before = quotas.holdings.get(holder);
    if (!before) return isFound && !sameAmounts(amounts, NO_AMOUNTS) ? [{ type: 'RoomSettled', data }] : [];
    // Whoever read the holder before it was settled last has nothing to say.
    if (at < before.at) return [];
    return sameAmounts(heldRoom(settledAt(before, at, amounts)), heldRoom(before)) ? [] : [{ type: 'RoomSettled', data }];
  },

  ReleaseRoom: ({ quotas }, { data }) => (quotas.holdings.has(data.holder) || quotas.ofServices.has(data.holder) ? [{ type: 'RoomReleased', data }] : []),

  RecordUse: ({ quotas, projectId }, { data: { scope, id, use } }) => {
    const quota = scope === 'project' ? quotas.quota : useLimit(quotas, id as DockerServiceId);
    return warningChanges(quotas.warnings, { scope, id: scope === 'project' ? projectId : id, quota }, 'used', { amounts: { ...NO_AMOUNTS, ...use }, resources: ['cpuMillis', 'memoryBytes'] });
  },
};

/** Where a service has no quota of its own, its containers' limits are what it can't take more than. */
function useLimit(quotas: Quotas, id: DockerServiceId): Quota {
  const own = quotas.ofServices.get(id) ?? NO_QUOTA;
  const holding = quotas.holdings.get(id);
  if (!holding) return NO_QUOTA;
  const held = heldRoom(holding);
  return { ...NO_QUOTA, cpuMillis: own.cpuMillis ?? held.cpuMillis, memoryBytes: own.memoryBytes ?? held.memoryBytes };
}

/** Reserves room for a change of a holder. A repeat of it, at the same place in the holder's stream, finds what it reserved.
 *  @throws Rejection `quota.exceeded` by the service's quota or the project's */
export function reserve({ quotas, projectId }: QuotaState, data: RoomHolder & { commandId: string }): readonly QuotaEvent[] {
  const { holder, countsFor, commandId, at, amounts } = data;
  const before = quotas.holdings.get(holder) ?? holdingOf(countsFor);
  // Its own write can't follow any more: the holder has moved on.
  if (at < before.at) return [];
  const same = before.pending.get(commandId);
  if ((same?.at === at && isWithin(amounts, same.amounts)) || (!quotas.holdings.has(holder) && sameAmounts(amounts, NO_AMOUNTS))) return [];
  const grown = subtractAmounts(heldRoom(withPending(before, commandId, { at, amounts })), heldRoom(before));
  const ofService = countsFor && quotas.ofServices.get(countsFor);
  if (ofService) {
    const used = reservedBy(quotas, countsFor);
    refuseBeyond({ scope: 'docker_service', id: countsFor, quota: ofService }, { before: used, after: addAmounts(used, grown) });
  }
  refuseBeyond({ scope: 'project', id: projectId, quota: quotas.quota }, { before: quotas.reserved, after: addAmounts(quotas.reserved, grown) });
  return [{ type: 'RoomReserved', data }];
}

/** The warnings that begin, change or end with these events. */
export function warningsAfter({ quotas: before, projectId }: QuotaState, events: readonly QuotaEvent[]): readonly QuotaEvent[] {
  const after = events.reduce(evolveQuotas, before);
  if (isUnlimited(after.quota) && !after.ofServices.size && !after.warnings.size) return [];
  const ofProject = { scope: 'project', id: projectId, quota: after.quota } as const;
  const own = after.quota === before.quota && after.reserved === before.reserved ? [] : warningChanges(after.warnings, ofProject, 'reserved', { amounts: after.reserved });
  return [...own, ...[...concerned(before, events)].flatMap((id) => ofService(after, id))];
}

/** A service whose quota is gone has no warning any more, of what it was measured to take neither. */
function ofService(after: Quotas, id: DockerServiceId): readonly QuotaEvent[] {
  const reserved = warningChanges(after.warnings, { scope: 'docker_service', id, quota: after.ofServices.get(id) ?? NO_QUOTA }, 'reserved', { amounts: reservedBy(after, id) });
  const isGone = !after.holdings.has(id);
  const stale = isGone ? [...after.warnings.values()].filter((warning: QuotaWarning) => warning.id === id && warning.measure === 'used') : [];
  return [...reserved, ...stale.map(({ level: _, ...warning }): QuotaEvent => ({ type: 'QuotaWarningEnded', data: warning }))];
}

/** Services that events are about. */
function concerned({ holdings }: Quotas, events: readonly QuotaEvent[]): ReadonlySet<DockerServiceId> {
  const ids = events.flatMap((event): (DockerServiceId | null)[] => {
    if (event.type === 'RoomReleased') return [holdings.get(event.data.holder)?.countsFor ?? null];
    if (event.type === 'ServiceQuotaChanged') return [event.data.dockerServiceId];
    return 'countsFor' in event.data ? [event.data.countsFor] : [];
  });
  return new Set(ids.filter((id) => id !== null));
}

/** Decides a command about quotas, with the warnings that follow. @throws Rejection `quota.exceeded`, `quota.above_project` */
export function decideQuotas(state: QuotaState, command: QuotaCommand): readonly QuotaEvent[] {
  const events = decisions[command.type](state, command as never);
  return events.length && command.type !== 'RecordUse' ? [...events, ...warningsAfter(state, events)] : events;
}
