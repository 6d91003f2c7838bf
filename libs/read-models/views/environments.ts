import type { TenantContext } from '#contracts';
import type { Actor, EnvironmentId, NetworkId, ProjectId } from '#domain';
import type { Page } from '../port.ts';
import { answered, findWithin, getWithin, type Paging, type Reads } from '../reads.ts';
import { evolveBy, keysOf, type View } from '../view.ts';

/** A part of a project with a network of its own. */
export interface EnvironmentAnswer {
  readonly environment_id: EnvironmentId;
  readonly project_id: ProjectId;
  readonly name: string;
  readonly network_id: NetworkId;
  readonly created_at: string;
  readonly created_by: Actor;
}

export interface EnvironmentDocument extends EnvironmentAnswer {
  readonly id: string;
  readonly position: string;
}

/** Environments that exist; a deleted one leaves the view. */
export const environments: View<EnvironmentDocument> = {
  schema: { view: 'environments', version: 1, indexes: [['project_id', 'name']] },
  prefixes: ['project-'],
  keys: keysOf({ EnvironmentCreated: ({ data }) => data.environmentId, EnvironmentDeleted: ({ data }) => data.environmentId }),
  evolve: evolveBy<EnvironmentDocument>(
    {
      EnvironmentCreated: ({ data, metadata, position }) => ({
        id: data.environmentId,
        position,
        environment_id: data.environmentId,
        project_id: data.projectId,
        name: data.name,
        network_id: data.networkId,
        created_at: metadata.at,
        created_by: metadata.actor,
      }),
    },
    { EnvironmentDeleted: () => null },
  ),
};

/** One environment, or null where there is none within reach. */
export async function getEnvironment(reads: Reads, tenant: TenantContext, id: string): Promise<EnvironmentAnswer | null> {
  const environment = await getWithin<EnvironmentDocument>(reads, tenant, 'environments', id);
  return environment && answer(environment);
}

/** The environments within reach, or those of one project. */
export async function listEnvironments(
  reads: Reads,
  tenant: TenantContext,
  list: Paging & { project_id?: string; name?: string } = {},
): Promise<Page<EnvironmentAnswer>> {
  const { project_id, name, ...paging } = list;
  return answered(await findWithin<EnvironmentDocument>(reads, tenant, 'environments', { ...paging, eq: { project_id, name } }), answer);
}

const answer = ({ id: _id, position: _position, ...environment }: EnvironmentDocument): EnvironmentAnswer => environment;
