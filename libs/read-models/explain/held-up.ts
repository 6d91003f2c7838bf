import type { JobId, NodeId, RunState } from '#domain';
import type { Recorded } from '#event-store';
import type { DeploymentDocument } from '../views/deployments.ts';
import type { JobDocument } from '../views/jobs.ts';
import type { NodeDocument } from '../views/nodes.ts';
import type { ReplicaDocument } from '../views/replicas.ts';
import { neediestMember, statusOf } from '../views/service-members.ts';
import type { ServiceDocument } from '../views/services.ts';
import type { ExplainSource } from './gather.ts';

// What holds a thing up that no event of its own tells: a node that doesn't answer, an agent that refuses what it is told, a check that has yet to
// succeed, and the hook that a deployment is at.

/** What is the matter with these nodes at present, a clause each; null where nothing is. */
export async function nodesTrouble(source: ExplainSource, ids: readonly (NodeId | null)[]): Promise<string | null> {
  const troubled = [...new Set(ids)].filter((id) => id !== null).filter((id) => source.refusing(id) !== null || source.liveness.silent(id));
  const nodes = await source.models.getMany<NodeDocument>('nodes', troubled);
  const words = troubled.map((id) => refusal(source, id, nodes.get(id)?.name ?? id) ?? silence(source, id, nodes.get(id)));
  return words.length > 0 ? words.join('; ') : null;
}

type Watched = Pick<ReplicaDocument, 'replica_id' | 'node_id' | 'health'> & { readonly state: RunState };

const UP: ReadonlySet<RunState> = new Set<RunState>(['RUNNING', 'SETTLED']);

/** What the check of a replica that runs said last, where it has yet to succeed or fails; null for any other. */
export async function probeOf(source: ExplainSource, replica: Watched | null): Promise<string | null> {
  if (!replica?.node_id || !UP.has(replica.state) || (replica.health !== 'starting' && replica.health !== 'unhealthy') || source.liveness.silent(replica.node_id)) return null;
  const said = await source.lastProbe(replica.node_id, replica.replica_id);
  return said === null ? null : `its last probe: ${said}`;
}

/** That a node became unreachable, where it is so still. */
export async function wentAway(source: ExplainSource, id: NodeId | null): Promise<readonly Recorded[]> {
  const node = id === null ? null : await source.models.get<NodeDocument>('nodes', id);
  if (!node || node.status !== 'UNREACHABLE') return [];
  return source.nodeStory(node.node_id).filter(({ type }) => type === 'NodeUnreachable').slice(-1);
}

/** Of one node whose agent refuses: why, and the way out. */
export function refusal({ refusing }: Pick<ExplainSource, 'refusing'>, id: NodeId, name: string): string | null {
  const why = refusing(id);
  return why === null ? null : `the agent of ${name} refuses what this store tells it (${why}), and leaves its containers as they are: an operator lets it change over by POST /v1/nodes/${id}/adopt`;
}

function silence({ liveness }: ExplainSource, id: NodeId, node: NodeDocument | undefined): string {
  const heard = liveness.lastHeardAt(id) ?? node?.last_heard_at;
  const why = node?.status_reason ? `: ${node.status_reason.message}` : '';
  return `${node?.name ?? id} does not tell how it is there${why}${heard ? `, heard last at ${heard}` : ''}`;
}

/** What a deployment that is under way waits for: its hook, else whatever keeps its service from running; null where that is nothing. */
export async function deploymentWaitsFor(source: ExplainSource, { deployment_id, docker_service_id, steps, finished_at }: DeploymentDocument): Promise<string | null> {
  if (finished_at !== null) return null;
  const hook = steps.find(({ status, job_id }) => status === 'RUNNING' && job_id !== null);
  if (hook) return jobNow(source, hook.job_id!);
  const service = await source.models.get<ServiceDocument>('services', docker_service_id);
  if (service?.active_deployment?.deployment_id !== deployment_id) return null;
  const needy = neediestMember(service, source.liveness.silent);
  const words = [statusOf(service, source.liveness.silent).reason?.message ?? null, await probeOf(source, needy)];
  return words.filter((each) => each !== null).join('; ') || null;
}

/** The hook that the service's deployment is at, and how that is; null where it is at none. */
export async function hookOf(source: ExplainSource, { active_deployment }: ServiceDocument): Promise<string | null> {
  const deployment = active_deployment && (await source.models.get<DeploymentDocument>('deployments', active_deployment.deployment_id));
  const hook = deployment?.steps.find(({ status, job_id }) => status === 'RUNNING' && job_id !== null);
  return hook ? `its deployment is at ${hook.name} since ${hook.started_at}, and ${await jobNow(source, hook.job_id!)}` : null;
}

async function jobNow(source: ExplainSource, id: JobId): Promise<string> {
  const job = await source.models.get<JobDocument>('jobs', id);
  if (!job) return `${id} is about to be made`;
  const trouble = await jobTrouble(source, job);
  return `${id} is ${job.status}${job.status_reason ? `: ${job.status_reason.message}` : ''}${trouble ? `; ${trouble}` : ''}`;
}

/** What is the matter with the node that the open job's latest attempt is on. */
export const jobTrouble = (source: ExplainSource, { finished_at, attempts }: JobDocument): Promise<string | null> =>
  nodesTrouble(source, finished_at === null ? attempts.slice(-1).map(({ node_id }) => node_id) : []);

/** What is the matter with the nodes of those containers of a service that are to go or to stop. */
export function leftOn(source: ExplainSource, { lifecycle, members }: ServiceDocument): Promise<string | null> {
  if (lifecycle !== 'DELETING' && lifecycle !== 'PAUSED') return Promise.resolve(null);
  const left = Object.values(members).filter(({ state }) => state !== 'GONE' && (lifecycle === 'DELETING' || !STOPPED.has(state)));
  return nodesTrouble(source, left.map(({ node_id }) => node_id));
}

const STOPPED: ReadonlySet<string> = new Set(['STOPPED', 'COMPLETED', 'FAILED']);
