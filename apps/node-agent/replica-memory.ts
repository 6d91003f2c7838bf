import type { Assignment, Clock } from '#contracts';
import type { Observation, Reason, ReplicaId } from '#domain';
import type { Disk } from './disk.ts';

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
  /** The next run begins no earlier. */
  readonly notBefore: number | null;
  /** Why it was ordered to stop for good. */
  readonly stopping: Reason | null;
  /** The image was pulled for this replica under pull policy `always`. */
  readonly pulled: boolean;
  /** What the engine says no to, for the time being. */
  readonly trouble: Trouble | null;
  /** What was last said of it. */
  readonly observed: Observation | null;
}

export interface Trouble {
  readonly reason: Reason;
  readonly times: number;
  readonly retryAt: number;
  /** The subnet that it was had with: another one is worth an attempt at once. */
  readonly subnet: string;
}

/** A replica that this node never heard of goes on from what the log last knew of it, if that is anything. */
export function firstMemory({ replicaId, last }: Assignment): ReplicaMemory {
  const blank: ReplicaMemory = {
    replicaId, run: 1, phase: 'preparing', containerId: null, imageId: null, startedAt: null, firstOrderedAt: null, orderedAt: null,
    runningSince: null, settledOnce: false, ends: 0, notBefore: null, stopping: null, pulled: false, trouble: null, observed: null,
  };
  if (last === null || last.state === 'PENDING' || last.state === 'ASSIGNED') return blank;
  const observed: Observation = {
    replicaId, run: last.run, state: last.state, final: last.final, containerId: null, address: null, imageId: null, exitCode: null, oomKilled: false,
    health: 'unknown', reason: null, at: new Date(0).toISOString(),
  };
  const made = last.state !== 'PREPARING' || last.run > 1;
  // Nothing is known of the container's id: any that bears the name is it, and none means that it was lost.
  return { ...blank, run: last.run, phase: PHASES[last.state], containerId: made ? UNKNOWN_CONTAINER : null, settledOnce: last.state === 'SETTLED', observed };
}

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

  /** A file that can't be read is as good as none: the log and the engine still know. */
  async load(onUnreadable: (name: string, error: unknown) => void): Promise<void> {
    for (const { name } of await this.disk.list(FOLDER)) {
      if (!name.endsWith('.json')) continue;
      try {
        const stored = JSON.parse((await this.disk.read(`${FOLDER}/${name}`)) ?? '') as ReplicaMemory;
        this.#known.set(stored.replicaId, this.#fromDisk(stored));
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
    // A wall clock that was set back while we were away must not make a wait longer than it was.
    const memory = mapTimes(stored, (at) => Math.min(at - this.#offset, now + LONGEST_WAIT_MS));
    const past = (at: number | null) => (at === null ? null : Math.min(at, now));
    return { ...memory, orderedAt: past(memory.orderedAt), firstOrderedAt: past(memory.firstOrderedAt), runningSince: null };
  }
}

const FOLDER = 'replicas';
const LONGEST_WAIT_MS = 60_000;
const fileOf = (replicaId: ReplicaId): string => `${FOLDER}/${replicaId}.json`;

function mapTimes(memory: ReplicaMemory, convert: (at: number) => number): ReplicaMemory {
  const time = (at: number | null) => (at === null ? null : convert(at));
  return {
    ...memory,
    firstOrderedAt: time(memory.firstOrderedAt),
    orderedAt: time(memory.orderedAt),
    runningSince: time(memory.runningSince),
    notBefore: time(memory.notBefore),
    trouble: memory.trouble && { ...memory.trouble, retryAt: convert(memory.trouble.retryAt) },
  };
}
