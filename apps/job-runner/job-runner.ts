import { parseStream, upcast, type JobEvent, type JobId, type ReplicaEvent, type ScheduleEvent, type ScheduleId } from '#domain';
import { followLog, type Recorded } from '#event-store';
import { WorkQueue } from '#reconcile';
import type { Cause, JobRunnerPorts } from './ports.ts';
import { ReconcileJob } from './reconcile-job.ts';
import { ReconcileSchedule } from './reconcile-schedule.ts';

/** A lost wake-up costs no more than this. */
const RESYNC_MS = 30_000;

type FollowedEvent = JobEvent | ReplicaEvent | ScheduleEvent;

/** The job-runner: follows the log, looks at a job whenever something of it or of its attempt happens, and at a schedule when it
 *  comes due. Any number of them may run on one log. */
export class JobRunner {
  /** Jobs without an outcome, with the latest event about each and the schedule that made it. */
  private readonly open = new Map<JobId, { readonly cause: Cause; readonly scheduleId: ScheduleId | null }>();
  /** Schedules, with the latest event about each; a deleted one until all that it fired is made. */
  private readonly schedules = new Map<ScheduleId, Cause>();
  private readonly jobQueue: WorkQueue<JobId>;
  private readonly scheduleQueue: WorkQueue<ScheduleId>;
  private readonly stopping = new AbortController();
  private following: Promise<void> = Promise.resolve();
  private caughtUp = false;
  private trouble: Error | null = null;

  constructor(private readonly ports: JobRunnerPorts) {
    const { clock, random, logger, onReconciled } = ports;
    const jobs = new ReconcileJob(ports, (jobId) => this.open.get(jobId)?.cause ?? null);
    const schedules = new ReconcileSchedule(ports, (scheduleId) => this.schedules.get(scheduleId) ?? null, (scheduleId) => void this.schedules.delete(scheduleId));
    this.jobQueue = new WorkQueue<JobId>({ name: 'jobs', clock, random, logger, concurrency: 4, reconcile: (jobId) => jobs.reconcile(jobId), onReconciled });
    this.scheduleQueue = new WorkQueue<ScheduleId>({ name: 'schedules', clock, random, logger, concurrency: 4, reconcile: (scheduleId) => schedules.reconcile(scheduleId), onReconciled });
  }

  /** Begins to follow the log; at its end, to work. */
  start(): void {
    const { store, clock, logger } = this.ports;
    this.following = followLog({
      store,
      after: null,
      prefixes: ['job-', 'replica-', 'schedule-'],
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
    await Promise.all([this.following, this.jobQueue.stop(), this.scheduleQueue.stop()]);
  }

  /** Whether it works yet, in a sentence. */
  readiness(): { ok: boolean; detail: string } {
    if (this.trouble) return { ok: false, detail: `the log can't be followed: ${this.trouble.message}` };
    return this.caughtUp ? { ok: true, detail: 'follows the log' } : { ok: false, detail: 'reads the log from its beginning' };
  }

  private takeEvent(recorded: Recorded): void {
    this.trouble = null;
    const event = upcast(recorded) as unknown as FollowedEvent;
    const cause: Cause = { eventId: recorded.id, correlationId: recorded.metadata.correlationId };
    const { category, id } = parseStream(recorded.stream);
    if (category === 'schedule') return this.takeSchedule(id as ScheduleId, cause);
    const jobId = category === 'job' ? (id as JobId) : jobOf(event);
    if (jobId !== null) this.takeJob(jobId, event, cause);
  }

  private takeSchedule(scheduleId: ScheduleId, cause: Cause): void {
    this.schedules.set(scheduleId, cause);
    if (this.caughtUp) this.scheduleQueue.add(scheduleId);
  }

  private takeJob(jobId: JobId, event: FollowedEvent, cause: Cause): void {
    const known = this.open.get(jobId);
    if (event.type === 'JobCreated') {
      const { trigger } = event.data;
      this.open.set(jobId, { cause, scheduleId: trigger.type === 'schedule' ? trigger.scheduleId : null });
    } else if (event.type === 'JobEnded') {
      this.open.delete(jobId);
    } else if (known) {
      this.open.set(jobId, { ...known, cause });
    }
    // Before the end of the log most of what comes is long over.
    if (!this.caughtUp) return;
    if (this.open.has(jobId)) this.jobQueue.add(jobId);
    // One of its jobs is over: another may take its place, and the oldest falls out of the history.
    if (event.type === 'JobEnded' && known?.scheduleId) this.scheduleQueue.add(known.scheduleId);
  }

  private takeCaughtUp(): void {
    this.trouble = null;
    if (this.caughtUp) return;
    this.caughtUp = true;
    this.jobQueue.start();
    this.scheduleQueue.start();
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
    for (const jobId of this.open.keys()) this.jobQueue.add(jobId);
    for (const scheduleId of this.schedules.keys()) this.scheduleQueue.add(scheduleId);
  }
}

/** The job whose attempt a replica is. */
const jobOf = ({ data }: FollowedEvent): JobId | null => ('owner' in data && data.owner.type === 'job' ? data.owner.id : null);
