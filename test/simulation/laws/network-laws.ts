import { joinedBy, networksToJoin, NETWORK_POOL, workingRelease, type ExistingDockerService, type NetworkId } from '#domain';
import type { World } from '../world.ts';
import type { Ledger } from './ledger.ts';

/** Containers that run and aren't in just the networks that their release names. */
export function wronglyJoined(world: World): string[] {
  return world.containers().flatMap(({ host, replicaId, ownerId, container }) => {
    const service = world.ledger.services.get(ownerId);
    const replica = world.ledger.replicas.get(replicaId);
    if (container.status !== 'running' || service?.status !== 'present' || replica?.status !== 'present' || replica.release === null) return [];
    const spec = service.releases.get(replica.release)!;
    const own = joinedBy(spec, service.networkId).map(({ networkId }) => networkId);
    const wanted = [...own, ...networksToJoin(spec, own).map(({ networkId }) => networkId)];
    const is = Object.keys(host.engine.networksOf(container.name)).map((name) => name.slice(name.indexOf('net_')));
    return isSame(wanted, is) ? [] : [`${replicaId} is in [${is.join(', ')}], and to be in [${wanted.join(', ')}]`];
  });
}

/** Every network that stands has just the subnet that the pool has for it, and nobody else has one but those that were deleted while somebody came
 *  into them, and is there still. */
export function subnetsLeft({ ledger }: World): string[] {
  const allotted = ledger.pools.get(NETWORK_POOL)?.allotted ?? new Map<NetworkId, string>();
  const standing = new Map([...ledger.networks].flatMap(([id, network]) => (network.status === 'present' ? [[id, network.subnet] as const] : [])));
  return [
    ...[...standing].filter(([id, subnet]) => subnet === null || allotted.get(id as NetworkId) !== subnet).map(([id, subnet]) => `${id} has ${subnet}, and the pool has ${allotted.get(id as NetworkId)} for it`),
    ...[...allotted].filter(([id]) => !standing.has(id) && !isLivedIn(ledger, id)).map(([id, subnet]) => `${subnet} is held by ${id}, which isn't there`),
  ];
}

const isLivedIn = (ledger: Ledger, id: NetworkId): boolean =>
  [...ledger.nodes.values()].some(({ entries }) => [...entries.keys()].some((replicaId) => ledger.specOf(replicaId)?.networks?.some(({ networkId }) => networkId === id)));

/** Services that are in a network, or may come to be. */
export function membersOf({ services }: Ledger, id: string): string[] {
  const isIn = (service: ExistingDockerService): boolean => [service.stableRelease, workingRelease(service)].some((number) => service.releases.get(number ?? 0)?.networks?.some(({ networkId }) => networkId === id));
  return [...services].flatMap(([user, service]) => (service.status === 'present' && service.lifecycle !== 'DELETED' && isIn(service) ? [user] : []));
}

/** Whether something is to be in a network that was deleted: it begins to use it just then. */
export const lacksNetwork = ({ ledger }: World, replicaId: string): boolean => {
  const spec = ledger.specOf(replicaId);
  return (spec?.networks ?? []).some(({ networkId }) => ledger.networks.get(networkId)?.status !== 'present');
};

/** Those that somebody named and that stand: they hold their names. */
export const namedNetworks = ({ ledger }: World): readonly string[] =>
  [...ledger.networks].flatMap(([id, network]) => (network.status === 'present' && isNamed(ledger, id) ? [id] : []));

const isNamed = ({ projects }: World['ledger'], networkId: string): boolean => ![...projects.values()].some(({ environments }) => [...environments.values()].some((environment) => environment.networkId === networkId));

const isSame = (one: readonly string[], other: readonly string[]): boolean => one.length === other.length && [...one].sort().join() === [...other].sort().join();
