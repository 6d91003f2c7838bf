import {
  jobSpecOf, refuseJobLimits, Rejection, schedule, streamOf,
  type CommandMetadata, type ContainerSpec, type EnvironmentId, type ExistingSchedule, type JobTemplate, type NetworkId, type ProjectId, type Schedule, type ScheduleId, type ScheduleSettings,
} from '#domain';
import type { AggregateStore, Handled, HandleOptions } from '#event-store';
import { commandIdOf, cronCalendar, deriveId } from '#platform';
import { ToSchedule } from './aggregate-command.ts';
import { inheritedRelease, refuseInvalidJob } from './create-job.ts';
import { followUp, type Dispatcher } from './dispatcher.ts';
import { standingOr } from './standing-or.ts';
import { standingEnvironment } from './standing-environment.ts';

interface Parts {
  readonly dispatcher: Dispatcher;
  readonly aggregates: AggregateStore;
}

/** A schedule that somebody asks for, complete: defaults are filled in. */
export interface NewSchedule extends ScheduleSettings {
  readonly projectId: ProjectId;
  readonly environmentId: EnvironmentId;
}

/** The id that a schedule has under the command that creates it. */
export const scheduleIdOf = (commandId: string) => deriveId('sch', commandId, 'schedule', 0);

/** The schedule, where it was created before: then its request is only to be answered. */
export async function createdSchedule(aggregates: AggregateStore, scheduleId: ScheduleId): Promise<ExistingSchedule | null> {
  const { state } = await aggregates.load(schedule, streamOf('schedule', scheduleId));
  return state.status === 'absent' ? null : state;
}

/** A retry is answered by what stands, whatever became of the service or the environment since.
 *  @throws Rejection `schedule.cron_invalid`, `schedule.time_zone_unknown`, `job.invalid`, `environment.not_found`, and what `inheritedRelease` throws. */
export async function createSchedule({ dispatcher, aggregates }: Parts, asked: NewSchedule, metadata: CommandMetadata): Promise<Handled<Schedule>> {
  const scheduleId = scheduleIdOf(metadata.commandId);
  const { networkId } = await standingOr<{ readonly networkId: NetworkId }>(() => createdSchedule(aggregates, scheduleId), () => admitted(aggregates, asked, metadata));
  const data = { ...asked, scheduleId, networkId, since: instant(metadata) };
  return dispatcher.send(new ToSchedule(scheduleId, { type: 'CreateSchedule', data }, metadata));
}

async function admitted(aggregates: AggregateStore, asked: NewSchedule, { now }: CommandMetadata): Promise<{ readonly networkId: NetworkId }> {
  cronCalendar(asked.cron, asked.timeZone, now);
  const { environment } = await standingEnvironment(aggregates, asked);
  await refuseInvalidTemplate(aggregates, asked.job);
  return environment;
}

/** What may be changed of a schedule; what is left out stays. */
export interface ScheduleChange {
  readonly settings: Partial<ScheduleSettings>;
  readonly paused?: boolean;
}

/** What is given stands in place of what was; from now on it counts, and nothing from before is made good.
 *  @throws Rejection as `createSchedule` does; `schedule.deleted`. */
export async function changeSchedule(
  { dispatcher, aggregates }: Parts,
  { scheduleId, settings: before }: ExistingSchedule,
  { settings, paused }: ScheduleChange,
  { metadata, options }: { readonly metadata: CommandMetadata; readonly options?: HandleOptions },
): Promise<Handled<Schedule>> {
  const { cron, timeZone } = { ...before, ...settings };
  cronCalendar(cron, timeZone, metadata.now);
  if (settings.job) await refuseInvalidTemplate(aggregates, settings.job);
  const since = instant(metadata);
  const changed = await dispatcher.send(new ToSchedule(scheduleId, { type: 'ChangeSchedule', data: { settings, since } }, metadata, options));
  if (paused === undefined) return changed;
  const command = paused ? ({ type: 'PauseSchedule', data: { reason: BY_REQUEST } } as const) : ({ type: 'ResumeSchedule', data: { since } } as const);
  return dispatcher.send(new ToSchedule(scheduleId, command, followUp(metadata, commandIdOf('pause', scheduleId, metadata.commandId))));
}

const BY_REQUEST = { code: 'paused', message: 'it was paused by request' };

/** The schedule as its stream says; a deleted one is no more. @throws Rejection `schedule.not_found`. */
export async function standingSchedule(aggregates: AggregateStore, scheduleId: ScheduleId): Promise<ExistingSchedule> {
  const { state } = await aggregates.load(schedule, streamOf('schedule', scheduleId));
  if (state.status !== 'present') throw scheduleNotFound();
  return state;
}

/** What another project's schedule is answered like, too. */
export const scheduleNotFound = () => new Rejection('not_found', 'schedule.not_found', 'there is no such schedule: GET /v1/schedules lists those within reach');

/** What a job of this template would run now. @throws what `inheritedRelease` throws. */
export async function specOfTemplate(aggregates: AggregateStore, { runs }: Pick<JobTemplate, 'runs'>): Promise<ContainerSpec> {
  if (runs.type === 'container') return runs.spec;
  return jobSpecOf((await inheritedRelease(aggregates, runs.dockerServiceId, '/job/docker_service_id')).spec, runs.overrides);
}

async function refuseInvalidTemplate(aggregates: AggregateStore, template: JobTemplate): Promise<void> {
  refuseJobLimits(template, '/job');
  refuseInvalidJob({ name: template.name, spec: await specOfTemplate(aggregates, template) }, '/job');
}

const instant = ({ now }: CommandMetadata): string => new Date(now).toISOString();
