import { PLATFORM, project, streamOf, type CommandMetadata, type EnvironmentId, type Project, type ProjectId } from '#domain';
import type { AggregateStore, Handled } from '#event-store';
import { commandIdOf, deriveId } from '#platform';
import { ToProject } from './aggregate-command.ts';
import { withClaimedName } from './claimed-name.ts';
import { followUp, type Dispatcher } from './dispatcher.ts';

type Parts = { readonly dispatcher: Dispatcher; readonly aggregates: AggregateStore };

/** The id that a project has under the command that creates it. */
export const projectIdOf = (commandId: string): ProjectId => deriveId('prj', commandId, 'project', 0);

/** The environment that a command creates, with the network that it will have. */
export const environmentOf = (commandId: string, name: string) => ({
  environmentId: deriveId('env', commandId, 'environment', 0),
  networkId: deriveId('net', commandId, 'network', 0),
  name,
});

/** Claims the name in the platform, then writes the project with its environment `default`.
 *  @throws Rejection `name.taken`, `name.invalid`, `reservation.voided`. */
export function createProject({ dispatcher, aggregates }: Parts, name: string, metadata: CommandMetadata): Promise<Handled<Project>> {
  const projectId = projectIdOf(metadata.commandId);
  const own = { ...metadata, tenantId: projectId };
  const claim = { on: PLATFORM, scope: 'project', environmentId: null, name, holder: projectId } as const;
  const data = { projectId, name, environment: environmentOf(metadata.commandId, 'default') };
  return withClaimedName({ dispatcher, aggregates }, claim, { ...metadata, tenantId: PLATFORM }, () => dispatcher.send(new ToProject(projectId, { type: 'CreateProject', data }, own)));
}

/** Deletes the project, then frees its name: in this order the name never leads to two. A crash between the two is made good
 *  by a retry. Where a log that was put back holds the beginning of that append alone, the project is there still, and keeps its name. @throws Rejection `project.in_use`, `project.not_found`. */
export async function deleteProject({ dispatcher, aggregates }: Parts, projectId: ProjectId, metadata: CommandMetadata, ifMatch?: bigint): Promise<Handled<Project>> {
  const deleted = await dispatcher.send(new ToProject(projectId, { type: 'DeleteProject', data: {} }, metadata, { ifMatch }));
  const name = deleted.state.name;
  const { state } = await aggregates.load(project, streamOf('project', PLATFORM));
  const held = [...state.claims.values()].some((claim) => claim.holder === projectId);
  if (deleted.state.status === 'deleted' && name !== null && held) {
    const release = followUp({ ...metadata, tenantId: PLATFORM }, commandIdOf('release-name', projectId, metadata.commandId));
    const data = { scope: 'project', environmentId: null, name, holder: projectId } as const;
    await dispatcher.send(new ToProject(PLATFORM, { type: 'ReleaseName', data }, release));
  }
  return deleted;
}

/** Single-stream: environments are unique within their project's own stream. `environment_id` follows from the command.
 *  @throws Rejection `environment.name_taken`, `project.not_found`, `project.deleted`. */
export function createEnvironment(dispatcher: Dispatcher, projectId: ProjectId, name: string, metadata: CommandMetadata, ifMatch?: bigint): Promise<Handled<Project>> {
  const data = environmentOf(metadata.commandId, name);
  return dispatcher.send(new ToProject(projectId, { type: 'CreateEnvironment', data }, metadata, { ifMatch }));
}

/** @throws Rejection `environment.in_use` with the services that are in it. */
export function deleteEnvironment(
  dispatcher: Dispatcher,
  at: { readonly projectId: ProjectId; readonly environmentId: EnvironmentId },
  metadata: CommandMetadata,
  ifMatch?: bigint,
): Promise<Handled<Project>> {
  return dispatcher.send(new ToProject(at.projectId, { type: 'DeleteEnvironment', data: { environmentId: at.environmentId } }, metadata, { ifMatch }));
}
