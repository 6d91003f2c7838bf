import {
  createdJob, createJob, createSchedule, inheritedRelease, jobCreatedBefore, jobIdOf, rerunIdOf, rerunJob, scheduleIdOf, standingOr, ToJob, ToSchedule, type NewJob,
} from '#application';
import { jobSpecOf, Rejection, type CommandMetadata, type DockerServiceId, type JobId, type JobTemplate, type ScheduleCommand } from '#domain';
import { picker, specOf, type Client } from './client.ts';
import type { SimulatedGateway } from './house/parts.ts';
import { imageOf, TASK_IMAGES } from './images.ts';

type Pick = ReturnType<typeof picker>;

/** What clients run once, again, or as often as a schedule says: with a container of its own, or with that of a service. */
export const JOB_MOVES = {
  job: (client: Client, lots: readonly number[]): void => {
    const template = templateOf(client, picker(lots));
    client.ask({
      what: `run ${storyOf(template)}`,
      type: 'JobCreated',
      // A retry is answered by what stands, whatever became of the service since.
      deed: (gateway, metadata) => standingOr(() => jobCreatedBefore(gateway, jobIdOf(metadata.commandId), () => metadata), async () => createJob(gateway, await askedNow(gateway, client, template), metadata)),
      whenDone: (commandId) => client.jobs.add(jobIdOf(commandId)),
    });
  },

  rerun: aJob((client, source) =>
    client.ask({
      what: `run ${source} again`,
      type: 'JobCreated',
      deed: async (gateway, metadata) => standingOr(() => jobCreatedBefore(gateway, rerunIdOf(metadata.commandId, source), () => metadata), async () => rerunJob(gateway, await definitionOf(gateway, source), metadata)),
      whenDone: (commandId) => client.jobs.add(rerunIdOf(commandId, source)),
    }),
  ),

  cancel_job: aJob((client, id) => {
    const what = `cancel ${id}`;
    const reason = { code: 'cancelled', message: what };
    client.ask({
      what,
      type: 'JobCancelRequested',
      deed: (gateway, metadata) => gateway.dispatcher.send(new ToJob(id, { type: 'CancelJob', data: { reason, requestedAt: iso(metadata) } }, metadata)),
    });
  }),

  schedule: (client: Client, lots: readonly number[]): void => {
    const pick = picker(lots);
    const job = templateOf(client, pick);
    const concurrency = pick(['allow', 'forbid', 'replace'] as const);
    const settings = { cron: pick(['* * * * *', '*/2 * * * *']), timeZone: 'UTC', concurrency, job };
    client.ask({
      what: `run ${storyOf(job)} every now and then (${concurrency})`,
      type: 'ScheduleCreated',
      deed: (gateway, metadata) => createSchedule(gateway, { ...client.home, ...settings }, metadata),
      whenDone: (commandId) => client.schedules.add(scheduleIdOf(commandId)),
    });
  },

  pause_schedule: aSchedule('pause', 'SchedulePaused', () => ({ type: 'PauseSchedule', data: { reason: { code: 'paused', message: 'it was paused by request' } } })),
  resume_schedule: aSchedule('resume', 'ScheduleResumed', (metadata) => ({ type: 'ResumeSchedule', data: { since: iso(metadata) } })),
  delete_schedule: aSchedule('delete', 'ScheduleDeleted', () => ({ type: 'DeleteSchedule', data: {} })),
} as const;

/** Nothing is fired any more. */
export function endSchedules(client: Client, ids: Iterable<string>): void {
  for (const id of ids) toSchedule(client, id, { what: `delete ${id}`, type: 'ScheduleDeleted', command: () => ({ type: 'DeleteSchedule', data: {} }) });
}

function templateOf(client: Client, pick: Pick): JobTemplate {
  const image = imageOf(pick(TASK_IMAGES));
  const dockerServiceId: DockerServiceId | undefined = pick([...client.services]);
  const isOfService = pick([false, false, true]) && dockerServiceId !== undefined;
  const spec = jobSpecOf(specOf(image, pick([100, 200]), null), {});
  const runs = isOfService ? ({ type: 'docker_service', dockerServiceId, overrides: { image } } as const) : ({ type: 'container', spec } as const);
  return { name: 'task', timeoutMs: pick([8_000, 20_000]), retries: pick([0, 0, 1, 2]), runs };
}

const storyOf = ({ runs }: JobTemplate): string => (runs.type === 'container' ? runs.spec.image : `${runs.overrides.image} for ${runs.dockerServiceId}`);

async function askedNow({ aggregates }: SimulatedGateway, { home }: Client, { runs, ...common }: JobTemplate): Promise<NewJob> {
  if (runs.type === 'container') return { ...common, ...home, spec: runs.spec, inheritsFrom: null };
  const { dockerServiceId, overrides } = runs;
  const { release, spec } = await inheritedRelease(aggregates, dockerServiceId);
  return { ...common, ...home, spec: jobSpecOf(spec, overrides), inheritsFrom: { dockerServiceId, release } };
}

async function definitionOf({ aggregates }: SimulatedGateway, id: JobId) {
  const definition = await createdJob(aggregates, id);
  if (!definition) throw new Rejection('not_found', 'job.not_found', 'it was never created');
  return definition;
}

function aJob(move: (client: Client, id: JobId) => void) {
  return (client: Client, lots: readonly number[]): void => {
    const id = picker(lots)([...client.jobs]);
    if (id) move(client, id);
  };
}

function aSchedule(verb: string, type: string, command: (metadata: CommandMetadata) => ScheduleCommand) {
  return (client: Client, lots: readonly number[]): void => {
    const id = picker(lots)([...client.schedules]);
    if (id) toSchedule(client, id, { what: `${verb} ${id}`, type, command });
  };
}

function toSchedule(client: Client, id: string, { what, type, command }: { what: string; type: string; command: (metadata: CommandMetadata) => ScheduleCommand }): void {
  client.ask({ what, type, deed: (gateway, metadata) => gateway.dispatcher.send(new ToSchedule(id, command(metadata), metadata)) });
}

const iso = ({ now }: CommandMetadata): string => new Date(now).toISOString();
