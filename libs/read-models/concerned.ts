import type { Recorded } from '#event-store';
import { findEvery, type Reads } from './reads.ts';
import { inOrder, isType, readEach, readRelated, readWhole, type EventSource } from './related.ts';
import type { AuditDocument } from './views/audit.ts';
import type { DeploymentDocument } from './views/deployments.ts';
import type { JobDocument } from './views/jobs.ts';
import type { ServiceDocument } from './views/services.ts';

/** Where the past is read from: the log tells it, and the live views only which streams to read. */
export interface PastSource extends EventSource {
  readonly models: Reads['models'];
}

/** The events, recorded by an instant (RFC 3339), that the answer to a read of this thing is folded from, in the order of the log: its own, those
 *  of what belongs to it, and of the nodes that hold it; none for what wasn't yet. The cost is that of this one thing's history. */
export async function readConcerned(source: PastSource, id: string, until: string): Promise<Recorded[]> {
  return inOrder(await (KINDS[prefixOf(id)] ?? ofPlan)(source, id, until));
}

/** `svc` of `svc_…`. */
export const prefixOf = (id: string): string => (id.includes('_') ? id.slice(0, id.indexOf('_')) : '');

type Kind = (source: PastSource, id: string, until: string) => Promise<Recorded[]>;

const KINDS: Readonly<Record<string, Kind>> = {
  svc: withNodes,
  job: withNodes,
  sch: withNodes,
  dep: ofDeployment,
  node: (source, id, until) => readWhole(source, 'node', id, until),
  prj: (source, id, until) => readWhole(source, 'project', id, until),
  env: ofEnvironment,
  vol: (source, id, until) => readWhole(source, 'volume', id, until),
  sec: (source, id, until) => withUsers(source, 'secret', id, until),
  cfg: (source, id, until) => withUsers(source, 'config', id, until),
};

const ofPlan: Kind = (source, name, until) => readWhole(source, 'plan', name, until);

async function withNodes(source: PastSource, id: string, until: string): Promise<Recorded[]> {
  const related = await readRelated(source, id, until);
  const nodes = related.filter(isType('PlacementSettled')).map(({ data }) => data.nodeId);
  return [...related, ...(await readEach(source, 'node', nodes, until))];
}

/** Its service knows of it from the start; its own stream begins when a scheduler takes it up. */
async function ofDeployment(source: PastSource, id: string, until: string): Promise<Recorded[]> {
  const known = await source.models.get<DeploymentDocument>('deployments', id);
  return known ? withNodes(source, known.docker_service_id, until) : [];
}

/** Of those that are gone only the audit still knows the project. */
async function ofEnvironment(source: PastSource, id: string, until: string): Promise<Recorded[]> {
  const { items } = await source.models.find<AuditDocument>('audit', { eq: { resource_id: id, what: 'EnvironmentCreated' }, limit: 1 });
  return items[0] ? readWhole(source, 'project', items[0].stream.slice('project-'.length), until) : [];
}

/** Everything in its project that may have used it. */
async function withUsers(source: PastSource, category: 'secret' | 'config', id: string, until: string): Promise<Recorded[]> {
  const own = await readWhole(source, category, id, until);
  const project_id = own[0]?.metadata.tenantId;
  if (project_id === undefined) return [];
  const began = { field: 'created_at', lte: until } as const;
  const services = await findEvery<ServiceDocument>(source, 'services', { eq: { project_id } });
  const jobs = await findEvery<JobDocument>(source, 'jobs', { eq: { project_id }, range: began });
  const schedules = await findEvery<AuditDocument>(source, 'audit', { eq: { project_id, what: 'ScheduleCreated' } });
  const open = jobs.filter(({ finished_at }) => finished_at === null || Date.parse(finished_at) > Date.parse(until));
  return [
    ...own,
    ...(await readEach(source, 'docker_service', services.map((service) => service.id), until)),
    ...(await readEach(source, 'job', open.map((job) => job.id), until)),
    ...(await readEach(source, 'schedule', schedules.map(({ resource_id }) => resource_id), until)),
  ];
}
