import type { Reason } from '../kernel/reason.ts';
import type { QuotaAmounts, QuotaResource } from './amounts.ts';
import { QUOTA_RESOURCES } from './amounts.ts';
import { formatAmount, QUOTA_NAMES, type Quota, type QuotaOf } from './quota.ts';

/** Percent of a limit, the higher first. */
export const WARNING_LEVELS = [95, 80] as const;

/** How near something has come to a limit. */
export interface QuotaWarning {
  readonly scope: 'project' | 'docker_service';
  /** Of the project or service. */
  readonly id: string;
  readonly resource: QuotaResource;
  /** What is set against the limit: what is reserved, or what was measured. */
  readonly measure: 'reserved' | 'used';
  readonly level: (typeof WARNING_LEVELS)[number];
  readonly amount: number;
  readonly limit: number;
}

export const warningKey = ({ scope, id, resource, measure }: Omit<QuotaWarning, 'level' | 'amount' | 'limit'>): string => `${scope}|${id}|${resource}|${measure}`;

type WarningEvent = { type: 'QuotaWarningRaised'; data: QuotaWarning } | { type: 'QuotaWarningEnded'; data: Omit<QuotaWarning, 'level'> };

/** Transitions only: a warning begins, changes its level, or ends. @param resources those that `amounts` says something of */
export function warningChanges(
  standing: ReadonlyMap<string, QuotaWarning>,
  { scope, id, quota }: QuotaOf,
  measure: QuotaWarning['measure'],
  { amounts, resources = QUOTA_RESOURCES }: { readonly amounts: QuotaAmounts; readonly resources?: readonly QuotaResource[] },
): readonly WarningEvent[] {
  return resources.flatMap((resource): WarningEvent[] => {
    const about = { scope, id, resource, measure };
    const before = standing.get(warningKey(about));
    const [amount, limit] = [amounts[resource], quota[resource]];
    const level = levelOf(amount, limit);
    if (level === (before?.level ?? null)) return [];
    if (level === null || limit === null) return [{ type: 'QuotaWarningEnded', data: { ...about, amount, limit: limit ?? before!.limit } }];
    return [{ type: 'QuotaWarningRaised', data: { ...about, level, amount, limit } }];
  });
}

function levelOf(amount: number, limit: Quota[QuotaResource]): QuotaWarning['level'] | null {
  if (limit === null || amount === 0) return null;
  return WARNING_LEVELS.find((level) => amount * 100 >= limit * level) ?? null;
}

/** A warning in a sentence. */
export function warningText({ scope, resource, measure, amount, limit }: Omit<QuotaWarning, 'level'>): string {
  const whose = scope === 'project' ? "the project's" : "the service's";
  const share = limit > 0 ? `${Math.floor((amount * 100) / limit)}%` : 'more than all';
  return `${share} of ${whose} ${QUOTA_NAMES[resource]} is ${measure}: ${formatAmount(resource, amount)} of ${formatAmount(resource, limit)}`;
}

/** A warning as answers show it: `quota_reserved_80`, `quota_used_95`. */
export const warningReason = (warning: QuotaWarning): Reason => ({ code: `quota_${warning.measure}_${warning.level}`, message: warningText(warning) });
