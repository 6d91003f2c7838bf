import { Rejection, resource as resourceRules, streamOf, type CommandMetadata, type EnvironmentId, type ExistingResource, type ProjectId, type Resource, type ResourceId, type ResourceKind, type ResourceSettings } from '#domain';
import type { AggregateStore, Handled, HandleOptions } from '#event-store';
import { commandIdOf, deriveId } from '#platform';
import { ToProject, ToResource } from './aggregate-command.ts';
import { withClaimedName } from './claimed-name.ts';
import { followUp, type Dispatcher } from './dispatcher.ts';
import { refuseWithoutEnvironment } from './standing-environment.ts';

/** What is asked for, defaults filled in. */
export interface NewResource {
  readonly projectId: ProjectId;
  readonly environmentId: EnvironmentId;
  readonly name: string;
  readonly kind: ResourceKind;
  readonly settings: ResourceSettings;
}

/** The id that a resource has under the command that creates it. */
export const resourceIdOf = (commandId: string): ResourceId => deriveId('res', commandId, 'resource', 0);

/** As its stream says. */
export const loadResource = async (aggregates: AggregateStore, id: string): Promise<Resource> => (await aggregates.load(resourceRules, streamOf('resource', id))).state;

/** Claims the name, then writes it. @throws Rejection `name.taken`, `name.invalid`, `environment.not_found`, `resource.invalid`. */
export async function createResource({ dispatcher, aggregates }: { readonly dispatcher: Dispatcher; readonly aggregates: AggregateStore }, asked: NewResource, metadata: CommandMetadata): Promise<Handled<Resource>> {
  const resourceId = resourceIdOf(metadata.commandId);
  await refuseWithoutEnvironment(aggregates, { kind: 'resource', id: resourceId }, asked);
  const { projectId, environmentId, name } = asked;
  return withClaimedName({ dispatcher, aggregates }, { on: projectId, scope: 'resource', environmentId, name, holder: resourceId }, metadata, () =>
    dispatcher.send(new ToResource(resourceId, { type: 'CreateResource', data: { ...asked, resourceId } }, metadata)),
  );
}

/** What the command did to a resource before, whatever has become since of what it names; null: it stands nowhere. */
export async function resourceChangedBefore({ dispatcher, aggregates }: { readonly dispatcher: Dispatcher; readonly aggregates: AggregateStore }, id: string, metadata: CommandMetadata): Promise<Handled<Resource> | null> {
  if (!(await aggregates.stands(resourceRules, streamOf('resource', id), metadata.commandId))) return null;
  // What stands in the stream is the answer, whatever is sent.
  return dispatcher.send(new ToResource(id, { type: 'DeleteResource', data: {} }, metadata));
}

/** Deletes it, then frees its name: in this order the name never leads to two. What a crash leaves between the two the scheduler makes good. */
export async function deleteResource(dispatcher: Dispatcher, { resourceId, projectId, environmentId, name }: ExistingResource, metadata: CommandMetadata, options: HandleOptions): Promise<Handled<Resource>> {
  const deleted = await dispatcher.send(new ToResource(resourceId, { type: 'DeleteResource', data: {} }, metadata, options));
  const data = { scope: 'resource', environmentId, name, holder: resourceId } as const;
  await dispatcher.send(new ToProject(projectId, { type: 'ReleaseName', data }, followUp(metadata, commandIdOf('release-name', resourceId, metadata.commandId))));
  return deleted;
}

/** What another project's resource is answered like, too. @param pointer where it is named in a body. */
export const resourceNotFound = (pointer?: string): Rejection =>
  new Rejection('not_found', 'resource.not_found', 'there is no such resource: GET /v1/resources lists those within reach', pointer === undefined ? {} : { pointer });
