import { fold } from '../kernel/decider.ts';
import { given } from '../kernel/given.ts';
import { created, deploying, ended, order, reason, SETTINGS, SPEC, stable } from '../rollout/given.ts';
import { dockerService, type DockerServiceCommand } from './decide.ts';
import { keptReleases, type DockerService, type ExistingDockerService } from './docker-service.ts';
import type { ContainerSpec, DockerServiceEvent } from './events.ts';

const next: ContainerSpec = { ...SPEC, image: 'docker.io/a/b:d' };
const deploy = (spec: ContainerSpec, more: Partial<Extract<DockerServiceCommand, { type: 'DeployDockerService' }>['data']> = {}): DockerServiceCommand => ({
  type: 'DeployDockerService',
  data: { deploymentId: 'dep_2', spec, settings: {}, sameSpec: 'nothing', ...more },
});
const started = (data: Partial<Extract<DockerServiceEvent, { type: 'DeploymentStarted' }>['data']>): DockerServiceEvent => ({
  type: 'DeploymentStarted',
  data: { deploymentId: 'dep_2', kind: 'deploy', fromRelease: 1, toRelease: 2, settings: SETTINGS, supersedes: null, ...data },
});
const cut = (release: number, spec: ContainerSpec, copiedFrom?: number): DockerServiceEvent => ({ type: 'ReleaseCut', data: { release, spec, ...(copiedFrom ? { copiedFrom } : {}) } });
const ended2 = (outcome: 'SUCCEEDED' | 'FAILED' | 'ROLLED_BACK' | 'CANCELLED' | 'SUPERSEDED'): DockerServiceEvent => ended(outcome, [], { deploymentId: 'dep_2', toRelease: 2 });
const state = (events: readonly DockerServiceEvent[]): ExistingDockerService => {
  const folded: DockerService = fold(dockerService, events);
  if (folded.status !== 'present') throw new Error('absent');
  return folded;
};

describe('deploying', () => {
  it('cuts a release of another spec and starts its deployment', () => given(dockerService, stable(2)).when(deploy(next)).then([cut(2, next), started({})]));

  it('goes by what is given for this deployment alone, and leaves the service its own', () =>
    given(dockerService, stable(2)).when(deploy(next, { settings: { maxSurge: 2 } })).then([cut(2, next), started({ settings: { ...SETTINGS, maxSurge: 2 } })]));

  it('of the same spec is nothing, the same release once more, or a new one all the same', () => {
    given(dockerService, stable(2)).when(deploy(SPEC)).then([]);
    given(dockerService, stable(2)).when(deploy(SPEC, { sameSpec: 'restart' })).then([started({ kind: 'restart', toRelease: 1 })]);
    given(dockerService, stable(2)).when(deploy(SPEC, { sameSpec: 'cut' })).then([cut(2, SPEC), started({})]);
  });

  it('makes no release of other labels: they are the service\'s own', () => given(dockerService, stable(2)).when(deploy({ ...SPEC, labels: { team: 'shop' } })).then([]));

  it('of a release that a log has lost, put back to the middle of an append, is refused', () =>
    given(dockerService, created(2).slice(0, 1)).when({ type: 'RestartDockerService', data: { deploymentId: 'dep_2' } }).rejects('docker_service.release_not_found'));

  it('takes over from the deployment that is under way', () =>
    given(dockerService, deploying(2)).when(deploy({ ...SPEC, image: 'docker.io/a/b:e' }, { deploymentId: 'dep_3' })).then([
      cut(3, { ...SPEC, image: 'docker.io/a/b:e' }),
      started({ deploymentId: 'dep_3', toRelease: 3, supersedes: 'dep_2' }),
    ]));

  it('moves a halted service on', () =>
    expect(state([...stable(2), cut(2, next), started({}), ended2('FAILED'), cut(3, SPEC), started({ toRelease: 3 })])).toMatchObject({ halted: null, stableRelease: 1 }));

  it('is refused with what breaks a rule, and where the service is paused or going', () => {
    given(dockerService, stable(2)).when(deploy({ ...SPEC, image: 'A B' })).rejects('docker_service.invalid', { violations: [expect.objectContaining({ pointer: '/image' })] });
    given(dockerService, [...stable(2), { type: 'DockerServicePaused', data: {} }]).when(deploy(next)).rejects('docker_service.paused', { lifecycle: 'PAUSED', containers: 'held' });
    given(dockerService, [...stable(2), { type: 'DockerServiceDeletionRequested', data: {} }]).when(deploy(next)).rejects('docker_service.deleted', { lifecycle: 'DELETING' });
  });
});

