import { refuseDeletedNetworks, refuseGoneDependencies, refuseWaitCycle, waitingParts } from '#application';
import { workingRelease, type ContainerSpec, type DeploySettings, type ExistingDockerService } from '#domain';
import { refuseUsedWithoutPorts, type Asked } from '../resources/refuse-used.ts';

/** What a deployment moves to. */
interface Way {
  readonly spec: ContainerSpec;
  readonly settings: Partial<DeploySettings>;
}

/** What is said of this one deployment alone must not make its service wait for itself, and what the release uses has to be there: else it would be found out
 *  when a deadline has passed. What waited for it may take a port away that somebody has come to use meanwhile.
 *  @throws Rejection `resource.deleted`, `docker_service.deleted`, `dependency.no_port`, `dependency.wait_cycle` */
export async function refuseDeployment(gateway: Asked, service: ExistingDockerService, { spec, settings }: Way): Promise<void> {
  const { aggregates } = gateway.parts;
  await refuseGoneDependencies(aggregates, service.name, spec);
  await refuseUsedWithoutPorts(gateway, service, { from: standing(service), to: spec, deploy: { ...service.deploy, ...settings }, pointer: null });
  if (!settings.preDeploy) return;
  const dependencies = waitingParts(service, spec, { ...service.deploy, ...settings });
  await refuseWaitCycle(aggregates, { ...service, dependencies }, { pointer: '/pre_deploy/dependencies' });
}

/** The same of a release that is to be gone back to. @throws Rejection `network.deleted`, and as `refuseDeployment` */
export async function refuseRollback(gateway: Asked, service: ExistingDockerService, { release, spec }: { readonly release: number; readonly spec: ContainerSpec }): Promise<void> {
  const { aggregates } = gateway.parts;
  await refuseDeletedNetworks(aggregates, spec);
  await refuseGoneDependencies(aggregates, `release ${release}`, spec);
  await refuseUsedWithoutPorts(gateway, service, { from: standing(service), to: spec, deploy: service.deploy, pointer: '/release' });
  await refuseWaitCycle(aggregates, { ...service, dependencies: waitingParts(service, spec) }, { pointer: '/release' });
}

/** What others find of it. */
const standing = (service: ExistingDockerService): ContainerSpec => service.releases.get(service.stableRelease ?? workingRelease(service))!;
