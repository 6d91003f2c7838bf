import fc from 'fast-check';
import { fold } from '../kernel/decider.ts';
import { given } from '../kernel/given.ts';
import type { NetworkId } from '../kernel/ids.ts';
import { Rejection } from '../kernel/rejection.ts';
import { formatCidr, overlap, parseCidr } from './cidr.ts';
import type { NetworkPoolEvent } from './events.ts';
import { networkPool, type NetworkPoolCommand } from './network-pool.ts';

const POOL = '10.192.0.0/11';
const reason = { code: 'subnet_taken', message: 'taken on host-1' };
const allot = (networkId: NetworkId, pool = POOL, prefixLength = 24): NetworkPoolCommand => ({ type: 'AllotSubnet', data: { networkId, pool, prefixLength } });
const bar = (networkId: NetworkId, subnet: string): NetworkPoolCommand => ({ type: 'BarSubnet', data: { networkId, subnet, nodeId: 'node_1', reason } });
const free = (networkId: NetworkId): NetworkPoolCommand => ({ type: 'FreeSubnet', data: { networkId } });
const allotted = (networkId: NetworkId, subnet: string): NetworkPoolEvent => ({ type: 'SubnetAllotted', data: { networkId, subnet } });
const barred = (networkId: NetworkId, subnet: string): NetworkPoolEvent => ({ type: 'SubnetBarred', data: { networkId, subnet, nodeId: 'node_1', reason } });
const freed = (networkId: NetworkId, subnet: string): NetworkPoolEvent => ({ type: 'SubnetFreed', data: { networkId, subnet } });

describe('the pool of subnets', () => {
  it('allots one block after the other', () => {
    given(networkPool, []).when(allot('net_a')).then([allotted('net_a', '10.192.0.0/24')]);
    given(networkPool, [allotted('net_a', '10.192.0.0/24')]).when(allot('net_b')).then([allotted('net_b', '10.192.1.0/24')]);
  });

  it('allots a network one subnet only', () => given(networkPool, [allotted('net_a', '10.192.0.0/24')]).when(allot('net_a')).then([]));

  it('lets a freed subnet rest until it has gone round', () => {
    const pool = '10.0.0.0/23';
    const history = [allotted('net_a', '10.0.0.0/24'), freed('net_a', '10.0.0.0/24')];
    given(networkPool, history).when(allot('net_b', pool)).then([allotted('net_b', '10.0.1.0/24')]);
    given(networkPool, [...history, allotted('net_b', '10.0.1.0/24')]).when(allot('net_c', pool)).then([allotted('net_c', '10.0.0.0/24')]);
  });

  it('never allots a barred subnet again, and gives its network another', () => {
    const history = [allotted('net_a', '10.0.0.0/24'), barred('net_a', '10.0.0.0/24')];
    given(networkPool, history).when(allot('net_a', '10.0.0.0/23')).then([allotted('net_a', '10.0.1.0/24')]);
    given(networkPool, history).when(allot('net_a', '10.0.0.0/24')).rejects('network_pool.exhausted', { pool: '10.0.0.0/24' });
  });

  it('bars what the network has, once', () => {
    given(networkPool, [allotted('net_a', '10.0.0.0/24')]).when(bar('net_a', '10.0.0.0/24')).then([barred('net_a', '10.0.0.0/24')]);
    given(networkPool, [allotted('net_a', '10.0.0.0/24'), barred('net_a', '10.0.0.0/24')]).when(bar('net_a', '10.0.0.0/24')).then([]);
  });

  it("doesn't take a subnet from its present holder for a late report of the former one", () =>
    given(networkPool, [allotted('net_a', '10.0.0.0/24'), freed('net_a', '10.0.0.0/24'), allotted('net_b', '10.0.0.0/24')]).when(bar('net_a', '10.0.0.0/24')).then([]));

  it('frees a subnet once', () => {
    given(networkPool, [allotted('net_a', '10.0.0.0/24')]).when(free('net_a')).then([freed('net_a', '10.0.0.0/24')]);
    given(networkPool, [allotted('net_a', '10.0.0.0/24'), freed('net_a', '10.0.0.0/24')]).when(free('net_a')).then([]);
  });

  it('says when it is used up', () =>
    given(networkPool, [allotted('net_a', '10.0.0.0/24')]).when(allot('net_b', '10.0.0.0/24')).rejects('network_pool.exhausted', { pool: '10.0.0.0/24' }));

  it('goes round what a former configuration allotted in other sizes', () =>
    given(networkPool, [allotted('net_a', '10.0.0.0/22'), allotted('net_b', '172.16.0.0/24')]).when(allot('net_c', '10.0.0.0/21')).then([allotted('net_c', '10.0.4.0/24')]));

  it.each([
    ['no block', '10.0.0.0', 24],
    ['an address within a block', '10.0.0.1/24', 28],
    ['a subnet larger than the pool', '10.0.0.0/24', 16],
    ['a subnet without room for a host', '10.0.0.0/24', 31],
    ['a byte above 255', '10.0.256.0/24', 24],
  ])('refuses %s', (_, pool, prefixLength) => given(networkPool, []).when(allot('net_a', pool, prefixLength)).rejects('network_pool.invalid', { pool, prefixLength }));
});

