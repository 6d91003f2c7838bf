import type { Assignment, Clock, Logger, ProbeWord } from '#contracts';
import type { ContainerState } from '#docker';
import { afterProbe, probeEveryMs, standingOf, type Health, type Healthcheck, type ReplicaId } from '#domain';
import type { Probing } from './probing.ts';
import type { SeenHealth } from './step.ts';

/** So many probes are under way at once; the others wait for their turn, and their time begins with it. */
const AT_ONCE = 32;

interface Watched {
  readonly run: number;
  readonly containerId: string;
  readonly check: string;
  readonly aborter: AbortController;
  seen: SeenHealth;
}

/** Probes the replicas that run and have a check, and knows what came of it. Whoever wants to do something about it asks. */
export class HealthWatch {
  readonly #watched = new Map<ReplicaId, Watched>();
  readonly #queue: (() => void)[] = [];
  #underWay = 0;

  constructor(
    private readonly options: {
      readonly probing: Probing;
      readonly clock: Clock;
      readonly logger: Logger;
      /** Hears of every change of a replica's health. */
      readonly onChange: (replicaId: ReplicaId) => void;
    },
  ) {}

  /** Probes this run from now on, until another one is named or none. Harmless while that is being done.
   *  @param told what was last told of the run's health: an earlier process's counts are lost, what they came to isn't */
  watch({ replicaId, spec: { healthcheck } }: Assignment, run: number, { id: containerId, address }: ContainerState, told: Health): void {
    if (healthcheck === null) return;
    const before = this.#watched.get(replicaId);
    const check = JSON.stringify([healthcheck, address]);
    if (before?.run === run && before.containerId === containerId && before.check === check) return;
    this.forget(replicaId);
    const isSameRun = before?.run === run && before.containerId === containerId;
    const standing = standingOf(isSameRun ? before.seen.health : told);
    const watched: Watched = {
      run, containerId, check, aborter: new AbortController(),
      seen: isSameRun ? before.seen : { health: standing.health, since: this.options.clock.monotonic(), detail: null },
    };
    this.#watched.set(replicaId, watched);
    void this.#probe(replicaId, watched, healthcheck, address);
  }

  forget(replicaId: ReplicaId): void {
    this.#watched.get(replicaId)?.aborter.abort();
    this.#watched.delete(replicaId);
  }

  /** What the probes of this run have shown; null where it isn't watched. */
  of(replicaId: ReplicaId, run: number): SeenHealth | null {
    const watched = this.#watched.get(replicaId);
    return watched?.run === run ? watched.seen : null;
  }

  /** The last probes of those that aren't well. */
  words(): ProbeWord[] {
    return [...this.#watched].flatMap(([replicaId, { run, seen: { health, detail } }]) => (health === 'healthy' || detail === null ? [] : [{ replicaId, run, detail }]));
  }

  stop(): void {
    for (const replicaId of [...this.#watched.keys()]) this.forget(replicaId);
  }

  async #probe(replicaId: ReplicaId, watched: Watched, check: Healthcheck, address: string | null): Promise<void> {
    const { clock, probing, logger, onChange } = this.options;
    const { signal } = watched.aborter;
    let standing = standingOf(watched.seen.health);
    while (!signal.aborted) {
      const began = clock.monotonic();
      const answer = await this.#inTurn(() => (signal.aborted ? Promise.resolve(null) : probing.ask(check.probe, { containerId: watched.containerId, address }, { timeoutMs: check.timeoutMs, signal })));
      if (signal.aborted) return;
      if (answer !== null) {
        standing = afterProbe(standing, answer.isWell, check);
        const detail = answer.isWell ? watched.seen.detail : answer.detail;
        const hasChanged = standing.health !== watched.seen.health;
        watched.seen = hasChanged ? { health: standing.health, since: clock.monotonic(), detail } : { ...watched.seen, detail };
        if (hasChanged) logger.info('health changed', { replica_id: replicaId, run: watched.run, health: standing.health, detail });
        if (hasChanged) onChange(replicaId);
      }
      await clock.sleep(Math.max(1, began + probeEveryMs(standing, check) - clock.monotonic()), signal);
    }
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#underWay >= AT_ONCE) await new Promise<void>((resolve) => this.#queue.push(resolve));
    this.#underWay += 1;
    try {
      return await work();
    } finally {
      this.#underWay -= 1;
      this.#queue.shift()?.();
    }
  }
}
