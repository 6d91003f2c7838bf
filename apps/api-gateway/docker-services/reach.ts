import { reaches, type TenantContext } from '#contracts';
import { dockerService, Rejection, streamOf, type ExistingDockerService } from '#domain';
import type { AggregateStore } from '#event-store';

/** What another project's service is answered like, too. */
export const dockerServiceNotFound = (pointer?: string) =>
  new Rejection('not_found', 'docker_service.not_found', 'there is no such service: GET /v1/docker-services lists those within reach', pointer === undefined ? {} : { pointer });

/** The service as its stream says, for a change of it. @throws Rejection `docker_service.not_found` outside the context's reach. */
export async function reachDockerService(aggregates: Pick<AggregateStore, 'load'>, tenant: TenantContext, id: string): Promise<ExistingDockerService> {
  const { state } = await aggregates.load(dockerService, streamOf('docker_service', id));
  if (state.status !== 'present' || !reaches(tenant, state.projectId)) throw dockerServiceNotFound();
  return state;
}
