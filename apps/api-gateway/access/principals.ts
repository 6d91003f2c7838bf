import type { TenantContext } from '#contracts';
import { project, streamOf, user, type ProjectId, type ProjectRole, type TokenId, type UserId } from '#domain';
import { hashOfToken, type KeptToken } from '#identity';
import { findMemberships } from '#read-models';
import type { Gateway, GatewayParts } from '../gateway.ts';

/** So many tokens and contexts are remembered by a gateway. */
const REMEMBERED = 2_000;

/** Whoever has the token of those who run the platform, from its file. */
export const OPERATOR: TenantContext = { principal: { type: 'token', id: 'tok_operator' }, projects: 'all', role: 'operator' };

/** Says whom a token speaks for, and how far they reach at this moment: what was revoked, removed or has expired counts no more at the next request. */
export class Principals {
  /** What a hash leads to never changes; whether it still counts, its project's stream says. */
  readonly #known = new Map<string, KeptToken>();
  /** Equal contexts are one: answers are kept by it, and a stream notices when it changes. */
  readonly #contexts = new Map<string, TenantContext>();

  constructor(private readonly gateway: Gateway) {}

  isOperators(presented: string): boolean {
    return this.#parts.token.matches(presented);
  }

  /** Of any other token. @returns null for what isn't known here, or counts no more. @throws Transient where the stores can't be asked. */
  async of(presented: string): Promise<TenantContext | null> {
    return presented.startsWith('wbt_') ? this.#ofToken(hashOfToken(presented)) : this.#ofSession(presented);
  }

  async #ofToken(hash: string): Promise<TenantContext | null> {
    const kept = this.#known.get(hash) ?? (await this.#parts.identities.findToken(hash));
    if (!kept) return null;
    remember(this.#known, hash, kept);
    const { projectId, tokenId } = kept;
    const { state } = await this.#parts.aggregates.load(project, streamOf('project', projectId));
    const issued = state.status === 'present' ? state.tokens.get(tokenId) : undefined;
    if (!issued || Date.parse(issued.expiresAt) <= this.#parts.clock.now()) return null;
    return this.#same({ principal: { type: 'token', id: tokenId }, projects: [projectId], role: issued.role, scope: issued.scope });
  }

  async #ofSession(presented: string): Promise<TenantContext | null> {
    const session = await this.#parts.sessions.read(presented, this.#parts.clock.now());
    if (!session) return null;
    const { userId, password } = session;
    const { state } = await this.#parts.aggregates.load(user, streamOf('user', userId));
    if (state.status !== 'present' || state.password !== password) return null;
    const principal = { type: 'user', id: userId } as const;
    if (state.isOperator) return this.#same({ principal, projects: 'all', role: 'operator' });
    const roles = await this.#rolesOf(userId);
    return this.#same({ principal, projects: [...roles.keys()], role: 'viewer', roles });
  }

  /** The view says where to look, the projects' streams say what counts. */
  async #rolesOf(userId: UserId): Promise<ReadonlyMap<ProjectId, ProjectRole>> {
    await this.gateway.fresh(['members']);
    const roles = new Map<ProjectId, ProjectRole>();
    for (const projectId of await findMemberships(this.gateway.reads, userId)) {
      const { state } = await this.#parts.aggregates.load(project, streamOf('project', projectId));
      const role = state.status === 'present' ? state.members.get(userId) : undefined;
      if (role) roles.set(projectId, role);
    }
    return roles;
  }

  #same(context: TenantContext): TenantContext {
    const key = JSON.stringify([context.principal, context.projects, context.role, context.scope ?? null, [...(context.roles ?? [])]]);
    const known = this.#contexts.get(key) ?? context;
    remember(this.#contexts, key, known);
    return known;
  }

  get #parts(): GatewayParts {
    return this.gateway.parts;
  }
}

/** The token that a context speaks for; null for a person, and for the operator's, which is no project's. */
export const issuingToken = ({ principal, projects }: TenantContext): TokenId | null => (principal.type === 'token' && projects !== 'all' ? (principal.id as TokenId) : null);

/** What was asked for last is forgotten last. */
function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > REMEMBERED) map.delete(map.keys().next().value!);
}
