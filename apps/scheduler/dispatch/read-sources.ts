import {
  isUnwritten,
  type Decider,
  dockerService,
  type DockerService,
  type DockerServiceId,
  type DomainEvent,
  type Job,
  job as jobRules,
  type JobId,
  joinedBy,
  linksIn,
  network as networkRules,
  type NetworkId,
  type NetworkJoin,
  type Node,
  type Owner,
  type Placement,
  replica as replicaRules,
  type ReplicaId,
  type StreamCategory,
  streamOf,
} from '#domain';
import type { AggregateStore } from '#event-store';
import type { AssignmentSource } from './build-set.ts';

/** What all replicas of one owner and release share. */
type Shared = Omit<AssignmentSource, 'networks' | 'last'> & {
  readonly joins: readonly NetworkJoin[];
  /** What it answers to in all of its networks. */
  readonly names: readonly string[];
};

/** Reads from their streams what the entries of a node need: all streams of a kind together, each once for all of its entries.
 *  @throws Error when a stream doesn't say what it has to: the set is then not built at all. */
export async function readSources(aggregates: AggregateStore, node: Node): Promise<Map<ReplicaId, AssignmentSource>> {
  const placements = [...node.entries.values()].map(({ placement }) => placement);
  const owners = await readOwners(aggregates, placements);
  const subnets = await readSubnets(aggregates, [...owners.values()].flatMap(({ joins }) => joins.map(({ networkId }) => networkId)));
  const replicas = await readAll(aggregates, replicaRules, 'replica', placements.map(({ replicaId }) => replicaId));
  const sources = new Map<ReplicaId, AssignmentSource>();
  for (const placement of placements) {
    const { joins, names, ...shared } = owners.get(ownerKey(placement))!;
    const replica = replicas(placement.replicaId);
    const last = replica.status === 'present' ? replica.last : null;
    const isIn = joins.map(({ networkId }) => networkId);
    const networks = joins.map(({ networkId, name, aliases }) => ({ networkId, name, subnet: subnets.get(networkId)!, aliases: [...new Set([...names, ...aliases])], ...linksIn(shared.spec, isIn, networkId) }));
    sources.set(placement.replicaId, { ...shared, networks, last });
  }
  return sources;
}

const ownerKey = ({ owner, release }: Placement): string => `${owner.id}|${release}`;

async function readOwners(aggregates: AggregateStore, placements: readonly Placement[]): Promise<Map<string, Shared>> {
  const ownersOf = (type: Owner['type']): string[] => placements.filter(({ owner }) => owner.type === type).map(({ owner }) => owner.id);
  const services = await readAll(aggregates, dockerService, 'docker_service', ownersOf('docker_service'));
  const jobs = await readAll(aggregates, jobRules, 'job', ownersOf('job'));
  const owners = new Map<string, Shared>();
  for (const placement of placements) {
    const { owner, release } = placement;
    if (owners.has(ownerKey(placement))) continue;
    owners.set(ownerKey(placement), owner.type === 'job' ? jobSource(owner.id, jobs(owner.id)) : serviceSource(owner.id, release, services(owner.id)));
  }
  return owners;
}

/** @returns what gives the state of each */
async function readAll<S, C, E extends DomainEvent>(aggregates: AggregateStore, rules: Decider<S, C, E>, category: StreamCategory, ids: readonly string[]): Promise<(id: string) => S> {
  const loaded = await aggregates.loadAll(rules, [...new Set(ids)].map((id) => streamOf(category, id)));
  return (id) => loaded.get(streamOf(category, id))!.state;
}

function serviceSource(id: DockerServiceId, release: number | null, service: DockerService): Shared {
  const cut = service.status === 'present' && release !== null ? service.releases.get(release) : undefined;
  if (service.status !== 'present' || release === null || !cut) throw new Error(`release ${release} of ${id} isn't in its stream`);
  const { minHealthyMs, healthyDeadlineMs } = service.activeDeployment?.settings ?? service.deploy;
  const names = [service.name, id, service.hostname];
  const spec = { ...cut, image: service.pins.get(release)?.reference ?? cut.image };
  return { spec, joins: joinedBy(spec, service.networkId), names, minHealthyMs, healthyDeadlineMs, timeoutMs: null };
}

/** A job never settles, it ends: before its timeout at the latest. */
function jobSource(id: JobId, job: Job): Shared {
  if (isUnwritten(job)) throw new Error(`${id} was never created`);
  const { spec, networkId, timeoutMs } = job.definition;
  return { spec, joins: joinedBy(spec, networkId), names: [id], minHealthyMs: timeoutMs, healthyDeadlineMs: null, timeoutMs };
}

async function readSubnets(aggregates: AggregateStore, networkIds: readonly NetworkId[]): Promise<Map<NetworkId, string>> {
  const networks = await readAll(aggregates, networkRules, 'network', networkIds);
  const subnetOf = (networkId: NetworkId): string => {
    const network = networks(networkId);
    if (isUnwritten(network) || network.subnet === null) throw new Error(`${networkId} has no subnet yet`);
    return network.subnet;
  };
  return new Map(networkIds.map((networkId) => [networkId, subnetOf(networkId)]));
}
