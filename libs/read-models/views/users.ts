import type { TenantContext } from '#contracts';
import type { UserId } from '#domain';
import type { Reads } from '../reads.ts';
import { evolveBy, keysOf, type View } from '../view.ts';

/** Somebody who may sign in. Their login and name, the store of identities knows. */
export interface UserFacts {
  readonly user_id: UserId;
  /** Runs the platform: reaches every project. */
  readonly operator: boolean;
  readonly created_at: string;
}

export interface UserDocument extends UserFacts {
  readonly id: string;
  readonly position: string;
}

/** People; who was deleted leaves the view. */
export const users: View<UserDocument> = {
  schema: { view: 'users', version: 1, indexes: [] },
  prefixes: ['user-'],
  keys: keysOf({ UserCreated: ({ data }) => data.userId, UserDeleted: ({ data }) => data.userId }),
  evolve: evolveBy<UserDocument>(
    { UserCreated: ({ data: { userId, isOperator }, metadata, position }) => ({ id: userId, position, user_id: userId, operator: isOperator, created_at: metadata.at }) },
    { UserDeleted: () => null },
  ),
};

/** One user, for those who reach every project: people belong to none. Null where there is none. */
export async function getUser(reads: Reads, tenant: TenantContext, id: string): Promise<UserFacts | null> {
  return (await findUsers(reads, tenant, [id])).get(id) ?? null;
}

/** Those of these ids that there are, for those who reach every project. */
export async function findUsers(reads: Reads, tenant: TenantContext, ids: readonly string[]): Promise<ReadonlyMap<string, UserFacts>> {
  const found = tenant.projects === 'all' ? await reads.models.getMany<UserDocument>('users', ids) : new Map<string, UserDocument>();
  return new Map([...found.values()].map(({ user_id, operator, created_at }) => [user_id, { user_id, operator, created_at }]));
}
