import type { NewDockerService } from '#application';
import type { ContainerSpec, DeploySettings, EnvironmentId, Port, ProjectId } from '#domain';
import type { AggregateStore } from '#event-store';
import { digest } from '#platform';
import type { Asked } from '../compute/asked.ts';
import { containerSpec, nameFromImage } from '../compute/container-spec.ts';
import { refuseUnknownValues, resolvedValues, type ValueScope } from '../compute/resolve-values.ts';
import type { CreateDockerServiceDto, PortDto } from './create-docker-service.dto.ts';
import { deploySettingsOf } from './deploy.dto.ts';
import { healthcheckOf } from './healthcheck.dto.ts';
import { restartPolicyOf } from './restart-policy.dto.ts';

/** What goes with a body: whose the service is, what it names in its environment, and the command. */
export interface AskedWith {
  readonly projectId: ProjectId;
  readonly asked: Asked;
  readonly commandId: string;
}

/** The service that a body asks for, defaults filled in. A name that isn't given follows from the command, so that a retry
 *  asks for the same. @throws as `containerSpec`. */
export async function newDockerService(aggregates: AggregateStore, body: CreateDockerServiceDto, { projectId, asked, commandId }: AskedWith): Promise<NewDockerService> {
  const scope = { projectId, environmentId: body.environment_id };
  const spec = await askedContainer(aggregates, body, scope, asked);
  const deploy = await askedDeploy(aggregates, body.deploy, scope, asked);
  return {
    projectId,
    environmentId: body.environment_id as EnvironmentId,
    name: body.name ?? `${nameFromImage(spec.image)}-${digest([commandId, 'name'], 6)}`,
    kind: body.type ?? (spec.ports.length > 0 ? 'web' : 'worker'),
    replicas: body.replicas ?? 1,
    deploy,
    spec,
  };
}

/** The container of a service's body. @throws as `containerSpec` and `resolvedValues` */
export async function askedContainer(aggregates: AggregateStore, body: CreateDockerServiceDto, scope: ValueScope, asked: Asked): Promise<ContainerSpec> {
  const container = await containerSpec(aggregates, body, (body.ports ?? []).map(portOf), asked);
  return { ...(await resolvedValues(aggregates, scope, container)), restartPolicy: restartPolicyOf(body.restart_policy), healthcheck: healthcheckOf(body.healthcheck) };
}

/** Its way to deploy. @throws InvalidRequest as `deploySettingsOf`, and for what its hooks are given */
export async function askedDeploy(aggregates: AggregateStore, body: CreateDockerServiceDto['deploy'], scope: ValueScope, asked: Asked): Promise<DeploySettings> {
  const deploy = await deploySettingsOf(aggregates, body, asked);
  await refuseUnknownInHooks(aggregates, scope, deploy, '/deploy');
  return deploy;
}

/** What hooks are given has to be there, too. @param at where the settings stand in the body. @throws InvalidRequest. */
export async function refuseUnknownInHooks(aggregates: AggregateStore, scope: ValueScope, { preDeploy, postDeploy }: Partial<DeploySettings>, at = ''): Promise<void> {
  if (preDeploy) await refuseUnknownValues(aggregates, scope, preDeploy.overrides, `${at}/pre_deploy`);
  if (postDeploy) await refuseUnknownValues(aggregates, scope, postDeploy.overrides, `${at}/post_deploy`);
}

const portOf = ({ container_port, protocol, host_port }: PortDto): Port => ({
  containerPort: container_port,
  protocol: protocol ?? 'tcp',
  hostPort: host_port ?? null,
});
