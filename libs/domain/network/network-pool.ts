import type { Cases, Decider } from '../kernel/decider.ts';
import type { NetworkId, NodeId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';
import { Rejection } from '../kernel/rejection.ts';
import { formatCidr, overlap, parseCidr, sizeOf, type Cidr } from './cidr.ts';
import type { NetworkPoolEvent } from './events.ts';

export type NetworkPoolCommand =
  /** The next free block of `prefixLength` out of `pool` (`10.192.0.0/11`), both from the configuration. */
  | { type: 'AllotSubnet'; data: { networkId: NetworkId; pool: string; prefixLength: number } }
  /** An agent found the network's subnet taken on its host; another can be allotted then. */
  | { type: 'BarSubnet'; data: { networkId: NetworkId; subnet: string; nodeId: NodeId; reason: Reason } }
  | { type: 'FreeSubnet'; data: { networkId: NetworkId } };

/** Who has which subnet, in the one stream where two networks can't be given the same. */
export interface NetworkPool {
  readonly allotted: ReadonlyMap<NetworkId, string>;
  readonly barred: ReadonlySet<string>;
  /** The last one given out: the search goes on behind it, so that a freed subnet rests before it is used again. */
  readonly last: string | null;
}

const initial: NetworkPool = { allotted: new Map(), barred: new Set(), last: null };

const evolutions: Cases<NetworkPoolEvent, NetworkPool, NetworkPool> = {
  SubnetAllotted: (pool, { data: { networkId, subnet } }) => ({ ...pool, allotted: new Map([...pool.allotted, [networkId, subnet]]), last: subnet }),
  SubnetBarred: (pool, { data: { networkId, subnet } }) => ({ ...pool, allotted: without(pool.allotted, networkId), barred: new Set([...pool.barred, subnet]) }),
  SubnetFreed: (pool, { data: { networkId } }) => ({ ...pool, allotted: without(pool.allotted, networkId) }),
};

const decisions: Cases<NetworkPoolCommand, NetworkPool, readonly NetworkPoolEvent[]> = {
  AllotSubnet(state, { data: { networkId, pool, prefixLength } }) {
    if (state.allotted.has(networkId)) return [];
    const whole = parseCidr(pool);
    if (!whole || !Number.isInteger(prefixLength) || prefixLength < whole.prefixLength || prefixLength > 30) {
      throw new Rejection('invalid', 'network_pool.invalid', 'the pool must be a block like 10.192.0.0/11, and its subnets blocks within it', { pool, prefixLength });
    }
    const subnet = nextFree(state, whole, prefixLength);
    if (!subnet) throw new Rejection('conflict', 'network_pool.exhausted', 'delete environments that nobody needs, or configure a larger pool', { pool });
    return [{ type: 'SubnetAllotted', data: { networkId, subnet } }];
  },

  /** A late report of a subnet that the network doesn't have any more says nothing about whoever has it now. */
  BarSubnet: (state, { data }) => (state.allotted.get(data.networkId) === data.subnet ? [{ type: 'SubnetBarred', data }] : []),

  FreeSubnet(state, { data: { networkId } }) {
    const subnet = state.allotted.get(networkId);
    return subnet === undefined ? [] : [{ type: 'SubnetFreed', data: { networkId, subnet } }];
  },
};

/** The first block behind `last`, going round, that overlaps nothing allotted or barred, whatever size that had. */
function nextFree({ allotted, barred, last }: NetworkPool, pool: Cidr, prefixLength: number): string | null {
  const taken = [...allotted.values(), ...barred].map(parseCidr).filter((block) => block !== null);
  const size = sizeOf({ first: 0, prefixLength });
  const count = sizeOf(pool) / size;
  const start = last === null ? 0 : behind(parseCidr(last), pool, size);
  for (let step = 0; step < count; step += 1) {
    const candidate: Cidr = { first: pool.first + ((start + step) % count) * size, prefixLength };
    if (!taken.some((block) => overlap(block, candidate))) return formatCidr(candidate);
  }
  return null;
}

/** The number, within the pool, of the block that follows `last`; 0 where that lies elsewhere. */
function behind(last: Cidr | null, pool: Cidr, size: number): number {
  if (!last || !overlap(last, pool)) return 0;
  return Math.ceil((last.first + sizeOf(last) - pool.first) / size);
}

function without<K, V>(map: ReadonlyMap<K, V>, key: K): ReadonlyMap<K, V> {
  const rest = new Map(map);
  rest.delete(key);
  return rest;
}

/** The rules of the pool of subnets. */
export const networkPool: Decider<NetworkPool, NetworkPoolCommand, NetworkPoolEvent> = {
  initial,
  evolve: (state, event) => evolutions[event.type](state, event as never),
  decide: (state, command) => decisions[command.type](state, command as never),
};
