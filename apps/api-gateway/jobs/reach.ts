import { reaches, type TenantContext } from '#contracts';
import { isUnwritten, job, Rejection, streamOf, type JobDefinition } from '#domain';
import type { AggregateStore } from '#event-store';

/** What another project's job is answered like, too. */
export const jobNotFound = () => new Rejection('not_found', 'job.not_found', 'there is no such job: GET /v1/jobs lists those within reach');

/** The job as its stream says: also one that its schedule cut out of the lists. @throws Rejection `job.not_found` outside the context's reach. */
export async function reachJob(aggregates: AggregateStore, tenant: TenantContext, id: string): Promise<JobDefinition> {
  const { state } = await aggregates.load(job, streamOf('job', id));
  if (isUnwritten(state) || !reaches(tenant, state.definition.projectId)) throw jobNotFound();
  return state.definition;
}
