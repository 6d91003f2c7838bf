import { subjects, type ProbeWord, type ReportNowReply } from '#contracts';
import type { NodeId, ReplicaId } from '#domain';
import type { LogIndex } from '../log-index.ts';
import type { SchedulerPorts } from '../ports.ts';

/** An agent gets its journal through first, and then the report: 10 s each. */
const REPORT_TIMEOUT_MS = 25_000;
/** Between two tries. */
const PAUSE_MS = 3_000;
/** No report after this long: then it is judged by what is known. Every wait ends. */
const GIVE_UP_MS = 60_000;

interface Asked {
  /** Wall time from which a report was wanted: the deadline that is to be judged. */
  readonly since: number;
  readonly givenUpAt: number;
  /** The turn in which the answer came; null while it is awaited. */
  answeredIn: number | null;
  /** What the probes of its replicas said last, as of the answer. */
  probes: ReadonlyMap<ReplicaId, ProbeWord>;
}

/** A probe's word goes into reasons, and so into the log. */
const WORD_LENGTH = 500;

/** Fresh reports of nodes, before a deadline is judged: what an agent saw just before it may still be on its way. */
export class FreshReports {
  readonly #asked = new Map<NodeId, Asked>();
  readonly #pending = new Set<NodeId>();
  #turn = 0;

  constructor(
    private readonly ports: Pick<SchedulerPorts, 'bus' | 'clock' | 'logger'>,
    private readonly index: LogIndex,
    /** Called when a node's report is in. */
    private readonly onReported: (nodeId: NodeId) => void,
  ) {}

  /** A mark to be set before streams are read: only reports from before it are sure to be in what is read. */
  mark(): number {
    return (this.#turn += 1);
  }

  /** Whether each of these nodes has reported after `since`, and before `mark`; asks those that haven't. An unreachable or
   *  removed node counts as reported, and so does one whose report didn't come within a minute. */
  fresh(nodeIds: Iterable<NodeId>, since: number, mark: number): boolean {
    let all = true;
    for (const nodeId of nodeIds) all = this.isFresh(nodeId, since, mark) && all;
    return all;
  }

  /** What the last probe of this run found to be wrong, as its node's last report had it; null where nothing was. */
  lastProbe(nodeId: NodeId | null, replicaId: ReplicaId, run: number): string | null {
    const word = nodeId === null ? undefined : this.#asked.get(nodeId)?.probes.get(replicaId);
    return word?.run === run ? word.detail : null;
  }

  private isFresh(nodeId: NodeId, since: number, mark: number): boolean {
    const node = this.index.nodes.get(nodeId);
    if (node?.status !== 'registered' || !node.reachable) return true;
    const asked = this.#asked.get(nodeId);
    if (asked && asked.since >= since) {
      if (asked.answeredIn !== null) return asked.answeredIn < mark;
      if (this.ports.clock.monotonic() >= asked.givenUpAt) return true;
    } else {
      this.#asked.set(nodeId, { since: this.ports.clock.now(), givenUpAt: this.ports.clock.monotonic() + GIVE_UP_MS, answeredIn: null, probes: new Map() });
    }
    this.ask(nodeId);
    return false;
  }

  private ask(nodeId: NodeId): void {
    if (this.#pending.has(nodeId)) return;
    this.#pending.add(nodeId);
    const asked = this.#asked.get(nodeId)!;
    void this.report(nodeId)
      .then(({ taken, probes }) => {
        if (taken) asked.answeredIn = this.#turn;
        asked.probes = new Map((probes ?? []).map((word) => [word.replicaId, { ...word, detail: String(word.detail).slice(0, WORD_LENGTH) }]));
        return taken ? this.onReported(nodeId) : this.ports.clock.sleep(PAUSE_MS);
      })
      .finally(() => this.#pending.delete(nodeId));
  }

  /** @returns whether a report that was made now stands in the log, and what it says beside */
  private async report(nodeId: NodeId): Promise<ReportNowReply> {
    try {
      return await this.ports.bus.request<ReportNowReply>(subjects.reportNow(nodeId), {}, REPORT_TIMEOUT_MS);
    } catch (error) {
      this.ports.logger.debug('no report yet', { node_id: nodeId, error });
      return { taken: false };
    }
  }
}
