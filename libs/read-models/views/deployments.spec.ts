import { DEFAULT_DEPLOY_SETTINGS, type DeploymentStage, type StageResult } from '#domain';
import { foldDocument } from '../view.ts';
import { deploymentRef, orderedService, type Story, SYSTEM, timeOf } from '../given/story.ts';
import { deployments, type DeploymentDocument } from './deployments.ts';

const own = 'deployment-dep_1';
const reason = { code: 'because', message: 'because of this' };
const deploymentIn = (story: Story, id = 'dep_1'): DeploymentDocument => foldDocument<DeploymentDocument>(deployments, story.events, id)!;
const progress = (story: Story, running: number, settled: number, wanted = 2) =>
  story.tell(own, 'DeploymentProgressed', { ...deploymentRef, running, settled, wanted, deadlineAt: timeOf(900) }, SYSTEM);
const begin = (story: Story, stage: DeploymentStage, deadlineAt: string | null = timeOf(600)) =>
  story.tell(own, 'DeploymentStageBegan', { ...deploymentRef, stage, jobId: stage.endsWith('deploy') ? 'job_1' : null, at: timeOf(10), deadlineAt, reason }, SYSTEM);
const end = (story: Story, stage: DeploymentStage, result: StageResult) => story.tell(own, 'DeploymentStageEnded', { ...deploymentRef, stage, result, at: timeOf(20), reason }, SYSTEM);
const closed = (story: Story, outcome: 'SUCCEEDED' | 'FAILED' | 'CANCELLED' | 'ROLLED_BACK') =>
  story.tell(own, 'DeploymentClosed', { ...deploymentRef, outcome, reason: { code: 'over', message: `it ${outcome}` } }, SYSTEM);
const steps = (story: Story) => deploymentIn(story).steps.map(({ name, status }) => `${name} ${status}`).join(', ');

