import { parseStream, upcast, type JobEvent, type JobId, type ReplicaEvent } from '#domain';
import { followLog, type Recorded } from '#event-store';
import { WorkQueue } from '#reconcile';
import type { Cause, JobRunnerPorts } from './ports.ts';
import { ReconcileJob } from './reconcile-job.ts';

/** A lost wake-up costs no more than this. */
const RESYNC_MS = 30_000;

/** The job-runner: follows the log, and looks at a job whenever something of it or of its attempt happens. Any number of them
 *  may run on one log. */
export class JobRunner {
  /** Jobs without an outcome, with the latest event about each. */
  private readonly open = new Map<JobId, Cause>();
  private readonly queue: WorkQueue<JobId>;
  private readonly stopping = new AbortController();
  private following: Promise<void> = Promise.resolve();
  private caughtUp = false;
  private trouble: Error | null = null;

  constructor(private readonly ports: JobRunnerPorts) {
    const jobs = new ReconcileJob(ports, (jobId) => this.open.get(jobId) ?? null);
    const { clock, random, logger, onReconciled } = ports;
    this.queue = new WorkQueue<JobId>({ name: 'jobs', clock, random, logger, concurrency: 4, reconcile: (jobId) => jobs.reconcile(jobId), onReconciled });
  }

  /** Begins to follow the log; at its end, to work. */
  start(): void {
    const { store, clock, logger } = this.ports;
    this.following = followLog({
      store,
      after: null,
      prefixes: ['job-', 'replica-'],
      signal: this.stopping.signal,
      clock,
      onEvent: (recorded) => this.takeEvent(recorded),
      onCaughtUp: () => this.takeCaughtUp(),
      onDegraded: (error) => {
        this.trouble = error;
        logger.warn('log can not be followed', { error });
      },
    });
  }

  /** Begins nothing more. @returns when what was begun has ended; what was left undone is found by the next one. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all([this.following, this.queue.stop()]);
  }

  /** Whether it works yet, in a sentence. */
  readiness(): { ok: boolean; detail: string } {
    if (this.trouble) return { ok: false, detail: `the log can't be followed: ${this.trouble.message}` };
    return this.caughtUp ? { ok: true, detail: 'follows the log' } : { ok: false, detail: 'reads the log from its beginning' };
  }

  private takeEvent(recorded: Recorded): void {
    this.trouble = null;
    const event = upcast(recorded) as unknown as JobEvent | ReplicaEvent;
    const jobId = jobOf(recorded, event);
    if (jobId === null) return;
    const cause: Cause = { eventId: recorded.id, correlationId: recorded.metadata.correlationId };
    if (event.type === 'JobEnded') this.open.delete(jobId);
    else if (event.type === 'JobCreated' || this.open.has(jobId)) this.open.set(jobId, cause);
    // Before the end of the log most of what comes is long over.
    if (this.caughtUp && this.open.has(jobId)) this.queue.add(jobId);
  }

  private takeCaughtUp(): void {
    this.trouble = null;
    if (this.caughtUp) return;
    this.caughtUp = true;
    this.queue.start();
    this.wakeAll();
    void this.resyncForever();
  }

  private async resyncForever(): Promise<void> {
    const { signal } = this.stopping;
    for (;;) {
      await this.ports.clock.sleep(RESYNC_MS, signal);
      if (signal.aborted) return;
      this.wakeAll();
    }
  }

  private wakeAll(): void {
    for (const jobId of this.open.keys()) this.queue.add(jobId);
  }
}

/** The job that an event concerns: its own, or the one whose attempt the replica is. */
function jobOf({ stream }: Recorded, { data }: JobEvent | ReplicaEvent): JobId | null {
  const { category, id } = parseStream(stream);
  if (category === 'job') return id as JobId;
  return 'owner' in data && data.owner.type === 'job' ? data.owner.id : null;
}
