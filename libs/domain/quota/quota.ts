import { Rejection } from '../kernel/rejection.ts';
import { formatBytes, formatCpu } from '../kernel/units.ts';
import { QUOTA_RESOURCES, type QuotaAmounts, type QuotaResource } from './amounts.ts';

/** The most that may be reserved; null: as much as there is. */
export type Quota = { readonly [Resource in QuotaResource]: number | null };

export const NO_QUOTA: Quota = { cpuMillis: null, memoryBytes: null, replicas: null, volumesBytes: null };

/** How a limit is called in requests, answers and refusals. */
export const QUOTA_NAMES: { readonly [Resource in QuotaResource]: string } = {
  cpuMillis: 'max_cpu_millis',
  memoryBytes: 'max_memory_bytes',
  replicas: 'max_replicas',
  volumesBytes: 'max_volumes_bytes',
};

export const isUnlimited = (quota: Quota): boolean => QUOTA_RESOURCES.every((resource) => quota[resource] === null);

/** `250 millicores`, `1 GiB`, `7 replicas`: for sentences. */
export function formatAmount(resource: QuotaResource, amount: number): string {
  if (resource === 'cpuMillis') return formatCpu(amount);
  return resource === 'replicas' ? `${amount} ${amount === 1 ? 'replica' : 'replicas'}` : formatBytes(amount);
}

/** Whose quota it is: the project's, or that of one of its services. */
export interface QuotaOf {
  readonly scope: 'project' | 'docker_service';
  readonly id: string;
  readonly quota: Quota;
}

/** What is reserved, and would be. */
export interface Growth {
  readonly before: QuotaAmounts;
  readonly after: QuotaAmounts;
}

/** Only what grows is looked at: a quota that was lowered below what is reserved takes nothing away, it stops growth.
 *  @throws Rejection `quota.exceeded` of kind quota_exceeded; its facts: `quota` (whose), `limitName`, `used`, `asked` (in addition), `limit`. */
export function refuseBeyond({ scope, id, quota }: QuotaOf, { before, after }: Growth): void {
  for (const resource of QUOTA_RESOURCES) {
    const limit = quota[resource];
    const [used, asked] = [before[resource], after[resource] - before[resource]];
    if (limit === null || asked <= 0 || used + asked <= limit) continue;
    const name = QUOTA_NAMES[resource];
    const words = (amount: number): string => formatAmount(resource, amount);
    const whose = scope === 'project' ? "the project's" : "the service's";
    throw new Rejection('quota_exceeded', 'quota.exceeded', `${whose} quota ${name} is ${words(limit)}: ${words(used)} are reserved, and this asks for ${words(asked)} more; ask for less, give something back, or have the quota raised`, {
      quota: scope,
      id,
      limitName: name,
      used,
      asked,
      limit,
    });
  }
}
