import type { TenantContext } from '#contracts';
import { queryAt, type PastParts } from './at.ts';
import type { Page } from './port.ts';
import { findWithin, type List, type Paging } from './reads.ts';
import { getJob, type JobAnswer, type JobDocument, type JobFilter } from './views/jobs.ts';
import { getService, type ServiceAnswer, type ServiceFilter } from './views/service-queries.ts';
import type { ServiceDocument } from './views/services.ts';

/** The services within reach as they were at an instant (RFC 3339), by id. No service ever leaves the live view, so it says which there may have been; each
 *  is then answered from the log. A page costs as much as its services' histories, and may be shorter than asked for, or empty, before the end. */
export async function listServicesAt(parts: PastParts, tenant: TenantContext, instant: string, list: ServiceFilter & Paging = {}): Promise<Page<ServiceAnswer>> {
  const { status, lifecycle, cursor, limit, ...eq } = list;
  const live = await begun<ServiceDocument>(parts, tenant, 'services', instant, { cursor, limit, eq });
  const isAsked = (service: ServiceAnswer): boolean => (lifecycle ? service.lifecycle === lifecycle : service.lifecycle !== 'DELETED') && (!status || service.status === status);
  return asOf(live, isAsked, (id) => queryAt(parts, id, instant, (reads) => getService(reads, tenant, id)));
}

/** The same for jobs, the latest first. */
export async function listJobsAt(parts: PastParts, tenant: TenantContext, instant: string, list: JobFilter & Paging = {}): Promise<Page<JobAnswer>> {
  const { status, trigger, cursor, limit, ...rest } = list;
  const live = await begun<JobDocument>(parts, tenant, 'jobs', instant, { cursor, limit, eq: { ...rest, trigger_type: trigger }, sort: { field: 'created_at', descending: true } });
  return asOf(live, (job) => !status || job.status === status, (id) => queryAt(parts, id, instant, (reads) => getJob(reads, tenant, id)));
}

const begun = <Doc>({ models }: PastParts, tenant: TenantContext, view: string, instant: string, list: List): Promise<Page<Doc>> =>
  findWithin<Doc>({ models, liveness: NOBODY }, tenant, view, { ...list, range: { field: 'created_at', lte: new Date(instant).toISOString() } });

const NOBODY = { silent: () => false, lastHeardAt: () => null };

async function asOf<Answer>(live: Page<{ readonly id: string }>, isAsked: (answer: Answer) => boolean, answerAt: (id: string) => Promise<Answer | null>): Promise<Page<Answer>> {
  const items: Answer[] = [];
  for (const { id } of live.items) {
    const answer = await answerAt(id);
    if (answer !== null && isAsked(answer)) items.push(answer);
  }
  return { items, next: live.next };
}
