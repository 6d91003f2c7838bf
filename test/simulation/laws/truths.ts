import type { ContainerState } from '#docker';
import { LABELS } from '#docker';

/** What has really happened to one replica's container, by the engine itself. */
export interface Truth {
  starts: number;
  /** Those that the present log can know of. */
  startsInThisLog: number;
  exits: number[];
  /** Virtual time; null while it doesn't run. */
  upSince: number | null;
  /** Of its runs that have ended. */
  longestEndedMs: number;
}

/** What engines have done, whoever knows of it. */
export class Truths {
  readonly #known = new Map<string, Truth>();

  /** Slots in which a container ever ran, by owner. */
  readonly slots = new Map<string, Set<number>>();

  constructor(private readonly now: () => number) {}

  of(replicaId: string): Truth & { readonly longestRunMs: number } {
    const truth = this.#known.get(replicaId) ?? { starts: 0, startsInThisLog: 0, exits: [], upSince: null, longestEndedMs: 0 };
    const present = truth.upSince === null ? 0 : this.now() - truth.upSince;
    return { ...truth, longestRunMs: Math.max(truth.longestEndedMs, present) };
  }

  /** The log was put back: what it has lost may be done again. */
  logWasPutBack(): void {
    for (const truth of this.#known.values()) truth.startsInThisLog = 0;
  }

  /** Nobody can know any more that it was started. */
  forgive(replicaId: string): void {
    const truth = this.#known.get(replicaId);
    if (truth) truth.startsInThisLog = 0;
  }

  take(container: ContainerState, action: string): void {
    const replicaId = container.labels[LABELS.replicaId]!;
    const truth = this.#known.get(replicaId) ?? { starts: 0, startsInThisLog: 0, exits: [], upSince: null, longestEndedMs: 0 };
    this.#known.set(replicaId, truth);
    if (action === 'start') {
      truth.starts += 1;
      truth.startsInThisLog += 1;
      const ownerId = container.labels[LABELS.ownerId]!;
      this.slots.set(ownerId, (this.slots.get(ownerId) ?? new Set()).add(Number(container.labels[LABELS.slot])));
      truth.upSince = this.now();
    }
    if (action === 'die' && truth.upSince !== null) {
      truth.longestEndedMs = Math.max(truth.longestEndedMs, this.now() - truth.upSince);
      truth.upSince = null;
      truth.exits.push(container.exitCode ?? -1);
    }
  }
}
