import type { TenantContext } from '#contracts';
import type { Actor, Apply, ConfigId, EnvironmentId, ProjectId, SecretId } from '#domain';
import type { Page } from '../port.ts';
import { findWithin, getWithin, type Paging, type Reads } from '../reads.ts';
import { evolveBy, type Of, type View } from '../view.ts';
import { valueUsersIn, type ValueUser } from './value-users.ts';

/** A version, never what it holds. */
export interface HeldVersionDocument {
  readonly version: number;
  readonly apply: Apply;
  readonly created_at: string;
  readonly created_by: Actor;
}

interface HeldFields {
  readonly project_id: ProjectId;
  /** Null: for all of the project. */
  readonly environment_id: EnvironmentId | null;
  readonly name: string;
  /** The latest. */
  readonly version: number;
  readonly versions: readonly HeldVersionDocument[];
  readonly created_at: string;
  readonly created_by: Actor;
  readonly updated_at: string;
  readonly updated_by: Actor;
  readonly revision: number;
}

/** What is known of a secret: all but its values. */
export interface SecretAnswer extends HeldFields {
  readonly secret_id: SecretId;
  readonly used_by: readonly ValueUser[];
}

/** What is known of a config; the gateway joins its content. */
export interface ConfigAnswer extends HeldFields {
  readonly config_id: ConfigId;
  readonly used_by: readonly ValueUser[];
}

export interface SecretDocument extends Omit<SecretAnswer, 'used_by'> {
  readonly id: string;
  readonly position: string;
}

export interface ConfigDocument extends Omit<ConfigAnswer, 'used_by'> {
  readonly id: string;
  readonly position: string;
}

/** Secrets that stand; a deleted one leaves the view. */
export const secrets: View<SecretDocument> = {
  schema: { view: 'secrets', version: 1, indexes: [['project_id', 'name'], ['environment_id']] },
  prefixes: ['secret-'],
  keys: ({ stream }) => [stream.slice('secret-'.length)],
  evolve: evolveBy<SecretDocument>(
    { SecretCreated: (event) => ({ id: event.data.secretId, position: event.position, secret_id: event.data.secretId, ...begun(event) }) },
    { SecretVersionAdded: (secret, event) => ({ ...secret, ...withVersion(secret, event) }), SecretDeleted: () => null },
  ),
};

/** Configs that stand; a deleted one leaves the view. */
export const configs: View<ConfigDocument> = {
  schema: { view: 'configs', version: 1, indexes: [['project_id', 'name'], ['environment_id']] },
  prefixes: ['config-'],
  keys: ({ stream }) => [stream.slice('config-'.length)],
  evolve: evolveBy<ConfigDocument>(
    { ConfigCreated: (event) => ({ id: event.data.configId, position: event.position, config_id: event.data.configId, ...begun(event) }) },
    { ConfigVersionAdded: (config, event) => ({ ...config, ...withVersion(config, event) }), ConfigDeleted: () => null },
  ),
};

function begun({ data: { projectId, environmentId, name }, metadata: { at, actor }, revision }: Of<'SecretCreated'> | Of<'ConfigCreated'>): HeldFields {
  return {
    project_id: projectId, environment_id: environmentId, name, version: 1, versions: [{ version: 1, apply: 'now', created_at: at, created_by: actor }],
    created_at: at, created_by: actor, updated_at: at, updated_by: actor, revision: Number(revision),
  };
}

function withVersion({ versions }: HeldFields, { data: { version, apply }, metadata: { at, actor }, revision }: Of<'SecretVersionAdded'> | Of<'ConfigVersionAdded'>): Partial<HeldFields> {
  return { version, versions: [...versions, { version, apply, created_at: at, created_by: actor }], updated_at: at, updated_by: actor, revision: Number(revision) };
}

/** The views that tell of users. */
export const USER_VIEWS = ['services', 'jobs', 'schedules'] as const;

/** What a list is narrowed down by. */
export interface HeldFilter extends Paging {
  readonly project_id?: string;
  readonly environment_id?: string;
  readonly name?: string;
}

/** One secret, or null where there is none within reach. */
export const getSecret = (reads: Reads, tenant: TenantContext, id: string): Promise<SecretAnswer | null> => getHeld<SecretDocument>(reads, tenant, 'secrets', id);

/** The secrets within reach. */
export const listSecrets = (reads: Reads, tenant: TenantContext, filter: HeldFilter = {}): Promise<Page<SecretAnswer>> => listHeld<SecretDocument>(reads, tenant, 'secrets', filter);

/** One config, or null where there is none within reach. */
export const getConfig = (reads: Reads, tenant: TenantContext, id: string): Promise<ConfigAnswer | null> => getHeld<ConfigDocument>(reads, tenant, 'configs', id);

/** The configs within reach. */
export const listConfigs = (reads: Reads, tenant: TenantContext, filter: HeldFilter = {}): Promise<Page<ConfigAnswer>> => listHeld<ConfigDocument>(reads, tenant, 'configs', filter);

type AnyHeld = HeldFields & { readonly id: string; readonly position: string };
type Answered<Doc> = Omit<Doc, 'id' | 'position'> & { readonly used_by: readonly ValueUser[] };

async function getHeld<Doc extends AnyHeld>(reads: Reads, tenant: TenantContext, view: string, id: string): Promise<Answered<Doc> | null> {
  const held = await getWithin<Doc>(reads, tenant, view, id);
  return held && answer(held, await valueUsersIn(reads, held.project_id));
}

async function listHeld<Doc extends AnyHeld>(reads: Reads, tenant: TenantContext, view: string, { cursor, limit, ...eq }: HeldFilter): Promise<Page<Answered<Doc>>> {
  const page = await findWithin<Doc>(reads, tenant, view, { cursor, limit, eq });
  const projects = [...new Set(page.items.map(({ project_id }) => project_id))];
  const users = new Map(await Promise.all(projects.map(async (projectId) => [projectId, await valueUsersIn(reads, projectId)] as const)));
  return { ...page, items: page.items.map((held) => answer(held, users.get(held.project_id)!)) };
}

function answer<Doc extends AnyHeld>({ id, position: _position, ...held }: Doc, users: ReadonlyMap<string, readonly ValueUser[]>): Answered<Doc> {
  return { ...held, used_by: users.get(id) ?? [] };
}
