import type { Cases, Decider } from '../kernel/decider.ts';
import type { EnvironmentId, NetworkId, ProjectId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';
import { Rejection } from '../kernel/rejection.ts';
import { isUnwritten, tooLate, voidOnce, type Unwritten, type VoidReservation } from '../kernel/reservation.ts';
import type { NetworkEvent } from './events.ts';

export type NetworkCommand =
  /** An environment's own after its subnet was allotted by the pool, one that somebody named before that. */
  | { type: 'CreateNetwork'; data: Extract<NetworkEvent, { type: 'NetworkCreated' }>['data'] }
  | { type: 'ChangeSubnet'; data: { to: string; reason: Reason } }
  | { type: 'DeleteNetwork'; data: Record<never, never> }
  | VoidReservation;

/** An environment's own network, or a further one in it. */
export type Network =
  | Unwritten
  | {
      readonly status: 'present' | 'deleted';
      readonly networkId: NetworkId;
      readonly projectId: ProjectId;
      readonly environmentId: EnvironmentId;
      readonly name: string;
      /** Null until the pool has allotted one. */
      readonly subnet: string | null;
    };

/** A network that was created, perhaps deleted since. */
export type ExistingNetwork = Exclude<Network, Unwritten>;

const initial: Network = { status: 'absent' };

const existing = (network: Network): ExistingNetwork => {
  if (isUnwritten(network)) throw new Error('history out of order: network was never created');
  return network;
};

const evolutions: Cases<NetworkEvent, Network, Network> = {
  NetworkCreated: (_, { data: { driver: _driver, ...data } }) => ({ ...data, status: 'present' }),
  NetworkSubnetChanged: (network, { data }) => ({ ...existing(network), subnet: data.to }),
  NetworkDeleted: (network) => ({ ...existing(network), status: 'deleted' }),
  NetworkReservationVoided: (_, { data: { reason } }) => ({ status: 'voided', reason }),
};

const decisions: Cases<NetworkCommand, Network, readonly NetworkEvent[]> = {
  CreateNetwork(network, { data }) {
    if (network.status === 'absent') return [{ type: 'NetworkCreated', data }];
    if (network.status === 'voided') throw tooLate('name', network.reason);
    if (network.status === 'present' && network.subnet === data.subnet) return [];
    if (network.status === 'present') throw new Rejection('conflict', 'network.exists', 'it was created by another request: read it instead', { subnet: network.subnet });
    throw new Rejection('conflict', 'network.deleted', 'it was deleted: make another one');
  },

  ChangeSubnet(network, { data: { to, reason } }) {
    const { subnet: from } = present(network);
    return from === to ? [] : [{ type: 'NetworkSubnetChanged', data: { from, to, reason } }];
  },

  DeleteNetwork: (network) => (network.status === 'present' ? [{ type: 'NetworkDeleted', data: {} }] : []),

  VoidReservation: (network, { data }) => voidOnce(network, { type: 'NetworkReservationVoided', data }),
};

function present(network: Network): ExistingNetwork {
  if (isUnwritten(network)) throw new Rejection('not_found', 'network.not_found', 'it was never created');
  if (network.status === 'deleted') throw new Rejection('conflict', 'network.deleted', 'it was deleted: make another one');
  return network;
}

/** The rules of a network. */
export const network: Decider<Network, NetworkCommand, NetworkEvent> = {
  initial,
  evolve: (state, event) => evolutions[event.type](state, event as never),
  decide: (state, command) => decisions[command.type](state, command as never),
};
