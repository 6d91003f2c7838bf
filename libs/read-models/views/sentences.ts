import type { DeploymentEvent, DockerServiceEvent, JobEvent, JobTrigger, NodeId, Reason, ReplicaEvent, ReplicaId, RestartTally, ScheduleEvent } from '#domain';
import type { Recorded } from '#event-store';
import type { Of } from '../view.ts';

/** What happened, and why, for people. */
export interface Sentence {
  readonly what: string;
  readonly why: string;
}

/** How a sentence names things: `slot 2 (generation 1)`, `host-3`. */
export interface Names {
  replica(id: ReplicaId): string;
  node(id: NodeId): string;
}

/** The events that a service's, job's or schedule's story is told from. */
type Told = DockerServiceEvent | DeploymentEvent | ReplicaEvent | JobEvent | ScheduleEvent;

/** One sentence for each type of event, so that a new one doesn't compile until it can be explained. */
const sentences: { readonly [Type in Told['type']]: (event: Of<Type>, names: Names) => Sentence } = {
  DockerServiceCreated: ({ data }) => ({ what: `${data.name} was created with ${count(data.replicas, 'replica')}`, why: 'it was asked for' }),
  ReleaseCut: ({ data }) => ({
    what: `release ${data.release} was cut from ${data.spec.image}`,
    why: data.copiedFrom === undefined ? 'what shapes its container was given or changed' : `it copies release ${data.copiedFrom}, to which the service goes back`,
  }),
  ReleasePostponed: ({ data }) => ({ what: data.spec ? 'what shapes its containers was changed for its next deployment' : 'what waited for its next deployment was taken back', why: 'it was asked for' }),
  ReleaseImagePinned: ({ data }) => ({
    what: `the image of release ${data.release} was found to be ${data.reference}`,
    why: data.digest === null ? 'no registry gave it: it is known by its id, and runs where it is' : 'its first replica pulled it',
  }),
  DeploymentStarted: ({ data }) => ({
    what: `a deployment of release ${data.toRelease} was started`,
    why: data.kind === 'restart' ? 'the same release was asked for once more' : data.fromRelease === null ? 'nothing of it ran before' : `it replaces release ${data.fromRelease}`,
  }),
  DeploymentCancelRequested: () => ({ what: 'its deployment was asked to go back', why: 'it was asked for' }),
  DeploymentEnded: ({ data }) => ({ what: `the deployment of release ${data.toRelease} ended ${data.outcome}`, why: data.reason.message }),
  DockerServiceScaled: ({ data }) => ({ what: `it was scaled from ${data.from} to ${count(data.to, 'replica')}`, why: 'it was asked for' }),
  DeploySettingsChanged: () => ({ what: 'the way of its deployments was changed', why: 'it was asked for' }),
  DockerServiceLabelsChanged: () => ({ what: 'its labels were changed', why: 'it was asked for' }),
  DockerServicePaused: () => ({ what: 'it was paused', why: 'it was asked for' }),
  DockerServiceResumed: () => ({ what: 'it was resumed', why: 'it was asked for' }),
  DockerServiceStopped: () => ({ what: 'it was stopped', why: 'it was asked for' }),
  DockerServiceStarted: () => ({ what: 'it was started', why: 'it was asked for' }),
  ServiceStepTaken: ({ data }) => step(data),
  DockerServiceDeletionRequested: () => ({ what: 'its deletion was requested', why: 'it was asked for' }),
  DockerServiceDeleted: ({ data }) => ({ what: `${data.name} was deleted`, why: 'the engine confirmed that every container is gone' }),
  ReservationVoided: ({ data }) => ({ what: `the name ${data.name} was given back`, why: 'the service itself was never written' }),

  DeploymentOpened: ({ data }) => ({ what: `the deployment of release ${data.toRelease} was taken up`, why: 'it is the active one of its service' }),
  DeploymentStageBegan: ({ data }) => ({ what: `the deployment came to its stage ${data.stage}`, why: data.reason.message }),
  DeploymentStageEnded: ({ data }) => ({ what: `the stage ${data.stage} of the deployment ended: ${data.result}`, why: data.reason.message }),
  DeploymentStepTaken: ({ data }) => step(data),
  DeploymentProgressed: ({ data }) => ({
    what: `${data.running} of ${data.wanted} run, ${data.settled} have stayed up`,
    why: `without further progress the deployment fails at ${data.deadlineAt}`,
  }),
  DeploymentReplicaFailed: ({ data }, names) => ({ what: `${names.replica(data.replicaId)} counts as failed for the deployment`, why: data.reason.message }),
  DeploymentClosed: ({ data }) => ({ what: `the deployment takes no further step: ${data.outcome}`, why: data.reason.message }),

  ReplicaCreated: ({ data }, names) => ({ what: `${names.replica(data.replicaId)} waits for a node`, why: 'it was ordered' }),
  ReplicaAbandoned: ({ data }, names) => ({ what: `${names.replica(data.replicaId)} was abandoned before any node took it`, why: data.reason.message }),
  PlacementDeferred: ({ data }, names) => ({ what: `no node fits ${names.replica(data.replicaId)}`, why: data.reason.message }),
  PlacementClaimed: ({ data }, names) => ({ what: `${names.node(data.nodeId)} was chosen for ${names.replica(data.replicaId)}`, why: data.reason.message }),
  PlacementSettled: ({ data }, names) => ({ what: `${names.node(data.nodeId)} ${SETTLED[data.outcome]} ${names.replica(data.replicaId)}`, why: data.reason.message }),
  ReplicaObserved: ({ data }, names) => ({
    what: `${names.replica(data.replicaId)} was seen ${data.state}${data.health === 'unknown' ? '' : ` and ${HEALTH[data.health]}`} on ${names.node(data.nodeId)} in its run ${data.run}`,
    why: `${because(data.reason, data.exitCode, data.oomKilled)}${data.restarts ? `; ${tallied(data.restarts)}` : ''}`,
  }),
  ObservationRefused: ({ data }, names) => ({ what: `a report that ${names.replica(data.replicaId)} is ${data.state} was refused`, why: data.reason.message }),

  JobCreated: ({ data }) => ({
    what: `the job ${data.name} was created from ${data.spec.image}${data.inheritsFrom ? `, with release ${data.inheritsFrom.release} of ${data.inheritsFrom.dockerServiceId}` : ''}`,
    why: data.rerunOf ? `${data.rerunOf} was to run again` : madeBy(data.trigger),
  }),
  JobAttemptStarted: ({ data }) => ({ what: `attempt ${data.attempt} was started`, why: data.attempt === 1 ? 'nothing was tried before' : 'the one before failed' }),
  JobAttemptFailed: ({ data }) => ({
    what: `attempt ${data.attempt} failed, and another one follows at ${data.retryAt} at the earliest, once its container is gone`,
    why: because(data.reason, data.exitCode, data.oomKilled),
  }),
  JobCancelRequested: ({ data }) => ({ what: 'it is to end: what runs of it is being stopped', why: data.reason.message }),
  JobEnded: ({ data }) => ({ what: data.attempt === 0 ? `it ended ${data.outcome} before its first attempt` : `it ended ${data.outcome} with attempt ${data.attempt}`, why: because(data.reason, data.exitCode, data.oomKilled) }),

  ScheduleCreated: ({ data }) => ({ what: `a schedule was created: ${data.job.name} at "${data.cron}" in ${data.timeZone}`, why: 'it was asked for' }),
  ScheduleChanged: ({ data }) => ({ what: `it was changed: ${data.to.job.name} at "${data.to.cron}" in ${data.to.timeZone}, overlap: ${data.to.concurrency}`, why: 'it was asked for' }),
  SchedulePaused: ({ data }) => ({ what: 'it was paused', why: data.reason.message }),
  ScheduleResumed: () => ({ what: 'it fires again', why: 'it was asked for' }),
  ScheduleFired: ({ data }) => ({
    what: `it made ${data.jobId} for ${data.minute}${data.replaces.length > 0 ? `, in place of ${data.replaces.join(', ')}` : ''}`,
    why: data.missedSince ? `it was due since ${data.missedSince}: one job makes good for all that was missed` : 'it was due',
  }),
  ScheduleSkipped: ({ data }) => ({ what: data.since === data.minute ? `${data.minute} was passed over` : `what was due from ${data.since} to ${data.minute} was passed over`, why: data.reason.message }),
  ScheduleHistoryCut: ({ data }) => ({ what: `${count(data.jobIds.length, 'job')} fell out of the lists`, why: 'only the latest jobs of a schedule are kept there' }),
  ScheduleDeleted: () => ({ what: 'it was deleted', why: 'it was asked for' }),
};

