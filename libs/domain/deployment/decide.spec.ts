import { fold } from '../kernel/decider.ts';
import { given } from '../kernel/given.ts';
import type { Step } from '../docker-service/events.ts';
import { deployment, type DeploymentCommand } from './decide.ts';
import type { DeploymentEvent, DeploymentStage, StageResult } from './events.ts';

const ref = { deploymentId: 'dep_1', dockerServiceId: 'svc_1', projectId: 'prj_1' } as const;
const reason = { code: 'test', message: 'for the test' };
const opening = { ...ref, toRelease: 1, startedAt: '2030-01-01T00:00:00.000Z', progressDeadlineMs: 600_000 };
const opened: DeploymentEvent = { type: 'DeploymentOpened', data: opening };
const closed: DeploymentEvent = { type: 'DeploymentClosed', data: { ...ref, outcome: 'SUCCEEDED', reason } };
const order = (slot: number, generation = 1) => ({ replicaId: `rep_${slot}_${generation}` as const, slot, generation, release: 1 });
const step = (parts: Partial<Step>): Step => ({ creates: [], stops: [], forgets: [], reason, ...parts });
const taken = (parts: Partial<Step>): DeploymentEvent => ({ type: 'DeploymentStepTaken', data: { ...ref, ...step(parts) } });
const takeStep = (parts: Partial<Step>): DeploymentCommand => ({ type: 'TakeDeploymentStep', data: step(parts) });
const progress = (running: number, settled: number) => ({ running, settled, wanted: 3, deadlineAt: '2030-01-01T00:20:00.000Z' });
const progressed = (running: number, settled: number): DeploymentEvent => ({ type: 'DeploymentProgressed', data: { ...ref, ...progress(running, settled) } });
const recordProgress = (running: number, settled: number): DeploymentCommand => ({ type: 'RecordDeploymentProgress', data: progress(running, settled) });
const failure = { replicaId: 'rep_1_1', slot: 1, reason } as const;
const failed: DeploymentEvent = { type: 'DeploymentReplicaFailed', data: { ...ref, ...failure } };
const recordFailure: DeploymentCommand = { type: 'RecordReplicaFailure', data: failure };
const close: DeploymentCommand = { type: 'CloseDeployment', data: { outcome: 'SUCCEEDED', reason, at: '2030-01-01T00:00:09.000Z' } };

const AT = '2030-01-01T00:00:09.000Z';
const began = (stage: DeploymentStage): DeploymentEvent => ({ type: 'DeploymentStageBegan', data: { ...ref, stage, jobId: null, at: AT, deadlineAt: '2030-01-01T00:10:09.000Z', reason } });
const over = (stage: DeploymentStage, result: StageResult): DeploymentEvent => ({ type: 'DeploymentStageEnded', data: { ...ref, stage, result, at: AT, reason } });
const begin = (stage: DeploymentStage): DeploymentCommand => ({ type: 'BeginDeploymentStage', data: { stage, jobId: null, at: AT, deadlineAt: '2030-01-01T00:10:09.000Z', reason } });

