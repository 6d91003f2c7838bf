import type { TenantContext } from '#contracts';
import type { NodeId, NodeVerdict, ReplicaId } from '#domain';
import type { Recorded } from '#event-store';
import { getWithin } from '../reads.ts';
import type { Of } from '../view.ts';
import type { DeploymentDocument } from '../views/deployments.ts';
import type { JobDocument } from '../views/jobs.ts';
import type { NodeDocument } from '../views/nodes.ts';
import { verdictDocument, type ReplicaDocument, type VerdictDocument } from '../views/replicas.ts';
import type { ScheduleDocument } from '../views/schedules.ts';
import { neediestMember } from '../views/service-members.ts';
import type { ServiceDocument } from '../views/services.ts';
import type { VolumeDocument } from '../views/volumes.ts';
import { chainOf, inOrder, labelOf, tellsOf, type ChainEntry } from './chain.ts';
import { around, MOST_EVENTS, storyOf, windowOf, type ExplainSource, type Reach, type Window } from './gather.ts';
import type { Names } from './sentence.ts';
import { deploymentWaitsFor, hookOf, jobTrouble, leftOn, nodesTrouble, probeOf, refusal, wentAway } from './held-up.ts';
import { inOneSentence } from './summaries.ts';

/** Why something is as it is, told from recorded decisions alone. */
export interface Explanation {
  /** What it is at present, and why. */
  readonly summary: string;
  /** In the order of the log, the latest last. */
  readonly chain: readonly ChainEntry[];
  /** What every node was found to be in the placement that matters most: of the replica that waits, else the latest one. */
  readonly nodes: readonly VerdictDocument[];
  /** A position to ask for what came before this chain; null where nothing did. */
  readonly earlier: string | null;
}

/** Asked of a service. */
export interface ServiceReach extends Reach {
  /** Only what led to this replica. */
  readonly replicaId?: string;
}

/** Why a service, or one replica of it, is as it is; null where there is none within reach. */
export async function getServiceExplanation(source: ExplainSource, tenant: TenantContext, id: string, { replicaId, ...reach }: ServiceReach = {}): Promise<Explanation | null> {
  const service = await getWithin<ServiceDocument>(source, tenant, 'services', id);
  if (!service) return null;
  if (replicaId !== undefined) return explainReplica(source, id, replicaId, reach);
  const found = await windowOf(source, { eq: { owner_id: id } }, reach);
  const needy = neediestMember(service, source.liveness.silent);
  const window = { ...found, events: inOrder([...found.events, ...(await wentAway(source, needy?.node_id ?? null))]) };
  const replica = needy && (await source.models.get<ReplicaDocument>('replicas', needy.replica_id));
  const since = replica && (needy.node_id !== null && source.liveness.silent(needy.node_id) ? source.liveness.lastHeardAt(needy.node_id) : replica.state === 'PENDING' ? replica.created_at : replica.updated_at);
  const waiting = replica?.state === 'PENDING' ? replica.placement?.nodes : undefined;
  const besides = await Promise.all([probeOf(source, replica), nodesTrouble(source, [needy?.node_id ?? null]), hookOf(source, service), leftOn(source, service)]);
  return told(source, window, { summary: [inOneSentence.service(service, source.liveness, since), ...besides].filter((words) => words !== null).join('; '), nodes: waiting, isAbout: () => true });
}

/** A replica's own, with what its slot held before. */
async function explainReplica(source: ExplainSource, serviceId: string, replicaId: string, reach: Reach): Promise<Explanation | null> {
  const replica = await source.models.get<ReplicaDocument>('replicas', replicaId);
  if (replica?.owner_id !== serviceId) return null;
  const own = await windowOf(source, { eq: { resource_id: replicaId } }, reach);
  const others = await windowOf(source, { eq: { owner_id: serviceId } }, { ...reach, limit: MOST_EVENTS });
  const names = await nodeNames(source, replica.node_id ? [replica.node_id] : []);
  const window = { events: inOrder([...own.events, ...others.events]), earlier: own.earlier };
  const trouble = replica.state === 'GONE' ? null : await nodesTrouble(source, [replica.node_id]);
  const probe = await probeOf(source, replica);
  return told(source, window, { summary: `${inOneSentence.replica(replica, names, trouble)}${probe ? `; ${probe}` : ''}`, nodes: replica.placement?.nodes ?? [], isAbout: (event) => tellsOf(replicaId, event) });
}

/** Why a job is as it is; null where there is none within reach. */
export async function getJobExplanation(source: ExplainSource, tenant: TenantContext, id: string, reach: Reach = {}): Promise<Explanation | null> {
  const job = await getWithin<JobDocument>(source, tenant, 'jobs', id);
  if (!job) return null;
  const window = await windowOf(source, { eq: { owner_id: id } }, reach);
  return told(source, window, { summary: inOneSentence.job(job, await jobTrouble(source, job)), isAbout: () => true });
}

/** Why a schedule did what it did; null where there is none within reach. */
export async function getScheduleExplanation(source: ExplainSource, tenant: TenantContext, id: string, reach: Reach = {}): Promise<Explanation | null> {
  const schedule = await getWithin<ScheduleDocument>(source, tenant, 'schedules', id);
  if (!schedule) return null;
  return told(source, await windowOf(source, { eq: { owner_id: id } }, reach), { summary: inOneSentence.schedule(schedule), isAbout: () => true });
}

