import type { Healthcheck } from '../docker-service/healthcheck.ts';
import type { Health } from '../replica/events.ts';

/** Where one run stands with its check: what it counts as, and the answers in a row that are on their way to change that. */
export interface Standing {
  readonly health: Exclude<Health, 'unknown'>;
  /** Whether a probe has succeeded in this run: before that, failures don't count. */
  readonly hasSucceeded: boolean;
  /** Since the last failure. */
  readonly successes: number;
  /** Since the last success. */
  readonly failures: number;
}

type Thresholds = Pick<Healthcheck, 'healthyThreshold' | 'unhealthyThreshold'>;

/** Before a run's first success a probe runs this often, where its interval isn't shorter still. */
const FAST_MS = 1_000;

/** A run that nobody has asked yet. */
export const UNPROBED: Standing = { health: 'starting', hasSucceeded: false, successes: 0, failures: 0 };

/** A run that was asked before, by an agent whose counts are lost: what it counted as still holds. */
export const standingOf = (health: Health): Standing => (health === 'healthy' || health === 'unhealthy' ? { ...UNPROBED, health, hasSucceeded: true } : UNPROBED);

/** What a probe's answer makes of it: `healthyThreshold` successes in a row are healthy, `unhealthyThreshold` failures in a row
 *  are not, as soon as there was one success. */
export function afterProbe(standing: Standing, isWell: boolean, { healthyThreshold, unhealthyThreshold }: Thresholds): Standing {
  if (isWell) {
    const successes = standing.successes + 1;
    return { health: successes >= healthyThreshold ? 'healthy' : standing.health, hasSucceeded: true, successes, failures: 0 };
  }
  if (!standing.hasSucceeded) return standing;
  const failures = standing.failures + 1;
  return { ...standing, health: failures >= unhealthyThreshold ? 'unhealthy' : standing.health, successes: 0, failures };
}

/** Milliseconds from the beginning of one probe to that of the next. */
export const probeEveryMs = ({ hasSucceeded }: Standing, { intervalMs }: Pick<Healthcheck, 'intervalMs'>): number => (hasSucceeded ? intervalMs : Math.min(intervalMs, FAST_MS));
