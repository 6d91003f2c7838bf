import { isAtLeast, type Actor, type ProjectId, type ProjectRole, type TokenScope } from '#domain';

/** `operator`: the whole platform. The others are given per project. */
export type Role = 'operator' | ProjectRole;

/** Who asks, and how far they reach: every query and every command takes one, so that none can be called without. */
export interface TenantContext {
  readonly principal: Actor;
  /** What lies outside is to them as if it weren't there. */
  readonly projects: 'all' | readonly ProjectId[];
  /** In every project within reach, but for those that `roles` names. */
  readonly role: Role;
  /** Of somebody who is a member of several projects. */
  readonly roles?: ReadonlyMap<ProjectId, ProjectRole>;
  /** What a token is held to within its project. Looked after by the gate alone: it lets nothing pass that lies outside. */
  readonly scope?: TokenScope | null;
}

/** Whether a project is within reach; where it isn't, answer as for one that doesn't exist. */
export const reaches = (tenant: TenantContext, projectId: string): boolean =>
  tenant.projects === 'all' || tenant.projects.some((reached) => reached === projectId);

/** Whether the context may what a role may in this project. Of what belongs to no project (`platform`): operators alone. */
export function mayIn(tenant: TenantContext, projectId: string, needed: Role): boolean {
  if (tenant.role === 'operator') return true;
  if (needed === 'operator' || !reaches(tenant, projectId)) return false;
  return isAtLeast(tenant.roles?.get(projectId as ProjectId) ?? tenant.role, needed);
}
