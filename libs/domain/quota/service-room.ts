import type { ActiveDeployment, ExistingDockerService } from '../docker-service/docker-service.ts';
import type { ContainerSpec, ReplicaOrder } from '../docker-service/events.ts';
import type { Hook } from '../docker-service/hook.ts';
import type { ReplicaId } from '../kernel/ids.ts';
import { type Amount, larger, NOTHING, plus } from '../kernel/units.ts';
import { hostPortKeys } from '../node/room.ts';
import { boundsOf } from '../rollout/bounds.ts';
import { mostOf, NO_AMOUNTS, type QuotaAmounts } from './amounts.ts';

/** A replica that was ordered and isn't over, as far as is known. */
export interface HeldReplica extends Pick<ReplicaOrder, 'replicaId' | 'slot' | 'release' | 'replaces'> {
  readonly isStopped: boolean;
  /** The deployment under way has ordered it. */
  readonly isNew: boolean;
}

/** The most that a service may come to need as it stands, by its containers' limits: for the replicas that it wants; while a deployment moves it,
 *  for its whole way there and back (old, new, surge and hooks) from start to end, so that a return never lacks room; and never less than what
 *  is left of before. What is stopped or being deleted needs only that. `replicas` counts wanted slots, so that surge doesn't count there.
 *  @param held without them: what its stream alone says, to be compared with itself only */
export function serviceRoom(service: ExistingDockerService, held: readonly HeldReplica[]): QuotaAmounts {
  const rolling = service.lifecycle === 'ACTIVE' && service.activeDeployment && !service.activeDeployment.cutShort ? service.activeDeployment : null;
  return rolling ? rollRoom(service, rolling, held) : slotsRoom(service, held, wantedSlots(service));
}

/** How many slots are filled and refilled while no deployment moves it. A halted service keeps what it has, and gets nothing new. */
function wantedSlots({ lifecycle, paused, stableRelease, halted, replicas }: ExistingDockerService): number {
  const isAtRest = lifecycle === 'DELETING' || lifecycle === 'DELETED' || paused === 'removed' || stableRelease === null;
  return isAtRest || halted ? 0 : replicas;
}

/** A slot is filled again only when whatever was in it has ended: so each needs the larger of what it is to have and what it has. */
function slotsRoom(service: ExistingDockerService, held: readonly HeldReplica[], wanted: number): QuotaAmounts {
  const own = limitOf(service, service.stableRelease);
  const bySlot = Map.groupBy(held, ({ slot }) => slot);
  const slots = new Set([...bySlot.keys(), ...Array.from({ length: wanted }, (_, index) => index + 1)]);
  const needs = [...slots].map((slot) => larger(slot <= wanted ? own : NOTHING, runningAtOnce(service, bySlot.get(slot) ?? [])));
  return { ...NO_AMOUNTS, ...needs.reduce(plus, NOTHING), replicas: slots.size };
}

/** A roll lets so many live at once as are wanted and `surge` more, and never more of the new release than are wanted. */
function rollRoom(service: ExistingDockerService, active: ActiveDeployment, held: readonly HeldReplica[]): QuotaAmounts {
  const { replicas: wanted, stableRelease, superseded, releases } = service;
  const { toRelease, settings, kind } = active;
  const spec = releases.get(toRelease);
  const before = held.filter(({ isNew }) => !isNew);
  const hasBefore = kind !== 'create' && (stableRelease !== null || superseded.length > 0 || before.some(({ isStopped }) => !isStopped));
  const surge = hasBefore && wanted > 0 ? boundsOf(settings, wanted, hostPortKeys(spec?.ports ?? []).length > 0).surge : 0;
  const others = [stableRelease, ...superseded.map((each) => each.toRelease), ...before.map(({ release }) => release)];
  const old = hasBefore ? others.map((release) => limitOf(service, release)).reduce(larger, NOTHING) : NOTHING;
  // Left over from a larger number, or from a roll that was taken over, there may be more of before than are wanted.
  const most = superseded.length > 0 || before.length > wanted ? wanted + surge : wanted;
  const roll = mixOf({ wanted, surge, most }, old, limitOf(service, toRelease));
  const hook = larger(hookLimit(settings.preDeploy, spec), hookLimit(settings.postDeploy, spec));
  const left = runningAtOnce(service, held);
  const slots = new Set([...held.map(({ slot }) => slot), ...Array.from({ length: wanted }, (_, index) => index + 1)]);
  return mostOf({ ...NO_AMOUNTS, ...plus(larger(roll, left), hook), replicas: slots.size });
}

/** The most that `wanted` + `surge` containers take of which at most `wanted` are new and at most `most` old. */
function mixOf({ wanted, surge, most }: { readonly wanted: number; readonly surge: number; readonly most: number }, old: Amount, fresh: Amount): Amount {
  const all = wanted + surge;
  const of = (amount: keyof Amount): number => {
    const fewNew = { old: most, fresh: Math.min(wanted, all - most) };
    const manyNew = { old: Math.min(most, surge), fresh: wanted };
    return Math.max(...[fewNew, manyNew].map((mix) => mix.old * old[amount] + mix.fresh * fresh[amount]));
  };
  return { cpuMillis: of('cpuMillis'), memoryBytes: of('memoryBytes') };
}

/** One that `replaces` another starts after that one's end: of such a row one runs at a time. */
function runningAtOnce(service: ExistingDockerService, held: readonly HeldReplica[]): Amount {
  const known = new Map(held.map((each) => [each.replicaId, each]));
  const first = (each: HeldReplica): ReplicaId => {
    const before = each.replaces && known.get(each.replaces);
    return before ? first(before) : each.replicaId;
  };
  const rows = Map.groupBy(held, first);
  return [...rows.values()].map((row) => row.map(({ release }) => limitOf(service, release)).reduce(larger, NOTHING)).reduce(plus, NOTHING);
}

const limitOf = ({ releases }: ExistingDockerService, release: number | null): Amount => (release === null ? NOTHING : (releases.get(release)?.resources.limit ?? NOTHING));

const hookLimit = (hook: Hook | null, spec: ContainerSpec | undefined): Amount => (hook ? (hook.overrides.resources?.limit ?? spec?.resources.limit ?? NOTHING) : NOTHING);

/** A job holds the room of one container until it has ended, and each of its attempts has the same. */
export const jobRoom = ({ resources: { limit } }: Pick<ContainerSpec, 'resources'>): QuotaAmounts => ({ ...NO_AMOUNTS, ...limit, replicas: 1 });

/** What a new volume holds: the size that it is held to. One without a size counts nothing. */
export const volumeRoom = (sizeBytes: number | null): QuotaAmounts => ({ ...NO_AMOUNTS, volumesBytes: sizeBytes ?? 0 });
