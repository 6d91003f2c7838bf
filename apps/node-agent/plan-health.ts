import type { Assignment } from '#contracts';
import type { Reason } from '#domain';
import type { ReplicaMemory, Stopping } from './replica-memory.ts';
import { say, type SeenHealth, type Step, type Surroundings } from './step.ts';

/** So many changes of health in so long are told as they happen, further ones once a minute: a check that wavers must not flood
 *  the log. */
const CHANGES_TOLD = 10;
const TOLD_IN_MS = 600_000;
const THEN_EVERY_MS = 60_000;

/** A run's health is told when it has changed, then acted on. Null: nothing is to be done about it now.
 *  In a crash loop a run is passed over until it has settled, with all that becomes of it. */
export function planHealth(wanted: Assignment, memory: ReplicaMemory, around: Surroundings): Step | null {
  const seen = seenHealth(wanted, memory, around);
  const tellAt = mayTellHealthAt(wanted, memory, around);
  if (seen === null || (tellAt !== null && tellAt > around.now)) return null;
  const reason = seen.health === 'unhealthy' ? unhealthy(wanted, seen) : null;
  if (tellAt !== null) {
    return {
      do: 'note',
      tell: { run: memory.run, state: memory.observed?.state === 'SETTLED' ? 'SETTLED' : 'RUNNING', final: false, reason, health: seen.health },
      remember: { healthToldAt: [...memory.healthToldAt, around.now].slice(-CHANGES_TOLD) },
    };
  }
  if (reason === null || wanted.spec.healthcheck?.onUnhealthy !== 'restart') return null;
  return { do: 'stop', remember: { stopOrdered: true, stopping: { reason, final: false } } };
}

/** When its health may be told; null: what was told of it still holds, or it is passed over. */
export function mayTellHealthAt(wanted: Assignment, memory: ReplicaMemory, around: Surroundings): number | null {
  const { observed, healthToldAt: told } = memory;
  const seen = seenHealth(wanted, memory, around);
  const isPassedOver = observed?.run !== memory.run || (observed.state !== 'RUNNING' && observed.state !== 'SETTLED');
  if (seen === null || isPassedOver || seen.health === observed.health) return null;
  const [first, last] = [told[0], told.at(-1)];
  if (first === undefined || last === undefined || told.length < CHANGES_TOLD) return around.now;
  return Math.max(around.now, Math.min(first + TOLD_IN_MS, last + THEN_EVERY_MS));
}

/** Where an unhealthy one is only marked, one that never gets well is marked too, once it has had its time. */
function seenHealth(wanted: Assignment, memory: ReplicaMemory, around: Surroundings): SeenHealth | null {
  const health = wanted.spec.healthcheck && around.health;
  const late = lateAt(wanted, memory, health);
  return health && late !== null && late <= around.now ? { ...health, health: 'unhealthy' } : health;
}

/** When a run that began after the replica had settled once has had its time to get well; null: it is, or has no such time. */
function lateAt(wanted: Assignment, { settledOnce, orderedAt }: ReplicaMemory, health: SeenHealth | null): number | null {
  if (!settledOnce || health?.health !== 'starting' || wanted.healthyDeadlineMs === null || orderedAt === null) return null;
  return orderedAt + wanted.healthyDeadlineMs;
}

const unhealthy = (wanted: Assignment, { health, detail }: SeenHealth): Reason => {
  const failures = wanted.spec.healthcheck?.unhealthyThreshold ?? 0;
  const what = health === 'starting' ? `its check has not succeeded once` : `its check has failed ${failures === 1 ? 'once' : `${failures} times in a row`}`;
  return say('unhealthy', detail === null ? what : `${what}, at last: ${detail}`);
};

/** When it has stayed up, and well where there is a check, for long enough; null: it has settled, or isn't well. */
export function settlesAt(wanted: Assignment, { observed, run, runningSince }: ReplicaMemory, { health }: Surroundings): number | null {
  if ((observed?.state === 'SETTLED' && observed.run === run) || runningSince === null) return null;
  if (!wanted.spec.healthcheck) return runningSince + wanted.minHealthyMs;
  return health?.health === 'healthy' ? Math.max(runningSince, health.since) + wanted.minHealthyMs : null;
}

/** The one deadline that applies: a job's from its start; a service's until it has settled for the first time, and, with a check, each
 *  later run's until it is well. Only the later ones may be followed by another run. */
export function deadlineOf(wanted: Assignment, memory: ReplicaMemory, around: Pick<Surroundings, 'health'>): (Stopping & { readonly at: number }) | null {
  if (wanted.timeoutMs !== null && memory.orderedAt !== null) {
    return { at: memory.orderedAt + wanted.timeoutMs, final: true, reason: say('timeout', `it ran for longer than ${wanted.timeoutMs / 1000} s`) };
  }
  if (wanted.healthyDeadlineMs === null) return null;
  const within = `within ${wanted.healthyDeadlineMs / 1000} s of its`;
  return memory.settledOnce ? laterDeadline(wanted, memory, around, within) : firstDeadline(wanted, memory, around, within);
}

function firstDeadline(wanted: Assignment, { firstOrderedAt, phase, trouble, observed }: ReplicaMemory, { health }: Pick<Surroundings, 'health'>, within: string): (Stopping & { at: number }) | null {
  if (firstOrderedAt === null) return null;
  const what = wanted.spec.healthcheck && phase === 'running' ? 'been healthy' : 'stayed up';
  const why = trouble?.reason.message ?? observed?.reason?.message ?? health?.detail;
  return { at: firstOrderedAt + wanted.healthyDeadlineMs!, final: true, reason: because(`it hasn't ${what} for ${wanted.minHealthyMs / 1000} s ${within} first start`, why) };
}

function laterDeadline(wanted: Assignment, memory: ReplicaMemory, { health }: Pick<Surroundings, 'health'>, within: string): (Stopping & { at: number }) | null {
  const at = wanted.spec.healthcheck?.onUnhealthy === 'restart' && memory.phase === 'running' ? lateAt(wanted, memory, health) : null;
  return at === null ? null : { at, final: false, reason: because(`it didn't become healthy ${within} start`, health?.detail) };
}

const because = (what: string, why: string | null | undefined): Reason => say('healthy_deadline', why ? `${what}: ${why}` : what);
