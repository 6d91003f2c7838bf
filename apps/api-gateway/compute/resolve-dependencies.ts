import { loadResource, resourceNotFound, standingService, targetsNow } from '#application';
import { dependencyId, dependencyViolations, dockerService, Rejection, streamOf, withTargets, type ContainerSpec, type Targets } from '#domain';
import type { AggregateStore } from '#event-store';
import { dockerServiceNotFound } from '../docker-services/reach.ts';
import { InvalidRequest } from '../edge/invalid-request.ts';
import type { ValueScope } from './resolve-values.ts';

type Uses = Pick<ContainerSpec, 'dependencies'>;

/** A service's container, with what its dependencies are now. @throws as `refuseUnknownDependencies` */
export async function resolvedDependencies<Spec extends Uses>(aggregates: AggregateStore, scope: ValueScope, spec: Spec): Promise<Spec> {
  return withTargets(spec, await refuseUnknownDependencies(aggregates, scope, spec));
}

/** @param at where the container stands in the body. @returns what each of them is.
 *  @throws Rejection `resource.not_found`, `docker_service.not_found`, `docker_service.deleted`; InvalidRequest `dependency.other_environment`, `dependency.no_port`, and
 *  where two of them would be called the same. */
export async function refuseUnknownDependencies(aggregates: AggregateStore, scope: ValueScope, { dependencies = [] }: Uses, at = ''): Promise<Targets> {
  for (const [index, use] of dependencies.entries()) {
    if (use.resourceId !== null) await refuseUnknownResource(aggregates, scope, use.resourceId, `${at}/dependencies/${index}/resource_id`);
    else await refuseUnknownService(aggregates, scope, use.dockerServiceId!, `${at}/dependencies/${index}/docker_service_id`);
  }
  const targets = { ...scope.knownTargets, ...(await targetsNow(aggregates, { dependencies })) };
  const portless = dependencies.flatMap((use, index) => (targets[dependencyId(use)] ? [] : [{ pointer: `${at}/dependencies/${index}`, code: 'dependency.no_port', detail: `nobody knows the port of ${dependencyId(use)}: the service behind it has none; say it in the resource, or in ports of the service` }]));
  if (portless.length > 0) throw new InvalidRequest(portless, 'dependency.no_port');
  const flaws = dependencyViolations(withTargets({ dependencies }, targets).dependencies!);
  if (flaws.length > 0) throw new InvalidRequest(flaws.map(({ pointer, code, message }) => ({ pointer: `${at}${pointer}`, code, detail: message })));
  return targets;
}

async function refuseUnknownResource(aggregates: AggregateStore, scope: ValueScope, id: string, pointer: string): Promise<void> {
  const resource = await loadResource(aggregates, id);
  if (resource.status !== 'present' || resource.projectId !== scope.projectId) throw resourceNotFound(pointer);
  if (resource.environmentId !== scope.environmentId) throw elsewhere(pointer, `the resource ${resource.name}`);
}

/** @throws as `refuseUnknownDependencies` */
export async function refuseUnknownService(aggregates: AggregateStore, scope: ValueScope, id: string, pointer: string): Promise<void> {
  const { state } = await aggregates.load(dockerService, streamOf('docker_service', id));
  if (state.status !== 'present' || state.projectId !== scope.projectId) throw dockerServiceNotFound(pointer);
  if (!(await standingService(aggregates, id))) throw new Rejection('conflict', 'docker_service.deleted', 'the service is deleted: name another one', { pointer });
  if (state.environmentId !== scope.environmentId) throw elsewhere(pointer, `the service ${state.name}`);
}

const elsewhere = (pointer: string, what: string): InvalidRequest =>
  new InvalidRequest([{ pointer, code: 'dependency.other_environment', detail: `${what} belongs to another environment, whose network is another one: make a resource of this environment, with a host` }], 'dependency.other_environment');
