import type { DeploySettings } from '../docker-service/deploy-settings.ts';
import type { ExistingDockerService } from '../docker-service/docker-service.ts';

/** How far a roll may go from the wanted number, in replicas. */
export interface Bounds {
  /** At most so many above it live at a time. */
  readonly surge: number;
  /** At most so many of it aren't available at a time. */
  readonly unavailable: number;
}

/** Of a roll to so many replicas. A percentage of them is rounded up for the surge, and down for the unavailable: a roll may be a bit larger
 *  than asked for, but no less available. Where nothing may be above and nothing lacking, one may lack: else nothing could move. */
export function boundsOf({ strategy, maxSurge, maxUnavailable }: Pick<DeploySettings, 'strategy' | 'maxSurge' | 'maxUnavailable'>, replicas: number, hasHostPort: boolean): Bounds {
  if (strategy === 'recreate') return { surge: 0, unavailable: replicas };
  const fallback = hasHostPort ? { surge: 0, unavailable: 1 } : replicas === 1 ? { surge: 1, unavailable: 0 } : { surge: '25%', unavailable: '25%' };
  const surge = amountOf(maxSurge ?? fallback.surge, replicas, Math.ceil);
  const unavailable = amountOf(maxUnavailable ?? fallback.unavailable, replicas, Math.floor);
  return { surge, unavailable: surge + unavailable > 0 ? unavailable : 1 };
}

/** Whether a deployment rolls from something: a stable release, or replicas of before that are wanted still. Else slots are filled, and filled
 *  again when what was in them has ended, without a surge: nothing is reserved for one. @param before what may run and isn't ordered by it */
export const isRoll = ({ stableRelease }: Pick<ExistingDockerService, 'stableRelease'>, before: readonly { readonly isStopped: boolean }[]): boolean =>
  stableRelease !== null || before.some(({ isStopped }) => !isStopped);

/** `3`, or `25%` of the replicas. */
function amountOf(asked: number | string, replicas: number, round: (share: number) => number): number {
  if (typeof asked === 'number') return asked;
  // Times before divided by: 3 replicas at 7% are 0.21, not 0.21000000000000002.
  return round((Number.parseFloat(asked) * replicas) / 100);
}