describe('changing a service', () => {
  const change = (data: Partial<Extract<DockerServiceCommand, { type: 'ChangeDockerService' }>['data']>): DockerServiceCommand => ({ type: 'ChangeDockerService', data: { deploymentId: 'dep_2', ...data } });
  const settings = { ...SETTINGS, maxFailures: 3 };

  it('makes no release of what is its own', () =>
    given(dockerService, stable(2)).when(change({ replicas: 3, deploy: settings, labels: { team: 'shop' } })).then([
      { type: 'DockerServiceScaled', data: { from: 2, to: 3 } },
      { type: 'DeploySettingsChanged', data: { from: SETTINGS, to: settings } },
      { type: 'DockerServiceLabelsChanged', data: { from: {}, to: { team: 'shop' } } },
    ]));

  it('deploys another spec by the settings that come with it, in the same append', () =>
    given(dockerService, stable(2)).when(change({ spec: next, deploy: settings, labels: { team: 'shop' } })).then([
      { type: 'DeploySettingsChanged', data: { from: SETTINGS, to: settings } },
      { type: 'DockerServiceLabelsChanged', data: { from: {}, to: { team: 'shop' } } },
      cut(2, { ...next, labels: { team: 'shop' } }),
      started({ settings }),
    ]));

  it('of a paused service is refused only where it would be moved', () => {
    const paused: DockerServiceEvent[] = [...stable(2), { type: 'DockerServicePaused', data: {} }];
    given(dockerService, paused).when(change({ replicas: 3 })).then([{ type: 'DockerServiceScaled', data: { from: 2, to: 3 } }]);
    given(dockerService, paused).when(change({ spec: next })).rejects('docker_service.paused', { lifecycle: 'PAUSED', containers: 'held' });
  });

  it('is silent where nothing changes', () => given(dockerService, stable(2)).when(change({ replicas: 2, deploy: { ...SETTINGS }, spec: { ...SPEC } })).then([]));
});

describe('rolling back', () => {
  const rollBack = (release: number | null): DockerServiceCommand => ({ type: 'RollBackDockerService', data: { deploymentId: 'dep_3', release } });
  const pin = { reference: 'docker.io/a/b@sha256:1', digest: 'sha256:1', imageId: 'sha256:2' };
  const moved = [...stable(2), { type: 'ReleaseImagePinned', data: { release: 1, ...pin } } as const, cut(2, next), started({}), ended2('SUCCEEDED')];
  const back = started({ deploymentId: 'dep_3', kind: 'rollback', fromRelease: 2, toRelease: 3, settings: { ...SETTINGS, autoRollback: false } });

  it('cuts a new release that copies the old one whole, its image as it was pinned, and is never rolled back itself', () => {
    const events: DockerServiceEvent[] = [cut(3, SPEC, 1), { type: 'ReleaseImagePinned', data: { release: 3, ...pin } }, back];
    given(dockerService, moved).when(rollBack(1)).then(events);
    given(dockerService, moved).when(rollBack(null)).then(events);
  });

  it('is refused to a release that is not kept, to the one it is at, and where there is none', () => {
    given(dockerService, moved).when(rollBack(9)).rejects('docker_service.release_not_kept', { release: 9, kept: [2, 1] });
    given(dockerService, moved).when(rollBack(2)).rejects('docker_service.release_current', { release: 2 });
    given(dockerService, stable(2)).when(rollBack(null)).rejects('docker_service.no_earlier_release');
  });

  it('of a halted service goes to its last stable release: that runs no more', () => {
    const halted = [...deploying(2), ended2('FAILED')];
    const events = [cut(3, SPEC, 1), { ...back, data: { ...back.data, fromRelease: 1 } } as DockerServiceEvent];
    given(dockerService, halted).when(rollBack(null)).then(events);
    given(dockerService, halted).when(rollBack(1)).then(events);
    given(dockerService, [...created(1), ended('FAILED', [])]).when(rollBack(null)).rejects('docker_service.no_earlier_release');
  });

  it('during a deployment goes to the stable release', () => given(dockerService, deploying(2)).when(rollBack(null)).then([cut(3, SPEC, 1), { ...back, data: { ...back.data, fromRelease: 1, supersedes: 'dep_2' } } as DockerServiceEvent]));
});

