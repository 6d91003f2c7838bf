import type { DeploymentOutcome, Step } from '../docker-service/events.ts';
import type { DeploymentId, DockerServiceId, JobId, ProjectId, ReplicaId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';

/** Which deployment of which service: in every event, so that each can be read alone. */
export interface DeploymentRef {
  readonly deploymentId: DeploymentId;
  readonly dockerServiceId: DockerServiceId;
  readonly projectId: ProjectId;
}

/** What a deployment goes through, in this order, each at most once; those that there is nothing to do for are left out.
 *  `pre_deploy`: its hook runs. `prepare`: the first new replicas are placed and their image is fetched, nothing is stopped yet.
 *  `replace`: replicas of before give way to new ones. `monitor`: all are new, and are watched. `post_deploy`: its hook runs.
 *  `return`: instead of whatever would come next, the service goes back to its last stable release. */
export const DEPLOYMENT_STAGES = ['pre_deploy', 'prepare', 'replace', 'monitor', 'post_deploy', 'return'] as const;
export type DeploymentStage = (typeof DEPLOYMENT_STAGES)[number];

/** Of a stage. CANCELLED: the deployment was cancelled, superseded or ended while it was under way. */
export type StageResult = 'SUCCEEDED' | 'FAILED' | 'CANCELLED';

/** The steps only: that the deployment was asked for, and how it ended, stands in the service's stream. */
export type DeploymentEvent =
  | {
      type: 'DeploymentOpened';
      data: DeploymentRef & { toRelease: number; startedAt: string; progressDeadlineMs: number };
    }
  /** At most one stage is under way at a time. */
  | {
      type: 'DeploymentStageBegan';
      data: DeploymentRef & {
        stage: DeploymentStage;
        /** Of a hook: the job that runs it, created after this stands. Null otherwise. */
        jobId: JobId | null;
        /** RFC 3339. */
        at: string;
        /** When it fails, unless something goes forward; of `monitor`: when it has passed. Null for a hook: its job has a timeout. */
        deadlineAt: string | null;
        reason: Reason;
      };
    }
  | { type: 'DeploymentStageEnded'; data: DeploymentRef & { stage: DeploymentStage; result: StageResult; at: string; reason: Reason } }
  /** A batch of replicas; it may also stop and forget what the service ordered before. */
  | { type: 'DeploymentStepTaken'; data: DeploymentRef & Step }
  /** Something went forward (a replica runs, settled): the progress deadline starts anew. Of the replicas of the release that it moves
   *  to; of the stable one on a return. */
  | { type: 'DeploymentProgressed'; data: DeploymentRef & { running: number; settled: number; wanted: number; deadlineAt: string } }
  | { type: 'DeploymentReplicaFailed'; data: DeploymentRef & { replicaId: ReplicaId; slot: number; reason: Reason } }
  /** No step can be taken any more: a scheduler that slept through the end conflicts here. */
  | { type: 'DeploymentClosed'; data: DeploymentRef & { outcome: DeploymentOutcome; reason: Reason } };