describe('the deployments view', () => {
  it('is a whole answer while its replicas start', () => {
    const waiting = { status: 'PENDING', started_at: null, finished_at: null, deadline_at: null, job_id: null, reason: null };
    expect(deploymentIn(orderedService())).toEqual({
      id: 'dep_1',
      position: '00000000000000000005',
      deployment_id: 'dep_1',
      docker_service_id: 'svc_web',
      project_id: 'prj_shop',
      kind: 'create',
      status: 'RUNNING',
      strategy: 'rolling',
      max_surge: null,
      max_unavailable: null,
      auto_rollback: true,
      from_release: null,
      to_release: 1,
      reason: null,
      supersedes: null,
      superseded_by: null,
      cancel_requested_at: null,
      created_by: { type: 'token', id: 'tok_operator' },
      started_at: timeOf(3),
      finished_at: null,
      deadline_at: timeOf(603),
      progress: null,
      steps: [
        { name: 'prepare', ...waiting },
        { name: 'replace', ...waiting },
        { name: 'monitor', ...waiting },
      ],
      history: [
        { at: timeOf(3), what: 'a deployment of release 1 was started', why: 'nothing of it ran before' },
        { at: timeOf(4), what: 'the deployment of release 1 was taken up', why: 'it is the active one of its service' },
        { at: timeOf(5), what: '2 replicas ordered', why: '2 replicas of release 1 are wanted' },
      ],
      healthy_deadline_ms: 300_000,
      ordered: [
        { replica_id: 'rep_1', slot: 1, generation: 1, release: 1, ordered_at: timeOf(5), stopped: false },
        { replica_id: 'rep_2', slot: 2, generation: 1, release: 1, ordered_at: timeOf(5), stopped: false },
      ],
      failures: [],
    });
  });

  it('plans a step for each hook, and none where nobody is to watch', () => {
    const story = orderedService();
    const hook = { overrides: {}, timeoutMs: 1_000, retries: 0 };
    const settings = { ...DEFAULT_DEPLOY_SETTINGS, monitorMs: 0, preDeploy: hook, postDeploy: hook };
    story.tell('docker_service-svc_web', 'DeploymentStarted', { deploymentId: 'dep_2', kind: 'deploy', fromRelease: 1, toRelease: 2, settings, supersedes: 'dep_1' });
    expect(deploymentIn(story, 'dep_2').steps.map(({ name }) => name)).toEqual(['pre_deploy', 'prepare', 'replace', 'post_deploy']);
    expect(deploymentIn(story, 'dep_2')).toMatchObject({ supersedes: 'dep_1', from_release: 1 });
    expect(deploymentIn(story)).toMatchObject({ superseded_by: 'dep_2' });
  });

  it('goes forward step by step, and its deadline with it', () => {
    const story = orderedService();
    begin(story, 'prepare');
    expect(deploymentIn(story)).toMatchObject({ deadline_at: timeOf(600), steps: [{ name: 'prepare', status: 'RUNNING', started_at: timeOf(10), deadline_at: timeOf(600), reason }, {}, {}] });
    progress(story, 1, 0);
    expect(deploymentIn(story)).toMatchObject({ deadline_at: timeOf(900), progress: { running: 1, settled: 0, wanted: 2 }, steps: [{ deadline_at: timeOf(900) }, {}, {}] });
    end(story, 'prepare', 'SUCCEEDED');
    begin(story, 'replace');
    expect(steps(story)).toBe('prepare SUCCEEDED, replace RUNNING, monitor PENDING');
    progress(story, 2, 2);
    end(story, 'replace', 'SUCCEEDED');
    begin(story, 'monitor', timeOf(700));
    progress(story, 2, 2);
    expect(deploymentIn(story).steps[2]).toMatchObject({ deadline_at: timeOf(700) });
    const over = closed(story, 'SUCCEEDED');
    expect(steps(story)).toBe('prepare SUCCEEDED, replace SUCCEEDED, monitor SUCCEEDED');
    expect(deploymentIn(story)).toMatchObject({ status: 'SUCCEEDED', deadline_at: null, finished_at: over.metadata.at });
  });

  it('leaves out what there was nothing to do for, where all went well', () => {
    const story = orderedService();
    begin(story, 'replace');
    closed(story, 'SUCCEEDED');
    expect(steps(story)).toBe('replace SUCCEEDED');
  });

  it('names what failed and why, then the way back', () => {
    const story = orderedService();
    const crashed = { code: 'exited', message: 'exit code 3' };
    begin(story, 'replace');
    progress(story, 1, 0);
    story.tell(own, 'DeploymentReplicaFailed', { ...deploymentRef, replicaId: 'rep_1', slot: 1, reason: crashed }, SYSTEM);
    end(story, 'replace', 'FAILED');
    begin(story, 'return');
    expect(steps(story)).toBe('prepare PENDING, replace FAILED, monitor PENDING, return RUNNING');
    expect(deploymentIn(story)).toMatchObject({ progress: null, failures: [{ replica_id: 'rep_1', slot: 1, reason: crashed }] });
    end(story, 'return', 'SUCCEEDED');
    closed(story, 'ROLLED_BACK');
    expect(steps(story)).toBe('prepare CANCELLED, replace FAILED, monitor CANCELLED, return SUCCEEDED');
    expect(deploymentIn(story).history.slice(-5).map(({ what }) => what)).toEqual([
      'slot 1 (generation 1) counts as failed for the deployment',
      'the stage replace of the deployment ended: FAILED',
      'the deployment came to its stage return',
      'the stage return of the deployment ended: SUCCEEDED',
      'the deployment takes no further step: ROLLED_BACK',
    ]);
  });

  it('names the job of a hook, which has a time of its own', () => {
    const story = orderedService();
    begin(story, 'pre_deploy', null);
    expect(deploymentIn(story).steps.at(-1)).toMatchObject({ name: 'pre_deploy', job_id: 'job_1', deadline_at: null });
    expect(deploymentIn(story).deadline_at).toBeNull();
  });

  it('leaves no step open, whatever ended it', () => {
    const story = orderedService();
    begin(story, 'replace');
    const over = closed(story, 'FAILED');
    expect(deploymentIn(story).steps).toMatchObject([{ status: 'CANCELLED' }, { status: 'FAILED', finished_at: over.metadata.at, reason: { code: 'over' } }, { status: 'CANCELLED' }]);
  });

  it('ended when its stream was closed: the word of its service comes later and says the same', () => {
    const story = orderedService();
    const cancelled = story.tell('docker_service-svc_web', 'DeploymentCancelRequested', { deploymentId: 'dep_1' });
    const over = closed(story, 'CANCELLED');
    const data = { deploymentId: 'dep_1', outcome: 'CANCELLED', reason: { code: 'over', message: 'it CANCELLED' }, toRelease: 1, ordered: [], stopped: [], forgotten: [] } as const;
    const before = deploymentIn(story);
    story.tell('docker_service-svc_web', 'DeploymentEnded', data, SYSTEM);
    expect(deploymentIn(story)).toMatchObject({ ...before, position: expect.any(String) as string, history: expect.any(Array) as unknown[] });
    expect(before).toMatchObject({ status: 'CANCELLED', cancel_requested_at: cancelled.metadata.at, finished_at: over.metadata.at });
  });

  it('may end before anything of it was taken up', () => {
    const story = orderedService();
    story.tell('docker_service-svc_web', 'DeploymentStarted', { deploymentId: 'dep_2', kind: 'deploy', fromRelease: 1, toRelease: 2, settings: DEFAULT_DEPLOY_SETTINGS, supersedes: null });
    const data = { deploymentId: 'dep_2', outcome: 'SUPERSEDED', reason: { code: 'superseded', message: 'a newer one came' }, toRelease: 2, ordered: [], stopped: [], forgotten: [] } as const;
    story.tell('docker_service-svc_web', 'DeploymentEnded', data, SYSTEM);
    expect(deploymentIn(story, 'dep_2')).toMatchObject({ status: 'SUPERSEDED', deadline_at: null, steps: [{ status: 'CANCELLED' }, { status: 'CANCELLED' }, { status: 'CANCELLED' }] });
  });
});
