import type { Cases } from '../kernel/decider.ts';
import type { TokenId } from '../kernel/ids.ts';
import { Rejection } from '../kernel/rejection.ts';
import { standingProject } from '../project/standing-project.ts';
import type { Project } from '../project/project.ts';
import type { AccessEvent, TokenScope } from './events.ts';
import { PROJECT_ROLES, type ProjectRole } from './roles.ts';

export type TokenCommand =
  /** `at`: when it is asked for, milliseconds since the epoch. `issuer`: the token that asks for it, null for a person. */
  | { type: 'IssueToken'; data: { tokenId: TokenId; role: ProjectRole; scope: TokenScope | null; at: number; expiresInMs: number; issuer: TokenId | null } }
  | { type: 'RevokeToken'; data: { tokenId: TokenId } };

export type TokenEvent = Extract<AccessEvent, { type: `Token${string}` }>;

/** A token as its project's stream says; one that was revoked is in no project any more. */
export interface IssuedToken {
  readonly role: ProjectRole;
  readonly scope: TokenScope | null;
  /** RFC 3339. */
  readonly expiresAt: string;
}

const DAY = 24 * 3_600_000;

/** How long a token may live, milliseconds. */
export const TOKEN_LIFE = { least: 1_000, most: 366 * DAY } as const;
/** Of those that haven't expired. */
export const MAX_TOKENS = 200;

export const tokenDecisions: Cases<TokenCommand, Project, readonly AccessEvent[]> = {
  IssueToken(project, { data: { tokenId, role, scope, at, expiresInMs, issuer } }) {
    const { projectId, tokens } = standingProject(project);
    if (tokens.has(tokenId)) return [];
    if (!PROJECT_ROLES.includes(role)) throw new Rejection('invalid', 'token.role_unknown', `a role is one of ${PROJECT_ROLES.join(', ')}`, { pointer: '/role' });
    refuseLife(expiresInMs);
    refuseScope(project, role, scope);
    const living = [...tokens.values()].filter(({ expiresAt }) => Date.parse(expiresAt) > at);
    if (living.length >= MAX_TOKENS) throw new Rejection('conflict', 'token.too_many', `a project has at most ${MAX_TOKENS} tokens at once: revoke one first`);
    const expires = at + expiresInMs;
    const own = issuer === null ? undefined : tokens.get(issuer);
    if (own && expires > Date.parse(own.expiresAt)) {
      throw new Rejection('forbidden', 'token.outlives_issuer', `a token makes none that outlives it: ${own.expiresAt} is the latest`, { pointer: '/expires_in_ms' });
    }
    return [{ type: 'TokenIssued', data: { projectId, tokenId, role, scope, expiresAt: new Date(expires).toISOString() } }];
  },

  RevokeToken(project, { data: { tokenId } }) {
    const { projectId, tokens } = standingProject(project);
    return tokens.has(tokenId) ? [{ type: 'TokenRevoked', data: { projectId, tokenId } }] : [];
  },
};

function refuseLife(expiresInMs: number): void {
  const { least, most } = TOKEN_LIFE;
  if (Number.isSafeInteger(expiresInMs) && expiresInMs >= least && expiresInMs <= most) return;
  throw new Rejection('invalid', 'token.life_out_of_range', `must be a whole number from ${least} to ${most}: a second to 366 days`, { pointer: '/expires_in_ms' });
}

/** Acts are those of a developer; and what a token is held to has to be in its project. Whether a service is, its own stream says. */
function refuseScope({ environments }: Project, role: ProjectRole, scope: TokenScope | null): void {
  if (!scope) return;
  if (scope.environmentId === null && scope.dockerServiceId === null) throw new Rejection('invalid', 'token.scope_invalid', 'name docker_service_id or environment_id, or leave the scope out', { pointer: '/scope' });
  if (scope.environmentId !== null && !environments.has(scope.environmentId)) {
    throw new Rejection('not_found', 'environment.not_found', 'the project has no such environment', { pointer: '/scope/environment_id' });
  }
  if (role === 'owner') throw new Rejection('invalid', 'token.scope_invalid', 'an owner’s token has no scope: what is an owner’s alone belongs to the whole project', { pointer: '/scope' });
  if (scope.actions?.includes('deploy') && role !== 'developer') throw new Rejection('invalid', 'token.scope_invalid', 'deploying takes the role developer', { pointer: '/role' });
}

export const tokenEvolutions: Cases<TokenEvent, Project, Project> = {
  TokenIssued: (project, { data: { tokenId, role, scope, expiresAt } }) => ({ ...project, tokens: new Map([...project.tokens, [tokenId, { role, scope, expiresAt }]]) }),
  TokenRevoked: (project, { data: { tokenId } }) => ({ ...project, tokens: new Map([...project.tokens].filter(([id]) => id !== tokenId)) }),
};
