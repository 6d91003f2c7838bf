import { targetsNow } from '#application';
import { awaitedBy, dependencyId, parseStream, targetsBehind, usedBy, workingRelease, type DependencyTarget, type DockerServiceId, type ExistingDockerService, type Observation, type Owner, type ReplicaId } from '#domain';
import type { AggregateStore, Recorded } from '#event-store';
import type { Breach, World } from '../world.ts';
import type { Ledger } from './ledger.ts';
import { membersOf } from './network-laws.ts';

/** When services were well, as the log says: some replica of theirs ran, and was healthy where it has a check. */
export class Wells {
  readonly #well = new Map<string, Set<ReplicaId>>();
  /** Until when somebody was. */
  readonly #last = new Map<string, number>();
  readonly #created = new Map<ReplicaId, number>();

  /** @param now virtual time */
  take({ type, data }: Recorded, now: number): void {
    const { replicaId, owner, state, health } = data as Observation & { owner: Owner };
    if (type === 'ReplicaCreated') this.#created.set(replicaId, now);
    if (type !== 'ReplicaObserved') return;
    const well = this.#well.get(owner.id) ?? new Set();
    const isWell = (state === 'RUNNING' || state === 'SETTLED') && (health === undefined || health === 'healthy' || health === 'unknown');
    if (isWell) well.add(replicaId);
    else if (well.delete(replicaId)) this.#last.set(owner.id, now);
    this.#well.set(owner.id, well);
  }

  /** At some time since a replica was ordered. */
  since(replicaId: ReplicaId, dockerServiceId: string): boolean {
    return this.isNow(dockerServiceId) || (this.#last.get(dockerServiceId) ?? -1) >= (this.#created.get(replicaId) ?? 0);
  }

  isNow(dockerServiceId: string): boolean {
    return (this.#well.get(dockerServiceId)?.size ?? 0) > 0;
  }
}

/** What must hold of those who wait; `ledger` lacks the event yet. */
export const DEPENDENCY_LAWS = {
  'who waits is placed after what it waits for was well': ({ type, data }: Recorded, ledger: Ledger): string | null => {
    const { replicaId, attempt } = data as { replicaId: ReplicaId; attempt: number };
    if (type !== 'PlacementClaimed' || attempt > 1) return null;
    const early = awaitedBy(ledger.specOf(replicaId) ?? {}).find(({ dockerServiceId }) => !ledger.wells.since(replicaId, dockerServiceId));
    return early ? `${replicaId} was given a node, and ${early.dockerServiceId}, which it waits for, was never well meanwhile` : null;
  },
};

/** Whether a replica waits for somebody who isn't well. */
export const isHeld = ({ ledger }: World, replicaId: ReplicaId): boolean => awaitedBy(ledger.specOf(replicaId) ?? {}).some(({ dockerServiceId }) => !ledger.wells.isNow(dockerServiceId));

/** Who uses a resource, or a service by itself or as a resource: services by what they stand on and may come to stand on, and resources. */
export function dependants({ services, resources }: Ledger, id: string): string[] {
  const uses = (service: ExistingDockerService): boolean => [service.stableRelease, workingRelease(service)].some((number) => usedBy(service.releases.get(number ?? 0) ?? {}).includes(id as DockerServiceId));
  return [
    ...[...services].flatMap(([user, service]) => (user !== id && service.status === 'present' && service.lifecycle !== 'DELETED' && uses(service) ? [user] : [])),
    ...[...resources].flatMap(([user, resource]) => (resource.status === 'present' && resource.settings.dockerServiceId === id ? [user] : [])),
  ];
}

/** What has been used ever since its deletion was asked for: refused. Who begins to use it just then fails, and goes back. */
export function usedDeletions({ ledger, deletions, shelf }: World, { id, stream, type, metadata }: Recorded): Breach[] {
  if (type !== 'ResourceDeleted' && type !== 'DockerServiceDeletionRequested' && type !== 'NetworkDeleted') return [];
  const users = [...dependants(ledger, parseStream(stream).id), ...membersOf(ledger, parseStream(stream).id)];
  const ignored = deletions.usersAllAlong(metadata.commandId).find((user) => users.includes(user));
  // It was going before that one came to use it: this is another word about its volumes.
  const isGoing = ignored && shelf.log.some((event) => event.id !== id && event.stream === stream && event.type === type);
  return ignored && !isGoing ? [{ law: 'what is used is not deleted', what: `${stream} is to go, and ${ignored} uses it` }] : [];
}

/** Services that don't know the latest way to what they use, and were never rolled to it. */
export async function dependantsLeft({ ledger }: World): Promise<string[]> {
  const left = [...ledger.services].map(async ([id, service]) => {
    if (service.status !== 'present' || service.lifecycle !== 'ACTIVE') return [];
    const spec = service.releases.get(workingRelease(service)) ?? {};
    const behind = targetsBehind(spec, await targetsNow(readerOf(ledger), spec));
    return Object.entries(behind).flatMap(([used, target]) => (wasTried(service, used, target) ? [] : [`${id} depends on ${used} as it was before ${JSON.stringify(target)}`]));
  });
  return (await Promise.all(left)).flat();
}

/** A later release than it works on has it: its deployment went back. */
const wasTried = (service: ExistingDockerService, used: string, { version, port }: DependencyTarget): boolean =>
  [...service.releases].some(([number, { dependencies = [] }]) => number > workingRelease(service) && dependencies.some((use) => dependencyId(use) === used && use.target?.version === version && use.target.port === port));

/** What the log says, to be asked as a store is. */
function readerOf({ services, resources, values }: Ledger): AggregateStore {
  const states: Readonly<Record<string, ReadonlyMap<string, unknown>>> = { docker_service: services, resource: resources, secret: values };
  const load = ({ initial }: { initial: unknown }, stream: string): Promise<object> => {
    const { category, id } = parseStream(stream);
    return Promise.resolve({ state: states[category]?.get(id) ?? initial });
  };
  return { load } as unknown as AggregateStore;
}
