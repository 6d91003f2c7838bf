import { DEFAULT_DEPLOY_SETTINGS } from '#domain';
import { foldDocument } from '../view.ts';
import { deploymentRef, orderedService, type Story, SYSTEM, timeOf } from '../given/story.ts';
import { deployments, type DeploymentDocument } from './deployments.ts';

const deploymentIn = (story: Story): DeploymentDocument => foldDocument<DeploymentDocument>(deployments, story.events, 'dep_1')!;

const progress = (story: Story, running: number, settled: number, wanted = 2) =>
  story.tell('deployment-dep_1', 'DeploymentProgressed', { ...deploymentRef, running, settled, wanted, deadlineAt: timeOf(900) }, SYSTEM);

const closed = (story: Story, outcome: 'SUCCEEDED' | 'FAILED' | 'CANCELLED') =>
  story.tell('deployment-dep_1', 'DeploymentClosed', { ...deploymentRef, outcome, reason: { code: 'over', message: `it ${outcome}` } }, SYSTEM);

describe('the deployments view', () => {
  it('is a whole answer while its replicas start', () => {
    expect(deploymentIn(orderedService())).toEqual({
      id: 'dep_1',
      position: '00000000000000000005',
      deployment_id: 'dep_1',
      docker_service_id: 'svc_web',
      project_id: 'prj_shop',
      status: 'RUNNING',
      strategy: null,
      from_release: null,
      to_release: 1,
      reason: null,
      created_by: { type: 'token', id: 'tok_operator' },
      started_at: timeOf(3),
      finished_at: null,
      deadline_at: timeOf(603),
      progress: null,
      failures: [],
      steps: [
        { name: 'order', status: 'SUCCEEDED', started_at: timeOf(5), finished_at: timeOf(5), reason: { code: 'deploy', message: '2 replicas of release 1 are wanted' } },
        { name: 'start', status: 'RUNNING', started_at: timeOf(5), finished_at: null, reason: null },
        { name: 'settle', status: 'PENDING', started_at: null, finished_at: null, reason: null },
      ],
      ordered: [
        { replica_id: 'rep_1', slot: 1, release: 1 },
        { replica_id: 'rep_2', slot: 2, release: 1 },
      ],
    });
  });

  it('goes forward step by step, and its deadline with it', () => {
    const story = orderedService();
    const steps = () => deploymentIn(story).steps.map(({ name, status }) => `${name} ${status}`).join(', ');
    progress(story, 1, 0);
    expect(steps()).toBe('order SUCCEEDED, start RUNNING, settle RUNNING');
    expect(deploymentIn(story)).toMatchObject({ deadline_at: timeOf(900), progress: { running: 1, settled: 0, wanted: 2 } });
    progress(story, 2, 1);
    expect(steps()).toBe('order SUCCEEDED, start SUCCEEDED, settle RUNNING');
    const settled = progress(story, 2, 2);
    closed(story, 'SUCCEEDED');
    expect(steps()).toBe('order SUCCEEDED, start SUCCEEDED, settle SUCCEEDED');
    expect(deploymentIn(story).steps[2]).toMatchObject({ finished_at: settled.metadata.at });
  });

  it('is under way again when a scale wants more than was up', () => {
    const story = orderedService();
    progress(story, 2, 1);
    progress(story, 3, 1, 4);
    expect(deploymentIn(story).steps[1]).toMatchObject({ name: 'start', status: 'RUNNING', finished_at: null, started_at: timeOf(5) });
  });

  it('names what failed, and leaves no step open', () => {
    const story = orderedService();
    const reason = { code: 'image_not_found', message: 'no such image' };
    story.tell('deployment-dep_1', 'DeploymentReplicaFailed', { ...deploymentRef, replicaId: 'rep_1', slot: 1, reason }, SYSTEM);
    const end = closed(story, 'FAILED');
    expect(deploymentIn(story)).toMatchObject({
      status: 'FAILED',
      reason: { code: 'over', message: 'it FAILED' },
      finished_at: end.metadata.at,
      failures: [{ replica_id: 'rep_1', slot: 1, reason }],
      steps: [
        { name: 'order', status: 'SUCCEEDED' },
        { name: 'start', status: 'FAILED', finished_at: end.metadata.at, reason: { code: 'over' } },
        { name: 'settle', status: 'CANCELLED', started_at: null, finished_at: null },
      ],
    });
  });

  it('ended when its stream was closed: the word of its service comes later and says the same', () => {
    const story = orderedService();
    const end = closed(story, 'CANCELLED');
    const data = { deploymentId: 'dep_1', outcome: 'CANCELLED', reason: { code: 'over', message: 'it CANCELLED' }, toRelease: 1, ordered: [], stopped: [], forgotten: [] } as const;
    const before = deploymentIn(story);
    const ended = story.tell('docker_service-svc_web', 'DeploymentEnded', data, SYSTEM);
    expect(deploymentIn(story)).toEqual({ ...before, position: ended.position });
    expect(before).toMatchObject({ status: 'CANCELLED', finished_at: end.metadata.at, steps: [{}, { status: 'CANCELLED' }, { status: 'CANCELLED' }] });
  });

  it('may end before anything of it was taken up', () => {
    const story = orderedService();
    story.tell('docker_service-svc_web', 'DeploymentStarted', { deploymentId: 'dep_2', kind: 'deploy', fromRelease: 1, toRelease: 2, settings: DEFAULT_DEPLOY_SETTINGS, supersedes: null });
    const data = { deploymentId: 'dep_2', outcome: 'SUPERSEDED', reason: { code: 'superseded', message: 'a newer one came' }, toRelease: 2, ordered: [], stopped: [], forgotten: [] } as const;
    story.tell('docker_service-svc_web', 'DeploymentEnded', data, SYSTEM);
    expect(foldDocument<DeploymentDocument>(deployments, story.events, 'dep_2')).toMatchObject({
      status: 'SUPERSEDED',
      from_release: 1,
      to_release: 2,
      deadline_at: null,
      steps: [{ status: 'CANCELLED' }, { status: 'CANCELLED' }, { status: 'CANCELLED' }],
    });
  });
});
