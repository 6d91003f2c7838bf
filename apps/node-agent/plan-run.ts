import type { Assignment } from '#contracts';
import type { ContainerState } from '#docker';
import type { Reason } from '#domain';
import { ended } from './plan-end.ts';
import { planWaitForReplaced, waitOf } from './plan-preparation.ts';
import type { ReplicaMemory } from './replica-memory.ts';
import { giveUp, isUp, runIsOpen, say, startedAnew, type Step, type Surroundings } from './step.ts';

/** A replica that is to run and has its container: start it, follow it through its run, and take note of its end. */
export function planRun(wanted: Assignment, memory: ReplicaMemory, around: Surroundings, container: ContainerState): Step {
  if (memory.containerId !== container.id) return { do: 'note', tell: null, remember: { containerId: container.id, imageId: container.imageId } };
  if (isUp(around)) return memory.phase === 'running' ? planWhileRunning(wanted, memory, around, container) : begun(memory, around, container);
  if (runIsOpen(memory, container)) return ended(wanted, memory, around, container);
  return planStart(wanted, memory, around, container);
}

/** A start that nobody here ordered is a run too. */
function begun(memory: ReplicaMemory, around: Surroundings, container: ContainerState): Step {
  const run = memory.phase === 'ended' ? memory.run + 1 : memory.run;
  return {
    do: 'note',
    tell: { run, state: 'RUNNING', final: false, reason: null },
    remember: {
      run, phase: 'running', startedAt: container.startedAt, runningSince: around.now, trouble: null,
      firstOrderedAt: memory.firstOrderedAt ?? around.now, orderedAt: memory.phase === 'ended' ? around.now : (memory.orderedAt ?? around.now),
    },
  };
}

function planWhileRunning(wanted: Assignment, memory: ReplicaMemory, around: Surroundings, container: ContainerState): Step {
  // A start that took place while we looked away: the run before it has ended, how nobody knows.
  if (memory.startedAt !== null && startedAnew(memory, container)) {
    return { do: 'note', tell: { run: memory.run, state: 'FAILED', final: false, reason: say('restarted_outside', 'it was restarted, and not by Waybill') }, remember: { phase: 'ended', startedAt: null } };
  }
  if (memory.runningSince === null || memory.startedAt === null) return foundRunning(memory, around, container);
  if (memory.stopping !== null) return { do: 'stop', remember: {} };
  const deadline = deadlineOf(wanted, memory);
  if (deadline !== null && around.now >= deadline.at) return { do: 'stop', remember: { stopping: deadline.reason } };
  const settlesAt = memory.observed?.state === 'SETTLED' && memory.observed.run === memory.run ? null : memory.runningSince + wanted.minHealthyMs;
  if (settlesAt !== null && around.now >= settlesAt) {
    return { do: 'note', tell: { run: memory.run, state: 'SETTLED', final: false, reason: null }, remember: { settledOnce: true } };
  }
  const next = [deadline?.at, settlesAt].filter((at) => typeof at === 'number');
  return { do: 'rest', forMs: next.length === 0 ? null : Math.max(1, Math.ceil(Math.min(...next) - around.now)) };
}

/** Seen for the first time by this process: how long it has run by our own clock nobody knows, so it counts from now. */
const foundRunning = (memory: ReplicaMemory, around: Surroundings, container: ContainerState): Step => ({
  do: 'note',
  tell: null,
  remember: { startedAt: container.startedAt, runningSince: around.now, orderedAt: memory.orderedAt ?? around.now, firstOrderedAt: memory.firstOrderedAt ?? around.now },
});

/** The one deadline that applies: a job's from its start; a service's until it has settled for the first time. */
function deadlineOf(wanted: Assignment, memory: ReplicaMemory): { at: number; reason: Reason } | null {
  if (wanted.timeoutMs !== null && memory.orderedAt !== null) {
    return { at: memory.orderedAt + wanted.timeoutMs, reason: say('timeout', `it ran for longer than ${wanted.timeoutMs / 1000} s`) };
  }
  if (wanted.healthyDeadlineMs === null || memory.firstOrderedAt === null || memory.settledOnce) return null;
  const trouble = memory.trouble?.reason.message ?? memory.observed?.reason?.message;
  const why = `it hasn't stayed up for ${wanted.minHealthyMs / 1000} s within ${wanted.healthyDeadlineMs / 1000} s of its first start`;
  return { at: memory.firstOrderedAt + wanted.healthyDeadlineMs, reason: say('healthy_deadline', trouble ? `${why}: ${trouble}` : why) };
}

function planStart(wanted: Assignment, memory: ReplicaMemory, around: Surroundings, container: ContainerState): Step {
  const deadline = deadlineOf(wanted, memory);
  if (deadline !== null && around.now >= deadline.at) return giveUp(memory, deadline.reason);
  const waiting = planWaitForReplaced(memory, around, container);
  if (waiting !== null) return waiting;
  const wait = waitOf(wanted, memory, around);
  if (wait > 0) return { do: 'rest', forMs: Math.max(1, Math.ceil(Math.min(wait, (deadline?.at ?? Infinity) - around.now))) };
  const run = memory.phase === 'ended' ? memory.run + 1 : memory.run;
  const again = memory.phase === 'starting';
  return {
    do: 'start',
    tell: { run, state: 'STARTING', final: false, reason: again ? (memory.trouble?.reason ?? null) : null },
    remember: {
      run, phase: 'starting', notBefore: null, startedAt: container.startedAt,
      firstOrderedAt: memory.firstOrderedAt ?? around.now, orderedAt: again ? (memory.orderedAt ?? around.now) : around.now,
    },
  };
}
