import { subjects, type ReportReply } from '#contracts';
import {
  attemptHistory, job as jobRules, node as nodeRules, planJob, Rejection, replica as replicaRules, streamOf, upcast,
  type AttemptHistory, type CommandMetadata, type JobCommand, type JobId, type JobSituation, type JobStep, type NodeId, type OpenJob, type Owner, type ReplicaCommand, type ReplicaEvent, type ReplicaId,
} from '#domain';
import { commandIdOf, replicaIdOf } from '#platform';
import { causedBy, type Cause, type JobRunnerPorts } from './ports.ts';

/** The slot that all attempts of a job share; an attempt is its generation. */
const SLOT = 0;
/** Shorter than a shutdown may take. */
const REPORT_TIMEOUT_MS = 8_000;
/** From its creation to its end a job takes fewer steps than this in one go. */
const STEPS = 10;

/** Takes jobs to their outcome: reads what stands, plans, and says it. Each command's id follows from the job, so that any number
 *  of runners do it once. */
export class ReconcileJob {
  constructor(
    private readonly ports: Pick<JobRunnerPorts, 'aggregates' | 'store' | 'bus' | 'clock' | 'logger'>,
    private readonly causeOf: (jobId: JobId) => Cause | null,
  ) {}

  /** Looks at a job until there is nothing to do but wait. Repeating it changes nothing. */
  async reconcile(jobId: JobId): Promise<void | { againInMs: number }> {
    let heard: JobSituation['heard'] = null;
    for (let taken = 0; taken < STEPS; taken += 1) {
      const { state } = await this.ports.aggregates.load(jobRules, streamOf('job', jobId));
      if (state.status !== 'open') return;
      const now = this.ports.clock.now();
      const step = planJob({ job: state, attempt: await this.historyOf(state), now, heard });
      if (step.do === 'rest') return { againInMs: step.until - now };
      if (step.do === 'hear') heard = await this.hear(step.nodeId);
      else await this.tryStep(state, step);
    }
    throw new Error(`${jobId} came to no rest in ${STEPS} steps`);
  }

  private async historyOf({ current }: OpenJob): Promise<AttemptHistory | null> {
    if (!current) return null;
    const events: { event: ReplicaEvent; at: number }[] = [];
    for await (const recorded of this.ports.store.readStream(streamOf('replica', current.replicaId))) {
      events.push({ event: upcast(recorded) as unknown as ReplicaEvent, at: Date.parse(recorded.metadata.at) });
    }
    return attemptHistory(events);
  }

  /** What is refused was planned on a world that has moved on: the next plan sees it. */
  private async tryStep(job: OpenJob, step: Exclude<JobStep, { do: 'rest' | 'hear' }>): Promise<void> {
    try {
      await this.take(job, step);
    } catch (error) {
      if (!(error instanceof Rejection && error.kind === 'conflict')) throw error;
    }
  }

  private take(job: OpenJob, step: Exclude<JobStep, { do: 'rest' | 'hear' }>): Promise<void> {
    const { jobId } = job.definition;
    const attempt = job.current?.attempt ?? 0;
    switch (step.do) {
      case 'start':
        return this.toJob(job, 'start_attempt', step.attempt, { type: 'StartAttempt', data: { attempt: step.attempt, replicaId: replicaIdOf(ownerOf(jobId), SLOT, step.attempt) } });
      case 'order':
        return this.orderReplica(job);
      case 'abandon':
        return this.toReplica(job, 'abandon_replica', (replicaId) => ({ type: 'AbandonReplica', data: { replicaId, owner: ownerOf(jobId), reason: step.reason } }));
      case 'fail_attempt':
        return this.toJob(job, 'fail_attempt', attempt, { type: 'FailAttempt', data: { ...step.ending, attempt, retryAt: new Date(step.retryAt).toISOString() } });
      case 'end':
        return this.endJob(job, attempt, step);
    }
  }

  /** Silent where it stands already. From here on the scheduler places it and its agent runs it. */
  private orderReplica(job: OpenJob): Promise<void> {
    const { jobId, projectId, environmentId, spec } = job.definition;
    return this.toReplica(job, 'create_replica', (replicaId, attempt) => ({
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
        ...(spec.volumes?.length ? { volumes: spec.volumes } : {}),
      },
    }));
  }

  private async endJob(job: OpenJob, attempt: number, { end }: Extract<JobStep, { do: 'end' }>): Promise<void> {
    await this.toJob(job, 'end_job', attempt, { type: 'EndJob', data: { ...end, attempt } });
    this.ports.logger.info('job ended', { job_id: job.definition.jobId, outcome: end.outcome, exit_code: end.exitCode, reason: end.reason.code });
  }

  /** Whether the node is heard from, and a report that it has made now stands in the log. */
  private async hear(nodeId: NodeId): Promise<NonNullable<JobSituation['heard']>> {
    const { state } = await this.ports.aggregates.load(nodeRules, streamOf('node', nodeId));
    if (state.status !== 'registered' || !state.reachable) return 'unreachable';
    try {
      return (await this.ports.bus.request<ReportReply>(subjects.reportNow(nodeId), {}, REPORT_TIMEOUT_MS)).taken ? 'reported' : 'silent';
    } catch (error) {
      this.ports.logger.debug('no report yet', { node_id: nodeId, error });
      return 'silent';
    }
  }

  private async toJob({ definition: { jobId, projectId } }: OpenJob, what: string, attempt: number, command: JobCommand): Promise<void> {
    await this.ports.aggregates.handle(jobRules, streamOf('job', jobId), command, this.metadata(jobId, projectId, commandIdOf(what, jobId, String(attempt))));
  }

  /** To the replica of the current attempt. */
  private async toReplica({ definition: { jobId, projectId }, current }: OpenJob, what: string, commandOf: (replicaId: ReplicaId, attempt: number) => ReplicaCommand): Promise<void> {
    if (!current) throw new Error(`${jobId} has no attempt yet`);
    const { replicaId, attempt } = current;
    await this.ports.aggregates.handle(replicaRules, streamOf('replica', replicaId), commandOf(replicaId, attempt), this.metadata(jobId, projectId, commandIdOf(what, replicaId)));
  }

  private metadata(jobId: JobId, projectId: OpenJob['definition']['projectId'], commandId: string): CommandMetadata {
    return causedBy(this.causeOf(jobId), commandId, projectId, this.ports.clock.now());
  }
}

const ownerOf = (jobId: JobId): Owner => ({ type: 'job', id: jobId });
