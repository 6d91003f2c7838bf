import type { NewDockerService } from '#application';
import type { DeploySettings, EnvironmentId, Port, ProjectId } from '#domain';
import type { AggregateStore } from '#event-store';
import { digest } from '#platform';
import type { AskedVolumes } from '../volumes/asked-volumes.ts';
import { containerSpec, nameFromImage } from '../compute/container-spec.ts';
import { refuseUnknownValues, resolvedValues, type ValueScope } from '../compute/resolve-values.ts';
import type { CreateDockerServiceDto, PortDto } from './create-docker-service.dto.ts';
import { deploySettingsOf } from './deploy.dto.ts';
import { healthcheckOf } from './healthcheck.dto.ts';
import { restartPolicyOf } from './restart-policy.dto.ts';

/** What goes with a body: whose the service is, what it wants mounted, and the command. */
export interface AskedWith {
  readonly projectId: ProjectId;
  readonly volumes: AskedVolumes;
  readonly commandId: string;
}

/** The service that a body asks for, defaults filled in. A name that isn't given follows from the command, so that a retry
 *  asks for the same. @throws as `containerSpec`. */
export async function newDockerService(aggregates: AggregateStore, body: CreateDockerServiceDto, { projectId, volumes, commandId }: AskedWith): Promise<NewDockerService> {
  const ports = (body.ports ?? []).map(portOf);
  const container = await containerSpec(aggregates, body, ports, volumes);
  const scope = { projectId, environmentId: body.environment_id };
  const spec = { ...(await resolvedValues(aggregates, scope, container)), restartPolicy: restartPolicyOf(body.restart_policy), healthcheck: healthcheckOf(body.healthcheck) };
  const deploy = await deploySettingsOf(aggregates, body.deploy, volumes);
  await refuseUnknownInHooks(aggregates, scope, deploy, '/deploy');
  return {
    projectId,
    environmentId: body.environment_id as EnvironmentId,
    name: body.name ?? `${nameFromImage(spec.image)}-${digest([commandId, 'name'], 6)}`,
    kind: body.type ?? (ports.length > 0 ? 'web' : 'worker'),
    replicas: body.replicas ?? 1,
    deploy,
    spec,
  };
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
