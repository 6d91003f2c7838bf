import type { EnvironmentId, NodeId, Owner, ProjectId, ReplicaId } from '#domain';

/** What a running container took when its agent looked last. */
export interface ReplicaSample {
  readonly replicaId: ReplicaId;
  readonly owner: Owner;
  readonly projectId: ProjectId;
  readonly environmentId: EnvironmentId;
  readonly image: string;
  /** Whether its owner wants it among the platform's figures (`metrics_target`). */
  readonly exported: boolean;
  /** RFC 3339, by the engine. */
  readonly at: string;
  /** Between the last two looks; null after the first one of a run. */
  readonly cpuMillis: number | null;
  /** Since the start of the run. */
  readonly cpuSeconds: number;
  readonly memoryBytes: number;
  readonly workingSetBytes: number;
  readonly memoryLimitBytes: number;
  readonly cpuLimitMillis: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

/** `ownerId`: of this service or job only. */
export interface SamplesRequest {
  readonly ownerId: string | null;
  /** A page begins behind this replica; null: at the first. */
  readonly after: ReplicaId | null;
}

/** By replica; `next` null: these were the last. */
export interface SamplesReply {
  readonly nodeId: NodeId;
  readonly samples: readonly ReplicaSample[];
  readonly next: ReplicaId | null;
}

/** How long the reconciliations of one queue took, since the start of its process. */
export interface QueueFigures {
  readonly queue: string;
  readonly failed: number;
  readonly count: number;
  readonly seconds: number;
  /** How many took no longer than each of `RECONCILE_BOUNDS`. */
  readonly buckets: readonly number[];
}

/** Seconds. */
export const RECONCILE_BOUNDS = [0.005, 0.02, 0.1, 0.5, 2, 10, 60] as const;

/** Said by a process every 10 s, heard by every gateway. */
export interface ProcessFigures {
  readonly app: string;
  /** Tells processes of one app apart. */
  readonly process: string;
  readonly queues: readonly QueueFigures[];
}
