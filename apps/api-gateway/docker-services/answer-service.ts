import type { TenantContext } from '#contracts';
import type { DeploymentId } from '#domain';
import { getService } from '#read-models';
import type { Gateway } from '../gateway.ts';
import { dockerServiceNotFound } from './reach.ts';

/** The service as a change of it is answered: with the deployment that the change started, if it started one. */
export async function answerService(gateway: Gateway, tenant: TenantContext, id: string, deploymentId: DeploymentId | null = null): Promise<object> {
  const service = await gateway.one(['services', 'nodes'], undefined, () => getService(gateway.reads, tenant, id), dockerServiceNotFound);
  return deploymentId === null ? service : { deployment_id: deploymentId, ...service };
}
