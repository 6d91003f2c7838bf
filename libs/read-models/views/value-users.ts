import type { Reads } from '../reads.ts';
import { findEvery } from '../reads.ts';
import type { JobDocument } from './jobs.ts';
import type { ResourceDocument } from './resources.ts';
import type { JoinsDocument } from './joins.ts';
import type { ScheduleDocument } from './schedules.ts';
import type { ServiceDocument } from './services.ts';
import { valueIdsIn, type ValueUsesDocument } from './value-uses.ts';

/** Who would miss a secret, a config, a network, a resource or a service. */
export interface ValueUser {
  readonly type: 'docker_service' | 'job' | 'schedule' | 'resource';
  readonly id: string;
  readonly name: string;
}

/** What a container is made of: a release's, a job's, or what a hook or a schedule has in place of a release's own. */
export type ContainerPart = Partial<ValueUsesDocument & JoinsDocument>;

/** What a part of somebody speaks of, by id. `isWhole`: nothing that it doesn't say is somebody else's. */
type IdsIn = (part: ContainerPart, whose: { readonly environmentId: string; readonly isWhole: boolean }) => readonly string[];

/** The users of each secret and config, resource and service of a project: resources speak of what is behind them, too. */
export async function valueUsersIn(reads: Pick<Reads, 'models'>, projectId: string): Promise<ReadonlyMap<string, readonly ValueUser[]>> {
  const users = new Map(await usersIn(reads, projectId, valueIdsIn));
  for (const { id, name, password, docker_service_id } of await findEvery<ResourceDocument>(reads, 'resources', { eq: { project_id: projectId } })) {
    for (const used of [password?.secret_id, docker_service_id]) if (used) users.set(used, [...(users.get(used) ?? []), { type: 'resource', id, name }]);
  }
  return users;
}

/** Who speaks of what in a project: services by what they stand on or may come to stand on, also at their next deployment, and by their hooks and those of
 *  the deployment under way; schedules, and jobs that haven't ended. */
export async function usersIn(reads: Pick<Reads, 'models'>, projectId: string, idsIn: IdsIn): Promise<ReadonlyMap<string, readonly ValueUser[]>> {
  const users = new Map<string, ValueUser[]>();
  const note = (ids: readonly string[], user: ValueUser): void => {
    for (const id of new Set(ids)) users.set(id, [...(users.get(id) ?? []), user]);
  };
  for (const { id, name, environment_id: environmentId, releases, postponed_release: waiting, deploy, deployment_hooks } of await findEvery<ServiceDocument>(reads, 'services', { eq: { project_id: projectId }, in: { lifecycle: ['ACTIVE', 'PAUSED', 'DELETING'] } })) {
    const hooks = [deploy.pre_deploy, deploy.post_deploy, ...deployment_hooks].filter((hook) => hook !== null);
    const ids = [...[...Object.values(releases), ...(waiting ? [waiting] : [])].flatMap((release) => idsIn(release, { environmentId, isWhole: true })), ...hooks.flatMap((hook) => idsIn(hook, { environmentId, isWhole: false }))];
    note(ids, { type: 'docker_service', id, name });
  }
  for (const { id, job, environment_id: environmentId } of await findEvery<ScheduleDocument>(reads, 'schedules', { eq: { project_id: projectId } })) {
    note(idsIn(job, { environmentId, isWhole: job.docker_service_id === null }), { type: 'schedule', id, name: job.name });
  }
  for (const job of await findEvery<JobDocument>(reads, 'jobs', { eq: { project_id: projectId }, in: { status: ['PENDING', 'RUNNING'] } })) {
    note(idsIn(job, { environmentId: job.environment_id, isWhole: true }), { type: 'job', id: job.id, name: job.name });
  }
  return users;
}
