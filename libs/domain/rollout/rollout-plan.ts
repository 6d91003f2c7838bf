import type { Deployment } from '../deployment/deployment.ts';
import type { DeploymentEvent } from '../deployment/events.ts';
import type { ExistingDockerService } from '../docker-service/docker-service.ts';
import type { DeploymentOutcome, DockerServiceEvent, Step } from '../docker-service/events.ts';
import type { ReplicaId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';
import type { ObservedReplica } from './observed.ts';

/** What is wanted and what was seen, all read before `now`. */
export interface RolloutInput {
  readonly service: ExistingDockerService;
  /** The stream of the service's active deployment; null or absent where there is none, or it wasn't opened yet. */
  readonly deployment: Deployment | null;
  /** Of the ordered replicas; one that is lacking counts as not created yet. */
  readonly observed: readonly ObservedReplica[];
  /** The log was caught up and every node concerned has reported since: a deadline may be judged. An unreachable node counts as reported. */
  readonly observationsFresh: boolean;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** The id of this service's replica in a slot and generation: always the same one. */
  readonly replicaIdOf: (slot: number, generation: number) => ReplicaId;
}

/** What to write next. One kind of write at a time: its events wake the key again, and the next plan sees them. */
export interface RolloutPlan {
  /** Begins the deployment's stream. */
  readonly openDeployment: Extract<DeploymentEvent, { type: 'DeploymentOpened' }>['data'] | null;
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
  openDeployment: null,
  step: null,
  progress: null,
  failures: [],
  close: null,
  endDeployment: null,
  finishDeletion: false,
  wakeInMs: null,
};

/** Why a service that is being deleted has nothing running. */
export const DELETED: Reason = { code: 'docker_service_deleted', message: 'the service is being deleted' };
