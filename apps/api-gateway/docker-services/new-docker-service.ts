import type { NewDockerService } from '#application';
import { DEFAULT_DEPLOY_SETTINGS, type DeploySettings, type EnvironmentId, type Port, type ProjectId } from '#domain';
import type { AggregateStore } from '#event-store';
import { digest } from '#platform';
import { containerSpec, nameFromImage } from '../compute/container-spec.ts';
import type { CreateDockerServiceDto, DeployDto, PortDto } from './create-docker-service.dto.ts';

/** The service that a body asks for, defaults filled in. A name that isn't given follows from the command, so that a retry
 *  asks for the same. @throws as `containerSpec`. */
export async function newDockerService(aggregates: AggregateStore, body: CreateDockerServiceDto, projectId: ProjectId, commandId: string): Promise<NewDockerService> {
  const ports = (body.ports ?? []).map(portOf);
  const spec = await containerSpec(aggregates, body, ports);
  return {
    projectId,
    environmentId: body.environment_id as EnvironmentId,
    name: body.name ?? `${nameFromImage(spec.image)}-${digest([commandId, 'name'], 6)}`,
    kind: body.type ?? (ports.length > 0 ? 'web' : 'worker'),
    replicas: body.replicas ?? 1,
    deploy: deploySettings(body.deploy),
    spec,
  };
}

const portOf = ({ container_port, protocol, host_port }: PortDto): Port => ({
  containerPort: container_port,
  protocol: protocol ?? 'tcp',
  hostPort: host_port ?? null,
});

const deploySettings = (deploy: DeployDto | undefined): DeploySettings => ({
  ...DEFAULT_DEPLOY_SETTINGS,
  minHealthyMs: deploy?.min_healthy_ms ?? DEFAULT_DEPLOY_SETTINGS.minHealthyMs,
  healthyDeadlineMs: deploy?.healthy_deadline_ms ?? DEFAULT_DEPLOY_SETTINGS.healthyDeadlineMs,
  progressDeadlineMs: deploy?.progress_deadline_ms ?? DEFAULT_DEPLOY_SETTINGS.progressDeadlineMs,
  maxFailures: deploy?.max_failures ?? DEFAULT_DEPLOY_SETTINGS.maxFailures,
});
