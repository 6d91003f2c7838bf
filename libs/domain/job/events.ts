import type { ContainerSpec } from '../docker-service/events.ts';
import type { DeploymentId, DockerServiceId, EnvironmentId, JobId, NetworkId, ProjectId, ReplicaId, ScheduleId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';

export type JobOutcome = 'SUCCEEDED' | 'FAILED' | 'TIMEOUT' | 'CANCELLED';

/** What made the job: somebody's request, a deployment's hook, or a schedule. */
export type JobTrigger =
  | { readonly type: 'manual' }
  | { readonly type: 'pre_deploy' | 'post_deploy'; readonly deploymentId: DeploymentId }
  | { readonly type: 'schedule'; readonly scheduleId: ScheduleId };

/** How an attempt or a job ended. */
export interface Ending {
  /** Null where nobody knows it, or nothing ran. */
  readonly exitCode: number | null;
  readonly oomKilled: boolean;
  readonly reason: Reason;
}

export type JobEvent =
  | {
      type: 'JobCreated';
      data: {
        jobId: JobId;
        projectId: ProjectId;
        environmentId: EnvironmentId;
        networkId: NetworkId;
        name: string;
        spec: ContainerSpec;
        /** Enforced by the agent, from the start of the container, for each attempt; never unlimited. */
        timeoutMs: number;
        /** Further attempts after a failed one; a timeout isn't tried again. */
        retries: number;
        trigger: JobTrigger;
        /** The release that the spec was taken from; null for a standalone job. */
        inheritsFrom: { readonly dockerServiceId: DockerServiceId; readonly release: number } | null;
        /** The job that this one runs again. */
        rerunOf: JobId | null;
      };
    }
  /** An attempt is a replica of the job: slot 0, generation = attempt, restart `no`. */
  | { type: 'JobAttemptStarted'; data: { attempt: number; replicaId: ReplicaId } }
  /** Another one follows: not before `retryAt` (RFC 3339), and not before this one's container is gone. */
  | { type: 'JobAttemptFailed'; data: Ending & { attempt: number; replicaId: ReplicaId; retryAt: string } }
  /** Its container is being stopped; `requestedAt` is RFC 3339. */
  | { type: 'JobCancelRequested'; data: { reason: Reason; requestedAt: string } }
  /** `attempt`: the last one; 0 where none was ever made. */
  | { type: 'JobEnded'; data: Ending & { outcome: JobOutcome; attempt: number } }
  /** Room was reserved for it by this command, but the job never written; a late write of it now conflicts. */
  | { type: 'JobReservationVoided'; data: { commandId: string; reason?: Reason } };