describe('laws of the pool', () => {
  const networks = fc.constantFrom<NetworkId>('net_a', 'net_b', 'net_c', 'net_d', 'net_e', 'net_f');
  const configuration = fc.constantFrom<[string, number]>(['10.0.0.0/22', 24], ['10.0.0.0/22', 25], ['10.0.0.0/21', 23], ['10.0.2.0/23', 26]);
  const moves = fc.array(fc.tuple(fc.constantFrom('allot', 'bar', 'free'), networks, configuration), { maxLength: 60 });

  it('gives no two networks subnets that overlap, none that was barred, and each one within its pool', () =>
    fc.assert(
      fc.property(moves, (all) => {
        const history: NetworkPoolEvent[] = [];
        for (const [move, networkId, [pool, prefixLength]] of all) {
          const state = fold(networkPool, history);
          const command = move === 'allot' ? allot(networkId, pool, prefixLength) : move === 'bar' ? bar(networkId, state.allotted.get(networkId) ?? '') : free(networkId);
          const events = outcome(() => networkPool.decide(state, command));
          history.push(...events);
          for (const { type, data } of events) if (type === 'SubnetAllotted') expect(within(data.subnet, pool)).toBe(true);
          expect(overlaps([...fold(networkPool, history).allotted.values()])).toEqual([]);
        }
        const { allotted: now, barred: never } = fold(networkPool, history);
        for (const subnet of now.values()) for (const other of never) expect(overlap(block(subnet), block(other))).toBe(false);
      }),
    ));

  it('writes a block as it reads it', () =>
    fc.assert(
      fc.property(fc.nat(2 ** 32 - 1), fc.integer({ min: 1, max: 32 }), (address, prefixLength) => {
        const size = 2 ** (32 - prefixLength);
        const first = Math.floor(address / size) * size;
        expect(parseCidr(formatCidr({ first, prefixLength }))).toEqual({ first, prefixLength });
      }),
    ));

  /** A used-up pool is an answer, too. */
  function outcome(decide: () => readonly NetworkPoolEvent[]): readonly NetworkPoolEvent[] {
    try {
      return decide();
    } catch (error) {
      expect(error).toBeInstanceOf(Rejection);
      expect(error).toMatchObject({ code: 'network_pool.exhausted' });
      return [];
    }
  }

  const block = (text: string) => {
    const parsed = parseCidr(text);
    if (!parsed) throw new Error(`not a block: ${text}`);
    return parsed;
  };
  const within = (subnet: string, pool: string) => overlap(block(subnet), block(pool)) && block(subnet).prefixLength >= block(pool).prefixLength;
  const overlaps = (subnets: string[]) => subnets.flatMap((a, i) => subnets.slice(i + 1).filter((b) => overlap(block(a), block(b))).map((b) => [a, b]));
});
