import type { ActiveDeployment, ExistingDockerService } from '../docker-service/docker-service.ts';
import type { ContainerSpec, ReplicaOrder } from '../docker-service/events.ts';
import type { Hook } from '../docker-service/hook.ts';
import type { ReplicaId } from '../kernel/ids.ts';
import { type Amount, larger, NOTHING, plus } from '../kernel/units.ts';
import { hostPortKeys } from '../node/room.ts';
import { boundsOf, isRoll } from '../rollout/bounds.ts';
import { leastOf, mostOf, NO_AMOUNTS, type QuotaAmounts } from './amounts.ts';

/** A replica that was ordered and may run, or still takes room, as far as is known. */
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
  const atRest = slotsRoom(service, held, wantedSlots(service));
  // It may end at any step: then slots are filled beside what still leaves others.
  return rolling ? mostOf(rollRoom(service, rolling, held), atRest) : atRest;
}

/** What a service holds once it is settled: enough for what it may come to need and for what may run now; and what its nodes haven't released yet is
 *  given back when they have, but is no ground to take more than was held. @param lingering not released yet, `running` included */
export const settledRoom = (service: ExistingDockerService, held: QuotaAmounts, { running, lingering }: { readonly running: readonly HeldReplica[]; readonly lingering: readonly HeldReplica[] }): QuotaAmounts =>
  mostOf(serviceRoom(service, running), leastOf(held, serviceRoom(service, lingering)));

/** How many slots are filled and refilled while no deployment moves it. A halted service keeps what it has, and gets nothing new. */
function wantedSlots({ lifecycle, paused, stableRelease, halted, replicas }: ExistingDockerService): number {
  const isAtRest = lifecycle === 'DELETING' || lifecycle === 'DELETED' || paused === 'removed' || stableRelease === null;
  return isAtRest || halted ? 0 : replicas;
}

/** Of slots that are filled and refilled one by one. */
const slotsRoom = (service: ExistingDockerService, held: readonly HeldReplica[], wanted: number): QuotaAmounts =>
  amountsOf(slotBySlot(service, held, { wanted, each: limitOf(service, service.stableRelease) }), held, wanted);

/** A slot is filled again only when whatever was in it has ended: so each needs the larger of what it is to have and what it has. */
function slotBySlot(service: ExistingDockerService, held: readonly HeldReplica[], { wanted, each }: { readonly wanted: number; readonly each: Amount }): Amount {
  const bySlot = Map.groupBy(held, ({ slot }) => slot);
  return slotsOf(held, wanted)
    .map((slot) => larger(slot <= wanted ? each : NOTHING, runningAtOnce(service, bySlot.get(slot) ?? [])))
    .reduce(plus, NOTHING);
}

const slotsOf = (held: readonly HeldReplica[], wanted: number): readonly number[] => [...new Set([...held.map(({ slot }) => slot), ...Array.from({ length: wanted }, (_, index) => index + 1)])];

const amountsOf = (amount: Amount, held: readonly HeldReplica[], wanted: number): QuotaAmounts => ({ ...NO_AMOUNTS, ...amount, replicas: slotsOf(held, wanted).length });

/** Where nothing of before is wanted any more there is no roll: new slots are filled, and others when what leaves them has ended. */
function rollRoom(service: ExistingDockerService, active: ActiveDeployment, held: readonly HeldReplica[]): QuotaAmounts {
  const { replicas: wanted, superseded, releases } = service;
  const { toRelease, settings } = active;
  const before = held.filter(({ isNew }) => !isNew);
  const way = superseded.length > 0 || isRoll(service, before) ? mixedRoom(service, active, before) : slotBySlot(service, held, { wanted, each: limitOf(service, toRelease) });
  const spec = releases.get(toRelease);
  const hook = larger(hookLimit(settings.preDeploy, spec), hookLimit(settings.postDeploy, spec));
  return amountsOf(plus(larger(way, runningAtOnce(service, held)), hook), held, wanted);
}

/** A roll lets so many live at once as are wanted and `surge` more, and never more of the new release than are wanted. */
function mixedRoom(service: ExistingDockerService, { toRelease, settings }: ActiveDeployment, before: readonly HeldReplica[]): Amount {
  const { replicas: wanted, stableRelease, superseded, releases } = service;
  if (wanted === 0) return NOTHING;
  const { surge } = boundsOf(settings, wanted, hostPortKeys(releases.get(toRelease)?.ports ?? []).length > 0);
  const others = [stableRelease, ...superseded.map((each) => each.toRelease), ...before.map(({ release }) => release)];
  const old = others.map((release) => limitOf(service, release)).reduce(larger, NOTHING);
  // Left over from a larger number, or from a roll that was taken over, there may be more of before than are wanted.
  const most = superseded.length > 0 || before.length > wanted ? wanted + surge : wanted;
  return mixOf({ wanted, surge, most }, old, limitOf(service, toRelease));
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
