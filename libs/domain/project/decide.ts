import { memberDecisions, partings, type MemberCommand } from '../access/members.ts';
import { tokenDecisions, type TokenCommand } from '../access/tokens.ts';
import type { Cases, Decider } from '../kernel/decider.ts';
import type { DockerServiceId, EnvironmentId, ProjectId } from '../kernel/ids.ts';
import { Rejection } from '../kernel/rejection.ts';
import { tooLate, voidOnce, type VoidReservation } from '../kernel/reservation.ts';
import type { QuotaAmounts } from '../quota/amounts.ts';
import { decideQuotas, type QuotaCommand, type QuotaState, reserve, warningsAfter } from '../quota/decide.ts';
import type { Quotas } from '../quota/quotas.ts';
import type { NameScope, ProjectEvent } from './events.ts';
import { isName, NAME_RULE } from './name.ts';
import { claimKey, evolve, initial, type Environment, type NameClaim, type Project } from './project.ts';
import { standingProject } from './standing-project.ts';

export type ProjectCommand =
  /** With its first environment, in one append: a project is never without one from the start. */
  | { type: 'CreateProject'; data: { projectId: ProjectId; name: string; environment: Environment } }
  /** Its environments go with it, its members and its tokens. */
  | { type: 'DeleteProject'; data: Record<never, never> }
  | { type: 'CreateEnvironment'; data: Environment }
  | { type: 'DeleteEnvironment'; data: { environmentId: EnvironmentId } }
  /** Before the thing itself is written. `holder` is the id that the thing will have. `room`: what it will need of the project's quota, in the same
   *  append; with whose service's quota it counts for. */
  | { type: 'ClaimName'; data: NameClaim & { room?: { amounts: QuotaAmounts; countsFor: DockerServiceId | null } } }
  | { type: 'ReleaseName'; data: { scope: NameScope; environmentId: EnvironmentId | null; name: string; holder: string } }
  | VoidReservation
  | QuotaCommand
  | MemberCommand
  | TokenCommand;

/** Each has a subnet of the pool that all projects share: 8,192 of them, unless it is configured otherwise. */
export const MAX_NETWORKS = 200;

const decisions: Cases<ProjectCommand, Project, readonly ProjectEvent[]> = {
  ...memberDecisions,
  ...tokenDecisions,

  CreateProject(project, { data: { projectId, name, environment } }) {
    if (project.status === 'voided') throw tooLate('name', project.reason);
    if (project.status !== 'absent') throw new Rejection('conflict', 'project.exists', 'it was created by another request: read it instead');
    refuseName(name);
    refuseName(environment.name);
    return [
      { type: 'ProjectCreated', data: { projectId, name } },
      { type: 'EnvironmentCreated', data: { ...environment, projectId } },
    ];
  },

  DeleteProject(project) {
    if (project.status === 'deleted') return [];
    const { projectId, name, environments, claims, quotas } = standingProject(project);
    const held = [...holding(claims), ...jobsIn(quotas)];
    if (held.length) throw inUse('project.in_use', held);
    return [
      ...[...environments.values()].map((environment) => ({ type: 'EnvironmentDeleted' as const, data: { ...environment, projectId } })),
      ...partings(project, projectId),
      { type: 'ProjectDeleted', data: { projectId, name } },
    ];
  },

  VoidReservation: (project, { data }) => voidOnce(project, { type: 'ProjectReservationVoided', data }),

  CreateEnvironment(project, { data }) {
    const { projectId, environments } = standingProject(project);
    if (environments.has(data.environmentId)) return [];
    refuseName(data.name);
    const same = [...environments.values()].find(({ name }) => name === data.name);
    if (same) throw new Rejection('conflict', 'environment.name_taken', `choose another name than ${data.name}`, { environmentId: same.environmentId });
    refuseFurtherNetwork(project);
    return [{ type: 'EnvironmentCreated', data: { ...data, projectId } }];
  },

  DeleteEnvironment(project, { data: { environmentId } }) {
    if (project.status === 'deleted') return [];
    const { projectId, environments, claims } = standingProject(project);
    const environment = environments.get(environmentId);
    if (!environment) return [];
    const held = holding(claims).filter((claim) => claim.environmentId === environmentId);
    if (held.length) throw inUse('environment.in_use', held);
    return [{ type: 'EnvironmentDeleted', data: { ...environment, projectId } }];
  },

  ClaimName(project, { data: { room, ...data } }) {
    const claim = project.claims.get(claimKey(data));
    if (claim && claim.holder !== data.holder) throw new Rejection('conflict', 'name.taken', `choose another name than ${data.name}, or delete its holder first`, { holder: claim.holder });
    refuseName(data.name);
    refuseScope(project, data);
    if (!claim && data.scope === 'network') refuseFurtherNetwork(project);
    const reserved = room ? reserve(quotaState(project), { ...room, holder: data.holder, at: 0, commandId: data.commandId }) : [];
    return [...(claim ? [] : [{ type: 'NameClaimed', data } as const]), ...reserved, ...(reserved.length ? warningsAfter(quotaState(project), reserved) : [])];
  },

  /** What the holder had of a quota goes with its name. */
  ReleaseName(project, { data }) {
    if (project.claims.get(claimKey(data))?.holder !== data.holder) return [];
    const { holder } = data;
    return [{ type: 'NameReleased', data }, ...(project.projectId === null ? [] : decideQuotas(quotaState(project), { type: 'ReleaseRoom', data: { holder } }))];
  },

  ChangeProjectQuota: ofQuota,
  ChangeServiceQuota: ofQuota,
  /** Nothing begins in what is gone: of a job and the deletion of its project the one that comes first stands. */
  ReserveRoom(project, command) {
    standingProject(project);
    return ofQuota(project, command);
  },
  SettleRoom: ofQuota,
  ReleaseRoom: ofQuota,
  RecordUse: ofQuota,
};