describe('a deployment', () => {
  it('is opened once', () => {
    given(deployment, []).when({ type: 'OpenDeployment', data: opening }).then([opened]);
    given(deployment, [opened]).when({ type: 'OpenDeployment', data: { ...opening, startedAt: '2030-01-01T00:00:09.000Z' } }).then([]);
    given(deployment, [opened, closed]).when({ type: 'OpenDeployment', data: opening }).then([]);
  });

  it('has its first deadline counted from its opening', () => expect(fold(deployment, [opened])).toMatchObject({ deadlineAt: '2030-01-01T00:10:00.000Z' }));

  it('takes a step, and of it only what changes anything', () => {
    given(deployment, [opened]).when(takeStep({ creates: [order(1), order(2)] })).then([taken({ creates: [order(1), order(2)] })]);
    given(deployment, [opened, taken({ creates: [order(1)] })]).when(takeStep({ creates: [order(1), order(2)] })).then([taken({ creates: [order(2)] })]);
    given(deployment, [opened, taken({ creates: [order(1)] })]).when(takeStep({ creates: [order(1)] })).then([]);
  });

  it('never gives a generation of a slot twice', () =>
    given(deployment, [opened, taken({ creates: [order(1, 2)] })]).when(takeStep({ creates: [order(1)] })).rejects('deployment.generation_taken', { slot: 1, generation: 1 }));

  it('takes nothing after its end, whoever slept through it', () => {
    const ended = given(deployment, [opened, closed]);
    ended.when(takeStep({ creates: [order(1)] })).rejects('deployment.closed', { outcome: 'SUCCEEDED' });
    ended.when(recordProgress(1, 0)).rejects('deployment.closed', { outcome: 'SUCCEEDED' });
    ended.when(recordFailure).rejects('deployment.closed', { outcome: 'SUCCEEDED' });
  });

  it('is silent about what stood before its end', () => {
    const ended = given(deployment, [opened, taken({ creates: [order(1)] }), progressed(1, 1), failed, closed]);
    ended.when(takeStep({ creates: [order(1)] })).then([]);
    ended.when(recordProgress(1, 1)).then([]);
    ended.when(recordFailure).then([]);
  });

  it('records progress only where more is up or settled than ever before', () => {
    given(deployment, [opened]).when(recordProgress(1, 0)).then([progressed(1, 0)]);
    const further = given(deployment, [opened, progressed(2, 0), progressed(1, 1)]);
    further.when(recordProgress(2, 1)).then([]);
    further.when(recordProgress(0, 2)).then([progressed(0, 2)]);
  });

  it('has its deadline moved by progress', () => expect(fold(deployment, [opened, progressed(1, 0)])).toMatchObject({ deadlineAt: '2030-01-01T00:20:00.000Z' }));

  it('records the failure of a replica once', () => {
    given(deployment, [opened]).when(recordFailure).then([failed]);
    given(deployment, [opened, failed]).when(recordFailure).then([]);
  });

  it('is closed once: the first outcome stands', () => {
    given(deployment, [opened]).when(close).then([closed]);
    given(deployment, [opened, closed]).when({ type: 'CloseDeployment', data: { outcome: 'FAILED', reason, at: '2030-01-01T00:00:09.000Z' } }).then([]);
  });

  it('stops and forgets what its service had before, each once', () => {
    const parts = { stops: [{ replicaId: 'rep_9_1' as const, reason }], forgets: ['rep_8_1' as const] };
    given(deployment, [opened]).when(takeStep(parts)).then([taken(parts)]);
    given(deployment, [opened, taken(parts)]).when(takeStep(parts)).then([]);
  });

  it('goes from stage to stage: the one before has succeeded', () => {
    given(deployment, [opened]).when(begin('prepare')).then([began('prepare')]);
    given(deployment, [opened, began('prepare')]).when(begin('replace')).then([over('prepare', 'SUCCEEDED'), began('replace')]);
    given(deployment, [opened, began('prepare')]).when(begin('prepare')).then([]);
    given(deployment, [opened, began('prepare'), over('prepare', 'SUCCEEDED'), began('replace')]).when(begin('pre_deploy')).rejects('deployment.stage_passed', { stage: 'pre_deploy' });
  });

  it('ends a stage once, and none that was not begun', () => {
    const end: DeploymentCommand = { type: 'EndDeploymentStage', data: { stage: 'prepare', result: 'FAILED', at: AT, reason } };
    given(deployment, [opened, began('prepare')]).when(end).then([over('prepare', 'FAILED')]);
    given(deployment, [opened, began('prepare'), over('prepare', 'FAILED')]).when(end).then([]);
    given(deployment, [opened]).when(end).rejects('deployment.stage_not_begun', { stage: 'prepare' });
  });

  it('has no time of its own while a hook runs, and all of it afterwards', () => {
    const hook: DeploymentEvent = { type: 'DeploymentStageBegan', data: { ...ref, stage: 'pre_deploy', jobId: 'job_1', at: AT, deadlineAt: null, reason } };
    expect(fold(deployment, [opened, hook])).toMatchObject({ deadlineAt: null, stage: 'pre_deploy' });
    expect(fold(deployment, [opened, hook, over('pre_deploy', 'FAILED')])).toMatchObject({ deadlineAt: '2030-01-01T00:10:09.000Z', stage: null });
  });

  it('counts anew on its return, and knows what it had ordered before', () =>
    expect(fold(deployment, [opened, began('prepare'), taken({ creates: [order(1)] }), progressed(1, 1), failed, over('prepare', 'FAILED'), began('return')])).toMatchObject({
      progress: { running: 0, settled: 0 },
      failures: new Map(),
      forward: new Set(['rep_1_1']),
    }));

  it.each([
    ['SUCCEEDED', 'replace', 'SUCCEEDED'],
    ['FAILED', 'replace', 'FAILED'],
    ['CANCELLED', 'replace', 'CANCELLED'],
    ['SUPERSEDED', 'return', 'CANCELLED'],
    ['CANCELLED', 'return', 'SUCCEEDED'],
    ['ROLLED_BACK', 'return', 'SUCCEEDED'],
  ] as const)('that is %s ends its stage %s: %s', (outcome, stage, result) =>
    given(deployment, [opened, began(stage)]).when({ type: 'CloseDeployment', data: { outcome, reason, at: AT } }).then([over(stage, result), { type: 'DeploymentClosed', data: { ...ref, outcome, reason } }]));

  it('hands over all that it ever ordered', () => {
    const stop = { replicaId: 'rep_2_1', reason } as const;
    const history = [opened, taken({ creates: [order(1), order(2)] }), taken({ stops: [stop] }), taken({ creates: [order(1, 2)], forgets: ['rep_1_1'] })];
    expect(fold(deployment, history)).toMatchObject({
      handOver: { ordered: [order(1), order(2), order(1, 2)], stopped: [stop], forgotten: ['rep_1_1'] },
    });
  });

  it('does nothing before it is opened', () => {
    const unopened = given(deployment, []);
    unopened.when(takeStep({ creates: [order(1)] })).rejects('deployment.not_found');
    unopened.when(recordProgress(1, 0)).rejects('deployment.not_found');
    unopened.when(recordFailure).rejects('deployment.not_found');
    unopened.when(close).rejects('deployment.not_found');
    expect(() => fold(deployment, [closed])).toThrow('never opened');
  });
});
