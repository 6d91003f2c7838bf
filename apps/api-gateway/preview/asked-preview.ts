import { creationOf, mountsOfService, refuseWaitCycle, waitingParts, type NewDockerService } from '#application';
import {
  dockerService as rules, project as projectRules, streamOf, volume as volumeRules, volumesIn, workingSpec,
  type ContainerSpec, type DeploySettings, type DockerServiceCommand, type ExistingDockerService, type Owner, type VolumeMount,
} from '#domain';
import { refuseChangeThatCanNeverRun, refuseScaleBeyondHostPorts, refuseSurgeBeyondHostPorts, refuseWhatCanNeverRun } from '../docker-services/admission.ts';
import { changedDockerService } from '../docker-services/changed-docker-service.ts';
import type { CreateDockerServiceDto } from '../docker-services/create-docker-service.dto.ts';
import { deployCommand } from '../docker-services/deploy-docker-service.dto.ts';
import { newDockerService } from '../docker-services/new-docker-service.ts';
import { refuseDeployment } from '../docker-services/refuse-deployment.ts';
import type { Asked } from '../compute/asked.ts';
import { InvalidRequest } from '../edge/invalid-request.ts';
import type { Gateway, GatewayParts } from '../gateway.ts';
import { refuseUsedWithoutPorts } from '../resources/refuse-used.ts';
import type { PreviewDto } from './preview.dto.ts';

/** The command that a request would send, and everything that might refuse it. */
export interface AskedPreview {
  readonly command: DockerServiceCommand;
  /** Each throws a Rejection where it refuses. */
  readonly checks: readonly (() => void | Promise<void>)[];
}

/** What goes with a body. */
export interface PreviewScope {
  readonly gateway: Gateway;
  readonly asked: Asked;
  readonly commandId: string;
}

/** What a change of a service would be, by the same code that carries it out. @throws InvalidRequest and Rejection as that does, pointers into the preview's own body */
export async function askedChange({ gateway, asked, commandId }: PreviewScope, service: ExistingDockerService, { patch, scale, deployment }: PreviewDto): Promise<AskedPreview> {
  const { aggregates, nodes } = gateway.parts;
  const user: Owner = { type: 'docker_service', id: service.dockerServiceId };
  const mounting = (spec: Partial<ContainerSpec> = {}, deploy: Partial<DeploySettings> = {}) => () => refuseUses(aggregates, mountsOfService(spec, deploy), user);
  if (scale) {
    return { command: { type: 'ScaleDockerService', data: { replicas: scale.replicas } }, checks: [() => refuseScaleBeyondHostPorts(nodes.present, service, scale.replicas)] };
  }
  if (patch) {
    const command = await under('/patch', () => changedDockerService(aggregates, service, patch, { asked, commandId }));
    const { spec, deploy } = command.data;
    const cycle = () => refuseWaitCycle(aggregates, { ...service, dependencies: waitingParts(service, spec, deploy) }, { pointer: '/dependencies' });
    const portless = () => refuseUsedWithoutPorts(gateway, service, { from: workingSpec(service), to: spec, deploy: { ...service.deploy, ...deploy }, pointer: '/ports' });
    return { command, checks: [() => refuseChangeThatCanNeverRun(nodes.present, service, { ...command.data, volumeNeeds: asked.volumes.needs(spec?.volumes) }), cycle, portless, mounting(spec, deploy)] };
  }
  const command = await under('/deployment', () => deployCommand(aggregates, service, deployment!, asked, commandId));
  return { command, checks: [() => refuseSurgeBeyondHostPorts(nodes.present, service, command.data), () => refuseDeployment(gateway, service, command.data), mounting(command.data.spec, command.data.settings)] };
}

/** What the creation of a service would be. @throws InvalidRequest and Rejection as creating does */
export async function askedCreation({ gateway, asked, commandId }: PreviewScope, projectId: NewDockerService['projectId'], body: CreateDockerServiceDto): Promise<AskedPreview> {
  const { aggregates, nodes } = gateway.parts;
  const made = await newDockerService(aggregates, body, { projectId, asked, commandId });
  const command = await creationOf(aggregates, made, commandId);
  const checks = [() => refuseWhatCanNeverRun(nodes.present, { ...made, volumeNeeds: asked.volumes.needs(made.spec.volumes) }), () => refuseTakenName(aggregates, made, command.data.dockerServiceId, commandId)];
  return { command, checks };
}

/** What the rules of a service say to the command. @throws Rejection */
export const decideOn = (service: ExistingDockerService | null, command: DockerServiceCommand) => rules.decide(service ?? rules.initial, command);

async function refuseTakenName(aggregates: GatewayParts['aggregates'], { projectId, environmentId, name }: NewDockerService, holder: string, commandId: string): Promise<void> {
  const { state } = await aggregates.load(projectRules, streamOf('project', projectId));
  projectRules.decide(state, { type: 'ClaimName', data: { scope: 'docker_service', environmentId, name, holder, commandId } });
}

/** Volumes that are there have to take another user. */
async function refuseUses(aggregates: GatewayParts['aggregates'], mounts: readonly VolumeMount[], user: Owner): Promise<void> {
  for (const id of volumesIn(mounts)) {
    const { state } = await aggregates.load(volumeRules, streamOf('volume', id));
    if (state.status === 'present') volumeRules.decide(state, { type: 'BeginVolumeUse', data: { user } });
  }
}

/** Pointers of a body that stands within another one. */
async function under<T>(at: string, make: () => Promise<T>): Promise<T> {
  try {
    return await make();
  } catch (error) {
    if (error instanceof InvalidRequest) throw new InvalidRequest(error.errors.map((flaw) => ({ ...flaw, pointer: `${at}${flaw.pointer}` })), error.code);
    throw error;
  }
}
