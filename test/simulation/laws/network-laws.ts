import { joinedBy, networksToJoin } from '#domain';
import type { World } from '../world.ts';

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

/** Those that somebody named and that stand: they hold their names. */
export const namedNetworks = ({ ledger }: World): readonly string[] =>
  [...ledger.networks].flatMap(([id, network]) => (network.status === 'present' && isNamed(ledger, id) ? [id] : []));

const isNamed = ({ projects }: World['ledger'], networkId: string): boolean => ![...projects.values()].some(({ environments }) => [...environments.values()].some((environment) => environment.networkId === networkId));

const isSame = (one: readonly string[], other: readonly string[]): boolean => one.length === other.length && [...one].sort().join() === [...other].sort().join();
