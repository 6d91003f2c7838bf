import { LABELS, type ContainerState } from '#docker';

/** What has really happened to one replica's containers, by the engines themselves: of one there is one, unless a log was put back. */
export interface Truth {
  readonly starts: number;
  /** Those that the present log can know of. */
  readonly startsInThisLog: number;
  readonly exits: readonly number[];
  readonly longestRunMs: number;
}

interface Container {
  starts: number;
  startsInThisLog: number;
  readonly exits: number[];
  /** Virtual time; null while it doesn't run. */
  upSince: number | null;
  longestEndedMs: number;
}

/** What engines have done, whoever knows of it. */
export class Truths {
  /** By replica, and then by the name of the host. */
  readonly #known = new Map<string, Map<string, Container>>();
  /** Slots in which a container ever ran, by owner, and by owner and release. */
  readonly slots = new Map<string, Set<number>>();

  /** @param now virtual time */
  constructor(readonly now: () => number) {}

  of(replicaId: string): Truth {
    const containers = [...(this.#known.get(replicaId)?.values() ?? [])];
    return {
      starts: sum(containers.map(({ starts }) => starts)),
      startsInThisLog: sum(containers.map(({ startsInThisLog }) => startsInThisLog)),
      exits: containers.flatMap(({ exits }) => exits),
      longestRunMs: Math.max(0, ...containers.map(({ longestEndedMs, upSince }) => Math.max(longestEndedMs, upSince === null ? 0 : this.now() - upSince))),
    };
  }

  /** The log was put back: what it has lost may be done again. */
  logWasPutBack(): void {
    for (const replicaId of this.#known.keys()) this.forgive(replicaId);
  }

  /** Nobody can know any more that it was started. */
  forgive(replicaId: string): void {
    for (const container of this.#known.get(replicaId)?.values() ?? []) container.startsInThisLog = 0;
  }

  /** @param isKnown whether the log has this replica on this host */
  take(host: string, { labels, exitCode }: ContainerState, action: string, isKnown: boolean): void {
    const container = this.#container(labels[LABELS.replicaId]!, host);
    if (action === 'start') {
      container.starts += 1;
      if (isKnown) container.startsInThisLog += 1;
      const ownerId = labels[LABELS.ownerId]!;
      for (const key of [ownerId, slotsKey(ownerId, labels[LABELS.release])]) this.slots.set(key, (this.slots.get(key) ?? new Set()).add(Number(labels[LABELS.slot])));
      container.upSince = this.now();
    }
    if (action === 'die' && container.upSince !== null) {
      container.longestEndedMs = Math.max(container.longestEndedMs, this.now() - container.upSince);
      container.upSince = null;
      container.exits.push(exitCode ?? -1);
    }
  }

  #container(replicaId: string, host: string): Container {
    const hosts = this.#known.get(replicaId) ?? new Map<string, Container>();
    const container = hosts.get(host) ?? { starts: 0, startsInThisLog: 0, exits: [], upSince: null, longestEndedMs: 0 };
    this.#known.set(replicaId, hosts.set(host, container));
    return container;
  }
}

/** Of one release of a service. */
export const slotsKey = (ownerId: string, release: number | string | undefined): string => `${ownerId}|${release}`;

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);
