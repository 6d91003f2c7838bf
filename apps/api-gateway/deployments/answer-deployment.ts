import type { TenantContext } from '#contracts';
import { Rejection } from '#domain';
import { getDeployment, type DeploymentAnswer } from '#read-models';
import type { Gateway } from '../gateway.ts';
import { lastLines } from '../logs/last-lines.ts';

/** The views that a deployment is answered from. */
export const DEPLOYMENT_VIEWS = ['deployments', 'services', 'releases', 'replicas'] as const;

/** What another project's deployment is answered like, too. */
export const deploymentNotFound = () =>
  new Rejection('not_found', 'deployment.not_found', 'there is no such deployment: GET /v1/docker-services/{id}/deployments lists those of a service');

/** The deployment, and what those replicas of it wrote last that were given up. */
export async function answerDeployment(gateway: Gateway, tenant: TenantContext, id: string, minPosition?: string): Promise<DeploymentAnswer> {
  return withLastLines(gateway, await gateway.one(DEPLOYMENT_VIEWS, minPosition, () => getDeployment(gateway.reads, tenant, id), deploymentNotFound));
}

/** The same deployment with the end of what its failed replicas wrote. */
export async function withLastLines(gateway: Gateway, deployment: DeploymentAnswer): Promise<DeploymentAnswer> {
  if (deployment.failures.length === 0) return deployment;
  const lines = await lastLines(gateway.parts.bus, deployment.failures);
  return { ...deployment, failures: deployment.failures.map((failure) => ({ ...failure, last_log_lines: lines.get(failure.replica_id) ?? [] })) };
}
