import type { ContainerSpec } from '../docker-service/events.ts';
import type { DeploymentId, EnvironmentId, JobId, NetworkId, ProjectId, ReplicaId, ScheduleId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';

export type JobOutcome = 'SUCCEEDED' | 'FAILED' | 'TIMEOUT' | 'CANCELLED';

/** What made the job: somebody's request, a deployment's hook, or a schedule. */
export type JobTrigger =
  | { readonly type: 'manual' }
  | { readonly type: 'pre_deploy' | 'post_deploy'; readonly deploymentId: DeploymentId }
  | { readonly type: 'schedule'; readonly scheduleId: ScheduleId };

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
        /** Enforced by the agent, from the start of the container; never unlimited. */
        timeoutMs: number;
        /** Further attempts after a failed one. */
        retries: number;
        trigger: JobTrigger;
      };
    }
  /** An attempt is a replica of the job: slot 0, generation = attempt, restart `no`. */
  | { type: 'JobAttemptStarted'; data: { attempt: number; replicaId: ReplicaId } }
  | { type: 'JobEnded'; data: { outcome: JobOutcome; attempt: number; exitCode: number | null; oomKilled: boolean; reason: Reason } };
