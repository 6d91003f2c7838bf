import { reaches, type TenantContext } from '#contracts';
import type { NodeId, NodeVerdict, ReplicaId } from '#domain';
import type { Recorded } from '#event-store';
import type { Liveness } from '../reads.ts';
import { readRelated, type EventSource } from '../related.ts';
import { foldDocument, type Of } from '../view.ts';
import { jobs, type JobDocument } from './jobs.ts';
import { verdictDocument, type VerdictDocument } from './replicas.ts';
import { sentenceFor, type Names } from './sentences.ts';
import { statusOf } from './service-members.ts';
import { schedules, type ScheduleDocument } from './schedules.ts';
import { services, type ServiceDocument } from './services.ts';

/** Why something is as it is, told from recorded decisions alone. */
export interface Explanation {
  readonly summary: string;
  /** In the order of the log, the latest last. */
  readonly chain: readonly { readonly at: string; readonly what: string; readonly why: string; readonly event_id: string }[];
  /** What every node was found to be in the placement that matters most: of a replica that waits, else the latest one. */
  readonly nodes: readonly VerdictDocument[];
}

/** A chain tells at most this many of the latest events. */
const CHAIN = 200;

/** Why a service is as it is; null where there is none within reach. */
export async function getServiceExplanation(source: EventSource, tenant: TenantContext, id: string, liveness: Liveness): Promise<Explanation | null> {
  const events = await readRelated(source, id);
  const service = foldDocument<ServiceDocument>(services, events, id);
  return service && reaches(tenant, service.project_id) ? explainService(events, liveness.silent) : null;
}

/** Why a job is as it is; null where there is none within reach. */
export async function getJobExplanation(source: EventSource, tenant: TenantContext, id: string): Promise<Explanation | null> {
  const events = await readRelated(source, id);
  const job = foldDocument<JobDocument>(jobs, events, id);
  return job && reaches(tenant, job.project_id) ? explainJob(events) : null;
}

/** Why a schedule did what it did; null where there is none within reach. */
export async function getScheduleExplanation(source: EventSource, tenant: TenantContext, id: string): Promise<Explanation | null> {
  const events = await readRelated(source, id);
  const schedule = foldDocument<ScheduleDocument>(schedules, events, id);
  return schedule && reaches(tenant, schedule.project_id) ? explainSchedule(schedule, events) : null;
}

function explainSchedule({ job, cron, time_zone, paused_reason, last_fired }: ScheduleDocument, events: readonly Recorded[]): Explanation {
  const last = last_fired ? `; ${last_fired.job_id} was its last job, of ${last_fired.minute}` : '; it has made no job yet';
  const how = paused_reason ? `is paused: ${paused_reason.message}` : `comes due at "${cron}" in ${time_zone}`;
  return { summary: `${job.name} ${how}${last}`, ...told(events) };
}

/** The explanation of a service out of its own events and those of its deployments and replicas, in the order of the log.
 *  @throws Error when they don't begin with a service's creation. */
export function explainService(events: readonly Recorded[], silent: (nodeId: NodeId) => boolean = () => false): Explanation {
  const service = begun(foldDocument<ServiceDocument>(services, events, idOf(events, 'docker_service-')));
  const { status, reason, counts } = statusOf(service, silent);
  const why = reason?.message ?? `${counts.running} of ${counts.desired} replicas run release ${service.release}`;
  return { summary: `${service.name} ${status ? `is ${status}` : 'has nothing to run'}: ${why}`, ...told(events) };
}

/** The explanation of a job out of its own events and those of its attempts' replicas. @throws Error as `explainService` does. */
export function explainJob(events: readonly Recorded[]): Explanation {
  const job = begun(foldDocument<JobDocument>(jobs, events, idOf(events, 'job-')));
  return { summary: `${job.name} is ${job.status}: ${job.status_reason?.message ?? `attempt ${job.attempts.length} runs`}`, ...told(events) };
}

function told(events: readonly Recorded[]): Pick<Explanation, 'chain' | 'nodes'> {
  const names = namesIn(events);
  const chain = events.flatMap((event) => {
    const sentence = sentenceFor(event, names);
    return sentence ? [{ at: event.metadata.at, ...sentence, event_id: event.id }] : [];
  });
  return { chain: chain.slice(-CHAIN), nodes: latestVerdicts(events).map(verdictDocument) };
}

type Decision = Of<'PlacementDeferred'> | Of<'PlacementClaimed'>;

/** A replica that still waits is what one asks about; with none, the latest placement. */
function latestVerdicts(events: readonly Recorded[]): readonly NodeVerdict[] {
  const last = new Map<ReplicaId, Decision>();
  for (const event of events) {
    if (event.type === 'ReplicaAbandoned') last.delete((event as Of<'ReplicaAbandoned'>).data.replicaId);
    if (event.type === 'PlacementDeferred' || event.type === 'PlacementClaimed') last.set((event as Decision).data.replicaId, event as Decision);
  }
  const latest = (decisions: readonly Decision[]): Decision | undefined => decisions.toSorted((a, b) => (a.position < b.position ? -1 : 1)).at(-1);
  const all = [...last.values()];
  return (latest(all.filter(({ type }) => type === 'PlacementDeferred')) ?? latest(all))?.data.nodes ?? [];
}

function namesIn(events: readonly Recorded[]): Names {
  const replicas = new Map<ReplicaId, string>();
  const nodes = new Map<NodeId, string>();
  for (const event of events) {
    for (const { replicaId, slot, generation } of ordersIn(event)) replicas.set(replicaId, `slot ${slot} (generation ${generation})`);
    if (event.type === 'JobAttemptStarted') attemptIn(event as Of<'JobAttemptStarted'>, replicas);
    if (event.type === 'PlacementDeferred' || event.type === 'PlacementClaimed') {
      for (const { nodeId, name } of (event as Decision).data.nodes) nodes.set(nodeId, name);
    }
  }
  return { replica: (id) => replicas.get(id) ?? id, node: (id) => nodes.get(id) ?? id };
}

const attemptIn = ({ data }: Of<'JobAttemptStarted'>, replicas: Map<ReplicaId, string>): unknown => replicas.set(data.replicaId, `attempt ${data.attempt}`);

const ordersIn = (event: Recorded) =>
  event.type === 'ServiceStepTaken' || event.type === 'DeploymentStepTaken' ? (event as Of<'ServiceStepTaken' | 'DeploymentStepTaken'>).data.creates : [];

const idOf = (events: readonly Recorded[], prefix: string): string => events.find(({ stream }) => stream.startsWith(prefix))?.stream.slice(prefix.length) ?? '';

function begun<Doc>(doc: Doc | null): Doc {
  if (!doc) throw new Error('these events begin nothing that could be explained');
  return doc;
}
