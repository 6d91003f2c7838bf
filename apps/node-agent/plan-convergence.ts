import type { Assignment } from '#contracts';
import type { ContainerState } from '#docker';
import type { Observation, Reason } from '#domain';
import type { ReplicaMemory } from './replica-memory.ts';
import { LONG_RUN_MS, restartDelayMs } from './restart-delay.ts';

/** What is so right now, beyond what is wanted and remembered. */
export interface Surroundings {
  /** The replica's container on the engine. */
  readonly container: ContainerState | null;
  /** The spec's image on the engine; looked up only while there is no container. */
  readonly image: { readonly id: string; readonly architecture: string } | null;
  readonly architecture: string;
  /** Whether the replica that this one `replaces` has left the engine; true where there is none. */
  readonly replacedGone: boolean;
  /** `Clock.monotonic()`. */
  readonly now: number;
  /** Uniform in [0, 1). */
  readonly jitter: number;
}

/** What is told of the replica when a step is taken; the rest follows from the container. */
export type Telling = Pick<Observation, 'run' | 'state' | 'final' | 'reason'>;

/** The one next thing to do about a replica. `tell` and `remember` come before any deed, so that a crash repeats the deed. */
export type Step =
  /** Nothing, until something changes or (null: never) that much time has passed. */
  | { readonly do: 'rest'; readonly forMs: number | null }
  /** Only what was seen: to be told and remembered. `drain`: once the run's output is complete. */
  | { readonly do: 'note'; readonly tell: Telling | null; readonly remember: Partial<ReplicaMemory>; readonly drain?: boolean }
  | { readonly do: 'pull'; readonly tell: Telling }
  /** The network and the container in it. */
  | { readonly do: 'make'; readonly tell: Telling }
  | { readonly do: 'start'; readonly tell: Telling; readonly remember: Partial<ReplicaMemory> }
  | { readonly do: 'stop'; readonly remember: Partial<ReplicaMemory> }
  | { readonly do: 'remove' };

/** Compares what is wanted with what is, for one replica, and names the next step towards it. Pure; taking the step that it
 *  names and asking again leads to rest, wherever it begins. */
export function planConvergence(wanted: Assignment, memory: ReplicaMemory, around: Surroundings): Step {
  const { observed } = memory;
  if (observed?.state === 'GONE') return REST;
  if (around.container?.status === 'removing') return { do: 'rest', forMs: 500 };
  if (wanted.wanted === 'gone') return planGone(memory, around);
  if (around.container === null && memory.containerId !== null) return lost(memory);
  if (observed?.final) return isUp(around) ? { do: 'stop', remember: {} } : REST;
  if (wanted.wanted === 'hold') return planHold(memory, around);
  return around.container === null ? planPreparation(wanted, memory, around) : planRun(wanted, memory, around, around.container);
}

/** Whether the engine has started it since the last start that is accounted for. */
const startedAnew = (memory: ReplicaMemory, container: ContainerState): boolean => container.startedAt !== null && container.startedAt !== memory.startedAt;

const isUp = ({ container }: Surroundings): boolean => container !== null && ['running', 'paused', 'restarting'].includes(container.status);

const REST: Step = { do: 'rest', forMs: null };

function planGone(memory: ReplicaMemory, around: Surroundings): Step {
  if (around.container === null) return { do: 'note', tell: { run: memory.run, state: 'GONE', final: true, reason: say('removed', 'it was to be removed') }, remember: { phase: 'ended' } };
  if (isUp(around)) return { do: 'stop', remember: {} };
  return runIsOpen(memory, around.container) ? stopped(memory, around.container, true) : { do: 'remove' };
}

function planHold(memory: ReplicaMemory, around: Surroundings): Step {
  if (around.container === null) return REST;
  if (isUp(around)) return { do: 'stop', remember: {} };
  return runIsOpen(memory, around.container) ? stopped(memory, around.container, false) : REST;
}

const runIsOpen = (memory: ReplicaMemory, container: ContainerState): boolean =>
  memory.phase === 'running' || (memory.phase !== 'ended' && startedAnew(memory, container));

const stopped = (memory: ReplicaMemory, container: ContainerState, final: boolean): Step => ({
  do: 'note',
  drain: true,
  tell: { run: memory.run, state: 'STOPPED', final, reason: say('stopped', 'it was to be stopped') },
  // Started again, it has all of its time anew.
  remember: { phase: 'ended', startedAt: container.startedAt, notBefore: null, ends: 0, firstOrderedAt: null, orderedAt: null, runningSince: null, stopping: null },
});

const lost = (memory: ReplicaMemory): Step => ({
  do: 'note',
  drain: true,
  tell: { run: memory.run, state: 'GONE', final: true, reason: say('container_lost', 'its container was removed, and not by Waybill') },
  remember: { phase: 'ended' },
});

function planPreparation(wanted: Assignment, memory: ReplicaMemory, around: Surroundings): Step {
  const preparing: Telling = { run: memory.run, state: 'PREPARING', final: false, reason: memory.trouble?.reason ?? null };
  const { spec } = wanted;
  if (memory.observed === null) return { do: 'note', tell: preparing, remember: {} };
  const wait = waitOf(wanted, memory, around);
  if (wait > 0) return { do: 'rest', forMs: wait };
  if (spec.pullPolicy === 'never' && around.image === null) return fail(memory, say('image_not_found', `${spec.image} isn't on this node, and its pull policy is "never"`));
  if ((spec.pullPolicy === 'always' && !memory.pulled) || around.image === null) return { do: 'pull', tell: preparing };
  if (!runsOn(around.image.architecture, around.architecture)) {
    return fail(memory, say('image_architecture', `${spec.image} is made for ${around.image.architecture}, this node is ${around.architecture}`));
  }
  return { do: 'make', tell: preparing };
}

/** 64-bit processors run their 32-bit images too; an image that names no architecture gets the benefit of the doubt. */
const runsOn = (image: string, node: string): boolean => image === '' || image === node || (node === 'amd64' && image === '386') || (node === 'arm64' && image === 'arm');

function planRun(wanted: Assignment, memory: ReplicaMemory, around: Surroundings, container: ContainerState): Step {
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

function ended(wanted: Assignment, memory: ReplicaMemory, around: Surroundings, container: ContainerState): Step {
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

function planStart(wanted: Assignment, memory: ReplicaMemory, around: Surroundings, container: ContainerState): Step {
  const deadline = deadlineOf(wanted, memory);
  if (deadline !== null && around.now >= deadline.at) return fail(memory, deadline.reason);
  // The removal of the replaced is heard of; looking again is for a word that got lost.
  const wait = Math.max(waitOf(wanted, memory, around), around.replacedGone ? 0 : 1_000);
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

/** Milliseconds until the next attempt; 0: now. */
function waitOf(wanted: Assignment, memory: ReplicaMemory, around: Surroundings): number {
  const { trouble } = memory;
  const held = trouble !== null && (trouble.reason.code !== 'subnet_taken' || trouble.subnet === wanted.network.subnet) ? trouble.retryAt - around.now : 0;
  const restart = memory.notBefore === null ? 0 : memory.notBefore - around.now;
  return Math.ceil(Math.max(0, held, restart));
}

const fail = (memory: ReplicaMemory, reason: Reason): Step => ({
  do: 'note',
  drain: true,
  tell: { run: memory.run, state: 'FAILED', final: true, reason },
  remember: { phase: 'ended' },
});

const say = (code: string, message: string): Reason => ({ code, message });
