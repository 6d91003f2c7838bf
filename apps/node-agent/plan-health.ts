import type { Assignment } from '#contracts';
import type { Reason } from '#domain';
import type { ReplicaMemory, Stopping } from './replica-memory.ts';
import { restUntil, say, type SeenHealth, type Step, type Surroundings } from './step.ts';

/** So many changes of health in so long are told as they happen, further ones once a minute: a check that wavers must not flood
 *  the log. */
export const CHANGES_TOLD = 10;
const TOLD_IN_MS = 600_000;
const THEN_EVERY_MS = 60_000;

/** A run's health is told when it has changed, then acted on. Null: nothing is to be done about it; a rest: not yet.
 *  In a crash loop a run is passed over until it has settled, with all that becomes of it. */
export function planHealth(wanted: Assignment, memory: ReplicaMemory, around: Surroundings): Step | null {
  const { healthcheck } = wanted.spec;
  const seen = healthcheck && seenHealth(wanted, memory, around);
  if (!healthcheck || !seen) return null;
  const { observed } = memory;
  const isPassedOver = observed?.run !== memory.run || (observed.state !== 'RUNNING' && observed.state !== 'SETTLED');
  if (!isPassedOver && seen.health !== observed.health) {
    const at = mayTellAt(memory.healthToldAt);
    if (at > around.now) return restUntil(at, around.now);
    const reason = seen.health === 'unhealthy' ? unhealthy(wanted, seen) : null;
    return {
      do: 'note',
      tell: { run: memory.run, state: observed.state, final: false, reason, health: seen.health },
      remember: { healthToldAt: [...memory.healthToldAt, around.now].slice(-CHANGES_TOLD) },
    };
  }
  if (seen.health !== 'unhealthy' || healthcheck.onUnhealthy !== 'restart') return null;
  return { do: 'stop', remember: { stopOrdered: true, stopping: { reason: unhealthy(wanted, seen), final: false } } };
}

/** When the next change may be told. */
function mayTellAt(told: readonly number[]): number {
  const [first, last] = [told[0], told.at(-1)];
  if (first === undefined || last === undefined || told.length < CHANGES_TOLD) return -Infinity;
  return Math.min(first + TOLD_IN_MS, last + THEN_EVERY_MS);
}

/** Where an unhealthy one is only marked, one that never gets well is marked too, once it has had its time. */
function seenHealth(wanted: Assignment, memory: ReplicaMemory, around: Surroundings): SeenHealth | null {
  const { health } = around;
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
export function deadlineOf(wanted: Assignment, memory: ReplicaMemory, { health }: Pick<Surroundings, 'health'>): (Stopping & { readonly at: number }) | null {
  if (wanted.timeoutMs !== null && memory.orderedAt !== null) {
    return { at: memory.orderedAt + wanted.timeoutMs, final: true, reason: say('timeout', `it ran for longer than ${wanted.timeoutMs / 1000} s`) };
  }
  if (wanted.healthyDeadlineMs === null || memory.firstOrderedAt === null) return null;
  const within = `within ${wanted.healthyDeadlineMs / 1000} s of its`;
  if (memory.settledOnce) {
    const at = wanted.spec.healthcheck?.onUnhealthy === 'restart' && memory.phase === 'running' ? lateAt(wanted, memory, health) : null;
    return at === null ? null : { at, final: false, reason: because(`it didn't become healthy ${within} start`, health?.detail) };
  }
  const trouble = memory.trouble?.reason.message ?? memory.observed?.reason?.message;
  const what = wanted.spec.healthcheck && memory.phase === 'running' ? 'been healthy' : 'stayed up';
  return { at: memory.firstOrderedAt + wanted.healthyDeadlineMs, final: true, reason: because(`it hasn't ${what} for ${wanted.minHealthyMs / 1000} s ${within} first start`, trouble ?? health?.detail) };
}

const because = (what: string, why: string | null | undefined): Reason => say('healthy_deadline', why ? `${what}: ${why}` : what);

/** The earliest of those that are times at all. */
export function atMost(...times: (number | null | undefined)[]): number | null {
  const given = times.filter((at) => typeof at === 'number');
  return given.length === 0 ? null : Math.min(...given);
}
