/** What somebody may do in a project; each may all that those before it may. */
export type ProjectRole = 'viewer' | 'developer' | 'owner';

export const PROJECT_ROLES: readonly ProjectRole[] = ['viewer', 'developer', 'owner'];

/** Whether a role may what `needed` may. */
export const isAtLeast = (role: ProjectRole, needed: ProjectRole): boolean => PROJECT_ROLES.indexOf(role) >= PROJECT_ROLES.indexOf(needed);
