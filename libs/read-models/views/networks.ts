import type { TenantContext } from '#contracts';
import { OWN_NETWORK, type EnvironmentId, type NetworkId, type ProjectId } from '#domain';
import type { Page } from '../port.ts';
import { findWithin, getWithin, type Paging, type Reads } from '../reads.ts';
import { evolveBy, type View } from '../view.ts';
import { networkIdsIn } from './joins.ts';
import { usersIn, type ValueUser } from './value-users.ts';

interface NetworkFields {
  readonly network_id: NetworkId;
  readonly project_id: ProjectId;
  readonly environment_id: EnvironmentId;
  /** `default` for an environment's own. */
  readonly name: string;
  readonly driver: 'bridge';
  /** Null until the platform has allotted it one. */
  readonly subnet: string | null;
  readonly created_at: string;
  readonly revision: number;
}

/** A network of an environment, joined with whoever is in it, or may come to be. */
export interface NetworkAnswer extends NetworkFields {
  readonly used_by: readonly ValueUser[];
}

export interface NetworkDocument extends NetworkFields {
  readonly id: string;
  readonly position: string;
}

/** Networks that exist; a deleted one leaves the view. */
export const networks: View<NetworkDocument> = {
  schema: { view: 'networks', version: 2, indexes: [['project_id', 'name'], ['environment_id', 'name']] },
  prefixes: ['network-'],
  keys: ({ stream }) => [stream.slice('network-'.length)],
  evolve: evolveBy<NetworkDocument>(
    {
      NetworkCreated: ({ data, metadata, position, revision }) => ({
        id: data.networkId,
        position,
        network_id: data.networkId,
        project_id: data.projectId,
        environment_id: data.environmentId,
        name: data.name,
        driver: data.driver,
        subnet: data.subnet,
        created_at: metadata.at,
        revision: Number(revision),
      }),
    },
    { NetworkSubnetChanged: (network, { data, revision }) => ({ ...network, subnet: data.to, revision: Number(revision) }), NetworkDeleted: () => null },
  ),
};

/** One network, or null where there is none within reach. */
export async function getNetwork(reads: Reads, tenant: TenantContext, id: string): Promise<NetworkAnswer | null> {
  const network = await getWithin<NetworkDocument>(reads, tenant, 'networks', id);
  return network && answer(network, await usersOf(reads, network.project_id));
}

/** The networks within reach. */
export async function listNetworks(
  reads: Reads,
  tenant: TenantContext,
  list: Paging & { project_id?: string; environment_id?: string; name?: string } = {},
): Promise<Page<NetworkAnswer>> {
  const { cursor, limit, ...eq } = list;
  const page = await findWithin<NetworkDocument>(reads, tenant, 'networks', { cursor, limit, eq });
  const projects = [...new Set(page.items.map(({ project_id }) => project_id))];
  const users = new Map(await Promise.all(projects.map(async (projectId) => [projectId, await usersOf(reads, projectId)] as const)));
  return { ...page, items: page.items.map((network) => answer(network, users.get(network.project_id)!)) };
}

type Users = ReadonlyMap<string, readonly ValueUser[]>;

/** Whoever says nothing is in the own network of his environment, which stands here under the environment's id. */
const usersOf = (reads: Reads, projectId: ProjectId): Promise<Users> => usersIn(reads, projectId, (part, { environmentId, isWhole }) => networkIdsIn(part, isWhole ? environmentId : null));

function answer({ id, position: _position, ...network }: NetworkDocument, users: Users): NetworkAnswer {
  const named = users.get(id) ?? [];
  const inOwn = network.name === OWN_NETWORK ? (users.get(network.environment_id) ?? []) : [];
  return { ...network, used_by: [...inOwn, ...named.filter((user) => !inOwn.some((other) => other.id === user.id))] };
}
