import type { Assignment, Clock } from '#contracts';
import type { Observation, Reason, ReplicaId } from '#domain';
import type { Disk } from './disk.ts';
import type { Untold } from './restart.ts';

/** Where the run counted by `run` stands. `preparing`: neither made nor started yet; `starting`: its start was ordered. */
export type RunPhase = 'preparing' | 'starting' | 'running' | 'ended';

/** What this node knows of one of its replicas beyond the engine's own word. Times are `Clock.monotonic()`. */
export interface ReplicaMemory {
  readonly replicaId: ReplicaId;
  readonly run: number;
  readonly phase: RunPhase;
  /** Set once its container was made: one that is missing from then on was lost, and isn't made again. */
  readonly containerId: string | null;
  readonly imageId: string | null;
  /** The engine's time of the last start that is accounted for: tells a start from the one before. */
  readonly startedAt: string | null;
  /** The first start order of all: the healthy deadline counts from it. */
  readonly firstOrderedAt: number | null;
  /** The last start order: a job's timeout counts from it. */
  readonly orderedAt: number | null;
  /** When this process first saw the run running; null after a restart of the agent. */
  readonly runningSince: number | null;
  readonly settledOnce: boolean;
  /** Ends in a row, without a long run between them. */
  readonly ends: number;
  /** The code of the last end's reason. */
  readonly lastCause: string | null;
  /** When the last restarts were begun, as many as count. */
  readonly restarts: readonly number[];
  /** Restarts since the last word that were too many to be told one by one. */
  readonly untold: Untold | null;
  /** When a crash loop was last summed up. */
  readonly summedUpAt: number | null;
  /** The next run begins no earlier. */
  readonly notBefore: number | null;
  /** Its stop was ordered here: what the engine tells of its end is nobody else's doing. */
  readonly stopOrdered: boolean;
  /** Why it was ordered to stop, by itself and not by its assignment. */
  readonly stopping: Stopping | null;
  /** When the last changes of its health were told. */
  readonly healthToldAt: readonly number[];
  /** The registry's digest of its image. */
  readonly imageDigest: string | null;
  /** When it was first seen to be prepared. */
  readonly preparingSince: number | null;
  /** The image was pulled for this replica under pull policy `always`. */
  readonly pulled: boolean;
  /** The engine went away in the middle of its start. */
  readonly cutOff?: boolean;
  /** What the engine says no to, for the time being. */
  readonly trouble: Trouble | null;
  /** What was last said of it. */
  readonly observed: Observation | null;
}

export interface Stopping {
  readonly reason: Reason;
  /** No other run follows, whatever the restart policy says. */
  readonly final: boolean;
}

export interface Trouble {
  readonly reason: Reason;
  readonly times: number;
  readonly retryAt: number;
  /** The subnet that it was had with, of `subnet_taken`: another one is worth an attempt at once. */
  readonly subnet: string | null;
}

/** A replica that this node never heard of goes on from what the log last knew of it, if that is anything. */
export function firstMemory({ replicaId, last }: Assignment): ReplicaMemory {
  const blank = blankMemory(replicaId);
  if (last === null || last.state === 'PENDING' || last.state === 'ASSIGNED') return blank;
  const observed: Observation = {
    replicaId, run: last.run, state: last.state, final: last.final, containerId: null, address: null, imageId: null, exitCode: null, oomKilled: false,
    health: last.health ?? 'unknown', ...(last.healthChange ? { healthChange: last.healthChange } : {}), reason: null, at: last.at,
  };
  const made = last.state !== 'PREPARING' || last.run > 1;
  // Nothing is known of the container's id: any that bears the name is it, and none means that it was lost.
  return { ...blank, run: last.run, phase: PHASES[last.state], containerId: made ? UNKNOWN_CONTAINER : null, settledOnce: last.state === 'SETTLED', observed };
}

const blankMemory = (replicaId: ReplicaId): ReplicaMemory => ({
  replicaId, run: 1, phase: 'preparing', containerId: null, imageId: null, imageDigest: null, startedAt: null, preparingSince: null, firstOrderedAt: null,
  orderedAt: null, runningSince: null, settledOnce: false, ends: 0, lastCause: null, restarts: [], untold: null, summedUpAt: null, notBefore: null,
  stopOrdered: false, stopping: null, healthToldAt: [], pulled: false, trouble: null, observed: null,
});

