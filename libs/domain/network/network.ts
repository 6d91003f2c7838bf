import type { Cases, Decider } from '../kernel/decider.ts';
import type { EnvironmentId, NetworkId, ProjectId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';
import { Rejection } from '../kernel/rejection.ts';
import type { NetworkEvent } from './events.ts';

export type NetworkCommand =
  /** After its subnet was allotted by the pool. */
  | { type: 'CreateNetwork'; data: Extract<NetworkEvent, { type: 'NetworkCreated' }>['data'] }
  | { type: 'ChangeSubnet'; data: { to: string; reason: Reason } }
  | { type: 'DeleteNetwork'; data: Record<never, never> };

/** An environment's network. */
export type Network =
  | { readonly status: 'absent' }
  | {
      readonly status: 'present' | 'deleted';
      readonly networkId: NetworkId;
      readonly projectId: ProjectId;
      readonly environmentId: EnvironmentId;
      readonly name: string;
      readonly subnet: string;
    };

type ExistingNetwork = Exclude<Network, { status: 'absent' }>;

const initial: Network = { status: 'absent' };

const existing = (network: Network): ExistingNetwork => {
  if (network.status === 'absent') throw new Error('history out of order: network was never created');
  return network;
};

const evolutions: Cases<NetworkEvent, Network, Network> = {
  NetworkCreated: (_, { data: { driver: _driver, ...data } }) => ({ ...data, status: 'present' }),
  NetworkSubnetChanged: (network, { data }) => ({ ...existing(network), subnet: data.to }),
  NetworkDeleted: (network) => ({ ...existing(network), status: 'deleted' }),
};

const decisions: Cases<NetworkCommand, Network, readonly NetworkEvent[]> = {
  CreateNetwork(network, { data }) {
    if (network.status === 'absent') return [{ type: 'NetworkCreated', data }];
    if (network.status === 'present' && network.subnet === data.subnet) return [];
    if (network.status === 'present') throw new Rejection('conflict', 'network.exists', 'change its subnet instead', { subnet: network.subnet });
    throw new Rejection('conflict', 'network.deleted', 'it was deleted with its environment');
  },

  ChangeSubnet(network, { data: { to, reason } }) {
    const { subnet: from } = present(network);
    return from === to ? [] : [{ type: 'NetworkSubnetChanged', data: { from, to, reason } }];
  },

  DeleteNetwork: (network) => (network.status === 'present' ? [{ type: 'NetworkDeleted', data: {} }] : []),
};

function present(network: Network): ExistingNetwork {
  if (network.status === 'absent') throw new Rejection('not_found', 'network.not_found', 'it was never created');
  if (network.status === 'deleted') throw new Rejection('conflict', 'network.deleted', 'it was deleted with its environment');
  return network;
}

/** The rules of an environment's network. */
export const network: Decider<Network, NetworkCommand, NetworkEvent> = {
  initial,
  evolve: (state, event) => evolutions[event.type](state, event as never),
  decide: (state, command) => decisions[command.type](state, command as never),
};
