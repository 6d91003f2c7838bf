import type { TenantContext } from '#contracts';
import type { Actor, ConcurrencyPolicy, EnvironmentId, JobId, JobTemplate, ProjectId, Reason, ScheduleId, ScheduleSettings } from '#domain';
import type { Page } from '../port.ts';
import { answered, findWithin, getWithin, type Paging, type Reads } from '../reads.ts';
import { evolveBy, type Folds, type Of, type View } from '../view.ts';
import { mountDocument, resourcesDocument, specDocument, type SpecDocument } from './container-spec.ts';
import { givenUsesDocument } from './value-uses.ts';

/** What each firing makes: of a service only what stands in place of its release's own is shown. */
export type JobTemplateDocument = Partial<Omit<SpecDocument, 'ports'>> & {
  readonly docker_service_id: string | null;
  readonly name: string;
  readonly timeout_ms: number;
  readonly retries: number;
};

/** When jobs are made, as it is answered. Minutes are RFC 3339. */
export interface ScheduleAnswer {
  readonly schedule_id: ScheduleId;
  readonly project_id: ProjectId;
  readonly environment_id: EnvironmentId;
  readonly cron: string;
  readonly time_zone: string;
  readonly concurrency: ConcurrencyPolicy;
  readonly paused: boolean;
  readonly paused_reason: Reason | null;
  readonly job: JobTemplateDocument;
  readonly last_fired: { readonly minute: string; readonly job_id: JobId; readonly missed_since: string | null } | null;
  readonly last_skipped: { readonly minute: string; readonly since: string; readonly reason: Reason } | null;
  readonly created_at: string;
  readonly created_by: Actor;
  readonly updated_at: string;
  readonly updated_by: Actor;
  readonly revision: number;
}

export interface ScheduleDocument extends ScheduleAnswer {
  readonly id: string;
  readonly position: string;
  /** What lists are narrowed down by. */
  readonly docker_service_id: string | null;
}

const OWN = 'schedule-';

/** Schedules that stand; a deleted one is here no more. */
export const schedules: View<ScheduleDocument> = {
  schema: { view: 'schedules', version: 2, indexes: ['project_id', 'environment_id', 'docker_service_id'].map((field) => [field, 'created_at']) },
  prefixes: [OWN],
  keys: ({ stream }) => [stream.slice(OWN.length)],
  evolve(doc, event, id) {
    const next = fold(doc, event, id);
    return next && { ...next, revision: Number(event.revision) };
  },
};

const folds: Folds<ScheduleDocument> = {
  ScheduleChanged: (schedule, { data: { to }, metadata: { at, actor } }) => ({ ...schedule, ...settingsOf(to), updated_at: at, updated_by: actor }),
  SchedulePaused: (schedule, { data: { reason }, metadata: { at, actor } }) => ({ ...schedule, paused: true, paused_reason: reason, updated_at: at, updated_by: actor }),
  ScheduleResumed: (schedule, { metadata: { at, actor } }) => ({ ...schedule, paused: false, paused_reason: null, updated_at: at, updated_by: actor }),
  ScheduleFired: (schedule, { data: { minute, jobId, missedSince } }) => ({ ...schedule, last_fired: { minute, job_id: jobId, missed_since: missedSince } }),
  ScheduleSkipped: (schedule, { data }) => ({ ...schedule, last_skipped: data }),
  ScheduleDeleted: () => null,
};

const fold = evolveBy<ScheduleDocument>({ ScheduleCreated: created }, folds);

function created({ data, metadata, position, revision }: Of<'ScheduleCreated'>): ScheduleDocument {
  return {
    id: data.scheduleId,
    position,
    schedule_id: data.scheduleId,
    project_id: data.projectId,
    environment_id: data.environmentId,
    ...settingsOf(data),
    paused: false,
    paused_reason: null,
    last_fired: null,
    last_skipped: null,
    created_at: metadata.at,
    created_by: metadata.actor,
    updated_at: metadata.at,
    updated_by: metadata.actor,
    revision: Number(revision),
  };
}

const settingsOf = ({ cron, timeZone, concurrency, job }: ScheduleSettings) => ({
  cron,
  time_zone: timeZone,
  concurrency,
  job: templateDocument(job),
  docker_service_id: job.runs.type === 'docker_service' ? job.runs.dockerServiceId : null,
});

function templateDocument({ name, timeoutMs, retries, runs }: JobTemplate): JobTemplateDocument {
  const common = { name, timeout_ms: timeoutMs, retries };
  if (runs.type === 'container') {
    const { ports: _, ...spec } = specDocument(runs.spec);
    return { docker_service_id: null, ...common, ...spec };
  }
  const { image, pullPolicy, command, args, env, plan, resources, labels, constraints, volumes, secrets, configs, registryCredentials } = runs.overrides;
  const given = { image, pull_policy: pullPolicy, command, args, env, plan, resources: resources && resourcesDocument(resources), labels, constraints, volumes: volumes?.map(mountDocument), ...givenUsesDocument({ secrets, configs, registryCredentials }) };
  return { docker_service_id: runs.dockerServiceId, ...common, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) };
}

/** One schedule, or null where there is none within reach. */
export async function getSchedule(reads: Reads, tenant: TenantContext, id: string): Promise<ScheduleAnswer | null> {
  const schedule = await getWithin<ScheduleDocument>(reads, tenant, 'schedules', id);
  return schedule && answer(schedule);
}

/** The schedules within reach, the latest first. */
export async function listSchedules(
  reads: Reads,
  tenant: TenantContext,
  { cursor, limit, ...eq }: Paging & { project_id?: string; environment_id?: string; docker_service_id?: string } = {},
): Promise<Page<ScheduleAnswer>> {
  return answered(await findWithin<ScheduleDocument>(reads, tenant, 'schedules', { cursor, limit, eq, sort: { field: 'created_at', descending: true } }), answer);
}

const answer = ({ id: _id, position: _position, docker_service_id: _service, ...schedule }: ScheduleDocument): ScheduleAnswer => schedule;
