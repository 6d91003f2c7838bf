/** What quotas count. CPU and memory are the containers' limits, not their requests; `replicas` are the wanted ones of services, and each job as
 *  one; `volumesBytes` are the sizes that volumes are held to. */
export interface QuotaAmounts {
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  readonly replicas: number;
  readonly volumesBytes: number;
}

export type QuotaResource = keyof QuotaAmounts;
export const QUOTA_RESOURCES = ['cpuMillis', 'memoryBytes', 'replicas', 'volumesBytes'] as const satisfies readonly QuotaResource[];

export const NO_AMOUNTS: QuotaAmounts = { cpuMillis: 0, memoryBytes: 0, replicas: 0, volumesBytes: 0 };

const each = (amountOf: (resource: QuotaResource) => number): QuotaAmounts => ({
  cpuMillis: amountOf('cpuMillis'),
  memoryBytes: amountOf('memoryBytes'),
  replicas: amountOf('replicas'),
  volumesBytes: amountOf('volumesBytes'),
});

export const addAmounts = (a: QuotaAmounts, b: QuotaAmounts): QuotaAmounts => each((resource) => a[resource] + b[resource]);
export const subtractAmounts = (a: QuotaAmounts, b: QuotaAmounts): QuotaAmounts => each((resource) => a[resource] - b[resource]);

/** Of each the larger: what suffices for any one of them. */
export const mostOf = (...all: readonly QuotaAmounts[]): QuotaAmounts => each((resource) => Math.max(0, ...all.map((amounts) => amounts[resource])));

/** Of each the smaller. */
export const leastOf = (a: QuotaAmounts, b: QuotaAmounts): QuotaAmounts => each((resource) => Math.min(a[resource], b[resource]));

/** Whether none of `a` is more than in `b`. */
export const isWithin = (a: QuotaAmounts, b: QuotaAmounts): boolean => QUOTA_RESOURCES.every((resource) => a[resource] <= b[resource]);

export const sameAmounts = (a: QuotaAmounts, b: QuotaAmounts): boolean => isWithin(a, b) && isWithin(b, a);
