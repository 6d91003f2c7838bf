import { streamOf, type StreamCategory } from '#domain';
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
  return inOrder(await (KINDS.get(prefixOf(id)) ?? ofPlan)(source, id, until));
}

/** `svc` of `svc_…`. */
export const prefixOf = (id: string): string => (id.includes('_') ? id.slice(0, id.indexOf('_')) : '');

type Kind = (source: PastSource, id: string, until: string) => Promise<Recorded[]>;

const alone = (category: StreamCategory): Kind => (source, id, until) => readWhole(source, category, id, until);

const KINDS: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ['svc', withProject],
  ['job', withNodes],
  ['sch', withNodes],
  ['dep', ofDeployment],
  ['node', alone('node')],
  ['prj', alone('project')],
  ['env', inProject('EnvironmentCreated')],
  ['tok', inProject('TokenIssued')],
  ['usr', alone('user')],
  ['vol', alone('volume')],
  ['sec', withUsers('secret')],
  ['cfg', withUsers('config')],
  ['net', withUsers('network')],
  ['res', withUsers('resource')],
]);

const ofPlan = alone('plan');

/** What its project's quota has come near to stands in its warnings. */
async function withProject(source: PastSource, id: string, until: string): Promise<Recorded[]> {
  const own = await withNodes(source, id, until);
  const projects = own.filter(({ stream }) => stream === streamOf('docker_service', id)).map(({ metadata }) => metadata.tenantId);
  return [...own, ...(await readEach(source, 'project', projects.slice(0, 1), until))];
}

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

/** What stands in its project's stream. Of those that are gone only the audit still knows the project. */
function inProject(began: 'EnvironmentCreated' | 'TokenIssued'): Kind {
  return async (source, id, until) => {
    const { items } = await source.models.find<AuditDocument>('audit', { eq: { resource_id: id, what: began }, limit: 1 });
    return items[0] ? readWhole(source, 'project', items[0].stream.slice('project-'.length), until) : [];
  };
}

/** With everything in its project that may have used it. */
function withUsers(category: 'secret' | 'config' | 'network' | 'resource'): Kind {
  return (source, id, until) => readUsed(source, category, id, until);
}

async function readUsed(source: PastSource, category: StreamCategory, id: string, until: string): Promise<Recorded[]> {
  const own = await readWhole(source, category, id, until);
  const project_id = own[0]?.metadata.tenantId;
  if (project_id === undefined) return [];
  const began = { field: 'created_at', lte: until } as const;
  const services = await findEvery<ServiceDocument>(source, 'services', { eq: { project_id } });
  const jobs = await findEvery<JobDocument>(source, 'jobs', { eq: { project_id }, range: began });
  // Of these the deleted ones are in no view.
  const begun = async (what: 'ScheduleCreated' | 'ResourceCreated') =>
    (await findEvery<AuditDocument>(source, 'audit', { eq: { project_id, what }, range: { field: 'at', lte: until } })).map(({ resource_id }) => resource_id);
  const open = jobs.filter(({ finished_at }) => finished_at === null || Date.parse(finished_at) > Date.parse(until));
  return [
    ...own,
    ...(await readEach(source, 'docker_service', services.map((service) => service.id), until)),
    ...(await readEach(source, 'job', open.map((job) => job.id), until)),
    ...(await readEach(source, 'schedule', await begun('ScheduleCreated'), until)),
    ...(await readEach(source, 'resource', (await begun('ResourceCreated')).filter((other) => other !== id), until)),
  ];
}