const madeBy = (trigger: JobTrigger): string => {
  if (trigger.type === 'manual') return 'it was asked for';
  if (trigger.type === 'schedule') return `its schedule ${trigger.scheduleId} was due`;
  return `${trigger.deploymentId} runs it ${trigger.type === 'pre_deploy' ? 'before it touches a replica' : 'after its last replica'}`;
};

/** What happened and why; null for an event that is no part of such a story. */
export const sentenceFor = (event: Recorded, names: Names): Sentence | null =>
  event.type in sentences ? sentences[event.type as Told['type']](event as never, names) : null;

const SETTLED = { placed: 'took', refused: 'refused', revoked: 'was taken back from' } as const;

const HEALTH = { starting: 'not healthy yet', healthy: 'healthy', unhealthy: 'unhealthy' } as const;

/** `restarted 42 times from … to … (exited 40, oom_killed 2)` */
const tallied = ({ count: times, firstAt, lastAt, causes }: RestartTally): string =>
  `restarted ${times} times from ${firstAt} to ${lastAt} (${Object.entries(causes).map(([code, often]) => `${code} ${often}`).join(', ')})`;

const count = (many: number, what: string): string => `${many} ${what}${many === 1 ? '' : 's'}`;

function step({ creates, stops, forgets, reason }: { creates: readonly unknown[]; stops: readonly unknown[]; forgets: readonly unknown[]; reason: Reason }): Sentence {
  const parts = [
    creates.length > 0 && `${count(creates.length, 'replica')} ordered`,
    stops.length > 0 && `${count(stops.length, 'replica')} to be stopped`,
    forgets.length > 0 && `${count(forgets.length, 'ended replica')} cleared away`,
  ].filter((part) => part !== false);
  return { what: parts.join(', ') || 'nothing to be done', why: reason.message };
}

function because(reason: Reason | null, exitCode: number | null, oomKilled: boolean): string {
  const code = exitCode === null ? null : `exit code ${exitCode}${oomKilled ? ', out of memory' : ''}`;
  if (reason) return code && !reason.message.includes('exit') ? `${reason.message} (${code})` : reason.message;
  return code ?? 'its agent saw it so';
}
