import { dependencyId, Rejection, waitCycle, workingSpec, type DependencyUse, type ExistingDockerService, type ResourceId } from '#domain';
import type { AggregateStore } from '#event-store';
import { standingService } from './dependency-targets.ts';
import { loadResource } from './resources.ts';

/** A service as it is to be. */
export interface Waiter {
  readonly dockerServiceId: string;
  readonly name: string;
  /** Its own, and those of what has to end before its replicas start. */
  readonly dependencies: readonly DependencyUse[];
}

/** A resource that is about to be elsewhere. */
export interface MovedResource {
  readonly resourceId: ResourceId;
  readonly dockerServiceId: string | null;
}

/** Refuses a service that would wait for itself: of services that wait for each other none would ever start. Two changes at the same moment may still make
 *  such a circle; their replicas then wait until their deadlines, and say for what.
 *  @param pointer where the body says it. @throws Rejection `dependency.wait_cycle` that names the services in their order. */
export async function refuseWaitCycle(aggregates: AggregateStore, waiter: Waiter, { pointer, moved = null }: { readonly pointer: string; readonly moved?: MovedResource | null }): Promise<void> {
  const names = new Map([[waiter.dockerServiceId, waiter.name]]);
  const waits = new Map([[waiter.dockerServiceId, await awaitedServices(aggregates, waiter.dependencies, moved)]]);
  const open = [...waits.get(waiter.dockerServiceId)!];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (waits.has(id)) continue;
    const service = await standingService(aggregates, id);
    if (service) names.set(id, service.name);
    const next = service ? await awaitedServices(aggregates, waitingParts(service), moved) : [];
    waits.set(id, next);
    open.push(...next);
  }
  const cycle = waitCycle(waiter.dockerServiceId, waits);
  if (!cycle) return;
  const way = cycle.map((id) => names.get(id) ?? id).join(' → ');
  throw new Rejection('invalid', 'dependency.wait_cycle', `${way}: each would wait for the next, and none would ever start; leave wait out at one of them`, { pointer, cycle });
}

/** What keeps a service's replicas from starting: what its containers wait for, and its hook before them. */
export const waitingParts = (service: ExistingDockerService, spec = workingSpec(service), deploy = service.deploy): readonly DependencyUse[] => [
  ...(spec.dependencies ?? []),
  ...(deploy.preDeploy?.overrides.dependencies ?? []),
];

/** As the resources are now: whoever depends on one is rolled to where it is. */
async function awaitedServices(aggregates: AggregateStore, dependencies: readonly DependencyUse[], moved: MovedResource | null): Promise<readonly string[]> {
  const waits = dependencies.filter(({ wait }) => wait !== null).map(dependencyId);
  const behind = await Promise.all(waits.map(async (id) => {
    if (!id.startsWith('res_')) return id;
    if (moved?.resourceId === id) return moved.dockerServiceId;
    const resource = await loadResource(aggregates, id);
    return resource.status === 'present' ? resource.settings.dockerServiceId : null;
  }));
  return behind.filter((id) => id !== null);
}
