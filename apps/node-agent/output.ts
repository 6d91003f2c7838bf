import type { Clock, Logger, LogsReply } from '#contracts';
import type { ContainerRuntime } from '#docker';
import type { ReplicaId } from '#domain';
import type { Disk } from './disk.ts';
import { OUTPUT_FOLDER, OutputFile, readOutput } from './output-file.ts';

/** A stopped container whose stream doesn't end is not waited for any longer. */
const DRAIN_MS = 10_000;
const RETRY_MS = 1_000;

/** Kept of replicas that this node holds no longer. */
const KEPT_REPLICAS = 200;
const KEPT_MS = 7 * 24 * 3_600_000;

interface Following {
  readonly containerId: string;
  readonly run: number;
  readonly aborter: AbortController;
  readonly done: Promise<void>;
}

/** What each replica said, in files of this node: they outlive the container, and what was taken down once isn't taken down
 *  again after a restart of the agent. */
export class Output {
  readonly #followed = new Map<ReplicaId, Following>();

  constructor(
    private readonly options: { readonly runtime: ContainerRuntime; readonly disk: Disk; readonly clock: Clock; readonly logger: Logger },
  ) {}

  /** Takes down what the container says from where the file ends, until it stops. Harmless while that is being done. */
  follow(replicaId: ReplicaId, containerId: string, run: number): void {
    const before = this.#followed.get(replicaId);
    if (before?.run === run && before.containerId === containerId) return;
    const aborter = new AbortController();
    // The run before may still be read to its end: one file has one writer.
    const done = (before?.done ?? Promise.resolve()).then(() => this.#takeDown(replicaId, containerId, run, aborter.signal));
    this.#followed.set(replicaId, { containerId, run, aborter, done });
  }

  /** Waits until all that a stopped container said is in the file, for 10 s at most.
   *  @param containerId null: there is none any more; what was being followed ends. */
  async drain(replicaId: ReplicaId, containerId: string | null, run: number): Promise<void> {
    if (containerId) this.follow(replicaId, containerId, run);
    const following = this.#followed.get(replicaId);
    if (!following) return;
    const inTime = new AbortController();
    await Promise.race([following.done, this.options.clock.sleep(DRAIN_MS, inTime.signal)]);
    inTime.abort();
    following.aborter.abort();
    if (this.#followed.get(replicaId) === following) this.#followed.delete(replicaId);
  }

  /** The last `tail` lines; none of a replica that was never here. */
  read(replicaId: ReplicaId, tail: number): Promise<LogsReply> {
    return readOutput(this.options.disk, replicaId, tail);
  }

  /** Deletes what is kept of replicas that this node holds no longer, beyond 200 of them or 7 days. */
  async prune(isHeld: (replicaId: ReplicaId) => boolean): Promise<void> {
    const { disk, clock } = this.options;
    const files = (await disk.list(OUTPUT_FOLDER)).map((file) => ({ ...file, replicaId: file.name.split('.')[0] as ReplicaId }));
    const kept = new Set<ReplicaId>();
    for (const { name, replicaId, changedAt } of files.sort((a, b) => b.changedAt - a.changedAt)) {
      if (isHeld(replicaId)) continue;
      if (changedAt > clock.now() - KEPT_MS && (kept.has(replicaId) || kept.size < KEPT_REPLICAS)) kept.add(replicaId);
      else await disk.remove(`${OUTPUT_FOLDER}/${name}`);
    }
  }

  /** Stops following; the containers run on, and the next process reads what was missed. */
  async close(): Promise<void> {
    const all = [...this.#followed.values()];
    for (const { aborter } of all) aborter.abort();
    await Promise.all(all.map(({ done }) => done));
  }

  async #takeDown(replicaId: ReplicaId, containerId: string, run: number, signal: AbortSignal): Promise<void> {
    const { runtime, disk, clock, logger } = this.options;
    while (!signal.aborted) {
      try {
        const file = await OutputFile.open(disk, clock, replicaId);
        try {
          for await (const said of runtime.logs(containerId, file.since, signal)) await file.write({ ...said, run });
        } finally {
          await file.flush();
        }
        return;
      } catch (error) {
        if ((error as { code?: unknown }).code === 'not_found') return;
        logger.warn('output not read, trying on', { replica_id: replicaId, error });
        await clock.sleep(RETRY_MS, signal);
      }
    }
  }
}
