import { inheritedRelease, withFoundTargets } from '#application';
import {
  job as jobRules, planSchedule, project as projectRules, Rejection, releaseSpecOf, jobSpecOf, dockerService, schedule as scheduleRules, streamOf,
  type ExistingSchedule, type Firing, type Job, type JobId, type Reason, type ScheduleCommand, type ScheduleId, type ScheduleSituation, type ScheduleStep, type Target,
} from '#domain';
import { commandIdOf, cronCalendar, deriveId } from '#platform';
import { causedBy, type Cause, type JobRunnerPorts } from './ports.ts';

/** Timers reach no further than some weeks, and a clock may be set: it looks at least so often. */
const LONGEST_REST_MS = 3_600_000;
/** One decision, its cancels, its job, and what falls out of the history. */
const STEPS = 20;

type ActingStep = Exclude<ScheduleStep, { do: 'rest' }>;

/** Fires schedules: reads what stands, plans, and says it. What a minute becomes is decided on the schedule's stream, and the ids of
 *  commands and jobs follow from the schedule and the minute: any number of runners fire it once. */
export class ReconcileSchedule {
  constructor(
    private readonly ports: Pick<JobRunnerPorts, 'aggregates' | 'clock' | 'logger'>,
    private readonly causeOf: (scheduleId: ScheduleId) => Cause | null,
    /** Called for one that was deleted and has nothing left to make. */
    private readonly whenOver: (scheduleId: ScheduleId) => void,
  ) {}

  /** Looks at a schedule until there is nothing to do but wait. Repeating it changes nothing. */
  async reconcile(scheduleId: ScheduleId): Promise<void | { againInMs: number }> {
    for (let taken = 0; taken < STEPS; taken += 1) {
      const { state } = await this.ports.aggregates.load(scheduleRules, streamOf('schedule', scheduleId));
      if (state.status === 'absent') return;
      const now = this.ports.clock.now();
      const step = planSchedule(await this.situationOf(state, now));
      if (step.do === 'rest' && state.status === 'deleted') return this.whenOver(scheduleId);
      if (step.do === 'rest') return step.until === null ? undefined : { againInMs: Math.min(step.until - now, LONGEST_REST_MS) };
      await this.tryStep(state, step);
    }
    throw new Error(`${scheduleId} came to no rest in ${STEPS} steps`);
  }

  private async situationOf(schedule: ExistingSchedule, now: number): Promise<ScheduleSituation> {
    const { settings, fired, kept } = schedule;
    const jobs = new Map<JobId, Job>();
    for (const jobId of kept) jobs.set(jobId, await this.jobOf(jobId));
    const unfinished = kept.filter((jobId) => jobs.get(jobId)!.status === 'open');
    return {
      schedule,
      now,
      calendar: cronCalendar(settings.cron, settings.timeZone, now),
      open: unfinished,
      uncancelled: unfinished.filter((jobId) => (jobs.get(jobId) as Extract<Job, { status: 'open' }>).cancel === null),
      made: fired === null || (jobs.get(fired.jobId) ?? (await this.jobOf(fired.jobId))).status !== 'absent',
      target: await this.targetOf(schedule),
    };
  }

  private async jobOf(jobId: JobId): Promise<Job> {
    return (await this.ports.aggregates.load(jobRules, streamOf('job', jobId))).state;
  }

  /** What would be run if it fired now. */
  private async targetOf({ projectId, environmentId, settings }: ExistingSchedule): Promise<Target> {
    const { state } = await this.ports.aggregates.load(projectRules, streamOf('project', projectId));
    if (!state.environments.has(environmentId)) return { pause: { code: 'environment_deleted', message: 'its environment was deleted' } };
    const { runs } = settings.job;
    if (runs.type === 'container') return { release: null };
    try {
      return { release: (await inheritedRelease(this.ports.aggregates, runs.dockerServiceId)).release };
    } catch (error) {
      if (!(error instanceof Rejection)) throw error;
      const reason: Reason = { code: error.code.replace('.', '_'), message: error.detail };
      return error.code === 'job.no_release' ? { skip: reason } : { pause: reason };
    }
  }

  /** What is refused was planned on a world that has moved on: the next plan sees it. */
  private async tryStep(schedule: ExistingSchedule, step: ActingStep): Promise<void> {
    try {
      await this.take(schedule, step);
    } catch (error) {
      if (!(error instanceof Rejection && error.kind === 'conflict')) throw error;
    }
  }

