import type { TenantContext } from '#contracts';
import type { Actor } from '#domain';
import { CHAIN_STREAMS, type Recorded } from '#event-store';
import { eventAnswer, ownerOf, resourceOf, shownData, snakeCased, type EventAnswer } from '../event-answer.ts';
import type { Changes } from '../changes.ts';
import type { Page, Query } from '../port.ts';
import { findWithin, type List, type Paging, type Reads } from '../reads.ts';
import { keysOf, type View } from '../view.ts';

/** Who did what to which thing, from where, by which command, and what it was before and after. */
export interface AuditAnswer {
  readonly position: string;
  readonly at: string;
  readonly actor: Actor;
  readonly origin_id: string | null;
  /** The type of the event. */
  readonly what: string;
  readonly resource: { readonly type: string; readonly id: string };
  readonly project_id: string | null;
  /** What was changed: where the event itself says from what, that; else the fields that the fold of the thing's stream has changed. */
  readonly before: unknown;
  /** What it was changed to, or what began. */
  readonly after: unknown;
  readonly command_id: string;
  /** The event that the command reacted to; null for a request. */
  readonly caused_by: string | null;
}

export interface AuditDocument extends AuditAnswer, Pick<EventAnswer, 'stream' | 'revision' | 'data' | 'correlation_id'> {
  readonly id: string;
  readonly resource_id: string;
  readonly resource_type: string;
  readonly actor_id: string;
  /** The service or job that it is about, whichever stream it stands in. */
  readonly owner_id: string | null;
}

/** One entry for each event: audit is the log, found by what it is about. */
export const audit: View<AuditDocument> = {
  schema: {
    view: 'audit',
    version: 2,
    indexes: [['owner_id'], ['resource_id'], ['project_id'], ['actor_id'], ['what'], ['at']],
  },
  prefixes: undefined,
  // A head of the audit chain says something of the log, not of a thing.
  keys: ({ stream, position }) => (stream.startsWith(CHAIN_STREAMS) ? [] : [position]),
  evolve: (_, event) => entryOf(event),
  isOneEventEach: true,
};

function entryOf(event: Recorded): AuditDocument {
  const { position, at, actor, project_id, stream, revision, data, correlation_id, causation_id, type } = eventAnswer(event);
  const resource = resourceOf(event);
  const { before, after } = changed(event);
  // In the order of their names, as they are written: there is one for every event, and what is in order isn't put in order.
  return {
    actor: { id: actor.id, type: actor.type },
    actor_id: actor.id,
    after,
    at,
    before,
    caused_by: causation_id,
    command_id: event.metadata.commandId,
    correlation_id,
    data,
    id: position,
    origin_id: event.metadata.originId,
    owner_id: ownerOf(event),
    position,
    project_id,
    resource: { id: resource.id, type: resource.type },
    resource_id: resource.id,
    resource_type: resource.type,
    revision,
    stream,
    what: type,
  };
}

function changed(event: Recorded): { before: unknown; after: unknown } {
  if ('from' in event.data && 'to' in event.data) {
    const { from, to } = shownData(event);
    return { before: from, after: to };
  }
  const { data } = event;
  if ('fromRelease' in data && 'toRelease' in data) return { before: data.fromRelease, after: data.toRelease };
  return { before: null, after: begins(event).length > 0 ? snakeCased(data) : null };
}

const yes = (): string => 'begun';
const begins = keysOf({
  DockerServiceCreated: yes,
  ReleaseCut: yes,
  JobCreated: yes,
  ScheduleCreated: yes,
  ProjectCreated: yes,
  EnvironmentCreated: yes,
  PlanDefined: yes,
  NodeRegistered: yes,
  NodeFactsChanged: yes,
  NetworkCreated: yes,
  MemberAdded: yes,
  TokenIssued: yes,
  UserCreated: yes,
  SecretCreated: yes,
  SecretVersionAdded: yes,
  ConfigCreated: yes,
  ConfigVersionAdded: yes,
  ResourceCreated: yes,
  VolumeCreated: yes,
  QuotaWarningRaised: yes,
});

