import type { TenantContext } from '#contracts';
import type { Actor, EnvironmentId, ProjectId, ResourceId, ResourceKind, ResourceSettings } from '#domain';
import type { Page } from '../port.ts';
import { findWithin, getWithin, type Paging, type Reads } from '../reads.ts';
import { evolveBy, type View } from '../view.ts';
import { valueUsersIn, type ValueUser } from './value-users.ts';

interface ResourceFields {
  readonly resource_id: ResourceId;
  readonly project_id: ProjectId;
  readonly environment_id: EnvironmentId;
  readonly name: string;
  readonly kind: ResourceKind;
  readonly hostname: string;
  readonly host: string | null;
  readonly port: number | null;
  readonly user: string | null;
  readonly database: string | null;
  /** `version` null: it follows the latest. */
  readonly password: { readonly secret_id: string; readonly version: number | null } | null;
  readonly docker_service_id: string | null;
  /** Counts the ways that it was reached. */
  readonly version: number;
  readonly created_at: string;
  readonly created_by: Actor;
  readonly updated_at: string;
  readonly updated_by: Actor;
  readonly revision: number;
}

/** A resource, joined with who uses it. */
export interface ResourceAnswer extends ResourceFields {
  readonly used_by: readonly ValueUser[];
}

export interface ResourceDocument extends ResourceFields {
  readonly id: string;
  readonly position: string;
}

/** Resources that stand; a deleted one leaves the view. */
export const resources: View<ResourceDocument> = {
  schema: { view: 'resources', version: 1, indexes: [['project_id', 'name'], ['environment_id']] },
  prefixes: ['resource-'],
  keys: ({ stream }) => [stream.slice('resource-'.length)],
  evolve: evolveBy<ResourceDocument>(
    {
      ResourceCreated: ({ data: { resourceId, projectId, environmentId, name, kind, settings }, metadata: { at, actor }, position, revision }) => ({
        id: resourceId, position, resource_id: resourceId, project_id: projectId, environment_id: environmentId, name, kind, ...settingsDocument(settings), version: 1,
        created_at: at, created_by: actor, updated_at: at, updated_by: actor, revision: Number(revision),
      }),
    },
    {
      ResourceChanged: (resource, { data: { version, to }, metadata: { at, actor }, revision }) => ({ ...resource, ...settingsDocument(to), version, updated_at: at, updated_by: actor, revision: Number(revision) }),
      ResourceDeleted: () => null,
    },
  ),
};

/** How it is reached, as documents say it. */
export const settingsDocument = ({ hostname, host, port, user, database, password, dockerServiceId }: ResourceSettings) => ({
  hostname, host, port, user, database, password: password && { secret_id: password.secretId, version: password.version }, docker_service_id: dockerServiceId,
});

/** One resource, or null where there is none within reach. */
export async function getResource(reads: Reads, tenant: TenantContext, id: string): Promise<ResourceAnswer | null> {
  const resource = await getWithin<ResourceDocument>(reads, tenant, 'resources', id);
  return resource && answer(resource, await valueUsersIn(reads, resource.project_id));
}

/** The resources within reach. */
export async function listResources(
  reads: Reads,
  tenant: TenantContext,
  { cursor, limit, ...eq }: Paging & { project_id?: string; environment_id?: string; name?: string; kind?: ResourceKind } = {},
): Promise<Page<ResourceAnswer>> {
  const page = await findWithin<ResourceDocument>(reads, tenant, 'resources', { cursor, limit, eq });
  const projects = [...new Set(page.items.map(({ project_id }) => project_id))];
  const users = new Map(await Promise.all(projects.map(async (projectId) => [projectId, await valueUsersIn(reads, projectId)] as const)));
  return { ...page, items: page.items.map((resource) => answer(resource, users.get(resource.project_id)!)) };
}

const answer = ({ id, position: _position, ...resource }: ResourceDocument, users: ReadonlyMap<string, readonly ValueUser[]>): ResourceAnswer => ({ ...resource, used_by: users.get(id) ?? [] });
