import { reaches, type TenantContext } from '#contracts';
import type { NodeId } from '#domain';
import type { Page, Query, ReadModelStore } from './port.ts';

/** What the gateway hears of nodes between their events: heartbeats are never in a view. */
export interface Liveness {
  /** Nothing heard for 10 s; a node not heard yet is silent. */
  silent(nodeId: NodeId): boolean;
  /** RFC 3339; null when this process has heard nothing yet. */
  lastHeardAt(nodeId: NodeId): string | null;
}

/** What every query reads from. */
export interface Reads {
  readonly models: ReadModelStore;
  readonly liveness: Liveness;
}

/** Where a list goes on, and how far. */
export interface Paging {
  /** The `next` of the page before. @throws Rejection `cursor.invalid` when it is none of this list's. */
  readonly cursor?: string | null;
  /** Default 50, at most 500. */
  readonly limit?: number;
}

/** True when the context reaches the project. What belongs to no project (null) is for those who reach all. */
export const reachesDocument = (tenant: TenantContext, { project_id }: { readonly project_id: string | null }): boolean =>
  project_id === null ? tenant.projects === 'all' : reaches(tenant, project_id);

/** One document if the context reaches its project, else null: another project's thing doesn't exist. */
export async function getWithin<Doc extends { readonly project_id: string | null }>(reads: Reads, tenant: TenantContext, view: string, id: string): Promise<Doc | null> {
  const doc = await reads.models.get<Doc>(view, id);
  return doc && reachesDocument(tenant, doc) ? doc : null;
}

/** A list as a query asks for it; filters that are undefined are left out. */
export interface List extends Paging, Omit<Query, 'limit' | 'after' | 'eq'> {
  readonly eq?: Readonly<Record<string, string | null | undefined>>;
}

/** A page of what the context reaches in a view. */
export async function findWithin<Doc>(reads: Reads, tenant: TenantContext, view: string, list: List): Promise<Page<Doc>> {
  const reached: Query['in'] = tenant.projects === 'all' ? {} : { project_id: tenant.projects };
  return reads.models.find<Doc>(view, asQuery({ ...list, in: { ...list.in, ...reached } }));
}

/** A list's filters and paging as the store takes them. */
export function asQuery({ cursor, limit, eq = {}, ...rest }: List): Query {
  const asked = Object.fromEntries(Object.entries(eq).filter((entry): entry is [string, string | null] => entry[1] !== undefined));
  return { ...rest, eq: asked, after: cursor ?? null, limit: Math.min(Math.max(1, limit ?? 50), 500) };
}

/** Every document that a query finds, page after page: for what is known to be few. */
export async function findEvery<Doc>(reads: Pick<Reads, 'models'>, view: string, query: Omit<Query, 'after' | 'limit'>): Promise<Doc[]> {
  const found: Doc[] = [];
  let after: string | null = null;
  do {
    const page: Page<Doc> = await reads.models.find<Doc>(view, { ...query, after, limit: 500 });
    found.push(...page.items);
    after = page.next;
  } while (after !== null);
  return found;
}

/** The same page with each item made into an answer. */
export const answered = <Doc, Answer>(page: Page<Doc>, answer: (doc: Doc) => Answer): Page<Answer> => ({ ...page, items: page.items.map(answer) });
