import { fold } from '../kernel/decider.ts';
import { given } from '../kernel/given.ts';
import { created, deploying, ended, SETTINGS, stable } from '../rollout/given.ts';
import { dockerService, type DockerServiceCommand } from './decide.ts';
import type { DockerServiceEvent } from './events.ts';

const paused: DockerServiceEvent = { type: 'DockerServicePaused', data: {} };
const resumed: DockerServiceEvent = { type: 'DockerServiceResumed', data: {} };
const stopped: DockerServiceEvent = { type: 'DockerServiceStopped', data: {} };
const startedAgain: DockerServiceEvent = { type: 'DockerServiceStarted', data: {} };
const pause: DockerServiceCommand = { type: 'PauseDockerService', data: {} };
const stop: DockerServiceCommand = { type: 'StopDockerService', data: {} };
const resume: DockerServiceCommand = { type: 'ResumeDockerService', data: { deploymentId: 'dep_2' } };
const start: DockerServiceCommand = { type: 'StartDockerService', data: { deploymentId: 'dep_2' } };
const restart: DockerServiceCommand = { type: 'RestartDockerService', data: { deploymentId: 'dep_2' } };
const deletion: DockerServiceEvent = { type: 'DockerServiceDeletionRequested', data: {} };
const restarted: DockerServiceEvent = { type: 'DeploymentStarted', data: { deploymentId: 'dep_2', kind: 'restart', fromRelease: 1, toRelease: 1, settings: SETTINGS, supersedes: null } };
const firstAgain: DockerServiceEvent = { ...restarted, data: { ...restarted.data, fromRelease: null } as never };
const halted = [...created(1), ended('FAILED', [])];

describe('a service', () => {
  it('is paused, and resumed or started', () => {
    given(dockerService, stable(1)).when(pause).then([paused]);
    given(dockerService, [...stable(1), paused]).when(resume).then([resumed]);
    given(dockerService, [...stable(1), paused]).when(start).then([startedAgain]);
    expect(fold(dockerService, [...stable(1), paused])).toMatchObject({ lifecycle: 'PAUSED', paused: 'held' });
    expect(fold(dockerService, [...stable(1), paused, resumed])).toMatchObject({ lifecycle: 'ACTIVE', paused: null });
  });

  it('is stopped, from a pause too, and started or resumed', () => {
    given(dockerService, stable(1)).when(stop).then([stopped]);
    given(dockerService, [...stable(1), paused]).when(stop).then([stopped]);
    given(dockerService, [...stable(1), stopped]).when(start).then([startedAgain]);
    given(dockerService, [...stable(1), stopped]).when(resume).then([resumed]);
    expect(fold(dockerService, [...stable(1), stopped])).toMatchObject({ lifecycle: 'PAUSED', paused: 'removed' });
  });

  it('that is halted is started by a deployment of what it stood on, else of what was cut last', () => {
    given(dockerService, halted).when(start).then([startedAgain, firstAgain]);
    const later = ended('FAILED', [], { deploymentId: 'dep_2', toRelease: 2 });
    given(dockerService, [...deploying(1), later]).when({ ...start, data: { deploymentId: 'dep_3' } }).then([startedAgain, { ...restarted, data: { ...restarted.data, deploymentId: 'dep_3' } } as DockerServiceEvent]);
  });

  it('whose first deployment was cut short by a pause gets another when it goes on', () => {
    const cutShort = [...created(1), paused];
    expect(fold(dockerService, cutShort)).toMatchObject({ activeDeployment: { cutShort: { code: 'docker_service_paused' } } });
    given(dockerService, [...cutShort, ended('CANCELLED', [])]).when(resume).then([resumed, firstAgain]);
    given(dockerService, cutShort).when(resume).then([resumed, { ...firstAgain, data: { ...firstAgain.data, supersedes: 'dep_1' } } as DockerServiceEvent]);
  });

  it('is restarted without the hooks of a release that has had them', () => {
    const hook = { overrides: {}, timeoutMs: 1_000, retries: 0 };
    given(dockerService, stable(1, { preDeploy: hook })).when(restart).then([restarted]);
  });

  it.each([
    ['paused twice', pause, [...stable(1), paused], 'docker_service.paused'],
    ['paused when it is stopped', pause, [...stable(1), stopped], 'docker_service.stopped'],
    ['stopped twice', stop, [...stable(1), stopped], 'docker_service.stopped'],
    ['resumed when it runs', resume, stable(1), 'docker_service.not_paused'],
    ['resumed when it is halted', resume, halted, 'docker_service.not_paused'],
    ['started when it runs', start, stable(1), 'docker_service.not_stopped'],
  ] as const)('is not %s', (_, command, history, code) => given(dockerService, history).when(command).rejects(code));

  it('is not restarted while it is paused', () => given(dockerService, [...stable(1), paused]).when(restart).rejects('docker_service.paused', { lifecycle: 'PAUSED', containers: 'held' }));

  it.each([pause, stop, resume, start, restart])('is not moved while it is being deleted: $type', (command) =>
    given(dockerService, [...stable(1), deletion]).when(command).rejects('docker_service.deleted', { lifecycle: 'DELETING' }));

  it('is deleted from a pause, too', () => given(dockerService, [...stable(1), stopped]).when({ type: 'RequestDockerServiceDeletion', data: {} }).then([deletion]));

  it('takes its volumes along, or keeps them, as was said last while it is being deleted', () => {
    const saying = (volumes: 'keep' | 'delete') => ({ type: 'DockerServiceDeletionRequested', data: { volumes } }) as const;
    const ask = (volumes: 'keep' | 'delete') => ({ type: 'RequestDockerServiceDeletion', data: { volumes } }) as const;
    given(dockerService, [...stable(1), deletion]).when(ask('delete')).then([saying('delete')]);
    given(dockerService, [...stable(1), saying('delete')]).when(ask('delete')).then([]);
    given(dockerService, [...stable(1), saying('delete')]).when(ask('keep')).then([saying('keep')]);
    given(dockerService, [...stable(1), saying('delete')]).when({ type: 'RequestDockerServiceDeletion', data: {} }).then([]);
    given(dockerService, [...stable(1), deletion]).when(ask('keep')).then([]);
  });
});
