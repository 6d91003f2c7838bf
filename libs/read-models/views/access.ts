import type { TenantContext } from '#contracts';
import type { Actor, ProjectId, ProjectRole, TokenId, UserId } from '#domain';
import type { Page } from '../port.ts';
import { answered, findEvery, findWithin, getWithin, type Paging, type Reads } from '../reads.ts';
import { evolveBy, keysOf, type View } from '../view.ts';

/** Somebody who belongs to a project. Who that is, the store of identities knows. */
export interface MemberFacts {
  readonly project_id: ProjectId;
  readonly user_id: UserId;
  readonly role: ProjectRole;
  readonly added_at: string;
  readonly added_by: Actor;
}

export interface MemberDocument extends MemberFacts {
  readonly id: string;
  readonly position: string;
}

/** A token of a project, without its name and without what it is. */
export interface TokenFacts {
  readonly token_id: TokenId;
  readonly project_id: ProjectId;
  readonly role: ProjectRole;
  readonly scope: { readonly docker_service_id: string | null; readonly environment_id: string | null; readonly actions: readonly string[] | null } | null;
  readonly expires_at: string;
  readonly created_at: string;
  readonly created_by: Actor;
}

export interface TokenDocument extends TokenFacts {
  readonly id: string;
  readonly position: string;
}

/** Where a member stands in the view. */
export const memberKey = ({ projectId, userId }: { readonly projectId: string; readonly userId: string }): string => `${projectId}.${userId}`;

/** Those who belong to a project; who was removed leaves the view. */
export const members: View<MemberDocument> = {
  schema: { view: 'members', version: 1, indexes: [['project_id', 'user_id'], ['user_id']] },
  prefixes: ['project-'],
  keys: keysOf({ MemberAdded: ({ data }) => memberKey(data), MemberRoleChanged: ({ data }) => memberKey(data), MemberRemoved: ({ data }) => memberKey(data) }),
  evolve: evolveBy<MemberDocument>(
    {
      MemberAdded: ({ data, metadata, position }) => ({
        id: memberKey(data), position, project_id: data.projectId, user_id: data.userId, role: data.role, added_at: metadata.at, added_by: metadata.actor,
      }),
    },
    { MemberRoleChanged: (member, { data }) => ({ ...member, role: data.to }), MemberRemoved: () => null },
  ),
};

/** Tokens that weren't revoked, expired ones among them. */
export const tokens: View<TokenDocument> = {
  schema: { view: 'tokens', version: 1, indexes: [['project_id']] },
  prefixes: ['project-'],
  keys: keysOf({ TokenIssued: ({ data }) => data.tokenId, TokenRevoked: ({ data }) => data.tokenId }),
  evolve: evolveBy<TokenDocument>(
    {
      TokenIssued: ({ data: { tokenId, projectId, role, scope, expiresAt }, metadata, position }) => ({
        id: tokenId,
        position,
        token_id: tokenId,
        project_id: projectId,
        role,
        scope: scope && { docker_service_id: scope.dockerServiceId, environment_id: scope.environmentId, actions: scope.actions },
        expires_at: expiresAt,
        created_at: metadata.at,
        created_by: metadata.actor,
      }),
    },
    { TokenRevoked: () => null },
  ),
};

/** One member, or null where there is none within reach. */
export async function getMember(reads: Reads, tenant: TenantContext, projectId: string, userId: string): Promise<MemberFacts | null> {
  const member = await getWithin<MemberDocument>(reads, tenant, 'members', memberKey({ projectId, userId }));
  return member && withoutKey(member);
}

/** The members of a project. */
export async function listMembers(reads: Reads, tenant: TenantContext, { project_id, ...paging }: Paging & { readonly project_id: string }): Promise<Page<MemberFacts>> {
  return answered(await findWithin<MemberDocument>(reads, tenant, 'members', { ...paging, eq: { project_id } }), withoutKey);
}

/** One token, or null where there is none within reach. */
export async function getToken(reads: Reads, tenant: TenantContext, tokenId: string): Promise<TokenFacts | null> {
  const token = await getWithin<TokenDocument>(reads, tenant, 'tokens', tokenId);
  return token && withoutKey(token);
}

/** The tokens of a project. */
export async function listTokens(reads: Reads, tenant: TenantContext, { project_id, ...paging }: Paging & { readonly project_id: string }): Promise<Page<TokenFacts>> {
  return answered(await findWithin<TokenDocument>(reads, tenant, 'tokens', { ...paging, eq: { project_id } }), withoutKey);
}

/** Where somebody may be a member: what they may, the projects' own streams say. For whoever makes a context, and so has none yet. */
export async function findMemberships(reads: Pick<Reads, 'models'>, userId: UserId): Promise<readonly ProjectId[]> {
  return (await findEvery<MemberDocument>(reads, 'members', { eq: { user_id: userId } })).map(({ project_id }) => project_id);
}

const withoutKey = <Doc extends { readonly id: string; readonly position: string }>({ id: _id, position: _position, ...facts }: Doc): Omit<Doc, 'id' | 'position'> => facts;
