import type { TenantContext } from '#contracts';
import type { DeploymentId, EnvironmentId, Health, NodeId, NodeVerdict, Owner, ProjectId, PullProgress, Reason, ReplicaId, RunState, Wanted } from '#domain';
import type { Page } from '../port.ts';
import { answered, findWithin, getWithin, type Paging, type Reads } from '../reads.ts';
import { evolveBy, keysOf, type Folds, type Of, type View } from '../view.ts';
import { reasonAfter } from './service-members.ts';

/** Where the placement stands, and what every node was found to be: recorded when it was decided. */
export interface PlacementDocument {
  /** Claims made so far. */
  readonly attempt: number;
  readonly outcome: 'deferred' | 'claimed' | 'placed' | 'refused' | 'revoked';
  readonly node_id: NodeId | null;
  readonly reason: Reason;
  readonly nodes: readonly VerdictDocument[];
  readonly at: string;
  readonly event_id: string;
}

/** One node's verdict as documents say it. */
export interface VerdictDocument {
  readonly node_id: NodeId;
  readonly name: string;
  readonly fits: boolean;
  readonly score: number | null;
  readonly reasons: NodeVerdict['reasons'];
}

/** How far the pull of an image is; the total grows until the registry has told of every layer. */
export interface PullDocument {
  readonly done_bytes: number;
  readonly total_bytes: number;
}

/** A container in a slot, from its order to its end. */
export interface ReplicaAnswer {
  readonly replica_id: ReplicaId;
  readonly owner: Owner;
  readonly project_id: ProjectId;
  readonly environment_id: EnvironmentId;
  readonly deployment_id: DeploymentId | null;
  readonly slot: number;
  readonly generation: number;
  readonly release: number | null;
  /** RUNNING is also said of one that has settled, PREPARING of one that is prepared and waits for the room of another. */
  readonly state: Exclude<RunState, 'SETTLED' | 'PREPARED'>;
  /** It has stayed up for the service's `min_healthy_ms` in its present run. */
  readonly settled: boolean;
  /** Nothing more will be tried with it. */
  readonly final: boolean;
  readonly wanted: Wanted;
  /** By its check; `unknown` without one, and while it doesn't run. */
  readonly health: Health;
  readonly node_id: NodeId | null;
  readonly container_id: string | null;
  /** In the network of its environment. */
  readonly address: string | null;
  readonly image_id: string | null;
  /** The registry's; null where none gave the image, or its node hasn't said so yet. */
  readonly image_digest: string | null;
  readonly pull: PullDocument | null;
  readonly run: number;
  readonly restarts: number;
  /** Of the run that ended last. */
  readonly exit_code: number | null;
  readonly oom_killed: boolean;
  /** Runs that were ended for want of memory. */
  readonly oom_kills: number;
  readonly reason: Reason | null;
  readonly last_log_lines: readonly string[];
  readonly placement: PlacementDocument | null;
  readonly created_at: string;
  /** When its present run came up, by its node's clock. */
  readonly started_at: string | null;
  readonly updated_at: string;
  readonly revision: number;
}

export interface ReplicaDocument extends ReplicaAnswer {
  readonly id: string;
  readonly position: string;
  readonly owner_id: string;
}

/** Replicas of services and jobs, those that are gone too: from their own streams and what is wanted of them on their node's. */
export const replicas: View<ReplicaDocument> = {
  schema: { view: 'replicas', version: 3, indexes: [['owner_id'], ['owner_id', 'created_at'], ['project_id'], ['node_id'], ['state']] },
  prefixes: ['replica-', 'node-'],
  keys: (event) => (event.stream.startsWith(OWN) ? [event.stream.slice(OWN.length)] : wantedElsewhere(event)),
  evolve(doc, event, id) {
    const next = fold(doc, event, id);
    if (!next || next === doc) return next;
    const revision = event.stream.startsWith(OWN) ? Number(event.revision) : next.revision;
    return { ...next, revision, updated_at: event.metadata.at };
  },
};

const OWN = 'replica-';
const wantedElsewhere = keysOf({ ReplicaWantedChanged: ({ data }) => data.replicaId });

const folds: Folds<ReplicaDocument> = {
  ReplicaAbandoned: (replica, { data: { reason } }) => ({ ...replica, state: 'GONE', final: true, wanted: 'gone', reason }),
  PlacementDeferred: (replica, { id, data, metadata }) => ({
    ...replica,
    reason: data.reason,
    placement: {
      attempt: replica.placement?.attempt ?? 0,
      outcome: 'deferred',
      node_id: null,
      reason: data.reason,
      nodes: data.nodes.map(verdictDocument),
      at: metadata.at,
      event_id: id,
    },
  }),
  PlacementClaimed: (replica, { id, data, metadata }) => ({
    ...replica,
    placement: {
      attempt: data.attempt,
      outcome: 'claimed',
      node_id: data.nodeId,
      reason: data.reason,
      nodes: data.nodes.map(verdictDocument),
      at: metadata.at,
      event_id: id,
    },
  }),
  PlacementSettled: settled,
  ReplicaObserved: observed,
  ObservationRefused: (replica) => replica,
  ReplicaWantedChanged: (replica, { data: { to, reason } }) => ({ ...replica, wanted: to, reason: to === 'run' ? replica.reason : reason }),
};

const fold = evolveBy<ReplicaDocument>({ ReplicaCreated: created }, folds);

/** A verdict as documents say it. */
export const verdictDocument = ({ nodeId, name, fits, score, reasons }: NodeVerdict): VerdictDocument => ({ fits, name, node_id: nodeId, reasons, score });

