import type { NetworkId, PresentReplica, Reason } from '#domain';
import type { LogIndex } from '../log-index.ts';

/** Why networks have no subnet yet, as far as this process has tried to give them one. */
export type NetworkTroubles = Map<NetworkId, string>;

/** Why a replica can be placed nowhere for want of a network: its node couldn't be told what to make, and so not be told of anything. Null where
 *  all are there. */
export function lackingNetwork({ environmentId, networks }: Pick<PresentReplica, 'environmentId' | 'networks'>, index: LogIndex, troubles: NetworkTroubles): Reason | null {
  const own = index.ownNetworkOf(environmentId);
  if (!networks && !own) return { code: 'network_pending', message: 'its environment has no network yet' };
  for (const networkId of networks ?? [own!.networkId]) {
    const network = index.networks.get(networkId);
    if (!network || network.deleted) return { code: 'network_deleted', message: `the network ${network?.name ?? networkId}, which it joins, was deleted: take it out, or name another one` };
    if (network.hasSubnet) continue;
    const trouble = troubles.get(networkId);
    return { code: 'network_pending', message: `the network ${network.name}, which it joins, has no subnet yet${trouble ? `: ${trouble}` : ''}` };
  }
  return null;
}
