import type { TenantContext } from '#contracts';
import { Rejection, type ProjectId } from '#domain';
import { getEnvironment } from '#read-models';
import { InvalidRequest } from '../edge/invalid-request.ts';
import type { Gateway } from '../gateway.ts';

/** What another project's environment is answered like, too. */
export const environmentNotFound = (at = '') =>
  new Rejection('not_found', 'environment.not_found', 'there is no such environment: GET /v1/environments lists those within reach', { pointer: `${at}/environment_id` });

/** The project of the environment that a body names; a `project_id` beside it has to agree.
 *  @param at where they stand in the body. @throws Rejection `environment.not_found`; InvalidRequest `environment.other_project`. */
export async function projectOf(gateway: Gateway, tenant: TenantContext, { project_id, environment_id }: { project_id?: string; environment_id: string }, at = ''): Promise<ProjectId> {
  const environment = await gateway.one(['environments'], undefined, () => getEnvironment(gateway.reads, tenant, environment_id), () => environmentNotFound(at));
  if (project_id == null || project_id === environment.project_id) return environment.project_id;
  const detail = 'the environment belongs to another project: leave project_id out';
  throw new InvalidRequest([{ pointer: `${at}/project_id`, code: 'environment.other_project', detail }], 'environment.other_project');
}