/** Stands for "there was one", where its id was forgotten. */
export const UNKNOWN_CONTAINER = 'unknown';

const PHASES: Readonly<Record<Observation['state'], RunPhase>> = {
  PREPARING: 'preparing', PREPARED: 'preparing', STARTING: 'starting', RUNNING: 'running', SETTLED: 'running', COMPLETED: 'ended', FAILED: 'ended', STOPPED: 'ended', GONE: 'ended',
};

/** The memories of all replicas, each a small file that is replaced whole. On disk their times are wall time: a monotonic
 *  clock means nothing to the next process. */
export class Memories {
  readonly #known = new Map<ReplicaId, ReplicaMemory>();
  /** Wall minus monotonic, fixed at the start: a wall clock that is set later moves no deadline. */
  readonly #offset: number;

  constructor(
    private readonly disk: Disk,
    private readonly clock: Clock,
  ) {
    this.#offset = clock.now() - clock.monotonic();
  }

  /** A file that can't be read is as good as none: the log and the engine still know. What an earlier life was killed in the middle of writing is removed. */
  async load(onUnreadable: (name: string, error: unknown) => void): Promise<void> {
    for (const { name } of await this.disk.list(FOLDER)) {
      if (!name.endsWith('.json')) {
        await this.disk.remove(`${FOLDER}/${name}`);
        continue;
      }
      try {
        const stored = JSON.parse((await this.disk.read(`${FOLDER}/${name}`)) ?? '') as ReplicaMemory;
        this.#known.set(stored.replicaId, this.#fromDisk({ ...blankMemory(stored.replicaId), ...stored }));
      } catch (error) {
        onUnreadable(name, error);
      }
    }
  }

  get(replicaId: ReplicaId): ReplicaMemory | null {
    return this.#known.get(replicaId) ?? null;
  }

  ids(): ReplicaId[] {
    return [...this.#known.keys()];
  }

  /** Durable when it returns. */
  async save(memory: ReplicaMemory): Promise<void> {
    this.#known.set(memory.replicaId, memory);
    await this.disk.write(fileOf(memory.replicaId), JSON.stringify(mapTimes(memory, (at) => at + this.#offset)));
  }

  async forget(replicaId: ReplicaId): Promise<void> {
    this.#known.delete(replicaId);
    await this.disk.remove(fileOf(replicaId));
  }

  #fromDisk(stored: ReplicaMemory): ReplicaMemory {
    const now = this.clock.monotonic();
    const memory = mapTimes(stored, (at) => at - this.#offset);
    const past = (at: number | null) => (at === null ? null : Math.min(at, now));
    const all = (times: readonly number[]) => times.map((at) => Math.min(at, now));
    return {
      ...memory,
      orderedAt: past(memory.orderedAt), firstOrderedAt: past(memory.firstOrderedAt), preparingSince: past(memory.preparingSince), summedUpAt: past(memory.summedUpAt),
      restarts: all(memory.restarts), healthToldAt: all(memory.healthToldAt), runningSince: null,
    };
  }
}

const FOLDER = 'replicas';
const fileOf = (replicaId: ReplicaId): string => `${FOLDER}/${replicaId}.json`;

function mapTimes(memory: ReplicaMemory, convert: (at: number) => number): ReplicaMemory {
  const time = (at: number | null) => (at === null ? null : convert(at));
  return {
    ...memory,
    firstOrderedAt: time(memory.firstOrderedAt),
    orderedAt: time(memory.orderedAt),
    runningSince: time(memory.runningSince),
    notBefore: time(memory.notBefore),
    preparingSince: time(memory.preparingSince),
    summedUpAt: time(memory.summedUpAt),
    restarts: memory.restarts.map(convert),
    healthToldAt: memory.healthToldAt.map(convert),
    untold: memory.untold && { ...memory.untold, firstAt: convert(memory.untold.firstAt), lastAt: convert(memory.untold.lastAt) },
    trouble: memory.trouble && { ...memory.trouble, retryAt: convert(memory.trouble.retryAt) },
  };
}
