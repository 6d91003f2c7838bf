import type { NewDockerService } from '#application';
import type { EnvironmentId, Port } from '#domain';
import type { AggregateStore } from '#event-store';
import { digest } from '#platform';
import type { AskedVolumes } from '../volumes/asked-volumes.ts';
import { containerSpec, nameFromImage } from '../compute/container-spec.ts';
import type { CreateDockerServiceDto, PortDto } from './create-docker-service.dto.ts';
import { deploySettingsOf } from './deploy.dto.ts';
import { healthcheckOf } from './healthcheck.dto.ts';
import { restartPolicyOf } from './restart-policy.dto.ts';

/** The service that a body asks for, defaults filled in. A name that isn't given follows from the command, so that a retry
 *  asks for the same. @throws as `containerSpec`. */
export async function newDockerService(aggregates: AggregateStore, body: CreateDockerServiceDto, volumes: AskedVolumes, commandId: string): Promise<Omit<NewDockerService, 'projectId'>> {
  const ports = (body.ports ?? []).map(portOf);
  const container = await containerSpec(aggregates, body, ports, volumes);
  const spec = { ...container, restartPolicy: restartPolicyOf(body.restart_policy), healthcheck: healthcheckOf(body.healthcheck) };
  return {
    environmentId: body.environment_id as EnvironmentId,
    name: body.name ?? `${nameFromImage(spec.image)}-${digest([commandId, 'name'], 6)}`,
    kind: body.type ?? (ports.length > 0 ? 'web' : 'worker'),
    replicas: body.replicas ?? 1,
    deploy: await deploySettingsOf(aggregates, body.deploy, volumes),
    spec,
  };
}

const portOf = ({ container_port, protocol, host_port }: PortDto): Port => ({
  containerPort: container_port,
  protocol: protocol ?? 'tcp',
  hostPort: host_port ?? null,
});
