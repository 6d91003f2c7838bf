import { loadResource, portNow, refuseWaitCycle, standingService, waitingParts } from '#application';
import { defaultPort, dependencyId, Rejection, type ContainerSpec, type DeploySettings, type ExistingDockerService, type ExistingResource, type ResourceSettings } from '#domain';
import { logEnd } from '#event-store';
import { USER_VIEWS, usersIn, valueUsersIn, type ValueUser } from '#read-models';
import { InvalidRequest } from '../edge/invalid-request.ts';
import type { Gateway, GatewayParts } from '../gateway.ts';

/** Where it is looked up. */
export type Asked = Pick<Gateway, 'fresh' | 'reads'> & { readonly parts: Pick<GatewayParts, 'aggregates' | 'store'> };

/** What is to be deleted. */
interface Wanted {
  readonly kind: 'resource' | 'docker_service';
  readonly id: string;
  readonly name: string;
  readonly projectId: string;
}

/** A service that is a dependency of its own hooks may go. @throws Rejection `resource.in_use`, `docker_service.in_use` with who uses it. */
export async function refuseUsed(gateway: Asked, { kind, id, name, projectId }: Wanted): Promise<void> {
  const users = (await usersOf(gateway, projectId, id)).filter((user) => user.id !== id);
  if (users.length === 0) return;
  const detail = `${name} is used by ${named(users)}: take it out there, or delete them first`;
  throw kind === 'resource' ? new Rejection('conflict', 'resource.in_use', detail, { usedBy: users }) : new Rejection('conflict', 'docker_service.in_use', detail, { usedBy: users });
}

/** Whoever waits for the resource would wait for what is behind it then. @throws Rejection `dependency.wait_cycle`. */
export async function refuseCyclesThrough(gateway: Asked, { resourceId, projectId }: ExistingResource, { dockerServiceId }: ResourceSettings): Promise<void> {
  if (dockerServiceId === null) return;
  const { aggregates } = gateway.parts;
  for (const user of await usersOf(gateway, projectId, resourceId)) {
    const service = user.type === 'docker_service' ? await standingService(aggregates, user.id) : null;
    if (service) await refuseWaitCycle(aggregates, { ...service, dependencies: waitingParts(service) }, { pointer: '/docker_service_id', moved: { resourceId, dockerServiceId } });
  }
}

/** Who uses it would stay where it was, and nobody would say so. @throws InvalidRequest `dependency.no_port` */
export async function refuseUsedWithoutPort(gateway: Asked, { resourceId, projectId, name, kind }: ExistingResource, settings: ResourceSettings): Promise<void> {
  if ((await portNow(gateway.parts.aggregates, kind, settings)) !== null) return;
  const users = await usersOf(gateway, projectId, resourceId);
  if (users.length === 0) return;
  const detail = `nobody would know the port of ${name}, which ${named(users)} uses: the service behind it has none; say port here, or give it one`;
  throw new InvalidRequest([{ pointer: '/port', code: 'dependency.no_port', detail }], 'dependency.no_port');
}

/** A service's container as it was, and as it is to be. */
interface Ports {
  readonly from: Pick<ContainerSpec, 'ports'>;
  readonly to: Pick<ContainerSpec, 'ports'> | undefined;
  /** What its hooks are to be. */
  readonly deploy: DeploySettings;
  /** Where the body says it; null where it doesn't. */
  readonly pointer: string | null;
}

/** The same of a service that has ports, and is to have none: whoever uses it as it is, or by a resource that says no port, would stay at the one before.
 *  @throws Rejection `dependency.no_port` with who uses it */
export async function refuseUsedWithoutPorts(gateway: Asked, { dockerServiceId, projectId, name }: ExistingDockerService, { from, to, deploy, pointer }: Ports): Promise<void> {
  if (!to || to.ports.length > 0 || from.ports.length === 0) return;
  const ids = new Set<string>([dockerServiceId]);
  for (const { type, id } of await usersOf(gateway, projectId, dockerServiceId)) {
    const resource = type === 'resource' ? await loadResource(gateway.parts.aggregates, id) : null;
    if (resource?.status === 'present' && resource.settings.port === null && defaultPort(resource.kind) === null) ids.add(id);
  }
  const found = await usersIn(gateway.reads, projectId, ({ dependencies = [] }) => dependencies.map(({ resource_id, docker_service_id }) => resource_id ?? docker_service_id ?? ''));
  const own = [deploy.preDeploy, deploy.postDeploy].flatMap((hook) => hook?.overrides.dependencies ?? []);
  const hasOwn = own.some((use) => ids.has(dependencyId(use)));
  const users = [...ids].flatMap((id) => found.get(id) ?? []).filter(({ id }) => id !== dockerServiceId || hasOwn);
  if (users.length === 0) return;
  const detail = `nobody would know the port of ${name}, which ${named(users)} uses, now or in a release that is kept: leave it a port, or say port in a resource and use that`;
  throw new Rejection('invalid', 'dependency.no_port', detail, { usedBy: users, ...(pointer === null ? {} : { pointer }) });
}

const named = (users: readonly ValueUser[]): string => users.map(({ type, id, name }) => `${type} ${name} (${id})`).join(', ');

async function usersOf(gateway: Asked, projectId: string, id: string): Promise<readonly ValueUser[]> {
  // Of everything that stood when this was asked for, whichever gateway wrote it.
  await gateway.fresh(USER_VIEWS, (await logEnd(gateway.parts.store)) ?? undefined);
  return (await valueUsersIn(gateway.reads, projectId)).get(id) ?? [];
}
