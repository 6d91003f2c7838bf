import { NO_QUOTA, reservedBy, warningReason, type DockerServiceId, type Quota, type QuotaAmounts, type Quotas } from '#domain';
import { listVolumes, type Reads, type VolumeAnswer } from '#read-models';
import type { TenantContext } from '#contracts';
import type { Gateway } from '../gateway.ts';
import { readSamples } from '#messaging';
import { readUsage } from '../volumes/read-usage.ts';

/** Whose use is to be read: all of a project, or one service and the volumes that were made for it. */
export interface UseOf {
  readonly tenant: TenantContext;
  readonly projectId: string;
  readonly dockerServiceId: string | null;
}

/** A project's quota as it is answered. @param used what is taken at the moment, as the agents see it; null of the past, of which it isn't recorded */
export const projectQuota = (projectId: string, { quota, reserved, warnings }: Quotas, used: QuotaAmounts | null) => ({
  project_id: projectId, ...limitsAnswer(quota), ...standing(reserved, used), warnings: [...warnings.values()].filter(({ scope }) => scope === 'project').map(warningReason),
});

/** The same of one service. */
export const serviceQuota = ({ projectId, dockerServiceId }: { readonly projectId: string; readonly dockerServiceId: DockerServiceId }, quotas: Quotas, used: QuotaAmounts | null) => ({
  project_id: projectId,
  docker_service_id: dockerServiceId,
  ...limitsAnswer(quotas.ofServices.get(dockerServiceId) ?? NO_QUOTA),
  ...standing(reservedBy(quotas, dockerServiceId), used),
  warnings: [...quotas.warnings.values()].filter(({ id }) => id === dockerServiceId).map(warningReason),
});

const standing = (reserved: QuotaAmounts, used: QuotaAmounts | null) => ({ reserved: amountsAnswer(reserved), used: used && amountsAnswer(used) });

/** Null: no limit. */
export const limitsAnswer = (quota: Quota) => ({ max_cpu_millis: quota.cpuMillis, max_memory_bytes: quota.memoryBytes, max_replicas: quota.replicas, max_volumes_bytes: quota.volumesBytes });

/** Amounts as documents say them. */
export const amountsAnswer = ({ cpuMillis, memoryBytes, replicas, volumesBytes }: QuotaAmounts) => ({ cpu_millis: cpuMillis, memory_bytes: memoryBytes, replicas, volumes_bytes: volumesBytes });

/** What running containers take, how many there are, and what is in volumes, by the agents' last look; a node that doesn't answer adds nothing. */
export async function usedNow(gateway: Gateway, { tenant, projectId, dockerServiceId }: UseOf): Promise<QuotaAmounts> {
  const { bus, nodes } = gateway.parts;
  const nodeIds = nodes.present.flatMap(({ nodeId, reachable }) => (nodeId !== null && reachable ? [nodeId] : []));
  const [{ samples }, volumes] = await Promise.all([readSamples(bus, nodeIds, dockerServiceId), volumesOf(gateway.reads, tenant, projectId)]);
  const usage = await readUsage(bus, dockerServiceId === null ? volumes : volumes.filter(({ used_by }) => used_by.some(({ id }) => id === dockerServiceId)));
  const own = samples.filter((sample) => sample.projectId === projectId);
  return {
    cpuMillis: Math.round(own.reduce((sum, { cpuMillis }) => sum + (cpuMillis ?? 0), 0)),
    memoryBytes: own.reduce((sum, { workingSetBytes }) => sum + workingSetBytes, 0),
    replicas: own.length,
    volumesBytes: [...usage.values()].reduce((sum, { usedBytes }) => sum + (usedBytes ?? 0), 0),
  };
}

async function volumesOf(reads: Reads, tenant: TenantContext, projectId: string): Promise<readonly VolumeAnswer[]> {
  const found: VolumeAnswer[] = [];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof listVolumes>> = await listVolumes(reads, tenant, { project_id: projectId, cursor, limit: 500 });
    found.push(...page.items);
    cursor = page.next;
  } while (cursor !== null);
  return found;
}
