/** Labels that the platform sets: tenants' labels can't begin so. */
export const SYSTEM_LABEL_PREFIX = 'waybill.';

/** What tells our containers and networks on an engine from everybody else's. */
export const LABELS = {
  installation: 'waybill.installation',
  replicaId: 'waybill.replica_id',
  ownerType: 'waybill.owner_type',
  ownerId: 'waybill.owner_id',
  projectId: 'waybill.project_id',
  environmentId: 'waybill.environment_id',
  slot: 'waybill.slot',
  generation: 'waybill.generation',
  release: 'waybill.release',
  networkId: 'waybill.network_id',
  volumeId: 'waybill.volume_id',
  /** The names of the secrets that it is given, with commas; left out where there is none. */
  secrets: 'waybill.secrets',
} as const;

/** Where agents put the files that they give to containers, each replica's in `<root>/<installation>/<replica>/`. */
export const FILE_ROOTS = ['/run/waybill', '/dev/shm/waybill'] as const;

/** `wb-<installation>-rep_…`: a step that is repeated finds what the first try made. */
export const containerName = (installation: string, replicaId: string): string => `wb-${installation}-${replicaId}`;

/** `wb-<installation>-vol_…` */
export const volumeName = (installation: string, volumeId: string): string => `wb-${installation}-${volumeId}`;

/** `wb-<installation>-net_…` */
export const networkName = (installation: string, networkId: string): string => `wb-${installation}-${networkId}`;
