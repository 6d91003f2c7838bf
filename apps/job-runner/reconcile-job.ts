import { subjects, type ReportReply } from '#contracts';
import {
  job as jobRules,
  node as nodeRules,
  replica as replicaRules,
  streamOf,
  upcast,
  type JobAttempt,
  type JobDefinition,
  type JobId,
  type NodeId,
  type Owner,
  type ReplicaId,
} from '#domain';
import type { Recorded } from '#event-store';
import { commandIdOf, replicaIdOf } from '#platform';
import { type AttemptHistory, historyOf, overdue, START_DEADLINE_MS } from './attempt.ts';
import type { AttemptEnd } from './outcome.ts';
import { causedBy, type Cause, type JobRunnerPorts } from './ports.ts';

/** The slot that all attempts of a job share; an attempt is its generation. */
const SLOT = 0;

/** Shorter than a shutdown may take. */
const REPORT_TIMEOUT_MS = 8_000;
const ASK_AGAIN_MS = 3_000;
const GIVE_UP_MS = 60_000;

/** Takes jobs to their outcome: a job that was created gets its attempt, the attempt its replica, and the job the
 *  attempt's end. Each command's id follows from the job, so that any number of runners do it once. */
export class ReconcileJob {
  constructor(
    private readonly ports: Pick<JobRunnerPorts, 'aggregates' | 'store' | 'bus' | 'clock' | 'logger'>,
    private readonly causeOf: (jobId: JobId) => Cause | null,
  ) {}

  /** One look at a job, from its streams. Repeating it changes nothing. */
  async reconcile(jobId: JobId): Promise<void | { againInMs: number }> {
    const { state } = await this.ports.aggregates.load(jobRules, streamOf('job', jobId));
    if (state.status !== 'open') return;
    const { definition } = state;
    const current = state.current ?? (await this.startAttempt(definition, 1));
    await this.orderReplica(definition, current);
    const history = await this.historyOf(current.replicaId);
    const end = history.end ?? (await this.judgeStart(current.replicaId, history));
    if (end && 'againInMs' in end) return end;
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
    return { ...data, failed: null };
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

  private async historyOf(replicaId: ReplicaId): Promise<AttemptHistory> {
    const events: Recorded[] = [];
    for await (const recorded of this.ports.store.readStream(streamOf('replica', replicaId))) events.push(upcast(recorded));
    return historyOf(events);
  }

  /** Every wait ends, also that for a node or an image. @returns null where the container has started: the agent ends it from there */
  private async judgeStart(replicaId: ReplicaId, { orderedAt, started, nodeId }: AttemptHistory): Promise<AttemptEnd | { againInMs: number } | null> {
    if (started) return null;
    const leftMs = orderedAt + START_DEADLINE_MS - this.ports.clock.now();
    if (leftMs > 0) return { againInMs: leftMs };
    const unreachable = nodeId !== null && !(await this.isReachable(nodeId));
    // What its node saw may still be on its way; one that says nothing for a minute is judged by what is known.
    const reported = nodeId === null || unreachable || (await this.reported(nodeId));
    if (!reported && leftMs > -GIVE_UP_MS) return { againInMs: ASK_AGAIN_MS };
    const history = await this.historyOf(replicaId);
    return history.end ?? (history.started ? null : overdue(history, unreachable));
  }

  private async isReachable(nodeId: NodeId): Promise<boolean> {
    const { state } = await this.ports.aggregates.load(nodeRules, streamOf('node', nodeId));
    return state.status === 'registered' && state.reachable;
  }

  /** Whether a report that the node has made now stands in the log. */
  private async reported(nodeId: NodeId): Promise<boolean> {
    try {
      return (await this.ports.bus.request<ReportReply>(subjects.reportNow(nodeId), {}, REPORT_TIMEOUT_MS)).taken;
    } catch (error) {
      this.ports.logger.debug('no report yet', { node_id: nodeId, error });
      return false;
    }
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
