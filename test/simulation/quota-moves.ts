import { ToProject } from '#application';
import { NO_QUOTA, QUOTA_RESOURCES, type DockerServiceId, type Quota } from '#domain';
import { picker, type Client } from './client.ts';

/** Quotas that come and go, mostly near what is in use: so that of requests at once some find room and others don't. */
export const QUOTA_MOVES = {
  quota: (client: Client, lots: readonly number[]): void => {
    const pick = picker(lots);
    const quota: Quota = pick([NO_QUOTA, { ...NO_QUOTA, cpuMillis: pick([500, 1_000, 2_000, 4_000]) }, { ...NO_QUOTA, replicas: pick([1, 3, 6, 9]) }, { ...NO_QUOTA, memoryBytes: pick([4, 8, 16]) * 64 * 1024 * 1024, replicas: pick([null, 8]) }]);
    allow(client, pick([null, null, ...client.services]), quota);
  },

  /** Many at once for what is left. */
  grow: (client: Client, lots: readonly number[]): void => {
    const pick = picker(lots);
    const by = pick([1, 2, 3]);
    for (const id of [...client.services].slice(0, 5)) {
      client.change(id, { what: `scale ${id} by ${by}`, type: 'DockerServiceScaled' }, ({ service }) => ({ type: 'ScaleDockerService', data: { replicas: Math.min(5, service.replicas + by) } }));
    }
  },
} as const;

/** @param id null: the project's */
function allow(client: Client, id: DockerServiceId | null, quota: Quota): void {
  const { projectId } = client.home;
  const command = id === null ? ({ type: 'ChangeProjectQuota', data: { quota } } as const) : ({ type: 'ChangeServiceQuota', data: { dockerServiceId: id, quota } } as const);
  client.ask({
    what: `allow ${id ?? 'the project'} ${JSON.stringify(quota)}`,
    type: id === null ? 'ProjectQuotaChanged' : 'ServiceQuotaChanged',
    deed: (gateway, metadata) => gateway.dispatcher.send(new ToProject(projectId, command, { ...metadata, tenantId: projectId })),
  });
}

const limits = (quota: Quota): boolean => QUOTA_RESOURCES.some((resource) => quota[resource] !== null);

/** For who had no room to follow what he follows. */
export function liftQuotas(client: Client): void {
  const project = client.world.ledger.projects.get(client.home.projectId);
  if (!project) return;
  if (limits(project.quotas.quota)) allow(client, null, NO_QUOTA);
  for (const [id, quota] of project.quotas.ofServices) if (limits(quota)) allow(client, id as DockerServiceId, NO_QUOTA);
}
