import type { ContainerState, Intervention } from '#docker';
import type { Health, Observation, Reason } from '#domain';
import type { ReplicaMemory } from './replica-memory.ts';

/** What is so right now, beyond what is wanted and remembered. */
export interface Surroundings {
  /** The replica's container on the engine. */
  readonly container: ContainerState | null;
  /** The spec's image on the engine; looked up only while there is no container. */
  readonly image: { readonly id: string; readonly architecture: string; readonly repoDigests: readonly string[] } | null;
  readonly architecture: string;
  /** Whether the replica that this one `replaces` has left, for good, and all that it was waiting for itself; true where there is none. */
  readonly replacedGone: boolean;
  /** Whether somebody has begun who had to wait for this one to leave; looked up only while nothing is known of a container of it. */
  readonly successorBegan: boolean;
  /** What its check says of the present run; null without one, and before it was begun. */
  readonly health: SeenHealth | null;
  /** What others had the engine do to it since its last start; looked up only where an end may be theirs. */
  readonly interventions: readonly Intervention[];
  /** When the engine was asked for all that, by `Clock.monotonic()`: so it was then, or later. */
  readonly askedAt: number;
  /** `Clock.monotonic()`, now that it has answered: a process that stood still in between knows of nothing since. */
  readonly now: number;
  /** The same instant in milliseconds since the epoch: only to compare with the engine's times. */
  readonly wall: number;
  /** Uniform in [0, 1). */
  readonly jitter: number;
}

/** What the probes of a run have shown. */
export interface SeenHealth {
  readonly health: Exclude<Health, 'unknown'>;
  /** When it became that, by `Clock.monotonic()`; by this process's own eyes. */
  readonly since: number;
  /** What the last probe that failed said; null while none has. */
  readonly detail: string | null;
}

/** What is told of the replica when a step is taken; the rest follows from the container. */
export type Telling = Pick<Observation, 'run' | 'state' | 'final' | 'reason'> & Partial<Pick<Observation, 'health' | 'pull'>>;

/** The one next thing to do about a replica. `tell` and `remember` come before any deed, so that a crash repeats the deed. */
export type Step =
  /** Nothing, until something changes or (null: never) that much time has passed. */
  | { readonly do: 'rest'; readonly forMs: number | null }
  /** Only what was seen: to be told and remembered. `drain`: once the run's output is complete. */
  | { readonly do: 'note'; readonly tell: Telling | null; readonly remember: Partial<ReplicaMemory>; readonly drain?: boolean }
  | { readonly do: 'pull'; readonly tell: Telling }
  /** The network and the container in it. */
  | { readonly do: 'make'; readonly tell: Telling; readonly remember: Partial<ReplicaMemory> }
  /** `silent`: told only if it goes wrong. */
  | { readonly do: 'start'; readonly tell: Telling; readonly silent: boolean; readonly remember: Partial<ReplicaMemory> }
  | { readonly do: 'stop'; readonly remember: Partial<ReplicaMemory> }
  | { readonly do: 'remove' };

export const REST: Step = { do: 'rest', forMs: null };

/** At least a millisecond, so that the time has surely come when it is looked at again. */
export const restUntil = (at: number, now: number): Step => ({ do: 'rest', forMs: Math.max(1, Math.ceil(at - now)) });

export const say = (code: string, message: string): Reason => ({ code, message });

export const isUp = ({ container }: Surroundings): boolean => container !== null && ['running', 'paused', 'restarting'].includes(container.status);

/** Whether the engine has started it since the last start that is accounted for. */
export const startedAnew = (memory: ReplicaMemory, container: ContainerState): boolean => container.startedAt !== null && container.startedAt !== memory.startedAt;

/** Whether its run has begun and its end wasn't told yet. */
export const runIsOpen = (memory: ReplicaMemory, container: ContainerState): boolean =>
  memory.phase === 'running' || (memory.phase !== 'ended' && startedAnew(memory, container));

/** Nothing more is tried. */
export const giveUp = (memory: ReplicaMemory, reason: Reason): Step => ({
  do: 'note',
  drain: true,
  tell: { run: memory.run, state: 'FAILED', final: true, reason },
  remember: { phase: 'ended' },
});
