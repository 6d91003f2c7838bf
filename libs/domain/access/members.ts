import type { Cases } from '../kernel/decider.ts';
import type { ProjectId, UserId } from '../kernel/ids.ts';
import { Rejection } from '../kernel/rejection.ts';
import { standingProject } from '../project/standing-project.ts';
import type { Project } from '../project/project.ts';
import type { AccessEvent } from './events.ts';
import { PROJECT_ROLES, type ProjectRole } from './roles.ts';

export type MemberCommand =
  /** Adds somebody, or gives a member another role. */
  | { type: 'PutMember'; data: { userId: UserId; role: ProjectRole } }
  | { type: 'RemoveMember'; data: { userId: UserId } };

export type MemberEvent = Extract<AccessEvent, { type: `Member${string}` }>;

/** Each project keeps all of them in its fold. */
export const MAX_MEMBERS = 500;

export const memberDecisions: Cases<MemberCommand, Project, readonly AccessEvent[]> = {
  PutMember(project, { data: { userId, role } }) {
    const { projectId, members } = standingProject(project);
    if (!PROJECT_ROLES.includes(role)) throw new Rejection('invalid', 'member.role_unknown', `a role is one of ${PROJECT_ROLES.join(', ')}`, { pointer: '/role' });
    const from = members.get(userId);
    if (from === role) return [];
    if (from) {
      refuseLastOwner(project, userId);
      return [{ type: 'MemberRoleChanged', data: { projectId, userId, from, to: role } }];
    }
    if (members.size >= MAX_MEMBERS) throw new Rejection('conflict', 'member.too_many', `a project has at most ${MAX_MEMBERS} members: remove one first`);
    return [{ type: 'MemberAdded', data: { projectId, userId, role } }];
  },

  RemoveMember(project, { data: { userId } }) {
    const { projectId, members } = standingProject(project);
    const role = members.get(userId);
    if (!role) return [];
    refuseLastOwner(project, userId);
    return [{ type: 'MemberRemoved', data: { projectId, userId, role } }];
  },
};

/** What a project's deletion takes with it, so that nobody reaches what isn't there. */
export const partings = ({ members, tokens }: Project, projectId: ProjectId): readonly AccessEvent[] => [
  ...[...members].map(([userId, role]) => ({ type: 'MemberRemoved' as const, data: { projectId, userId, role } })),
  ...[...tokens.keys()].map((tokenId) => ({ type: 'TokenRevoked' as const, data: { projectId, tokenId } })),
];

/** A project that has owners keeps one: nobody else could let a new one in. */
function refuseLastOwner({ members }: Project, userId: UserId): void {
  const owners = [...members].filter(([, role]) => role === 'owner').map(([id]) => id);
  if (owners.length === 1 && owners[0] === userId) throw new Rejection('conflict', 'member.last_owner', 'they are the last owner: make somebody else an owner first', { userId });
}

export const memberEvolutions: Cases<MemberEvent, Project, Project> = {
  MemberAdded: (project, { data: { userId, role } }) => ({ ...project, members: new Map([...project.members, [userId, role]]) }),
  MemberRoleChanged: (project, { data: { userId, to } }) => ({ ...project, members: new Map([...project.members, [userId, to]]) }),
  MemberRemoved: (project, { data: { userId } }) => ({ ...project, members: new Map([...project.members].filter(([id]) => id !== userId)) }),
};
