import type { Clock, Logger, LogsReply, LogsRequest, LogsTailReply, LogsTailRequest } from '#contracts';
import type { ContainerRuntime } from '#docker';
import type { ReplicaId } from '#domain';
import type { Disk } from './disk.ts';
import type { HostFiles } from './host-files.ts';
import { maskOf, secretsOf, WITHHELD } from './mask.ts';
import { OutputFile } from './output-file.ts';
import { readPage, readTail } from './output-reader.ts';
import { Segments } from './output-segments.ts';

/** A stopped container whose stream doesn't end is not waited for any longer. */
const DRAIN_MS = 10_000;
const RETRY_MS = 1_000;

/** A reader waits no longer than this for a line, and gets no more than this at once. */
const LONGEST_WAIT_MS = 5_000;
const LARGEST_PAGE = 256 * 1024;

interface Following {
  readonly containerId: string;
  readonly run: number;
  readonly aborter: AbortController;
  readonly done: Promise<void>;
}

/** What each replica said, in files of this node, but for the secrets that it was given: they outlive the container, and what was taken down once isn't taken down
 *  again after a restart of the agent. */
export class Output {
  readonly #followed = new Map<ReplicaId, Following>();
  readonly #segments: Segments;
  readonly #closing = new AbortController();

  constructor(
    private readonly options: { readonly runtime: ContainerRuntime; readonly disk: Disk; readonly files: Pick<HostFiles, 'secretsOf'>; readonly clock: Clock; readonly logger: Logger },
  ) {
    this.#segments = new Segments(options.disk);
  }

  /** Takes down what the container says from where the file ends, until it stops. Harmless while that is being done. */
  follow(replicaId: ReplicaId, containerId: string, run: number): void {
    const before = this.#followed.get(replicaId);
    if (before?.run === run && before.containerId === containerId) return;
    const aborter = new AbortController();
    // The run before may still be read to its end: one file has one writer.
    const done = (before?.done ?? Promise.resolve()).then(() => this.#takeDown(replicaId, containerId, run, aborter.signal));
    this.#followed.set(replicaId, { containerId, run, aborter, done });
  }

  /** Ends the following of what runs on: whoever follows it next, under another run, goes on from where the file ends. */
  leave(replicaId: ReplicaId): void {
    this.#followed.get(replicaId)?.aborter.abort();
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

  /** The next page; none of a replica that was never here. With nothing to give, it waits for a line as long as it was asked to. */
  async read({ waitMs, ...request }: LogsRequest): Promise<LogsReply> {
    const page = { ...request, maxBytes: Math.min(request.maxBytes, LARGEST_PAGE) };
    const late = new AbortController();
    const cancel = this.options.clock.after(Math.min(waitMs, LONGEST_WAIT_MS), () => late.abort());
    const given = AbortSignal.any([late.signal, this.#closing.signal]);
    try {
      for (;;) {
        const changed = this.#nextAppend(request.replicaId, given);
        const reply = await readPage(this.#segments, page);
        if (!reply.end || reply.lines.length > 0 || waitMs <= 0 || given.aborted) return reply;
        await changed;
        page.after = reply.next;
      }
    } finally {
      cancel();
      late.abort();
    }
  }

  /** Where the last lines begin. */
  readTail(request: LogsTailRequest): Promise<LogsTailReply> {
    return readTail(this.#segments, request);
  }

  /** Deletes what is kept of replicas that this node holds no longer, beyond what is kept of those. */
  prune(isHeld: (replicaId: ReplicaId) => boolean): Promise<void> {
    return this.#segments.prune(this.options.clock.now(), isHeld);
  }

  /** Stops following; the containers run on, and the next process reads what was missed. */
  async close(): Promise<void> {
    this.#closing.abort();
    const all = [...this.#followed.values()];
    for (const { aborter } of all) aborter.abort();
    await Promise.all(all.map(({ done }) => done));
  }

  /** Resolves at the next append, or when aborted. */
  #nextAppend(replicaId: ReplicaId, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const done = (): void => {
        end();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const end = this.#segments.onAppend(replicaId, done);
      signal.addEventListener('abort', done);
    });
  }

  async #takeDown(replicaId: ReplicaId, containerId: string, run: number, signal: AbortSignal): Promise<void> {
    const { runtime, files, clock, logger } = this.options;
    const runs = async (): Promise<boolean> => (await runtime.inspectContainer(containerId))?.status === 'running';
    while (!signal.aborted) {
      try {
        const isRunning = await runs();
        const secrets = await secretsOf(runtime, files, { replicaId, containerId });
        const mask = secrets === null ? () => WITHHELD : maskOf(secrets);
        const file = await OutputFile.open(this.#segments, clock, replicaId);
        try {
          for await (const said of runtime.logs(containerId, file.since, signal)) await file.write({ ...said, line: mask(said.line), run });
        } finally {
          await file.flush();
        }
        // What was followed live may lack its end, and be over before its container is: only a reading that began after that is whole.
        if (!isRunning) return;
        if (file.taken === 0 && (await runs())) await clock.sleep(RETRY_MS, signal);
      } catch (error) {
        if ((error as { code?: unknown }).code === 'not_found') return;
        logger.warn('output not read, trying on', { replica_id: replicaId, error });
        await clock.sleep(RETRY_MS, signal);
      }
    }
  }
}