  private take(schedule: ExistingSchedule, step: ActingStep): Promise<void> {
    switch (step.do) {
      case 'fire':
        return this.fire(schedule, step);
      case 'skip':
        return this.say(schedule, ['skip', iso(step.minute)], { type: 'SkipMinutes', data: { minute: iso(step.minute), since: iso(step.since), reason: step.reason } });
      case 'pause':
        // After a resume it may have to be paused anew.
        return this.say(schedule, ['pause', schedule.decidedUpTo], { type: 'PauseSchedule', data: { reason: step.reason } });
      case 'cut':
        return this.say(schedule, ['cut', ...step.jobIds], { type: 'CutHistory', data: { jobIds: step.jobIds } });
      case 'cancel':
        return this.cancel(schedule, step.jobIds);
      case 'make':
        return this.make(schedule, step.firing);
    }
  }

  private async fire(schedule: ExistingSchedule, { minute: due, missedSince, release, replaces }: Extract<ScheduleStep, { do: 'fire' }>): Promise<void> {
    const minute = iso(due);
    const commandId = commandIdOf('fire', schedule.scheduleId, minute);
    const jobId = deriveId('job', commandId, 'job', 0);
    await this.say(schedule, ['fire', minute], { type: 'FireSchedule', data: { minute, jobId, release, missedSince: missedSince === null ? null : iso(missedSince), replaces } });
    this.ports.logger.info('schedule fired', { schedule_id: schedule.scheduleId, minute, job_id: jobId });
  }

  private async cancel({ scheduleId, projectId }: ExistingSchedule, jobIds: readonly JobId[]): Promise<void> {
    const reason: Reason = { code: 'replaced', message: 'the next job of its schedule takes its place' };
    for (const jobId of jobIds) {
      const command = { type: 'CancelJob', data: { reason, requestedAt: iso(this.ports.clock.now()) } } as const;
      await this.ports.aggregates.handle(jobRules, streamOf('job', jobId), command, this.metadata(scheduleId, projectId, commandIdOf('replace', scheduleId, jobId)));
    }
  }

  /** All that is needed was fixed when it fired, but for where the resources are that it names itself: no other change since then makes it another job. */
  private async make(schedule: ExistingSchedule, { minute, jobId, release, job: { runs, ...common } }: Firing): Promise<void> {
    const { scheduleId, projectId, environmentId, networkId } = schedule;
    const inheritsFrom = runs.type === 'docker_service' && release !== null ? { dockerServiceId: runs.dockerServiceId, release } : null;
    const asked = runs.type === 'container' ? runs.spec : jobSpecOf(await this.releaseOf(runs.dockerServiceId, release), runs.overrides);
    const spec = await withFoundTargets(this.ports.aggregates, asked);
    const trigger = { type: 'schedule', scheduleId } as const;
    const data = { ...common, jobId, projectId, environmentId, networkId, spec, trigger, inheritsFrom, rerunOf: null };
    await this.ports.aggregates.handle(jobRules, streamOf('job', jobId), { type: 'CreateJob', data }, this.metadata(scheduleId, projectId, commandIdOf('make', scheduleId, minute)));
  }

  private async releaseOf(dockerServiceId: `svc_${string}`, release: number | null) {
    const { state } = await this.ports.aggregates.load(dockerService, streamOf('docker_service', dockerServiceId));
    const spec = state.status === 'present' && release !== null ? releaseSpecOf(state, release) : null;
    if (!spec) throw new Error(`release ${release} of ${dockerServiceId} isn't in its stream`);
    return spec;
  }

  private async say({ scheduleId, projectId }: ExistingSchedule, what: readonly string[], command: ScheduleCommand): Promise<void> {
    const [verb, ...about] = what;
    await this.ports.aggregates.handle(scheduleRules, streamOf('schedule', scheduleId), command, this.metadata(scheduleId, projectId, commandIdOf(verb!, scheduleId, ...about)));
  }

  private metadata(scheduleId: ScheduleId, projectId: ExistingSchedule['projectId'], commandId: string) {
    return causedBy(this.causeOf(scheduleId), commandId, projectId, this.ports.clock.now());
  }
}

const iso = (ms: number): string => new Date(ms).toISOString();
