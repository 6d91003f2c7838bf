import type { Assignment } from '#contracts';
import type { ContainerState } from '#docker';
import { LONG_RUN_MS } from '#domain';
import { wasStoppedByHand } from './by-hand.ts';
import type { ReplicaMemory } from './replica-memory.ts';
import { isCrowded, planRestart, TOLD_IN_MS, type RunEnd } from './restart.ts';
import { isUp, REST, runIsOpen, say, type Step, type Surroundings, type Telling } from './step.ts';

/** Stopped, then removed, then GONE. */
export function planGone(memory: ReplicaMemory, around: Surroundings): Step {
  if (around.container === null) return { do: 'note', tell: { run: memory.run, state: 'GONE', final: true, reason: say('removed', 'it was to be removed') }, remember: { phase: 'ended' } };
  if (isUp(around)) return STOP;
  return runIsOpen(memory, around.container) ? stopped(memory, around.container, true) : { do: 'remove' };
}

/** Stopped and kept. */
export function planHold(memory: ReplicaMemory, around: Surroundings): Step {
  if (around.container === null) return REST;
  if (isUp(around)) return STOP;
  return runIsOpen(memory, around.container) ? stopped(memory, around.container, false) : REST;
}

/** What the engine tells of it afterwards is our own doing. */
export const STOP: Step = { do: 'stop', remember: { stopOrdered: true } };

const stopped = (memory: ReplicaMemory, container: ContainerState, final: boolean): Step => ({
  do: 'note',
  drain: true,
  tell: { run: memory.run, state: 'STOPPED', final, reason: say('stopped', 'it was to be stopped') },
  // Started again, it has all of its time and all of its retries anew.
  remember: {
    phase: 'ended', startedAt: container.startedAt, notBefore: null, ends: 0, restarts: [], lastCause: 'stopped', firstOrderedAt: null, orderedAt: null,
    runningSince: null, stopping: null,
  },
});

/** Somebody else removed it. It isn't made again, since what was in it is gone. */
export const lost = (memory: ReplicaMemory): Step => ({
  do: 'note',
  drain: true,
  tell: { run: memory.run, state: 'GONE', final: true, reason: say('container_lost', 'its container was removed, and not by Waybill') },
  remember: { phase: 'ended' },
});

/** A run has ended, by itself or since it was stopped for what it didn't do. */
export function ended(wanted: Assignment, memory: ReplicaMemory, around: Surroundings, container: ContainerState): Step {
  // Told to stop and, before it had, to run again.
  if (memory.stopOrdered && memory.stopping === null) return stopped(memory, container, false);
  const byHand = !memory.stopOrdered && wasStoppedByHand(container, around.interventions, around.wall);
  if (byHand === 'unclear') return { do: 'rest', forMs: 250 };
  const exit = memory.stopping === null ? exitOf(container) : ({ state: 'FAILED', reason: memory.stopping.reason } as const);
  const ends = lastedLong(container) ? 1 : memory.ends + 1;
  const plan = memory.stopping?.final
    ? ({ again: false, ...exit } as const)
    : planRestart(wanted.spec.restartPolicy, { ...exit, byHand }, { ends, restarts: memory.restarts }, around);
  const remember: Partial<ReplicaMemory> = { phase: 'ended', startedAt: container.startedAt, runningSince: null, stopping: null, ends, lastCause: exit.reason.code };
  if (!plan.again) return { do: 'note', drain: true, tell: { run: memory.run, state: plan.state, final: true, reason: plan.reason }, remember };
  return tellOrCount(memory, around, { run: memory.run, ...exit, final: false }, { ...remember, notBefore: around.now + plan.inMs });
}

/** An end after which it goes on. In a crash loop it is told now and then only, with the count of the restarts since. */
export function tellOrCount(memory: ReplicaMemory, { now }: Surroundings, told: Telling, remember: Partial<ReplicaMemory>): Step {
  if (!isCrowded(memory.restarts, now)) return { do: 'note', drain: true, tell: told, remember };
  const isDue = memory.summedUpAt === null || now - memory.summedUpAt >= TOLD_IN_MS;
  return isDue ? { do: 'note', drain: true, tell: told, remember: { ...remember, summedUpAt: now } } : { do: 'note', drain: true, tell: null, remember };
}

const lastedLong = ({ startedAt, finishedAt }: ContainerState): boolean => startedAt !== null && finishedAt !== null && Date.parse(finishedAt) - Date.parse(startedAt) >= LONG_RUN_MS;

function exitOf({ exitCode, oomKilled, error }: ContainerState): Pick<RunEnd, 'state' | 'reason'> {
  if (oomKilled) return { state: 'FAILED', reason: say('oom_killed', 'it needed more memory than its limit') };
  if (exitCode === 0) return { state: 'COMPLETED', reason: say('exited', 'it ended with exit code 0') };
  const words = exitCode === null ? 'it ended, with which exit code nobody knows' : `it ended with exit code ${exitCode}${exitCode === UNKNOWN_TO_ENGINE ? AWAY : ''}`;
  return { state: 'FAILED', reason: say('exited', error ? `${words}: ${error}` : words) };
}

/** Docker writes this where a container ended while the engine was down and nobody kept its exit status; a command may end with
 *  it, too (moby, `daemon.restore`). */
const UNKNOWN_TO_ENGINE = 255;
const AWAY = ', which the engine also says where it was away at the end and does not know';
