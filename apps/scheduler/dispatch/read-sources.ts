import {
  dockerService,
  type DockerServiceId,
  job as jobRules,
  type JobId,
  network as networkRules,
  type NetworkId,
  type Node,
  type Placement,
  replica as replicaRules,
  type ReplicaId,
  streamOf,
} from '#domain';
import type { AggregateStore } from '#event-store';
import type { AssignmentSource } from './build-set.ts';

/** What all replicas of one owner and release share. */
type Shared = Omit<AssignmentSource, 'network' | 'last'> & { readonly networkId: NetworkId };

/** Reads from their streams what the entries of a node need. An owner's or network's stream is read once for all of its entries.
 *  @throws Error when a stream doesn't say what it has to: the set is then not built at all. */
export async function readSources(aggregates: AggregateStore, node: Node): Promise<Map<ReplicaId, AssignmentSource>> {
  const owners = once((placement: Placement) => `${placement.owner.id}|${placement.release}`, (placement) => ownerOf(aggregates, placement));
  const networks = once((networkId: NetworkId) => networkId, (networkId) => subnetOf(aggregates, networkId));
  const replicas = await aggregates.loadAll(replicaRules, [...node.entries.keys()].map((replicaId) => streamOf('replica', replicaId)));
  const sources = new Map<ReplicaId, AssignmentSource>();
  for (const { placement } of node.entries.values()) {
    const { networkId, ...shared } = await owners(placement);
    const { state } = replicas.get(streamOf('replica', placement.replicaId))!;
    const last = state.status === 'present' ? state.last : null;
    sources.set(placement.replicaId, { ...shared, network: { networkId, subnet: await networks(networkId) }, last });
  }
  return sources;
}

const ownerOf = (aggregates: AggregateStore, { owner, release }: Placement): Promise<Shared> =>
  owner.type === 'job' ? jobSource(aggregates, owner.id) : serviceSource(aggregates, owner.id, release);

async function serviceSource(aggregates: AggregateStore, id: DockerServiceId, release: number | null): Promise<Shared> {
  const { state } = await aggregates.load(dockerService, streamOf('docker_service', id));
  const cut = state.status === 'present' && release !== null ? state.releases.get(release) : undefined;
  if (state.status !== 'present' || release === null || !cut) throw new Error(`release ${release} of ${id} isn't in its stream`);
  const { minHealthyMs, healthyDeadlineMs } = state.activeDeployment?.settings ?? state.deploy;
  const aliases = [state.name, id, state.hostname];
  const spec = { ...cut, image: state.pins.get(release)?.reference ?? cut.image };
  return { spec, networkId: state.networkId, aliases, minHealthyMs, healthyDeadlineMs, timeoutMs: null };
}

/** A job never settles, it ends: before its timeout at the latest. */
async function jobSource(aggregates: AggregateStore, id: JobId): Promise<Shared> {
  const { state } = await aggregates.load(jobRules, streamOf('job', id));
  if (state.status === 'absent') throw new Error(`${id} was never created`);
  const { spec, networkId, timeoutMs } = state.definition;
  return { spec, networkId, aliases: [id], minHealthyMs: timeoutMs, healthyDeadlineMs: null, timeoutMs };
}

async function subnetOf(aggregates: AggregateStore, networkId: NetworkId): Promise<string> {
  const { state } = await aggregates.load(networkRules, streamOf('network', networkId));
  if (state.status === 'absent') throw new Error(`${networkId} has no subnet yet`);
  return state.subnet;
}

function once<Key, Value>(nameOf: (key: Key) => string, read: (key: Key) => Promise<Value>): (key: Key) => Promise<Value> {
  const known = new Map<string, Promise<Value>>();
  return (key) => {
    const value = known.get(nameOf(key)) ?? read(key);
    known.set(nameOf(key), value);
    return value;
  };
}
