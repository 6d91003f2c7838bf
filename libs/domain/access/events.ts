import type { DockerServiceId, EnvironmentId, ProjectId, TokenId, UserId } from '../kernel/ids.ts';
import type { ProjectRole } from './roles.ts';

/** What a token is held to within its project: what lies in this environment or is this service, and these acts alone. Null: no bound. */
export interface TokenScope {
  readonly environmentId: EnvironmentId | null;
  readonly dockerServiceId: DockerServiceId | null;
  /** `deploy`: deploy, roll back and cancel, and read what came of it. */
  readonly actions: readonly 'deploy'[] | null;
}

/** Who may do what in a project; on the project's stream. Ids alone: names, logins and hashes are kept where they can be forgotten. */
export type AccessEvent =
  | { type: 'MemberAdded'; data: { projectId: ProjectId; userId: UserId; role: ProjectRole } }
  | { type: 'MemberRoleChanged'; data: { projectId: ProjectId; userId: UserId; from: ProjectRole; to: ProjectRole } }
  | { type: 'MemberRemoved'; data: { projectId: ProjectId; userId: UserId; role: ProjectRole } }
  /** `expiresAt` is RFC 3339. */
  | { type: 'TokenIssued'; data: { projectId: ProjectId; tokenId: TokenId; role: ProjectRole; scope: TokenScope | null; expiresAt: string } }
  | { type: 'TokenRevoked'; data: { projectId: ProjectId; tokenId: TokenId } };