/** What has to be deleted first. Networks go with their environment: whoever is in one holds it himself. */
const holding = (claims: Project['claims']): readonly NameClaim[] => [...claims.values()].filter(({ scope }) => scope !== 'network');

/** Jobs have no name of their own to claim; each holds room until it has ended and its container is gone. */
const jobsIn = ({ holdings }: Quotas): readonly Pick<NameClaim, 'name' | 'holder'>[] => [...holdings.keys()].filter((holder) => holder.startsWith('job_')).map((holder) => ({ name: holder, holder }));

function ofQuota(project: Project, command: QuotaCommand): readonly ProjectEvent[] {
  return decideQuotas(quotaState(project), command);
}

/** @throws Rejection `project.not_found`: what belongs to no project is held by no quota. */
function quotaState({ projectId, quotas }: Project): QuotaState {
  if (projectId === null) throw new Rejection('not_found', 'project.not_found', 'no project of this id was ever created');
  return { projectId, quotas };
}

/** Names of projects are claimed on the platform's stream only, those of services and resources in an environment of this project, those of secrets and configs
 *  in one or in none. */
function refuseScope(project: Project, { scope, environmentId }: NameClaim): void {
  if (scope === 'project') {
    if (project.status !== 'absent') throw new Rejection('invalid', 'name.wrong_scope', "a project's name is claimed on the platform's stream");
    return;
  }
  const { environments } = standingProject(project);
  if (environmentId === null && scope !== 'docker_service' && scope !== 'resource') return;
  if (environmentId === null || !environments.has(environmentId)) {
    throw new Rejection('not_found', 'environment.not_found', 'the project has no such environment: create it first', { environmentId });
  }
}

/** @throws Rejection `network.too_many` */
function refuseFurtherNetwork({ environments, claims }: Project): void {
  const further = [...claims.values()].filter(({ scope }) => scope === 'network').length;
  if (environments.size + further < MAX_NETWORKS) return;
  throw new Rejection('conflict', 'network.too_many', `a project has at most ${MAX_NETWORKS} networks, those of its environments included: delete one first`);
}

function refuseName(name: string): void {
  if (!isName(name)) throw new Rejection('invalid', 'name.invalid', `a name must be ${NAME_RULE}`, { name });
}

/** As many are named as anybody reads. */
const NAMED = 20;

function inUse(code: string, claims: readonly Pick<NameClaim, 'name' | 'holder'>[]): Rejection {
  const held = [...claims].sort((a, b) => (a.name < b.name ? -1 : 1));
  const named = held.slice(0, NAMED).map(({ name }) => name).join(', ');
  const more = held.length > NAMED ? ` and ${held.length - NAMED} more` : '';
  return new Rejection('conflict', code, `delete what is in it first: ${named}${more}`, { usedBy: held.map(({ holder }) => holder) });
}

/** The rules of a project, its environments and the names that are unique in it. */
export const project: Decider<Project, ProjectCommand, ProjectEvent> = {
  initial,
  evolve,
  decide: (state, command) => decisions[command.type](state, command as never),
};
