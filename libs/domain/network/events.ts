import type { EnvironmentId, NetworkId, NodeId, ProjectId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';

export type NetworkEvent =
  /** `subnet` is null where the pool is asked next: in a network that somebody named. */
  | { type: 'NetworkCreated'; data: { networkId: NetworkId; projectId: ProjectId; environmentId: EnvironmentId; name: string; driver: 'bridge'; subnet: string | null } }
  | { type: 'NetworkSubnetChanged'; data: { from: string | null; to: string; reason: Reason } }
  | { type: 'NetworkDeleted'; data: Record<never, never> }
  /** Its name was claimed, or a subnet allotted, but the network never written; a late write of it now conflicts. */
  | { type: 'NetworkReservationVoided'; data: { commandId: string; name: string; reason?: Reason } };

/** The one pool that subnets come from: its stream is where two environments can't be given the same. */
export type NetworkPoolEvent =
  | { type: 'SubnetAllotted'; data: { networkId: NetworkId; subnet: string } }
  /** An agent found it taken on its host: never allotted again. */
  | { type: 'SubnetBarred'; data: { networkId: NetworkId; subnet: string; nodeId: NodeId; reason: Reason } }
  | { type: 'SubnetFreed'; data: { networkId: NetworkId; subnet: string } };
