import type { Reads } from '../reads.ts';
import { findEvery } from '../reads.ts';
import type { JobDocument } from './jobs.ts';
import type { ScheduleDocument } from './schedules.ts';
import type { ServiceDocument } from './services.ts';
import { valueIdsIn } from './value-uses.ts';

/** Who would miss a secret or a config. */
export interface ValueUser {
  readonly type: 'docker_service' | 'job' | 'schedule';
  readonly id: string;
  readonly name: string;
}

/** The users of each secret and config of a project: services by what they stand on or may come to stand on and by their hooks, schedules, and jobs
 *  that haven't ended. */
export async function valueUsersIn(reads: Pick<Reads, 'models'>, projectId: string): Promise<ReadonlyMap<string, readonly ValueUser[]>> {
  const users = new Map<string, ValueUser[]>();
  const note = (ids: readonly string[], user: ValueUser): void => {
    for (const id of new Set(ids)) users.set(id, [...(users.get(id) ?? []), user]);
  };
  for (const { id, name, releases, deploy } of await findEvery<ServiceDocument>(reads, 'services', { eq: { project_id: projectId }, in: { lifecycle: ['ACTIVE', 'PAUSED', 'DELETING'] } })) {
    const parts = [...Object.values(releases), deploy.pre_deploy, deploy.post_deploy].filter((part) => part !== null);
    note(parts.flatMap(valueIdsIn), { type: 'docker_service', id, name });
  }
  for (const { id, job } of await findEvery<ScheduleDocument>(reads, 'schedules', { eq: { project_id: projectId } })) note(valueIdsIn(job), { type: 'schedule', id, name: job.name });
  for (const job of await findEvery<JobDocument>(reads, 'jobs', { eq: { project_id: projectId }, in: { status: ['PENDING', 'RUNNING'] } })) note(valueIdsIn(job), { type: 'job', id: job.id, name: job.name });
  return users;
}
