import { memberEvolutions } from '../access/members.ts';
import type { ProjectRole } from '../access/roles.ts';
import { tokenEvolutions, type IssuedToken } from '../access/tokens.ts';
import type { Cases } from '../kernel/decider.ts';
import type { EnvironmentId, NetworkId, ProjectId, TokenId, UserId } from '../kernel/ids.ts';
import { LargeMap } from '../kernel/large-map.ts';
import type { Reason } from '../kernel/reason.ts';
import type { QuotaEvent } from '../quota/events.ts';
import { evolveQuotas, noQuotas, type Quotas } from '../quota/quotas.ts';
import type { NameScope, ProjectEvent } from './events.ts';

export interface Environment {
  readonly environmentId: EnvironmentId;
  readonly name: string;
  readonly networkId: NetworkId;
}

/** A name that is taken, by whom, and by which command. */
export interface NameClaim {
  readonly scope: NameScope;
  /** Null for the name of a project, and of what all of its environments share. */
  readonly environmentId: EnvironmentId | null;
  readonly name: string;
  readonly holder: string;
  readonly commandId: string;
}

/** A project; on the stream `project-platform`, which has no project of its own, only the claims of projects' names. `voided`: its name was claimed, but the
 *  project never written, and now never will be. */
export interface Project {
  readonly status: 'absent' | 'voided' | 'present' | 'deleted';
  /** Why it is voided. */
  readonly reason?: Reason;
  readonly projectId: ProjectId | null;
  readonly name: string | null;
  /** Those that weren't deleted. */
  readonly environments: ReadonlyMap<EnvironmentId, Environment>;
  /** By `claimKey`. */
  readonly claims: LargeMap<string, NameClaim>;
  readonly quotas: Quotas;
  readonly members: ReadonlyMap<UserId, ProjectRole>;
  /** Those that weren't revoked; expired ones among them. */
  readonly tokens: ReadonlyMap<TokenId, IssuedToken>;
}

export const initial: Project = { status: 'absent', projectId: null, name: null, environments: new Map(), claims: LargeMap.empty(), quotas: noQuotas, members: new Map(), tokens: new Map() };

/** Where a name is unique. */
export const claimKey = ({ scope, environmentId, name }: Pick<NameClaim, 'scope' | 'environmentId' | 'name'>): string =>
  `${scope}|${environmentId ?? ''}|${name}`;

const evolutions: Cases<ProjectEvent, Project, Project> = {
  ...memberEvolutions,
  ...tokenEvolutions,
  ProjectCreated: (project, { data: { projectId, name } }) => ({ ...project, status: 'present', projectId, name }),
  ProjectDeleted: (project) => ({ ...project, status: 'deleted' }),
  ProjectReservationVoided: (project, { data: { reason } }) => ({ ...project, status: 'voided', reason }),
  EnvironmentCreated: (project, { data: { environmentId, name, networkId } }) => ({
    ...project,
    environments: new Map([...project.environments, [environmentId, { environmentId, name, networkId }]]),
  }),
  EnvironmentDeleted: (project, { data }) => ({ ...project, environments: without(project.environments, data.environmentId) }),
  NameClaimed: (project, { data }) => ({ ...project, claims: project.claims.with(claimKey(data), data) }),
  NameReleased: (project, { data }) => ({ ...project, claims: project.claims.without(claimKey(data)) }),
  ProjectQuotaChanged: withQuotas,
  ServiceQuotaChanged: withQuotas,
  RoomReserved: withQuotas,
  RoomSettled: withQuotas,
  RoomReleased: withQuotas,
  QuotaWarningRaised: withQuotas,
  QuotaWarningEnded: withQuotas,
};

function withQuotas(project: Project, event: QuotaEvent): Project {
  return { ...project, quotas: evolveQuotas(project.quotas, event) };
}

/** Folds one event of a project's stream in. */
export const evolve = (project: Project, event: ProjectEvent): Project => evolutions[event.type](project, event as never);

function without<K, V>(map: ReadonlyMap<K, V>, key: K): ReadonlyMap<K, V> {
  const rest = new Map(map);
  rest.delete(key);
  return rest;
}
