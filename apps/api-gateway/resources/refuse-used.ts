import { portNow, refuseWaitCycle, standingService, waitingParts } from '#application';
import { Rejection, type ExistingResource, type ResourceSettings } from '#domain';
import { logEnd } from '#event-store';
import { USER_VIEWS, valueUsersIn, type ValueUser } from '#read-models';
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
  const detail = `${name} is used by ${users.map((user) => `${user.type} ${user.name} (${user.id})`).join(', ')}: take it out there, or delete them first`;
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
  const detail = `nobody would know the port of ${name}, which ${users.map((user) => `${user.type} ${user.name} (${user.id})`).join(', ')} uses: the service behind it has none; say port here, or give it one`;
  throw new InvalidRequest([{ pointer: '/port', code: 'dependency.no_port', detail }], 'dependency.no_port');
}

async function usersOf(gateway: Asked, projectId: string, id: string): Promise<readonly ValueUser[]> {
  // Of everything that stood when this was asked for, whichever gateway wrote it.
  await gateway.fresh(USER_VIEWS, (await logEnd(gateway.parts.store)) ?? undefined);
  return (await valueUsersIn(gateway.reads, projectId)).get(id) ?? [];
}
