import type { Assignment } from '#contracts';
import type { ContainerState } from '#docker';
import { ended, STOP, tellOrCount } from './plan-end.ts';
import { deadlineOf, mayTellHealthAt, planHealth, settlesAt } from './plan-health.ts';
import { planWaitForReplaced, waitOf } from './plan-preparation.ts';
import type { ReplicaMemory } from './replica-memory.ts';
import { countUntold, isCrowded, keptRestarts, type Untold } from './restart.ts';
import { giveUp, isUp, REST, restUntil, runIsOpen, say, startedAnew, type Step, type Surroundings, type Telling } from './step.ts';

/** A replica that is to run and has its container: start it, follow it through its run, and take note of its end. */
export function planRun(wanted: Assignment, memory: ReplicaMemory, around: Surroundings, container: ContainerState): Step {
  if (memory.containerId !== container.id) return { do: 'note', tell: null, remember: { containerId: container.id, imageId: container.imageId } };
  if (isUp(around)) return memory.phase === 'running' ? planWhileRunning(wanted, memory, around, container) : begun(wanted, memory, around, container);
  if (runIsOpen(memory, container)) return ended(wanted, memory, around, container);
  return planStart(wanted, memory, around, container);
}

/** It has come up. A start that nobody here ordered is a run too. */
function begun(wanted: Assignment, memory: ReplicaMemory, around: Surroundings, container: ContainerState): Step {
  const { isSilent, ...next } = nextRun(wanted, memory, around.now, 'started_outside');
  const health = wanted.spec.healthcheck ? { health: 'starting' as const } : {};
  return {
    do: 'note',
    tell: isSilent ? null : { run: next.run, state: 'RUNNING', final: false, reason: null, ...health },
    remember: {
      ...next, phase: 'running', startedAt: container.startedAt, runningSince: around.now, trouble: null, stopOrdered: false,
      firstOrderedAt: memory.firstOrderedAt ?? around.now, orderedAt: memory.phase === 'ended' ? around.now : (memory.orderedAt ?? around.now),
    },
  };
}

function planWhileRunning(wanted: Assignment, memory: ReplicaMemory, around: Surroundings, container: ContainerState): Step {
  // A start that took place while we looked away: the run before it has ended, how nobody knows.
  if (memory.startedAt !== null && startedAnew(memory, container)) {
    const told: Telling = { run: memory.run, state: 'FAILED', final: false, reason: say('restarted_outside', 'it was restarted, and not by Waybill') };
    return tellOrCount(memory, around, told, { phase: 'ended', startedAt: null, lastCause: 'restarted_outside' });
  }
  if (memory.runningSince === null || memory.startedAt === null) return foundRunning(memory, around, container);
  if (memory.stopping !== null) return STOP;
  const deadline = deadlineOf(wanted, memory, around);
  if (deadline !== null && around.now >= deadline.at) return { do: 'stop', remember: { stopOrdered: true, stopping: deadline } };
  return planHealth(wanted, memory, around) ?? planSettling(wanted, memory, around, deadline?.at ?? null);
}

/** Says that it has settled when it has, by an answer of the engine to a question from after that, and rests until then, or until the deadline. */
function planSettling(wanted: Assignment, memory: ReplicaMemory, around: Surroundings, deadlineAt: number | null): Step {
  const settles = settlesAt(wanted, memory, around);
  if (settles !== null && around.askedAt >= settles) {
    const told: Telling = { run: memory.run, state: 'SETTLED', final: false, reason: null, ...(around.health ? { health: around.health.health } : {}) };
    return { do: 'note', tell: told, remember: { settledOnce: true } };
  }
  const next = Math.min(deadlineAt ?? Infinity, settles ?? Infinity, mayTellHealthAt(wanted, memory, around) ?? Infinity);
  return next === Infinity ? REST : restUntil(next, around.now);
}

/** Seen for the first time by this process: how long it has run by our own clock nobody knows, so it counts from now. */
const foundRunning = (memory: ReplicaMemory, around: Surroundings, container: ContainerState): Step => ({
  do: 'note',
  tell: null,
  remember: { startedAt: container.startedAt, runningSince: around.now, orderedAt: memory.orderedAt ?? around.now, firstOrderedAt: memory.firstOrderedAt ?? around.now },
});

function planStart(wanted: Assignment, memory: ReplicaMemory, around: Surroundings, container: ContainerState): Step {
  const deadline = deadlineOf(wanted, memory, around);
  if (deadline !== null && around.now >= deadline.at) return giveUp(memory, deadline.reason);
  const waiting = planWaitForReplaced(memory, around, container);
  if (waiting !== null) return waiting;
  const wait = waitOf(wanted, memory, around);
  if (wait > 0) return restUntil(Math.min(around.now + wait, deadline?.at ?? Infinity), around.now);
  const again = memory.phase === 'starting';
  const { isSilent, ...next } = nextRun(wanted, memory, around.now);
  return {
    do: 'start',
    tell: { run: next.run, state: 'STARTING', final: false, reason: again ? (memory.trouble?.reason ?? null) : null },
    silent: isSilent,
    remember: {
      ...next, phase: 'starting', notBefore: null, startedAt: container.startedAt, stopOrdered: false,
      firstOrderedAt: memory.firstOrderedAt ?? around.now, orderedAt: again ? (memory.orderedAt ?? around.now) : around.now,
    },
  };
}

/** After an end, a start is that of another run; and a restart, unless it had been stopped here. In a crash loop it is counted, not told. */
function nextRun(wanted: Assignment, memory: ReplicaMemory, now: number, cause = memory.lastCause ?? 'unknown'): Pick<ReplicaMemory, 'run' | 'restarts'> & { untold?: Untold; isSilent: boolean } {
  if (memory.phase !== 'ended') return { run: memory.run, restarts: memory.restarts, isSilent: isCrowded(memory.restarts, now) };
  const run = memory.run + 1;
  if (cause === 'stopped') return { run, restarts: memory.restarts, isSilent: false };
  const restarts = keptRestarts(wanted.spec.restartPolicy, memory.restarts, now);
  return isCrowded(restarts, now) ? { run, restarts, untold: countUntold(memory.untold, cause, now), isSilent: true } : { run, restarts, isSilent: false };
}