/** What a search of the audit is narrowed down by. `from` and `until` are RFC 3339; `until` itself is left out. */
export interface AuditFilter {
  readonly project_id?: string;
  readonly resource_id?: string;
  readonly resource_type?: string;
  readonly actor_id?: string;
  readonly what?: string;
  readonly from?: string;
  readonly until?: string;
}

/** The entries within reach, the latest first. Those of a service or job include what its deployments, replicas and nodes did for it.
 *  @param changes tells of those whose event doesn't say it what they changed */
export async function findAudit(reads: Reads, tenant: TenantContext, search: AuditFilter & Paging = {}, changes?: Changes): Promise<Page<AuditAnswer>> {
  const { cursor, limit } = search;
  const page = await findWithin<AuditDocument>(reads, tenant, 'audit', { cursor, limit, ...narrowed(search), sort: { field: 'id', descending: true } });
  const told = await answersOf(page.items.toReversed(), changes);
  return { ...page, items: told.toReversed() };
}

/** All of them in the order of the log, page by page as they are taken. */
export async function* everyAudit(reads: Reads, tenant: TenantContext, filter: AuditFilter, changes: Changes): AsyncGenerator<readonly AuditAnswer[]> {
  let cursor: string | null = null;
  do {
    const page: Page<AuditDocument> = await findWithin<AuditDocument>(reads, tenant, 'audit', { cursor, limit: PAGE, ...narrowed(filter) });
    yield await answersOf(page.items, changes);
    cursor = page.next;
  } while (cursor !== null);
}

const PAGE = 200;

function narrowed({ from, until, resource_id, project_id, resource_type, actor_id, what }: AuditFilter): Pick<List, 'eq' | 'range'> {
  const range: Query['range'] = from || until ? { field: 'at', gte: from, lt: until } : undefined;
  const about = resource_id && OWNERS.test(resource_id) ? { owner_id: resource_id } : { resource_id };
  return { eq: { project_id, resource_type, actor_id, what, ...about }, range };
}

/** Entries in the order of the log, as they are answered. */
async function answersOf(entries: readonly AuditDocument[], changes: Changes | undefined): Promise<AuditAnswer[]> {
  const told: AuditAnswer[] = [];
  for (const entry of entries) {
    told.push({ ...asAudit(entry), ...(changes && mayBeTold(entry) ? await changes.of(entry) : {}) });
  }
  return told;
}

/** What the event doesn't say itself. A node that took a tenant's replica has changed for everybody on it: that isn't the tenant's to see. */
const mayBeTold = ({ before, after, resource_type, project_id }: AuditDocument): boolean => before === null && after === null && !(resource_type === 'node' && project_id !== null);

const OWNERS = /^(svc|job|sch)_/;

/** The events about a service or job, from whichever stream, in the order of the log and after a position (null: from the first).
 *  `next` is the position to go on from, also for an empty page: ask again later. */
export async function listEvents(
  reads: Reads,
  tenant: TenantContext,
  ownerId: string,
  { after, limit }: { after?: string | null; limit?: number } = {},
): Promise<{ readonly items: readonly EventAnswer[]; readonly next: string | null }> {
  const range: Query['range'] = after ? { field: 'id', gt: after } : undefined;
  const page = await findWithin<AuditDocument>(reads, tenant, 'audit', { limit, range, eq: { owner_id: ownerId } });
  return { items: page.items.map(asEvent), next: page.items.at(-1)?.id ?? after ?? null };
}

function asAudit(entry: AuditDocument): AuditAnswer {
  const { position, at, actor, origin_id, what, resource, project_id, before, after, command_id, caused_by } = entry;
  return { position, at, actor, origin_id, what, resource, project_id, before, after, command_id, caused_by };
}

function asEvent(entry: AuditDocument): EventAnswer {
  const { position, what, stream, revision, at, actor, project_id, data, correlation_id, caused_by } = entry;
  return { position, type: what, stream, revision, at, actor, project_id: project_id as EventAnswer['project_id'], data, correlation_id, causation_id: caused_by };
}
