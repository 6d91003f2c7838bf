import type { Assignment } from '#contracts';
import type { ContainerState } from '#docker';
import { ended, STOP, tellOrCount } from './plan-end.ts';
import { atMost, deadlineOf, planHealth, settlesAt } from './plan-health.ts';
import { planWaitForReplaced, waitOf } from './plan-preparation.ts';
import type { ReplicaMemory } from './replica-memory.ts';
import { countUntold, isCrowded, keptRestarts } from './restart.ts';
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
  const isOurs = memory.phase !== 'ended';
  const count = isOurs ? memory : countRestart(wanted, memory, around.now, 'started_outside');
  const isSilent = isCrowded(count.restarts, around.now);
  const run = isOurs ? memory.run : memory.run + 1;
  return {
    do: 'note',
    tell: isSilent ? null : { run, state: 'RUNNING', final: false, reason: null, ...(wanted.spec.healthcheck ? { health: 'starting' as const } : {}) },
    remember: {
      restarts: count.restarts, ...(isSilent ? { untold: count.untold } : {}),
      run, phase: 'running', startedAt: container.startedAt, runningSince: around.now, trouble: null, stopOrdered: false,
      firstOrderedAt: memory.firstOrderedAt ?? around.now, orderedAt: isOurs ? (memory.orderedAt ?? around.now) : around.now,
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
  const health = planHealth(wanted, memory, around);
  if (health !== null && health.do !== 'rest') return health;
  const settles = settlesAt(wanted, memory, around);
  if (settles !== null && around.now >= settles) {
    const told: Telling = { run: memory.run, state: 'SETTLED', final: false, reason: null, ...(around.health ? { health: around.health.health } : {}) };
    return { do: 'note', tell: told, remember: { settledOnce: true } };
  }
  const next = atMost(deadline?.at, settles, health?.forMs == null ? null : around.now + health.forMs);
  return next === null ? REST : restUntil(next, around.now);
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
  const isRestart = memory.phase === 'ended' && memory.lastCause !== 'stopped';
  const count = isRestart ? countRestart(wanted, memory, around.now, memory.lastCause ?? 'unknown') : memory;
  const isSilent = isCrowded(count.restarts, around.now);
  const run = memory.phase === 'ended' ? memory.run + 1 : memory.run;
  return {
    do: 'start',
    tell: { run, state: 'STARTING', final: false, reason: again ? (memory.trouble?.reason ?? null) : null },
    silent: isSilent,
    remember: {
      run, phase: 'starting', notBefore: null, startedAt: container.startedAt, stopOrdered: false, restarts: count.restarts, ...(isSilent ? { untold: count.untold } : {}),
      firstOrderedAt: memory.firstOrderedAt ?? around.now, orderedAt: again ? (memory.orderedAt ?? around.now) : around.now,
    },
  };
}

const countRestart = (wanted: Assignment, { restarts, untold }: ReplicaMemory, now: number, cause: string): Pick<ReplicaMemory, 'restarts' | 'untold'> => ({
  restarts: keptRestarts(wanted.spec.restartPolicy, restarts, now),
  untold: countUntold(untold, cause, now),
});
