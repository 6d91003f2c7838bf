import {
  job as jobRules,
  replica as replicaRules,
  streamOf,
  upcast,
  type JobAttempt,
  type JobDefinition,
  type JobId,
  type Owner,
  type ReplicaEvent,
  type ReplicaId,
} from '#domain';
import { commandIdOf, replicaIdOf } from '#platform';
import { type AttemptEnd, endIn } from './outcome.ts';
import { causedBy, type Cause, type JobRunnerPorts } from './ports.ts';

/** The slot that all attempts of a job share; an attempt is its generation. */
const SLOT = 0;

/** Takes jobs to their outcome: a job that was created gets its attempt, the attempt its replica, and the job the
 *  attempt's end. Each command's id follows from the job, so that any number of runners do it once. */
export class ReconcileJob {
  constructor(
    private readonly ports: Pick<JobRunnerPorts, 'aggregates' | 'store' | 'clock' | 'logger'>,
    private readonly causeOf: (jobId: JobId) => Cause | null,
  ) {}

  /** One look at a job, from its streams. Repeating it changes nothing. */
  async reconcile(jobId: JobId): Promise<void> {
    const { state } = await this.ports.aggregates.load(jobRules, streamOf('job', jobId));
    if (state.status !== 'open') return;
    const { definition } = state;
    const current = state.current ?? (await this.startAttempt(definition, 1));
    await this.orderReplica(definition, current);
    const end = await this.endOf(current.replicaId);
    if (end) await this.endJob(definition, current, end);
  }

  private async startAttempt({ jobId, projectId }: JobDefinition, attempt: number): Promise<JobAttempt> {
    const data = { attempt, replicaId: replicaIdOf(ownerOf(jobId), SLOT, attempt) };
    await this.ports.aggregates.handle(
      jobRules,
      streamOf('job', jobId),
      { type: 'StartAttempt', data },
      this.metadata(jobId, projectId, commandIdOf('start_attempt', jobId, String(attempt))),
    );
    return data;
  }

  /** Silent where it stands already. From here on the scheduler places it and its agent runs it. */
  private async orderReplica({ jobId, projectId, environmentId, spec }: JobDefinition, { attempt, replicaId }: JobAttempt): Promise<void> {
    const stream = streamOf('replica', replicaId);
    const { revision } = await this.ports.aggregates.load(replicaRules, stream);
    if (revision !== null) return;
    await this.ports.aggregates.handle(
      replicaRules,
      stream,
      {
        type: 'CreateReplica',
        data: {
          replicaId,
          owner: ownerOf(jobId),
          deploymentId: null,
          projectId,
          environmentId,
          slot: SLOT,
          generation: attempt,
          release: null,
          request: spec.resources.request,
          ports: spec.ports,
          constraints: spec.constraints,
          replaces: null,
        },
      },
      this.metadata(jobId, projectId, commandIdOf('create_replica', replicaId)),
    );
  }

  /** The first end that stands in the replica's stream: every runner, whenever it looks, finds the same. */
  private async endOf(replicaId: ReplicaId): Promise<AttemptEnd | null> {
    for await (const recorded of this.ports.store.readStream(streamOf('replica', replicaId))) {
      const end = endIn(upcast(recorded) as unknown as ReplicaEvent);
      if (end) return end;
    }
    return null;
  }

  private async endJob({ jobId, projectId }: JobDefinition, { attempt }: JobAttempt, end: AttemptEnd): Promise<void> {
    const { events } = await this.ports.aggregates.handle(
      jobRules,
      streamOf('job', jobId),
      { type: 'EndJob', data: { ...end, attempt } },
      this.metadata(jobId, projectId, commandIdOf('end_job', jobId, String(attempt))),
    );
    if (events.length > 0) this.ports.logger.info('job ended', { job_id: jobId, outcome: end.outcome, exit_code: end.exitCode, reason: end.reason.code });
  }

  private metadata(jobId: JobId, projectId: JobDefinition['projectId'], commandId: string) {
    return causedBy(this.causeOf(jobId), commandId, projectId, this.ports.clock.now());
  }
}

const ownerOf = (jobId: JobId): Owner => ({ type: 'job', id: jobId });
