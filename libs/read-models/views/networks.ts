import type { TenantContext } from '#contracts';
import type { EnvironmentId, NetworkId, ProjectId } from '#domain';
import type { Page } from '../port.ts';
import { findEvery, findWithin, getWithin, type Paging, type Reads } from '../reads.ts';
import { evolveBy, type View } from '../view.ts';
import type { ServiceDocument } from './services.ts';

interface NetworkFields {
  readonly network_id: NetworkId;
  readonly project_id: ProjectId;
  readonly environment_id: EnvironmentId;
  readonly name: string;
  readonly driver: 'bridge';
  readonly subnet: string;
}

/** A network of an environment, joined with the services in it. */
export interface NetworkAnswer extends NetworkFields {
  readonly used_by: readonly { readonly type: 'docker_service'; readonly id: string }[];
}

export interface NetworkDocument extends NetworkFields {
  readonly id: string;
  readonly position: string;
}

/** Networks that exist; a deleted one leaves the view. */
export const networks: View<NetworkDocument> = {
  schema: { view: 'networks', version: 1, indexes: [['project_id'], ['environment_id']] },
  prefixes: ['network-'],
  keys: ({ stream }) => [stream.slice('network-'.length)],
  evolve: evolveBy<NetworkDocument>(
    {
      NetworkCreated: ({ data, position }) => ({
        id: data.networkId,
        position,
        network_id: data.networkId,
        project_id: data.projectId,
        environment_id: data.environmentId,
        name: data.name,
        driver: data.driver,
        subnet: data.subnet,
      }),
    },
    { NetworkSubnetChanged: (network, { data }) => ({ ...network, subnet: data.to }), NetworkDeleted: () => null },
  ),
};

/** One network, or null where there is none within reach. */
export async function getNetwork(reads: Reads, tenant: TenantContext, id: string): Promise<NetworkAnswer | null> {
  const network = await getWithin<NetworkDocument>(reads, tenant, 'networks', id);
  return network && answer(reads, network);
}

/** The networks within reach. */
export async function listNetworks(
  reads: Reads,
  tenant: TenantContext,
  list: Paging & { project_id?: string; environment_id?: string } = {},
): Promise<Page<NetworkAnswer>> {
  const { cursor, limit, ...eq } = list;
  const page = await findWithin<NetworkDocument>(reads, tenant, 'networks', { cursor, limit, eq });
  return { ...page, items: await Promise.all(page.items.map((network) => answer(reads, network))) };
}

async function answer(reads: Reads, { id: _id, position: _position, ...network }: NetworkDocument): Promise<NetworkAnswer> {
  const inside = await findEvery<ServiceDocument>(reads, 'services', { eq: { environment_id: network.environment_id }, in: { lifecycle: ['ACTIVE', 'PAUSED', 'DELETING'] } });
  return { ...network, used_by: inside.filter(({ network_id }) => network_id === network.network_id).map(({ id }) => ({ type: 'docker_service', id })) };
}
