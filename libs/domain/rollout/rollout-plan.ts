import type { Deployment } from '../deployment/deployment.ts';
import type { DeploymentEvent, DeploymentRef } from '../deployment/events.ts';
import type { ActiveDeployment, ExistingDockerService } from '../docker-service/docker-service.ts';
import type { DeploymentOutcome, DockerServiceEvent, ImagePin, Step } from '../docker-service/events.ts';
import type { Job, JobDefinition } from '../job/job.ts';
import type { JobId, ReplicaId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';
import type { ObservedReplica } from './observed.ts';

/** What is wanted and what was seen, all read before `now`. */
export interface RolloutInput {
  readonly service: ExistingDockerService;
  /** The stream of the deployment that is to be carried on (`deploymentToCarry`); null or absent where there is none, or it wasn't opened yet. */
  readonly deployment: Deployment | null;
  /** Of the ordered replicas; one that is lacking counts as not created yet. */
  readonly observed: readonly ObservedReplica[];
  /** The job of the hook that the deployment is at; null where it is at none. */
  readonly hook: Job | null;
  /** Every node concerned has reported after this instant, and its report was taken in: deadlines up to it may be judged. An unreachable node
   *  counts as reported. Milliseconds since the epoch; null where nothing may be judged. */
  readonly reportedAfter: number | null;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** The id of this service's replica in a slot and generation: always the same one. */
  readonly replicaIdOf: (slot: number, generation: number) => ReplicaId;
  /** The id of a deployment's hook: always the same one. */
  readonly hookJobIdOf: (deploymentId: string, which: 'pre_deploy' | 'post_deploy') => JobId;
}

/** The deployment that is carried on: one that was superseded has to hand over first. */
export const deploymentToCarry = ({ superseded, activeDeployment }: ExistingDockerService): ActiveDeployment | null => superseded[0] ?? activeDeployment;

type OwnData<T extends DeploymentEvent['type']> = Omit<Extract<DeploymentEvent, { type: T }>['data'], keyof DeploymentRef>;

/** What to write next. One kind of write at a time: its events wake the key again, and the next plan sees them. */
export interface RolloutPlan {
  /** On the service's stream: what an image was found to mean. */
  readonly pin: (ImagePin & { readonly release: number }) | null;
  /** Begins the deployment's stream. */
  readonly openDeployment: Extract<DeploymentEvent, { type: 'DeploymentOpened' }>['data'] | null;
  readonly beginStage: OwnData<'DeploymentStageBegan'> | null;
  readonly endStage: OwnData<'DeploymentStageEnded'> | null;
  /** To be created as it stands here, by whoever comes first; that it is to run stands in the deployment's stream. */
  readonly startHook: JobDefinition | null;
  /** To be created if it wasn't yet, so that nobody creates it later, and cancelled. */
  readonly cancelHook: { readonly definition: JobDefinition; readonly reason: Reason } | null;
  /** To be fenced by the revision that was read: on the deployment's stream where one is active, else on the service's. */
  readonly step: Step | null;
  readonly progress: { readonly running: number; readonly settled: number; readonly wanted: number; readonly deadlineAt: string } | null;
  /** To be recorded one by one on the deployment's stream. */
  readonly failures: readonly { readonly replicaId: ReplicaId; readonly slot: number; readonly reason: Reason }[];
  /** On the deployment's stream; from then on it takes no step. */
  readonly close: { readonly outcome: DeploymentOutcome; readonly reason: Reason } | null;
  /** On the service's stream, once the deployment's own is closed. */
  readonly endDeployment: Extract<DockerServiceEvent, { type: 'DeploymentEnded' }>['data'] | null;
  /** Every container is gone: `ConfirmDockerServiceDeleted`, then the name can be released. */
  readonly finishDeletion: boolean;
  /** When time alone changes the plan; null: only an event does. */
  readonly wakeInMs: number | null;
}

/** The plan of a world in which nothing is to be done. */
export const NOTHING_TO_DO: RolloutPlan = {
  pin: null,
  openDeployment: null,
  beginStage: null,
  endStage: null,
  startHook: null,
  cancelHook: null,
  step: null,
  progress: null,
  failures: [],
  close: null,
  endDeployment: null,
  finishDeletion: false,
  wakeInMs: null,
};