/** Why a deployment went as it did: its own events, and what its replicas did meanwhile. Null where there is none within reach. */
export async function getDeploymentExplanation(source: ExplainSource, tenant: TenantContext, id: string, reach: Reach = {}): Promise<Explanation | null> {
  const deployment = await getWithin<DeploymentDocument>(source, tenant, 'deployments', id);
  if (!deployment) return null;
  const { docker_service_id, started_at, finished_at, ordered, position } = deployment;
  // Nothing is told of it after its end.
  const span = { deploymentId: id, startedAt: started_at, upTo: finished_at === null ? null : position };
  const window = await windowOf(source, { eq: { owner_id: docker_service_id }, span }, reach);
  const replicas = new Set<string>(ordered.map(({ replica_id }) => replica_id));
  const isAbout = ({ stream, data }: Recorded): boolean => stream === `deployment-${id}` || ('deploymentId' in data && data.deploymentId === id) || ('replicaId' in data && replicas.has(data.replicaId as string));
  return told(source, window, { summary: inOneSentence.deployment(deployment, await deploymentWaitsFor(source, deployment)), isAbout });
}

/** Where a volume is and why; null where there is none within reach. */
export async function getVolumeExplanation(source: ExplainSource, tenant: TenantContext, id: string, reach: Reach = {}): Promise<Explanation | null> {
  const volume = await getWithin<VolumeDocument>(source, tenant, 'volumes', id);
  if (!volume) return null;
  const window = await windowOf(source, { eq: { resource_id: id } }, reach);
  const names = await nodeNames(source, volume.node_id ? [volume.node_id] : []);
  const trouble = volume.lifecycle === 'DELETING' || !volume.provisioned ? await nodesTrouble(source, [volume.node_id]) : null;
  return told(source, window, { summary: `${inOneSentence.volume(volume, names)}${trouble ? `; ${trouble}` : ''}`, nodes: [], isAbout: () => true });
}

/** Why a node takes nothing, or isn't there, for those who reach every project; null for others. What it came to is told, not what it holds. */
export async function getNodeExplanation(source: ExplainSource, tenant: TenantContext, id: string): Promise<Explanation | null> {
  const node = tenant.projects === 'all' ? await source.models.get<NodeDocument>('nodes', id) : null;
  if (!node) return null;
  const events = await storyOf(source, node.node_id, node.revision);
  const refuses = node.status === 'REMOVED' ? null : refusal(source, node.node_id, node.name);
  return told(source, { events, earlier: null }, { summary: `${inOneSentence.node(node, events, source.liveness)}${refuses ? `; ${refuses}` : ''}`, nodes: [], isAbout: () => true });
}

interface Telling {
  readonly summary: string;
  /** Left out: those of the latest placement that is told. */
  readonly nodes?: readonly VerdictDocument[];
  readonly isAbout: (event: Recorded) => boolean;
}

async function told(source: ExplainSource, { events, earlier }: Window, { summary, nodes, isAbout }: Telling): Promise<Explanation> {
  const others = await around(source, events);
  const own = new Set(events.map(({ position }) => position));
  const chain = chainOf([...events, ...others], (event) => own.has(event.position) && isAbout(event), await namesFor(source, [...events, ...others]));
  return { summary, chain, nodes: nodes ?? latestVerdicts(events).map(verdictDocument), earlier };
}

/** Of the placement that was decided last: of one that still waits, if any does. */
function latestVerdicts(events: readonly Recorded[]): readonly NodeVerdict[] {
  const last = new Map<ReplicaId, Of<'PlacementDeferred'> | Of<'PlacementClaimed'>>();
  for (const event of inOrder(events)) {
    if (event.type === 'ReplicaAbandoned') last.delete((event as Of<'ReplicaAbandoned'>).data.replicaId);
    if (event.type === 'PlacementDeferred' || event.type === 'PlacementClaimed') {
      const decision = event as Of<'PlacementDeferred'> | Of<'PlacementClaimed'>;
      last.delete(decision.data.replicaId);
      last.set(decision.data.replicaId, decision);
    }
  }
  const all = [...last.values()];
  return (all.findLast(({ type }) => type === 'PlacementDeferred') ?? all.at(-1))?.data.nodes ?? [];
}

/** What replicas and nodes are called whose beginning isn't among these events. */
async function namesFor(source: ExplainSource, events: readonly Recorded[]): Promise<Partial<Names>> {
  const replicas = new Set(events.flatMap(({ data }) => ('replicaId' in data ? [data.replicaId as string] : [])));
  const known = await source.models.getMany<ReplicaDocument>('replicas', [...replicas]);
  const nodes = new Set(events.flatMap(({ data }) => ('nodeId' in data && typeof data.nodeId === 'string' ? [data.nodeId as NodeId] : [])));
  return {
    replica(id) {
      const replica = known.get(id);
      return replica ? labelOf(replica.owner.type, replica.slot, replica.generation) : id;
    },
    ...(await nodeNames(source, [...nodes])),
  };
}

async function nodeNames({ models }: ExplainSource, ids: readonly NodeId[]): Promise<Pick<Names, 'node'>> {
  const nodes = await models.getMany<NodeDocument>('nodes', ids);
  return { node: (id) => nodes.get(id)?.name ?? id };
}