/** The node's word. Placed: nothing is waited for any more. Otherwise the reason tells why the next try comes. */
function settled(replica: ReplicaDocument, { data }: Of<'PlacementSettled'>): ReplicaDocument {
  const { outcome, nodeId, reason } = data;
  const placement = replica.placement && { ...replica.placement, outcome, ...(outcome === 'placed' ? {} : { reason }) };
  if (outcome === 'placed') return { ...replica, placement, state: 'ASSIGNED', node_id: nodeId, reason: null };
  return { ...replica, placement, reason };
}

function observed(replica: ReplicaDocument, { data }: Of<'ReplicaObserved'>): ReplicaDocument {
  const up = data.state === 'RUNNING' || data.state === 'SETTLED';
  const sameRun = data.run === replica.run;
  const cameUp = up && !(sameRun && replica.state === 'RUNNING');
  return {
    ...replica,
    state: shownState(data.state),
    health: data.health,
    settled: data.state === 'SETTLED',
    final: data.final,
    node_id: data.nodeId,
    container_id: data.containerId ?? replica.container_id,
    address: up ? (data.address ?? replica.address) : null,
    image_id: data.imageId ?? replica.image_id,
    image_digest: data.imageDigest ?? replica.image_digest,
    pull: data.pull ? pullDocument(data.pull) : null,
    run: data.run,
    restarts: Math.max(0, data.run - 1),
    exit_code: data.exitCode ?? replica.exit_code,
    oom_kills: replica.oom_kills + (isOomKill(replica, data) ? 1 : 0) + oomKillsSummedUp(replica, data),
    oom_killed: data.exitCode === null ? replica.oom_killed : data.oomKilled,
    reason: reasonAfter(replica.reason, data),
    started_at: cameUp ? data.at : sameRun ? replica.started_at : null,
  };
}

const pullDocument = ({ doneBytes, totalBytes }: PullProgress): PullDocument => ({ done_bytes: doneBytes, total_bytes: totalBytes });

/** A state as people are told it. */
export const shownState = (state: RunState): ReplicaAnswer['state'] => (state === 'SETTLED' ? 'RUNNING' : state === 'PREPARED' ? 'PREPARING' : state);

/** Once for each run, however often its end is told. */
const isOomKill = ({ run, state }: ReplicaDocument, data: Of<'ReplicaObserved'>['data']): boolean =>
  data.oomKilled && data.state === 'FAILED' && !(run === data.run && state === 'FAILED');

/** Of the runs that a crash loop's tally sums up. The end of the first of them may have been told by itself before: it counts once. */
function oomKillsSummedUp({ run, state, reason }: ReplicaDocument, { run: now, restarts }: Of<'ReplicaObserved'>['data']): number {
  const kills = restarts?.causes['oom_killed'] ?? 0;
  const isFirstTold = kills > 0 && state === 'FAILED' && reason?.code === 'oom_killed' && run === now - restarts!.count;
  return isFirstTold ? kills - 1 : kills;
}

function created({ data, metadata, position, revision }: Of<'ReplicaCreated'>): ReplicaDocument {
  return {
    id: data.replicaId,
    position,
    replica_id: data.replicaId,
    owner: data.owner,
    owner_id: data.owner.id,
    project_id: data.projectId,
    environment_id: data.environmentId,
    deployment_id: data.deploymentId,
    slot: data.slot,
    generation: data.generation,
    release: data.release,
    state: 'PENDING',
    settled: false,
    final: false,
    wanted: 'run',
    health: 'unknown',
    node_id: null,
    container_id: null,
    address: null,
    image_id: null,
    image_digest: null,
    pull: null,
    run: 0,
    restarts: 0,
    exit_code: null,
    oom_killed: false,
    oom_kills: 0,
    reason: null,
    last_log_lines: [],
    placement: null,
    created_at: metadata.at,
    started_at: null,
    updated_at: metadata.at,
    revision: Number(revision),
  };
}

/** One replica, or null where there is none within reach. */
export async function getReplica(reads: Reads, tenant: TenantContext, id: string): Promise<ReplicaAnswer | null> {
  const replica = await getWithin<ReplicaDocument>(reads, tenant, 'replicas', id);
  return replica && answer(replica);
}

/** The replicas of a service or job, by id; those that are gone only when asked for. `created_from`: an instant; those that were made
 *  before it are left out. Empty where the owner isn't within reach. */
export async function listReplicas(
  reads: Reads,
  tenant: TenantContext,
  ownerId: string,
  list: Paging & { gone?: boolean; created_from?: string } = {},
): Promise<Page<ReplicaAnswer>> {
  const { gone = false, created_from, ...paging } = list;
  const states = gone ? {} : { in: { state: LIVING } };
  const range = created_from === undefined ? {} : { range: { field: 'created_at', gte: created_from } };
  return answered(await findWithin<ReplicaDocument>(reads, tenant, 'replicas', { ...paging, ...states, ...range, eq: { owner_id: ownerId } }), answer);
}

/** The replicas of a service or job that were made last, the latest first; those that are gone, too. */
export async function latestReplicas(reads: Reads, tenant: TenantContext, ownerId: string, limit: number): Promise<readonly ReplicaAnswer[]> {
  const sort = { field: 'created_at', descending: true };
  return (await findWithin<ReplicaDocument>(reads, tenant, 'replicas', { eq: { owner_id: ownerId }, sort, limit })).items.map(answer);
}

const LIVING = ['PENDING', 'ASSIGNED', 'PREPARING', 'STARTING', 'RUNNING', 'COMPLETED', 'FAILED', 'STOPPED'];

const answer = ({ id: _id, position: _position, owner_id: _owner, ...replica }: ReplicaDocument): ReplicaAnswer => replica;
