import { OWN_NETWORK, Rejection, type ExistingNetwork } from '#domain';
import type { TenantContext } from '#contracts';
import { logEnd } from '#event-store';
import { getNetwork, USER_VIEWS } from '#read-models';
import type { Asked } from '../resources/refuse-used.ts';

const VIEWS = ['networks', ...USER_VIEWS] as const;

/** Whoever is in a network would be cut off, and be placed nowhere from then on. @throws Rejection `network.of_environment`, `network.in_use` with who uses it */
export async function refuseUsedNetwork(gateway: Asked, tenant: TenantContext, { networkId, name }: ExistingNetwork): Promise<void> {
  if (name === OWN_NETWORK) throw new Rejection('conflict', 'network.of_environment', 'it is the own network of its environment, and goes with that: delete the environment instead');
  // Of everything that stands, whichever gateway wrote it.
  await gateway.fresh(VIEWS, (await logEnd(gateway.parts.store)) ?? undefined);
  const users = (await getNetwork(gateway.reads, tenant, networkId))?.used_by ?? [];
  if (users.length === 0) return;
  const names = users.map((user) => `${user.type} ${user.name} (${user.id})`).join(', ');
  throw new Rejection('conflict', 'network.in_use', `${name} is used by ${names}: take it out there, or delete them first`, { usedBy: users });
}
