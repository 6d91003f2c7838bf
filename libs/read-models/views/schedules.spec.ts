import { foldDocument } from '../view.ts';
import { RESOURCES, Story, SYSTEM, timeOf } from '../given/story.ts';
import { schedules, type ScheduleDocument } from './schedules.ts';

const settings = {
  cron: '*/5 * * * *',
  timeZone: 'UTC',
  concurrency: 'forbid',
  job: { name: 'report', timeoutMs: 60_000, retries: 1, runs: { type: 'docker_service', dockerServiceId: 'svc_web', overrides: { command: ['bin/report'], pullPolicy: 'never', resources: RESOURCES } } },
} as const;
const scheduleIn = (story: Story) => foldDocument<ScheduleDocument>(schedules, story.events, 'sch_1');

function created(): Story {
  const story = new Story();
  story.tell('schedule-sch_1', 'ScheduleCreated', { ...settings, scheduleId: 'sch_1', projectId: 'prj_shop', environmentId: 'env_live', networkId: 'net_live', since: timeOf(0) });
  return story;
}

describe('the schedules view', () => {
  it('is a whole answer', () => {
    const story = created();
    story.tell('schedule-sch_1', 'ScheduleFired', { minute: timeOf(0), jobId: 'job_1', release: 2, missedSince: null, replaces: [] }, SYSTEM);
    const skipped = { minute: timeOf(1), since: timeOf(1), reason: { code: 'still_running', message: 'm' } };
    story.tell('schedule-sch_1', 'ScheduleSkipped', skipped, SYSTEM);
    const actor = { type: 'token', id: 'tok_operator' };
    expect(scheduleIn(story)).toEqual({
      id: 'sch_1',
      position: '00000000000000000003',
      schedule_id: 'sch_1',
      project_id: 'prj_shop',
      environment_id: 'env_live',
      docker_service_id: 'svc_web',
      cron: '*/5 * * * *',
      time_zone: 'UTC',
      concurrency: 'forbid',
      paused: false,
      paused_reason: null,
      job: {
        docker_service_id: 'svc_web',
        name: 'report',
        timeout_ms: 60_000,
        retries: 1,
        command: ['bin/report'],
        pull_policy: 'never',
        resources: { request: { cpu_millis: 100, memory_bytes: 64 }, limit: { cpu_millis: 200, memory_bytes: 128 } },
      },
      last_fired: { minute: timeOf(0), job_id: 'job_1', missed_since: null },
      last_skipped: skipped,
      created_at: timeOf(1),
      created_by: actor,
      updated_at: timeOf(1),
      updated_by: actor,
      revision: 2,
    });
  });

  it('changes, is paused and resumed, and is gone when it was deleted', () => {
    const story = created();
    const reason = { code: 'paused', message: 'by request' };
    story.tell('schedule-sch_1', 'ScheduleChanged', { from: settings, to: { ...settings, cron: '0 3 * * *' }, since: timeOf(1) });
    story.tell('schedule-sch_1', 'SchedulePaused', { reason });
    expect(scheduleIn(story)).toMatchObject({ cron: '0 3 * * *', paused: true, paused_reason: reason, updated_at: timeOf(3) });
    story.tell('schedule-sch_1', 'ScheduleResumed', { since: timeOf(4) });
    expect(scheduleIn(story)).toMatchObject({ paused: false, paused_reason: null });
    story.tell('schedule-sch_1', 'ScheduleDeleted', {});
    expect(scheduleIn(story)).toBeNull();
  });
});
