import type { TenantContext } from '#contracts';
import type { NodeId, ServiceStatus } from '#domain';
import type { Page, Query } from '../port.ts';
import { findWithin, getWithin, type Paging, type Reads } from '../reads.ts';
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
  return service && (await withProjectWarnings(reads, [answerService(service, reads, await nodesOf(reads, [service]))]))[0]!;
}

/** The services within reach, by id. With a status a page may be shorter than asked for, and is never empty but at the end. */
export async function listServices(reads: Reads, tenant: TenantContext, list: ServiceFilter & Paging = {}): Promise<Page<ServiceAnswer>> {
  const { status, lifecycle, cursor, limit, ...eq } = list;
  const narrowed: Query['in'] = { lifecycle: lifecycle ? [lifecycle] : LISTED, ...(status && { status: MAY_READ_AS[status] }) };
  let next = cursor ?? null;
  do {
    const page: Page<ServiceDocument> = await findWithin(reads, tenant, 'services', { eq, in: narrowed, cursor: next, limit });
    const nodes = await nodesOf(reads, page.items);
    const items = page.items.map((service) => answerService(service, reads, nodes)).filter((service) => !status || service.status === status);
    if (items.length > 0 || page.next === null) return { items: await withProjectWarnings(reads, items), next: page.next };
    next = page.next;
  } while (true);
}

const LISTED = ['ACTIVE', 'PAUSED', 'DELETING'];

/** A silent node can only take a service out of RUNNING. */
const MAY_READ_AS: Record<ServiceStatus, readonly ServiceStatus[]> = { RUNNING: ['RUNNING'], PENDING: ['PENDING', 'RUNNING'], FAILED: ['FAILED'] };

/** The document as it is answered, joined with the nodes that hold its replicas. */
export function answerService(service: ServiceDocument, { liveness }: Pick<Reads, 'liveness'>, nodes: ReadonlyMap<string, NodeDocument>): ServiceAnswer {
  const { id: _id, position: _position, releases: _releases, postponed_release: _waiting, deployment_hooks: _hooks, last_release: _last, own_labels: _labels, deletion_asked_by: _asked, quota_warnings: _warnings, ...rest } = service;
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
    nodes: nodesHolding(held, nodes).map(({ node_id, name, address }) => ({ node_id, name, address })),
    endpoints: { internal: internalEndpoints(service), published: publishedEndpoints(service, up, nodes), url: null },
  };
}

/** What its project's quota has come near to concerns each of its services: none of them may grow. */
async function withProjectWarnings({ models }: Pick<Reads, 'models'>, services: readonly ServiceAnswer[]): Promise<ServiceAnswer[]> {
  const projects = services.length ? await models.getMany<ProjectDocument>('projects', [...new Set(services.map(({ project_id }) => project_id))]) : new Map<string, ProjectDocument>();
  return services.map((service) => ({ ...service, warnings: [...service.warnings, ...warningsIn(projects.get(service.project_id)?.quota_warnings ?? {})] }));
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