describe('releases', () => {
  it('are kept ten, and those that are in use', () => {
    const many = Array.from({ length: 14 }, (_, index) => cut(index + 2, { ...SPEC, env: { N: String(index) } }));
    expect(keptReleases(state([...stable(1), ...many]))).toEqual([15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 1]);
  });

  it('are pinned once', () => {
    const data = { release: 1, reference: 'x', digest: null, imageId: 'x' };
    given(dockerService, stable(1)).when({ type: 'PinReleaseImage', data }).then([{ type: 'ReleaseImagePinned', data }]);
    given(dockerService, [...stable(1), { type: 'ReleaseImagePinned', data }]).when({ type: 'PinReleaseImage', data: { ...data, reference: 'y' } }).then([]);
    given(dockerService, stable(1)).when({ type: 'PinReleaseImage', data: { ...data, release: 4 } }).rejects('docker_service.release_not_found');
  });
});

describe('cancelling', () => {
  const cancel = (deploymentId: `dep_${string}`): DockerServiceCommand => ({ type: 'CancelDeployment', data: { deploymentId } });
  const requested: DockerServiceEvent = { type: 'DeploymentCancelRequested', data: { deploymentId: 'dep_2' } };

  it('is asked for once', () => {
    given(dockerService, deploying(2)).when(cancel('dep_2')).then([requested]);
    given(dockerService, [...deploying(2), requested]).when(cancel('dep_2')).then([]);
  });

  it('is refused for one that has ended, or that another took over from', () => {
    given(dockerService, deploying(2)).when(cancel('dep_1')).rejects('deployment.ended', { deploymentId: 'dep_1' });
    const superseded = [...deploying(2), cut(3, SPEC), started({ deploymentId: 'dep_3', toRelease: 3, supersedes: 'dep_2' })];
    given(dockerService, superseded).when(cancel('dep_2')).rejects('deployment.superseded', { deploymentId: 'dep_3' });
  });
});

describe('the end of a deployment', () => {
  it('that FAILED halts the service on its stable release', () => expect(state([...deploying(2), ended2('FAILED')])).toMatchObject({ stableRelease: 1, halted: { code: 'exited' }, activeDeployment: null }));
  it.each(['ROLLED_BACK', 'CANCELLED'] as const)('that was %s leaves it on its stable release', (outcome) => expect(state([...deploying(2), ended2(outcome)])).toMatchObject({ stableRelease: 1, halted: null }));
  it('that was the first and is CANCELLED halts it: there is nothing to stand on', () => expect(state([...created(1), ended('CANCELLED', [])])).toMatchObject({ halted: reason }));

  it('that was superseded hands over, while the newer one stays', () => {
    const superseded = [...deploying(2), cut(3, SPEC), started({ deploymentId: 'dep_3', toRelease: 3, supersedes: 'dep_2' })];
    expect(state(superseded).superseded.map(({ deploymentId }) => deploymentId)).toEqual(['dep_2']);
    const over = state([...superseded, ended('SUPERSEDED', [order(1, 2, { release: 2 })], { deploymentId: 'dep_2', toRelease: 2 })]);
    expect(over).toMatchObject({ superseded: [], activeDeployment: { deploymentId: 'dep_3' }, stableRelease: 1 });
    expect([...over.orders.replicas.keys()]).toContain('rep_1_2');
  });

  it('well before it was superseded is what the newer one returns to', () => {
    const superseded = [...deploying(2), cut(3, SPEC), started({ deploymentId: 'dep_3', toRelease: 3, supersedes: 'dep_2' }), ended2('SUCCEEDED')];
    expect(state(superseded)).toMatchObject({ stableRelease: 2, activeDeployment: { deploymentId: 'dep_3', fromRelease: 2 } });
  });
});
