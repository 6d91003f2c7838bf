import type { DeploymentOutcome, Step } from '../docker-service/events.ts';
import type { DeploymentId, DockerServiceId, ProjectId, ReplicaId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';

/** Which deployment of which service: in every event, so that each can be read alone. */
export interface DeploymentRef {
  readonly deploymentId: DeploymentId;
  readonly dockerServiceId: DockerServiceId;
  readonly projectId: ProjectId;
}

/** The steps only: that the deployment was asked for, and how it ended, stands in the service's stream. */
export type DeploymentEvent =
  | {
      type: 'DeploymentOpened';
      data: DeploymentRef & { toRelease: number; startedAt: string; progressDeadlineMs: number };
    }
  | { type: 'DeploymentStepTaken'; data: DeploymentRef & Step }
  /** Something went forward (a replica runs, settled): the progress deadline starts anew. */
  | { type: 'DeploymentProgressed'; data: DeploymentRef & { running: number; settled: number; wanted: number; deadlineAt: string } }
  | { type: 'DeploymentReplicaFailed'; data: DeploymentRef & { replicaId: ReplicaId; slot: number; reason: Reason } }
  /** No step can be taken any more: a scheduler that slept through the end conflicts here. */
  | { type: 'DeploymentClosed'; data: DeploymentRef & { outcome: DeploymentOutcome; reason: Reason } };
