import type { TenantContext } from '#contracts';
import { passwordWarnings, type NodeId, type ServiceStatus } from '#domain';
import { encodeCursor } from '../cursor.ts';
import type { Page, Query } from '../port.ts';
import { findWithin, getWithin, type Paging, type Reads } from '../reads.ts';
import { lagging } from './lagging-values.ts';
import type { NodeDocument } from './nodes.ts';
import { warningsIn, type ProjectDocument } from './projects.ts';
import { statusOf, type ServiceMember } from './service-members.ts';
import type { ServiceDocument, ServiceFields } from './services.ts';

/** A service as it is answered: what belongs to its nodes is joined, and what silent nodes hold isn't counted. */
export interface ServiceAnswer extends ServiceFields {
  /** Where it has containers. */
  readonly nodes: readonly { readonly node_id: NodeId; readonly name: string; readonly address: string }[];
  readonly endpoints: {
    /** `host:port`, resolvable in the network of its environment. */
    readonly internal: readonly string[];
    /** `address:port` of every running replica, for the ports that are published on its node. */
    readonly published: readonly string[];
    readonly url: string | null;
  };
}

/** What a list of services is narrowed down by. DELETED ones are listed only when asked for by their lifecycle. */
export interface ServiceFilter {
  readonly project_id?: string;
  readonly environment_id?: string;
  readonly name?: string;
  readonly status?: ServiceStatus;
  readonly lifecycle?: string;
}

/** One service, the deleted ones too; null where there is none within reach. */
export async function getService(reads: Reads, tenant: TenantContext, id: string): Promise<ServiceAnswer | null> {
  const service = await getWithin<ServiceDocument>(reads, tenant, 'services', id);
  return service && (await withWarnings(reads, [service], await nodesOf(reads, [service])))[0]!;
}

/** The services within reach, by id. With a status one request looks at so many and no more: then its page may be shorter than asked for, or empty, before the end. */
export async function listServices(reads: Reads, tenant: TenantContext, list: ServiceFilter & Paging = {}): Promise<Page<ServiceAnswer>> {
  const { status, lifecycle, cursor, limit, ...eq } = list;
  const narrowed: Query['in'] = { lifecycle: lifecycle ? [lifecycle] : LISTED, ...(status && { status: MAY_READ_AS[status] }) };
  const look = (after: string | null, most: number | undefined): Promise<Page<ServiceDocument>> => findWithin(reads, tenant, 'services', { eq, in: narrowed, cursor: after, limit: most });
  const { items, next } = status ? await ofStatus(status, { reads, look, cursor: cursor ?? null, limit: limit ?? 50 }) : await look(cursor ?? null, limit);
  return { items: await withWarnings(reads, items, await nodesOf(reads, items)), next };
}

/** Looked at by one request, at most, and at once. */
export const MOST_LOOKED_AT = 1_000;
const AT_ONCE = 100;

interface Looking {
  readonly reads: Reads;
  readonly look: (after: string | null, most: number) => Promise<Page<ServiceDocument>>;
  readonly cursor: string | null;
  readonly limit: number;
}

/** Whether a service has a status may depend on who is heard at the moment, which no index knows. */
async function ofStatus(status: ServiceStatus, { reads: { liveness }, look, cursor, limit }: Looking): Promise<Page<ServiceDocument>> {
  const found: ServiceDocument[] = [];
  let next = cursor;
  let looked = 0;
  do {
    const page = await look(next, Math.max(limit, AT_ONCE));
    found.push(...page.items.filter((service) => statusOf(service, liveness.silent).status === status));
    looked += page.items.length;
    next = page.next;
  } while (next !== null && found.length < limit && looked < MOST_LOOKED_AT);
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return { items, next: last && found.length > limit ? encodeCursor({ value: last.id, id: last.id }) : next };
}

const LISTED = ['ACTIVE', 'PAUSED', 'DELETING'];

/** A silent node can only take a service out of RUNNING. */
const MAY_READ_AS: Record<ServiceStatus, readonly ServiceStatus[]> = { RUNNING: ['RUNNING'], PENDING: ['PENDING', 'RUNNING'], FAILED: ['FAILED'] };

/** The document as it is answered, joined with the nodes that hold its replicas. */
export function answerService(service: ServiceDocument, { liveness }: Pick<Reads, 'liveness'>, nodes: ReadonlyMap<string, NodeDocument>): ServiceAnswer {
  const { id: _id, position: _position, releases: _releases, waiting, deploying: _deploying, last_release: _last, own_labels: _labels, deletion_asked_by: _asked, quota_warnings: _warnings, ...rest } = service;
  const { desired: _desired, stable_release: _stable, active_deployment: _active, halted: _halted, members, ...fields } = rest;
  const { status, reason, degraded, counts } = statusOf(service, liveness.silent);
  const held = Object.values(members).filter(({ node_id, state }) => node_id !== null && state !== 'GONE');
  const up = held.filter(({ node_id, state }) => (state === 'RUNNING' || state === 'SETTLED') && !liveness.silent(node_id!));
  return {
    ...fields,
    status,
    status_reason: reason,
    degraded,
    replicas: counts,
    warnings: [...fields.warnings, ...passwordWarnings({ ...fields.env, ...waiting?.env })],
    nodes: nodesHolding(held, nodes).map(({ node_id, name, address }) => ({ node_id, name, address })),
    endpoints: { internal: internalEndpoints(service), published: publishedEndpoints(service, up, nodes), url: null },
  };
}

/** What its project's quota has come near to concerns each of its services: none of them may grow. What it is to follow, and doesn't, only its own. */
async function withWarnings(reads: Reads, services: readonly ServiceDocument[], nodes: ReadonlyMap<string, NodeDocument>): Promise<ServiceAnswer[]> {
  const { models } = reads;
  const projects = services.length ? await models.getMany<ProjectDocument>('projects', [...new Set(services.map(({ project_id }) => project_id))]) : new Map<string, ProjectDocument>();
  const behind = await lagging(reads, services);
  return services.map((service) => {
    const answer = answerService(service, reads, nodes);
    return { ...answer, warnings: [...answer.warnings, ...(behind.get(service.id) ?? []), ...warningsIn(projects.get(service.project_id)?.quota_warnings ?? {})] };
  });
}

/** The nodes that replicas of these services are or were on, by id. */
export async function nodesOf(reads: Pick<Reads, 'models'>, of: readonly ServiceDocument[]): Promise<ReadonlyMap<string, NodeDocument>> {
  const ids = new Set(of.flatMap(({ members }) => Object.values(members).flatMap(({ node_id }) => node_id ?? [])));
  return ids.size === 0 ? new Map() : reads.models.getMany<NodeDocument>('nodes', [...ids]);
}

const nodesHolding = (held: readonly ServiceMember[], nodes: ReadonlyMap<string, NodeDocument>): NodeDocument[] =>
  [...new Set(held.map(({ node_id }) => node_id!))].sort().flatMap((id) => nodes.get(id) ?? []);

const internalEndpoints = ({ lifecycle, hostname, ports }: ServiceDocument): string[] =>
  lifecycle === 'DELETED' ? [] : ports.map(({ container_port }) => `${hostname}:${container_port}`);

const publishedEndpoints = ({ ports }: ServiceDocument, up: readonly ServiceMember[], nodes: ReadonlyMap<string, NodeDocument>): string[] =>
  nodesHolding(up, nodes).flatMap(({ address }) => ports.flatMap(({ host_port }) => (host_port === null ? [] : `${address}:${host_port}`)));
