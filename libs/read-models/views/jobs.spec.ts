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
      timeout_ms: 600_000,
      attempts: [
        {
          attempt: 1,
          replica_id: 'rep_1',
          state: 'FAILED',
          node_id: 'node_a',
          exit_code: 3,
          oom_killed: false,
          reason,
          started_at: timeOf(4),
          finished_at: timeOf(5),
        },
      ],
      exit_code: 3,
      oom_killed: false,
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
});
