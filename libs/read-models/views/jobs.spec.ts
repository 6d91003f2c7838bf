import { foldDocument } from '../view.ts';
import { observe, SPEC, Story, SYSTEM, timeOf } from '../given/story.ts';
import { specDocument } from './container-spec.ts';
import { jobs, type JobDocument } from './jobs.ts';

const owner = { type: 'job', id: 'job_1' } as const;
const jobIn = (story: Story): JobDocument => foldDocument<JobDocument>(jobs, story.events, 'job_1')!;

function startedJob(): Story {
  const story = new Story();
  story.tell('job-job_1', 'JobCreated', {
    jobId: 'job_1',
    projectId: 'prj_shop',
    environmentId: 'env_live',
    networkId: 'net_live',
    name: 'migrate',
    spec: SPEC,
    timeoutMs: 600_000,
    retries: 0,
    trigger: { type: 'manual' },
    inheritsFrom: null,
    rerunOf: null,
  });
  story.tell('job-job_1', 'JobAttemptStarted', { attempt: 1, replicaId: 'rep_1' }, SYSTEM);
  return story;
}

describe('the jobs view', () => {
  it('is a whole answer when the job has ended', () => {
    const story = startedJob();
    story.tell('replica-rep_1', 'PlacementSettled', { replicaId: 'rep_1', owner, attempt: 1, nodeId: 'node_a', outcome: 'placed', reason: { code: 'placed', message: 'taken' }, eventId: 'e' }, SYSTEM);
    observe(story, 1, 'RUNNING', { owner });
    observe(story, 1, 'FAILED', { owner, final: true, exitCode: 3, reason: { code: 'exited', message: 'exit code 3' } });
    const reason = { code: 'exited', message: 'exit code 3' };
    story.tell('job-job_1', 'JobEnded', { outcome: 'FAILED', attempt: 1, exitCode: 3, oomKilled: false, reason }, SYSTEM);
    expect(jobIn(story)).toEqual({
      id: 'job_1',
      position: '00000000000000000006',
      job_id: 'job_1',
      project_id: 'prj_shop',
      environment_id: 'env_live',
      network_id: 'net_live',
      name: 'migrate',
      ...specDocument(SPEC),
      status: 'FAILED',
      status_reason: reason,
      trigger: { type: 'manual' },
      trigger_type: 'manual',
      schedule_id: null,
      deployment_id: null,
      starting_at: null,
      docker_service_id: null,
      release: null,
      rerun_of: null,
      timeout_ms: 600_000,
      retries: 0,
      attempts: [
        {
          attempt: 1,
          replica_id: 'rep_1',
          state: 'FAILED',
          node_id: 'node_a',
          exit_code: 3,
          oom_killed: false,
          reason,
          retry_at: null,
          started_at: timeOf(4),
          finished_at: timeOf(5),
        },
      ],
      exit_code: 3,
      oom_killed: false,
      cancel_requested_at: null,
      created_at: timeOf(1),
      created_by: { type: 'token', id: 'tok_operator' },
      finished_at: timeOf(6),
      revision: 2,
      links: { logs: '/v1/jobs/job_1/logs' },
    });
  });

  it('waits and says why, runs, and waits for its outcome', () => {
    const story = startedJob();
    const seen = () => [jobIn(story).status, jobIn(story).status_reason?.code ?? null];
    expect(seen()).toEqual(['PENDING', 'not_started']);
    story.tell('replica-rep_1', 'PlacementDeferred', { replicaId: 'rep_1', owner, reason: { code: 'no_node_fits', message: 'no node fits' }, nodes: [] }, SYSTEM);
    expect(seen()).toEqual(['PENDING', 'no_node_fits']);
    observe(story, 1, 'STARTING', { owner });
    expect(seen()).toEqual(['PENDING', 'starting']);
    observe(story, 1, 'RUNNING', { owner });
    expect(seen()).toEqual(['RUNNING', null]);
    observe(story, 1, 'COMPLETED', { owner, final: true, exitCode: 0 });
    expect(seen()).toEqual(['RUNNING', null]);
    expect(jobIn(story).attempts).toMatchObject([{ state: 'COMPLETED', exit_code: 0 }]);
  });

  it('keeps its outcome when its container goes afterwards', () => {
    const story = startedJob();
    observe(story, 1, 'RUNNING', { owner });
    observe(story, 1, 'COMPLETED', { owner, final: true, exitCode: 0 });
    story.tell('job-job_1', 'JobEnded', { outcome: 'SUCCEEDED', attempt: 1, exitCode: 0, oomKilled: false, reason: { code: 'completed', message: 'exit code 0' } }, SYSTEM);
    observe(story, 1, 'GONE', { owner });
    expect(jobIn(story)).toMatchObject({ status: 'SUCCEEDED', status_reason: { code: 'completed' }, revision: 2, attempts: [{ state: 'COMPLETED', exit_code: 0, finished_at: timeOf(4) }] });
  });

  it('keeps why its container never started when that is cleared away', () => {
    const story = startedJob();
    const reason = { code: 'invalid_config', message: 'no such program' };
    observe(story, 1, 'FAILED', { owner, final: true, reason });
    observe(story, 1, 'GONE', { owner, final: true, reason: { code: 'removed', message: 'it was to be removed' } });
    expect(jobIn(story).attempts).toMatchObject([{ state: 'FAILED', reason, started_at: null, finished_at: null }]);
  });

  it('has the times also of a container that ended before it was seen to run', () => {
    const story = startedJob();
    observe(story, 1, 'STARTING', { owner });
    observe(story, 1, 'COMPLETED', { owner, final: true, exitCode: 0 });
    expect(jobIn(story).attempts).toMatchObject([{ state: 'COMPLETED', exit_code: 0, started_at: timeOf(3), finished_at: timeOf(4) }]);
  });

  it('says of an attempt that failed when the next one may begin, and keeps saying so when its container goes', () => {
    const story = startedJob();
    const reason = { code: 'exited', message: 'exit code 3' };
    observe(story, 1, 'RUNNING', { owner });
    observe(story, 1, 'FAILED', { owner, final: true, exitCode: 3, reason });
    story.tell('job-job_1', 'JobAttemptFailed', { attempt: 1, replicaId: 'rep_1', exitCode: 3, oomKilled: false, reason, retryAt: timeOf(59) }, SYSTEM);
    observe(story, 1, 'GONE', { owner });
    const message = `attempt 1 failed (exit code 3); the next one begins at ${timeOf(59)} at the earliest, once its container is gone`;
    expect(jobIn(story)).toMatchObject({ status: 'PENDING', status_reason: { code: 'retrying', message }, attempts: [{ state: 'FAILED', exit_code: 3, retry_at: timeOf(59), finished_at: timeOf(4) }] });
    story.tell('job-job_1', 'JobAttemptStarted', { attempt: 2, replicaId: 'rep_2' }, SYSTEM);
    observe(story, 2, 'RUNNING', { owner });
    expect(jobIn(story)).toMatchObject({ status: 'RUNNING', status_reason: null, attempts: [{ attempt: 1 }, { attempt: 2, retry_at: null }] });
  });

  it('says that it is being cancelled until it has ended', () => {
    const story = startedJob();
    observe(story, 1, 'RUNNING', { owner });
    story.tell('job-job_1', 'JobCancelRequested', { reason: { code: 'cancelled', message: 'it was cancelled by request' }, requestedAt: timeOf(4) });
    observe(story, 1, 'STOPPED', { owner, final: true, exitCode: 143 });
    expect(jobIn(story)).toMatchObject({ status: 'RUNNING', status_reason: { code: 'cancelling' }, cancel_requested_at: timeOf(4) });
  });

  it('is gone when its schedule cut it out of its history', () => {
    const story = startedJob();
    story.tell('schedule-sch_1', 'ScheduleHistoryCut', { jobIds: ['job_1'] }, SYSTEM);
    observe(story, 1, 'GONE', { owner });
    expect(foldDocument<JobDocument>(jobs, story.events, 'job_1')).toBeNull();
  });
});
