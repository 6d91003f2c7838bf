import type { Port } from '../docker-service/events.ts';
import type { EnvironmentId, NodeId, Owner, ProjectId, ReplicaId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';
import type { Amount } from '../kernel/units.ts';
import type { StorageBackend } from '../volume/mount.ts';

/** What an agent says of its host. */
export interface NodeFacts {
  readonly name: string;
  /** Where published ports are reached. */
  readonly address: string;
  /** As the engine names it: `amd64`, `arm64`. */
  readonly architecture: string;
  readonly engineVersion: string;
  /** What may be promised to replicas. */
  readonly capacity: Amount;
  readonly labels: Readonly<Record<string, string>>;
  /** What it can hold data in; left out: nobody has said. */
  readonly backends?: readonly StorageBackend[];
  /** Folders of the host that its operator lets containers have, with all below; `prj_…:<folder>` those of that project only. Left out: none. */
  readonly hostPaths?: readonly string[];
}

/** `run`; `hold`: stopped and kept, its room held; `gone`: to be removed. */
export type Wanted = 'run' | 'hold' | 'gone';

/** One placement to settle: who, which attempt, and what it takes. */
export interface Placement {
  readonly replicaId: ReplicaId;
  readonly owner: Owner;
  readonly projectId: ProjectId;
  readonly environmentId: EnvironmentId;
  readonly slot: number;
  readonly generation: number;
  readonly attempt: number;
  readonly release: number | null;
  readonly request: Amount;
  readonly ports: readonly Port[];
  readonly replaces: ReplicaId | null;
}

export type NodeEvent =
  | { type: 'NodeRegistered'; data: NodeFacts & { nodeId: NodeId; publicKey: string } }
  | { type: 'NodeFactsChanged'; data: NodeFacts }
  | { type: 'NodeDrained'; data: Record<never, never> }
  | { type: 'NodeActivated'; data: Record<never, never> }
  | { type: 'NodeUnreachable'; data: { lastHeardAt: string | null; reason: Reason } }
  | { type: 'NodeReachable'; data: Record<never, never> }
  /** An operator accepts this store's history for a node whose agent refused it. */
  | { type: 'NodeAdopted'; data: Record<never, never> }
  /** Lost for good, or taken out: whatever ran here is made good elsewhere. */
  | { type: 'NodeRemoved'; data: { lost: readonly ReplicaId[] } }
  | { type: 'ReplicaPlaced'; data: Placement }
  | { type: 'PlacementRefused'; data: Pick<Placement, 'replicaId' | 'owner' | 'slot' | 'generation' | 'attempt'> & { reason: Reason } }
  | { type: 'PlacementRevoked'; data: Pick<Placement, 'replicaId' | 'owner' | 'slot' | 'generation' | 'attempt'> & { reason: Reason } }
  | { type: 'ReplicaWantedChanged'; data: { replicaId: ReplicaId; owner: Owner; from: Wanted; to: Wanted; reason: Reason } }
  /** Its CPU, memory and ports are free again: the container is GONE, or the node was removed. */
  | { type: 'ReplicaReleased'; data: { replicaId: ReplicaId; owner: Owner; reason: Reason } };
