import { subjects, type Assignment, type Bus, type Clock, type Heartbeat, type Logger, type Passed, type ProbeWord, type Report, type ReportNowReply, type ReportReply } from '#contracts';
import type { Observation } from '#domain';
import type { AppliedSet } from './applied-set.ts';
import type { JournalSender } from './journal.ts';
import { firstMemory, type Memories } from './replica-memory.ts';

const HEARTBEAT_MS = 5_000;
const SYNC_MS = 30_000;
const REPORT_MS = 60_000;
const REPORT_RETRY_MS = 10_000;
const REQUEST_MS = 10_000;

/** Says regularly that this node is there, what it holds, and, so that no loss of a message is for good, all of its replicas. */
export class Reporter {
  #beat = 0;
  #reporting = false;
  /** Who waits for what comes of the next report. */
  #asked: ((reply: ReportReply) => void)[] = [];
  readonly #ends: (() => void)[] = [];
  #cancelRetry: () => void = () => undefined;
  #stopped = false;

  constructor(
    private readonly options: {
      readonly applied: AppliedSet;
      readonly memories: Memories;
      readonly sender: JournalSender;
      readonly bus: Bus;
      readonly clock: Clock;
      readonly logger: Logger;
      /** Why the engine doesn't answer; null while it does. */
      readonly engineTrouble: () => string | null;
      readonly pulling: () => NonNullable<Heartbeat['pulling']>;
      /** The last probes of what isn't well. */
      readonly probes: () => readonly ProbeWord[];
      /** Told of what the log has later words of than it was told. */
      readonly onPassed: (passed: readonly Passed[], told: readonly Observation[]) => void;
    },
  ) {}

  /** @returns a function that ends it. */
  start(): () => void {
    const { bus } = this.options;
    const { nodeId } = this.options.applied.stand;
    this.#ends.push(
      bus.onConnect(() => {
        this.heartbeat();
        this.sync();
        void this.report();
      }),
      bus.subscribe(subjects.reportNow(nodeId), () => this.#reportNow()),
      this.#every(HEARTBEAT_MS, () => this.heartbeat()),
      this.#every(SYNC_MS, () => this.sync()),
      this.#every(REPORT_MS, () => void this.report()),
    );
    return () => {
      this.#stopped = true;
      for (const end of [this.#cancelRetry, ...this.#ends.splice(0)]) end();
      this.#answer(this.#asked.splice(0), false);
    };
  }

  heartbeat(): void {
    const { stand } = this.options.applied;
    const engineTrouble = this.options.engineTrouble();
    const pulling = this.options.pulling();
    const beat: Heartbeat = { stand, beat: (this.#beat += 1), ...(engineTrouble === null ? {} : { engineTrouble }), ...(pulling.length === 0 ? {} : { pulling }) };
    this.options.bus.publish(subjects.heartbeat(stand.nodeId), beat);
  }

  /** Asks the scheduler for this node's set. */
  sync(): void {
    const { stand } = this.options.applied;
    this.options.bus.publish(subjects.sync(stand.nodeId), stand);
  }

  /** Sends the full list as soon as what was journaled is through; asked for meanwhile, once more afterwards.
   *  @returns what came of a list that was made after this call; one that wasn't taken is sent again later. Never throws. */
  report(): Promise<ReportReply> {
    if (this.#stopped) return Promise.resolve({ taken: false });
    const { promise, resolve } = Promise.withResolvers<ReportReply>();
    this.#asked.push(resolve);
    if (!this.#reporting) void this.#report();
    return promise;
  }

  /** For whom judges a deadline by it: probes are no observations, and their last word is lost with the container. */
  async #reportNow(): Promise<ReportNowReply> {
    const reply = await this.report();
    const probes = this.options.probes();
    return probes.length > 0 ? { ...reply, probes } : reply;
  }

  async #report(): Promise<void> {
    const { applied, sender, bus, clock, logger } = this.options;
    const asked = this.#asked.splice(0);
    // Without a set there is nothing to be missed; without an engine all that could be said is old.
    if (applied.entries === null || this.options.engineTrouble() !== null) return this.#answer(asked, false);
    this.#reporting = true;
    let taken = false;
    try {
      // The journal first: else the list would be ahead of it, and the rest of it would look like going backwards.
      if (!(await sender.flush())) throw new Error('observations are still under way');
      const report: Report = { stand: applied.stand, replicas: this.replicas() };
      const reply = await bus.request<ReportReply>(subjects.report(applied.stand.nodeId), report, REQUEST_MS);
      taken = reply.taken;
      this.options.onPassed(reply.passed ?? [], report.replicas);
      if (!taken) throw new Error('it was not taken');
    } catch (error) {
      logger.debug('report not sent, trying on', { reason: (error as Error).message });
      this.#cancelRetry();
      this.#cancelRetry = clock.after(REPORT_RETRY_MS, () => void this.report());
    } finally {
      this.#reporting = false;
      this.#answer(asked, taken);
      if (this.#asked.length > 0) void this.#report();
    }
  }

  #answer(asked: readonly ((reply: ReportReply) => void)[], taken: boolean): void {
    for (const answer of asked) answer({ taken });
  }

  /** One word on each replica of the applied set; one that wasn't looked at yet is on its way. */
  replicas(): Observation[] {
    return (this.options.applied.entries ?? []).map((entry) => this.options.memories.get(entry.replicaId)?.observed ?? this.#unseen(entry));
  }

  #unseen(entry: Assignment): Observation {
    const { replicaId, observed, run } = firstMemory(entry);
    if (observed) return observed;
    const at = new Date(this.options.clock.now()).toISOString();
    return { replicaId, run, state: 'PREPARING', final: false, containerId: null, address: null, imageId: null, exitCode: null, oomKilled: false, health: 'unknown', reason: null, at };
  }

  #every(ms: number, work: () => void): () => void {
    const { clock } = this.options;
    let cancel = (): void => undefined;
    const next = (): void => {
      cancel = clock.after(ms, () => {
        work();
        next();
      });
    };
    next();
    return () => cancel();
  }
}
