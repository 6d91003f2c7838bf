import type { Port } from '../docker-service/events.ts';
import type { DeploymentId, EnvironmentId, NetworkId, NodeId, Owner, ProjectId, ReplicaId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';
import type { Amount } from '../kernel/units.ts';
import type { Awaited } from '../resource/dependency.ts';
import type { NodeVerdict } from '../scheduling/verdict.ts';
import type { VolumeMount } from '../volume/mount.ts';

/** In the order that a run moves through them; it only moves forward. A restart in place is the next run.
 *  PREPARED: its image is on the node and its container made, and it waits for the end of the replica that it replaces. SETTLED: it has
 *  run (with a check: been healthy) for `minHealthyMs`, by the agent's own monotonic clock. */
export const RUN_STATES = ['PENDING', 'ASSIGNED', 'PREPARING', 'PREPARED', 'STARTING', 'RUNNING', 'SETTLED', 'COMPLETED', 'FAILED', 'STOPPED', 'GONE'] as const;
export type RunState = (typeof RUN_STATES)[number];

/** `starting`: its check has not succeeded yet in this run. */
export type Health = 'unknown' | 'starting' | 'healthy' | 'unhealthy';

/** What is known of a pull so far: the total grows until the registry has told of every layer. */
export interface PullProgress {
  readonly doneBytes: number;
  readonly totalBytes: number;
}

/** Beyond 10 in 10 minutes the restarts of a replica are counted, and told together at most once in 10 minutes: a crash loop
 *  must not flood the log. */
export interface RestartTally {
  readonly count: number;
  /** When the first and the last of them were begun, by the agent's clock, RFC 3339. */
  readonly firstAt: string;
  readonly lastAt: string;
  /** Why the runs before them had ended, by the code of the reason, and how often. */
  readonly causes: Readonly<Record<string, number>>;
}

/** What an agent saw of a replica on its engine. */
export interface Observation {
  readonly replicaId: ReplicaId;
  /** Counts the starts of this replica, from 1. */
  readonly run: number;
  readonly state: Exclude<RunState, 'PENDING' | 'ASSIGNED'>;
  /** Nothing more will be tried by the agent. Always true of GONE; of COMPLETED, FAILED and STOPPED when no next run follows. */
  readonly final: boolean;
  readonly containerId: string | null;
  /** The container's address in its environment's network. */
  readonly address: string | null;
  readonly imageId: string | null;
  readonly exitCode: number | null;
  readonly oomKilled: boolean;
  /** By its check; `unknown` without one, and while it doesn't run. */
  readonly health: Health;
  /** How often its health has changed in this run; left out: not once. Tells a change back from the same said again. */
  readonly healthChange?: number;
  /** The registry's digest of its image's manifest (`sha256:…`); left out where no registry gave it. */
  readonly imageDigest?: string;
  /** How far the pull of its image is, with the reason `pulling`. */
  readonly pull?: PullProgress;
  /** Restarts since the last word that were too many to be told one by one. */
  readonly restarts?: RestartTally;
  readonly reason: Reason | null;
  /** What a `subnet_taken` speaks of: the same said of another subnet is news. Left out with every other reason. */
  readonly subnet?: string;
  /** By the agent's clock, RFC 3339: for people, never for a decision. */
  readonly at: string;
}

/** Whose it is: in every event, so that each can be read alone. */
export interface ReplicaRef {
  readonly replicaId: ReplicaId;
  readonly owner: Owner;
}

/** What a placement needs to know, fixed when the replica is ordered. */
export interface Placeable {
  readonly projectId: ProjectId;
  readonly environmentId: EnvironmentId;
  readonly slot: number;
  readonly generation: number;
  /** Of the service; null for a job. */
  readonly release: number | null;
  readonly request: Amount;
  readonly ports: readonly Port[];
  readonly constraints: readonly string[];
  /** A replica on the same node whose room and ports this one takes over; it starts after that one's GONE. */
  readonly replaces: ReplicaId | null;
  /** What it mounts: it goes where that is. Left out: nothing. */
  readonly volumes?: readonly VolumeMount[];
  /** It is placed once each of these services has a replica that is well; left out: at once. */
  readonly waitsFor?: readonly Awaited[];
  /** The networks that it is in; left out: its environment's own alone. */
  readonly networks?: readonly NetworkId[];
}

export type ReplicaEvent =
  | { type: 'ReplicaCreated'; data: ReplicaRef & Placeable & { deploymentId: DeploymentId | null } }
  /** Not wanted any more before any node settled it. */
  | { type: 'ReplicaAbandoned'; data: ReplicaRef & { reason: Reason } }
  /** No node fits; said again only when the refusals change in kind. */
  | { type: 'PlacementDeferred'; data: ReplicaRef & { reason: Reason; nodes: readonly NodeVerdict[] } }
  /** `inVain`: nobody can be placed by this attempt any more; it is claimed to be revoked, so that nobody else claims it. */
  | { type: 'PlacementClaimed'; data: ReplicaRef & { attempt: number; nodeId: NodeId; reason: Reason; nodes: readonly NodeVerdict[]; inVain?: true } }
  /** The node's word on the claim, copied; only now may the next attempt claim. */
  | {
      type: 'PlacementSettled';
      data: ReplicaRef & { attempt: number; nodeId: NodeId; outcome: 'placed' | 'refused' | 'revoked'; reason: Reason; eventId: string };
    }
  | { type: 'ReplicaObserved'; data: ReplicaRef & { nodeId: NodeId } & Observation }
  /** Refused for good, hence acknowledged: it went backwards, or the replica is none of that node's. */
  | { type: 'ObservationRefused'; data: ReplicaRef & { nodeId: NodeId; run: number; state: RunState; reason: Reason } };
