import type { JobOverrides } from '../job/job-spec.ts';
import type { DockerServiceId, EnvironmentId, JobId, NetworkId, ProjectId, ScheduleId } from '../kernel/ids.ts';
import type { ContainerSpec } from '../docker-service/events.ts';
import type { Reason } from '../kernel/reason.ts';

/** What to do about a firing while an earlier job of the schedule isn't over. `forbid`: pass it over. `replace`: cancel those, and
 *  begin when they have ended. */
export type ConcurrencyPolicy = 'allow' | 'forbid' | 'replace';

/** What each firing makes. */
export interface JobTemplate {
  readonly name: string;
  readonly timeoutMs: number;
  readonly retries: number;
  /** A whole container, or what stands in place of the current release's own at each firing. */
  readonly runs:
    | { readonly type: 'container'; readonly spec: ContainerSpec }
    | { readonly type: 'docker_service'; readonly dockerServiceId: DockerServiceId; readonly overrides: JobOverrides };
}

/** When a schedule fires, and what then happens; what a change may change. */
export interface ScheduleSettings {
  /** Five fields. */
  readonly cron: string;
  /** IANA name; the cron fields are wall time there. */
  readonly timeZone: string;
  readonly concurrency: ConcurrencyPolicy;
  readonly job: JobTemplate;
}

/** Minutes are instants in RFC 3339, UTC, of whole minutes. */
export type ScheduleEvent =
  | {
      type: 'ScheduleCreated';
      data: ScheduleSettings & {
        scheduleId: ScheduleId;
        projectId: ProjectId;
        environmentId: EnvironmentId;
        networkId: NetworkId;
        /** Fires for minutes after this instant only. */
        since: string;
      };
    }
  /** `since`: minutes up to then are over, whatever they were due for. */
  | { type: 'ScheduleChanged'; data: { from: ScheduleSettings; to: ScheduleSettings; since: string } }
  /** It fires no more until it is resumed: by request, or because what it would run can't be run any more. */
  | { type: 'SchedulePaused'; data: { reason: Reason } }
  | { type: 'ScheduleResumed'; data: { since: string } }
  /** The minute is decided: this job is made of it. `release` is the one that the job inherits; `missedSince` the first minute that
   *  this one catches up for, null where it is none but itself; `replaces` are jobs that have to end first. */
  | { type: 'ScheduleFired'; data: { minute: string; jobId: JobId; release: number | null; missedSince: string | null; replaces: readonly JobId[] } }
  /** All due minutes from `since` to `minute` are passed over. */
  | { type: 'ScheduleSkipped'; data: { minute: string; since: string; reason: Reason } }
  /** Of its jobs that have ended only the latest are kept: these fall out of every list. */
  | { type: 'ScheduleHistoryCut'; data: { jobIds: readonly JobId[] } }
  /** Jobs that it has made run on. */
  | { type: 'ScheduleDeleted'; data: Record<never, never> };
