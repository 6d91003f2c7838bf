import type { Actor, ProjectId } from '#domain';

/** `operator`: the whole platform. The others are given per project. */
export type Role = 'operator' | 'owner' | 'deployer' | 'viewer';

/** Who asks, and how far they reach: every query and every command takes one, so that none can be called without. */
export interface TenantContext {
  readonly principal: Actor;
  /** What lies outside is to them as if it weren't there. */
  readonly projects: 'all' | readonly ProjectId[];
  readonly role: Role;
}

/** Whether a project is within reach; where it isn't, answer as for one that doesn't exist. */
export const reaches = (tenant: TenantContext, projectId: string): boolean =>
  tenant.projects === 'all' || tenant.projects.some((reached) => reached === projectId);
