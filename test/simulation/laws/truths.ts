import { LABELS, type ContainerState } from '#docker';

/** What has really happened to one replica's containers, by the engines themselves: of one there is one, unless a log was put back. */
export interface Truth {
  readonly starts: number;
  readonly exits: readonly number[];
  readonly longestRunMs: number;
  readonly longestWellMs: number;
}

/** One container, on one host. Times are virtual, in milliseconds. */
export interface ContainerTruth {
  starts: number;
  /** Those that the present log, and its agent, can know of. */
  startedAt: number[];
  readonly exits: number[];
  /** How its last run ended: by itself, or since its agent or somebody else stopped it. Null where nobody can know any more. */
  lastEnd: { readonly exitCode: number; readonly stoppedBy: ReadonlySet<Stopper> } | null;
  /** Who has stopped it in this run. */
  stoppedBy: Set<Stopper>;
  /** null while it doesn't run. */
  upSince: number | null;
  longestEndedMs: number;
  /** From the first answer that it is well to the last before an end, or before more bad ones in a row than any check lets pass. */
  readonly wells: Well[];
  illInRow: number;
}

export interface Well {
  readonly since: number;
  until: number | null;
  /** Cut off by an end, which nobody may have known of at once. */
  ended: boolean;
}

export type Stopper = 'agent' | 'hand';

/** Beyond these bad answers in a row nobody may say that it is well: two make it unhealthy by the checks that there are, the second may be on
 *  its way, and an agent that was killed begins to count anew. */
const ILL_IN_ROW = 4;

/** What engines have done, whoever knows of it. */
export class Truths {
  /** By replica, and then by the name of the host. */
  readonly #known = new Map<string, Map<string, ContainerTruth>>();
  readonly #forgiven = new Set<string>();
  /** Slots in which a container ever ran, by owner, and by owner and release. */
  readonly slots = new Map<string, Set<number>>();
  /** Slots in which a container ever said that it is well, by owner and release. */
  readonly wellSlots = new Map<string, Set<number>>();

  /** @param now virtual time */
  constructor(readonly now: () => number) {}

  of(replicaId: string): Truth {
    const containers = this.containersOf(replicaId);
    return {
      starts: containers.reduce((sum, { starts }) => sum + starts, 0),
      exits: containers.flatMap(({ exits }) => exits),
      longestRunMs: Math.max(0, ...containers.map(({ longestEndedMs, upSince }) => Math.max(longestEndedMs, upSince === null ? 0 : this.now() - upSince))),
      longestWellMs: Math.max(0, ...containers.flatMap(({ wells }) => wells.map(({ since, until }) => (until ?? this.now()) - since))),
    };
  }

  on(host: string, replicaId: string): ContainerTruth | null {
    return this.#known.get(replicaId)?.get(host) ?? null;
  }

  containersOf(replicaId: string): readonly ContainerTruth[] {
    return [...(this.#known.get(replicaId)?.values() ?? [])];
  }

  /** The log was put back: what it has lost may be done again. */
  logWasPutBack(): void {
    for (const replicaId of this.#known.keys()) this.forgive(replicaId);
  }

  /** Nobody can know any more that it was started, and how it ended. */
  forgive(replicaId: string): void {
    this.#forgiven.add(replicaId);
    for (const container of this.containersOf(replicaId)) Object.assign(container, { startedAt: [], lastEnd: null });
  }

  isForgiven(replicaId: string): boolean {
    return this.#forgiven.has(replicaId);
  }

  /** @param isKnown whether the log has this replica on this host */
  take(host: string, state: ContainerState, action: string, isKnown: boolean): void {
    const container = this.#container(state.labels[LABELS.replicaId]!, host);
    if (action === 'start') this.#start(container, state, isKnown);
    if (action === 'stop') container.stoppedBy.add('agent');
    if (action === 'stop by hand') container.stoppedBy.add('hand');
    if (action === 'well') this.#answer(container, state);
    if (action === 'ill' && (container.illInRow += 1) >= ILL_IN_ROW) this.#endWell(container, false);
    if (action === 'die' && container.upSince !== null) this.#end(container, container.upSince, state.exitCode ?? -1);
  }

  #start(container: ContainerTruth, { labels }: ContainerState, isKnown: boolean): void {
    container.starts += 1;
    if (isKnown) container.startedAt.push(this.now());
    const ownerId = labels[LABELS.ownerId]!;
    for (const key of [ownerId, slotsKey(ownerId, labels[LABELS.release])]) this.slots.set(key, (this.slots.get(key) ?? new Set()).add(Number(labels[LABELS.slot])));
    Object.assign(container, { upSince: this.now(), stoppedBy: new Set(), illInRow: 0 });
  }

  #answer(container: ContainerTruth, { labels }: ContainerState): void {
    container.illInRow = 0;
    if (container.wells.at(-1)?.until !== null) container.wells.push({ since: this.now(), until: null, ended: false });
    const key = slotsKey(labels[LABELS.ownerId]!, labels[LABELS.release]);
    this.wellSlots.set(key, (this.wellSlots.get(key) ?? new Set()).add(Number(labels[LABELS.slot])));
  }

  #endWell({ wells }: ContainerTruth, ended: boolean): void {
    const well = wells.at(-1);
    if (well && well.until === null) Object.assign(well, { until: this.now(), ended });
  }

  #end(container: ContainerTruth, upSince: number, exitCode: number): void {
    const { stoppedBy, exits, longestEndedMs } = container;
    Object.assign(container, { longestEndedMs: Math.max(longestEndedMs, this.now() - upSince), upSince: null, lastEnd: { exitCode, stoppedBy } });
    exits.push(exitCode);
    this.#endWell(container, true);
  }

  #container(replicaId: string, host: string): ContainerTruth {
    const hosts = this.#known.get(replicaId) ?? new Map<string, ContainerTruth>();
    const blank: ContainerTruth = { starts: 0, startedAt: [], exits: [], lastEnd: null, stoppedBy: new Set(), upSince: null, longestEndedMs: 0, wells: [], illInRow: 0 };
    const container = hosts.get(host) ?? blank;
    this.#known.set(replicaId, hosts.set(host, container));
    return container;
  }
}

/** Of one release of a service. */
export const slotsKey = (ownerId: string, release: number | string | undefined): string => `${ownerId}|${release}`;
