import type { ContainerSpec } from '../docker-service/events.ts';
import type { EnvironmentId, JobId, NetworkId, ProjectId, ReplicaId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';

export type JobOutcome = 'SUCCEEDED' | 'FAILED' | 'TIMEOUT';

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
        trigger: { readonly type: 'manual' };
      };
    }
  /** An attempt is a replica of the job: slot 0, generation = attempt, restart `no`. */
  | { type: 'JobAttemptStarted'; data: { attempt: number; replicaId: ReplicaId } }
  | { type: 'JobEnded'; data: { outcome: JobOutcome; attempt: number; exitCode: number | null; oomKilled: boolean; reason: Reason } };
