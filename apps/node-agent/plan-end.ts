import type { Assignment } from '#contracts';
import type { ContainerState } from '#docker';
import type { ReplicaMemory } from './replica-memory.ts';
import { LONG_RUN_MS, restartDelayMs } from './restart-delay.ts';
import { isUp, REST, runIsOpen, say, type Step, type Surroundings, type Telling } from './step.ts';

/** Stopped, then removed, then GONE. */
export function planGone(memory: ReplicaMemory, around: Surroundings): Step {
  if (around.container === null) return { do: 'note', tell: { run: memory.run, state: 'GONE', final: true, reason: say('removed', 'it was to be removed') }, remember: { phase: 'ended' } };
  if (isUp(around)) return { do: 'stop', remember: {} };
  return runIsOpen(memory, around.container) ? stopped(memory, around.container, true) : { do: 'remove' };
}

/** Stopped and kept. */
export function planHold(memory: ReplicaMemory, around: Surroundings): Step {
  if (around.container === null) return REST;
  if (isUp(around)) return { do: 'stop', remember: {} };
  return runIsOpen(memory, around.container) ? stopped(memory, around.container, false) : REST;
}

const stopped = (memory: ReplicaMemory, container: ContainerState, final: boolean): Step => ({
  do: 'note',
  drain: true,
  tell: { run: memory.run, state: 'STOPPED', final, reason: say('stopped', 'it was to be stopped') },
  // Started again, it has all of its time anew.
  remember: { phase: 'ended', startedAt: container.startedAt, notBefore: null, ends: 0, firstOrderedAt: null, orderedAt: null, runningSince: null, stopping: null },
});

/** Somebody else removed it: it isn't made again, since what it held is gone. */
export const lost = (memory: ReplicaMemory): Step => ({
  do: 'note',
  drain: true,
  tell: { run: memory.run, state: 'GONE', final: true, reason: say('container_lost', 'its container was removed, and not by Waybill') },
  remember: { phase: 'ended' },
});

/** A run has ended by itself, or was stopped for what it didn't do in time. */
export function ended(wanted: Assignment, memory: ReplicaMemory, around: Surroundings, container: ContainerState): Step {
  const lasting = container.startedAt && container.finishedAt ? Date.parse(container.finishedAt) - Date.parse(container.startedAt) : 0;
  const ends = lasting >= LONG_RUN_MS ? 1 : memory.ends + 1;
  const exit = exitOf(container);
  const told: Telling = memory.stopping
    ? { run: memory.run, state: 'FAILED', final: true, reason: memory.stopping }
    : { run: memory.run, ...exit, final: wanted.spec.restartPolicy.name === 'no' };
  return {
    do: 'note',
    drain: true,
    tell: told,
    remember: { phase: 'ended', startedAt: container.startedAt, runningSince: null, ends, notBefore: around.now + restartDelayMs(ends, around.jitter) },
  };
}

function exitOf({ exitCode, oomKilled, error }: ContainerState): Pick<Telling, 'state' | 'reason'> {
  if (oomKilled) return { state: 'FAILED', reason: say('oom_killed', 'it needed more memory than its limit') };
  if (exitCode === 0) return { state: 'COMPLETED', reason: say('exited', 'it ended with exit code 0') };
  const words = exitCode === null ? 'it ended, with which exit code nobody knows' : `it ended with exit code ${exitCode}${exitCode === UNKNOWN_TO_ENGINE ? AWAY : ''}`;
  return { state: 'FAILED', reason: say('exited', error ? `${words}: ${error}` : words) };
}

/** Docker writes this where a container ended while the engine was down and nobody kept its exit status; a command may end with
 *  it, too (moby, `daemon.restore`). */
const UNKNOWN_TO_ENGINE = 255;
const AWAY = ', which the engine also says where it was away at the end and does not know';
