import {
  hostnameOf, Rejection, serviceViolations,
  type CommandMetadata, type ContainerSpec, type DeploySettings, type DockerService, type DockerServiceCommand, type EnvironmentId, type JudgedService, type ProjectId, type VolumeMount,
} from '#domain';
import type { AggregateStore, Handled } from '#event-store';
import { deriveId } from '#platform';
import { ToDockerService } from './aggregate-command.ts';
import { serviceChangedBefore } from './change-docker-service.ts';
import { withClaimedName } from './claimed-name.ts';
import type { Dispatcher } from './dispatcher.ts';
import { provideNetworks, type NewNetwork } from './networks.ts';
import { roomOfCreation } from './reserve-room.ts';
import { standingEnvironment } from './standing-environment.ts';
import { provideVolumes, type NewVolume } from './volumes.ts';

/** What a client asks for, complete: defaults are filled in. */
export interface NewDockerService {
  readonly projectId: ProjectId;
  readonly environmentId: EnvironmentId;
  readonly name: string;
  readonly kind: 'web' | 'worker';
  readonly replicas: number;
  readonly deploy: DeploySettings;
  readonly spec: ContainerSpec;
  /** Volumes that have yet to be made; left out: none. */
  readonly creates?: readonly NewVolume[];
  /** The same of networks. */
  readonly newNetworks?: readonly NewNetwork[];
}

/** The id that a service has under the command that creates it: a retry names the same one. */
export const dockerServiceIdOf = (commandId: string) => deriveId('svc', commandId, 'docker_service', 0);
/** The id of the deployment that a command starts, if it starts one. */
export const deploymentIdOf = (commandId: string) => deriveId('dep', commandId, 'deployment', 0);

/** What the command made before. */
export const createdBefore = (parts: { readonly dispatcher: Dispatcher; readonly aggregates: AggregateStore }, metadata: CommandMetadata): Promise<Handled<DockerService> | null> =>
  serviceChangedBefore(parts, dockerServiceIdOf(metadata.commandId), metadata);

/** Claims the name in its environment, then writes the service with its first release and deployment in one append.
 *  @throws Rejection `docker_service.invalid`, `environment.not_found`, `name.taken`, `quota.exceeded`, `reservation.voided`. */
export async function createDockerService(
  { dispatcher, aggregates }: { readonly dispatcher: Dispatcher; readonly aggregates: AggregateStore },
  { spec, creates = [], newNetworks = [], ...asked }: NewDockerService,
  metadata: CommandMetadata,
): Promise<Handled<DockerService>> {
  refuseInvalidService({ ...asked, spec });
  const { data } = await creationOf(aggregates, { ...asked, spec }, metadata.commandId);
  const { dockerServiceId } = data;
  const room = { amounts: roomOfCreation(data), countsFor: dockerServiceId };
  const claim = { on: asked.projectId, scope: 'docker_service', environmentId: asked.environmentId, name: asked.name, holder: dockerServiceId, room } as const;
  return withClaimedName({ dispatcher, aggregates }, claim, metadata, async () => {
    const mounts = mountsOfService(spec, asked.deploy);
    if (creates.length + mounts.length > 0) await provideVolumes({ dispatcher, aggregates }, { creates, mounts }, { type: 'docker_service', id: dockerServiceId }, metadata);
    await provideNetworks({ dispatcher, aggregates }, newNetworks, metadata);
    return dispatcher.send(new ToDockerService(dockerServiceId, { type: 'CreateDockerService', data }, metadata));
  });
}

/** The command that writes a service, under the command that asks for it. @throws Rejection `environment.not_found` */
export async function creationOf(aggregates: AggregateStore, { creates: _, ...asked }: NewDockerService, commandId: string): Promise<Extract<DockerServiceCommand, { type: 'CreateDockerService' }>> {
  const { environment, projectName } = await standingEnvironment(aggregates, asked);
  const data = {
    ...asked,
    dockerServiceId: dockerServiceIdOf(commandId),
    networkId: environment.networkId,
    hostname: hostnameOf(asked.name, environment.name, projectName),
    deploymentId: deploymentIdOf(commandId),
  };
  return { type: 'CreateDockerService', data };
}

/** Before anything is asked of nodes, too: what is wrong by itself is said first. @throws Rejection `docker_service.invalid` with every violation. */
export function refuseInvalidService(service: JudgedService): void {
  const [wrong, ...more] = serviceViolations(service);
  if (wrong) throw new Rejection('invalid', 'docker_service.invalid', `${wrong.pointer}: ${wrong.message}`, { violations: [wrong, ...more] });
}

/** What a service mounts with this spec: its own containers, and those of its hooks. */
export const mountsOfService = (spec: Pick<ContainerSpec, 'volumes'>, { preDeploy, postDeploy }: Partial<Pick<DeploySettings, 'preDeploy' | 'postDeploy'>>): readonly VolumeMount[] =>
  [spec, preDeploy?.overrides, postDeploy?.overrides].flatMap((each) => each?.volumes ?? []);
