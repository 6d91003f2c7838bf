import type { TenantContext } from '#contracts';
import { type Actor, type ProjectId, type Reason, warningKey, warningReason } from '#domain';
import type { Page } from '../port.ts';
import { answered, asQuery, getWithin, type Paging, type Reads } from '../reads.ts';
import { evolveBy, type View } from '../view.ts';

/** A tenant. */
export interface ProjectAnswer {
  readonly project_id: ProjectId;
  readonly name: string;
  readonly created_at: string;
  readonly created_by: Actor;
  readonly revision: number;
}

export interface ProjectDocument extends ProjectAnswer {
  readonly id: string;
  readonly position: string;
  /** Of its quota, each by what it is about. */
  readonly quota_warnings: Readonly<Record<string, Reason>>;
}

/** Those that stand, when this one has ended. */
export function withoutWarning(warnings: ProjectDocument['quota_warnings'], ended: Parameters<typeof warningKey>[0]): ProjectDocument['quota_warnings'] {
  const { [warningKey(ended)]: _, ...others } = warnings;
  return others;
}

/** All that stand, always in the same order: documents don't keep that of their members. */
export const warningsIn = (warnings: ProjectDocument['quota_warnings']): readonly Reason[] =>
  Object.keys(warnings).sort().map((key) => warnings[key]!);

const STREAM = 'project-prj_';

/** Follows its stream's revision through every event of it, names claimed and environments made included: what `If-Match` is about. */
const inStep = (project: ProjectDocument, { revision }: { revision: bigint }): ProjectDocument => ({ ...project, revision: Number(revision) });

/** Projects that exist; a deleted one leaves the view. */
export const projects: View<ProjectDocument> = {
  schema: { view: 'projects', version: 2, indexes: [['name']] },
  prefixes: [STREAM],
  keys: ({ stream }) => [stream.slice('project-'.length)],
  evolve: evolveBy<ProjectDocument>(
    {
      ProjectCreated: ({ data, metadata, position, revision }) => ({
        id: data.projectId,
        position,
        project_id: data.projectId,
        name: data.name,
        created_at: metadata.at,
        created_by: metadata.actor,
        revision: Number(revision),
        quota_warnings: {},
      }),
    },
    {
      ProjectDeleted: () => null,
      EnvironmentCreated: inStep,
      EnvironmentDeleted: inStep,
      NameClaimed: inStep,
      NameReleased: inStep,
      ProjectQuotaChanged: inStep,
      ServiceQuotaChanged: inStep,
      RoomReserved: inStep,
      RoomSettled: inStep,
      RoomReleased: inStep,
      QuotaWarningRaised: (project, event) => ({ ...inStep(project, event), ...(event.data.scope === 'project' && { quota_warnings: { ...project.quota_warnings, [warningKey(event.data)]: warningReason(event.data) } }) }),
      QuotaWarningEnded: (project, event) => ({ ...inStep(project, event), ...(event.data.scope === 'project' && { quota_warnings: withoutWarning(project.quota_warnings, event.data) }) }),
      MemberAdded: inStep,
      MemberRoleChanged: inStep,
      MemberRemoved: inStep,
      TokenIssued: inStep,
      TokenRevoked: inStep,
    },
  ),
};

/** One project, or null where there is none within reach. */
export async function getProject(reads: Reads, tenant: TenantContext, id: string): Promise<ProjectAnswer | null> {
  const project = await getWithin<ProjectDocument>(reads, tenant, 'projects', id);
  return project && answer(project);
}

/** The projects within reach. */
export async function listProjects(reads: Reads, tenant: TenantContext, list: Paging & { name?: string } = {}): Promise<Page<ProjectAnswer>> {
  const { name, ...paging } = list;
  const reached = tenant.projects === 'all' ? {} : { in: { id: tenant.projects } };
  return answered(await reads.models.find<ProjectDocument>('projects', asQuery({ ...paging, ...reached, eq: { name } })), answer);
}

const answer = ({ id: _id, position: _position, quota_warnings: _warnings, ...project }: ProjectDocument): ProjectAnswer => project;
