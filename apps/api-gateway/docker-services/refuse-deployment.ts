import { refuseDeletedNetworks, refuseGoneDependencies, refuseWaitCycle, waitingParts } from '#application';
import type { ContainerSpec, DeploySettings, ExistingDockerService } from '#domain';
import type { AggregateStore } from '#event-store';

/** What a deployment moves to. */
interface Way {
  readonly spec: ContainerSpec;
  readonly settings: Partial<DeploySettings>;
}

/** What is said of this one deployment alone must not make its service wait for itself, and what the release uses has to be there: else it would be found out
 *  when a deadline has passed. @throws Rejection `resource.deleted`, `docker_service.deleted`, `dependency.wait_cycle` */
export async function refuseDeployment(aggregates: AggregateStore, service: ExistingDockerService, { spec, settings }: Way): Promise<void> {
  await refuseGoneDependencies(aggregates, service.name, spec);
  if (!settings.preDeploy) return;
  const dependencies = waitingParts(service, spec, { ...service.deploy, ...settings });
  await refuseWaitCycle(aggregates, { ...service, dependencies }, { pointer: '/pre_deploy/dependencies' });
}

/** The same of a release that is to be gone back to. @throws Rejection `network.deleted`, and as `refuseDeployment` */
export async function refuseRollback(aggregates: AggregateStore, service: ExistingDockerService, { release, spec }: { readonly release: number; readonly spec: ContainerSpec }): Promise<void> {
  await refuseDeletedNetworks(aggregates, spec);
  await refuseGoneDependencies(aggregates, `release ${release}`, spec);
  await refuseWaitCycle(aggregates, { ...service, dependencies: waitingParts(service, spec) }, { pointer: '/release' });
}
