import type { DockerServiceEvent } from '../docker-service/events.ts';
import { DEFAULT_HEALTHCHECK } from '../docker-service/healthcheck.ts';
import type { Hook } from '../docker-service/hook.ts';
import { at, crashed, deploying, deploymentEvents, ended, givenUp, gone, hookJobOf, only, order, plan, prepared, reason, seen, settled, SETTINGS, SPEC, stable, up } from './given.ts';
import type { ObservedReplica } from './observed.ts';

const { opened, began, over, underWay, took, failed, progressed } = deploymentEvents('dep_2', 2);
const next = (slot: number, more = {}) => order(slot, 2, { release: 2, ...more });
const HOOK: Hook = { overrides: {}, timeoutMs: 60_000, retries: 0 };
const cancelled: DockerServiceEvent = { type: 'DeploymentCancelRequested', data: { deploymentId: 'dep_2' } };
const superseding: DockerServiceEvent[] = [
  { type: 'ReleaseCut', data: { release: 3, spec: SPEC } },
  { type: 'DeploymentStarted', data: { deploymentId: 'dep_3', kind: 'deploy', fromRelease: 1, toRelease: 3, settings: SETTINGS, supersedes: 'dep_2' } },
];
const old = [settled(1), settled(2)];
const oneMore = took({ creates: [next(1)] });
const crashedIn = (slot: number) => ({ code: crashed.code, message: `slot ${slot}: ${crashed.message}` });

describe('the way to another release', () => {
  const service = deploying(2, { maxSurge: 1, maxUnavailable: 0 });

  it('begins with preparing, and orders within the surge', () => {
    expect(plan({ service, deployment: [opened], observed: old }).beginStage).toMatchObject({ stage: 'prepare', jobId: null, deadlineAt: at(600_000) });
    expect(plan({ service, deployment: [opened, began('prepare')], observed: old }).step).toMatchObject({ creates: [next(1)], stops: [] });
  });

  it('stops nothing before a replica of the new release is prepared', () => {
    const preparing = [opened, began('prepare'), oneMore];
    expect(plan({ service, deployment: preparing, observed: [...old, seen(1, { state: 'PREPARING' }, 2)] }).step).toBeNull();
    expect(plan({ service, deployment: preparing, observed: [...old, up(1, 2)] }).beginStage).toMatchObject({ stage: 'replace' });
  });

  it('judges no replica by its own deadline before the image has come', () => {
    const pulling = [...old, seen(1, { state: 'PREPARING' }, 2)];
    expect(plan({ service, deployment: [opened, began('prepare'), oneMore], observed: pulling, ms: 400_000 })).toEqual(only({ wakeInMs: 200_000 }));
    const begun = [opened, began('prepare'), oneMore, over('prepare', 'SUCCEEDED'), began('replace', 400_000)];
    const starting = [...old, seen(1, { state: 'STARTING' }, 2)];
    expect(plan({ service, deployment: begun, observed: starting, ms: 699_999 }).failures).toEqual([]);
    expect(plan({ service, deployment: begun, observed: starting, ms: 700_000 }).failures).toMatchObject([{ slot: 1, reason: { code: 'healthy_deadline' } }]);
  });

  it('judges none of the old release that it made good meanwhile, and waits for what is judged', () => {
    const deployment = [...underWay, took({ creates: [order(2, 2)] }), oneMore];
    const observed = [settled(1), givenUp(2, 2), seen(1, { nodeId: null }, 2)];
    expect(plan({ service, deployment, observed, ms: 400_000 })).toMatchObject({ failures: [], wakeInMs: 200_000 });
  });

  describe('gives up a replica that never got well, with what its last probe said', () => {
    const checked = { probe: { type: 'http', path: '/', port: 80 }, ...DEFAULT_HEALTHCHECK } as const;
    const toChecked = deploying(2, { maxSurge: 1, maxUnavailable: 0 }, { healthcheck: checked });
    const word = 'GET / on port 80 answered 503';
    const failuresOf = (parts: Partial<ObservedReplica>) =>
      plan({ service: toChecked, deployment: [...underWay, oneMore], observed: [...old, seen(1, { run: 1, ...parts }, 2)], ms: 300_000 }).failures.map((failure) => failure.reason);

    it('whether its agent comes first', () => {
      const given = { code: 'healthy_deadline', message: `it hasn't been healthy for 10 s within 300 s of its first start: ${word}` };
      expect(failuresOf({ state: 'FAILED', final: true, everFailed: true, reason: given, failure: given })).toEqual([given]);
    });

    it('or the scheduler', () => {
      const late = 'it was not healthy for 10000 ms within 300000 ms';
      expect(failuresOf({ state: 'RUNNING', health: 'starting', lastProbe: word })).toEqual([{ code: 'healthy_deadline', message: `${late}: it is RUNNING, starting; its last probe: ${word}` }]);
      expect(failuresOf({ state: 'RUNNING', health: 'starting', lastProbe: word, failure: crashed })).toEqual([{ code: 'exited', message: `${late}: ${crashed.message}; its last probe: ${word}` }]);
      expect(failuresOf({ state: 'RUNNING', health: 'starting' })).toEqual([{ code: 'healthy_deadline', message: `${late}: it is RUNNING, starting` }]);
    });

    it('also where nothing goes forward', () => {
      const stuck = { state: 'RUNNING', health: 'starting', run: 1, lastProbe: word, nodeId: null } as const;
      expect(plan({ service: toChecked, deployment: [...underWay, oneMore], observed: [...old, seen(1, stuck, 2)], ms: 600_000 }).endStage?.reason.message).toMatch(/; slot 1 is RUNNING; its last probe: GET \/ on port 80 answered 503$/);
    });
  });

  it('stops the one of before when the new one has settled, and only then', () => {
    const rolling = [...underWay, oneMore, progressed(1, 1, 0)];
    expect(plan({ service, deployment: rolling, observed: [...old, up(1, 2)] }).step).toBeNull();
    expect(plan({ service, deployment: rolling, observed: [...old, settled(1, 2)] }).step).toMatchObject({ creates: [], stops: [{ replicaId: 'rep_1_1' }] });
  });

  it('renews first what does not serve, and last what is not heard from', () => {
    const three = deploying(3, { maxSurge: 1, maxUnavailable: 0 });
    const told = [{ ...settled(1), nodeUnreachable: true }, settled(2), seen(3, { state: 'FAILED', run: 4, everFailed: true })];
    expect(plan({ service: three, deployment: underWay, observed: told }).step).toMatchObject({ creates: [next(3)] });
    expect(plan({ service: three, deployment: underWay, observed: [told[0]!, told[1]!, settled(3)] }).step).toMatchObject({ creates: [next(2)] });
    const rest = took({ creates: [next(2), next(3)], stops: [{ replicaId: 'rep_2_1', reason }, { replicaId: 'rep_3_1', reason }] });
    const last = plan({ service: three, deployment: [...underWay, rest, progressed(3, 3, 0)], observed: [told[0]!, gone(2), gone(3), settled(2, 2), settled(3, 2)] });
    expect(last.step).toMatchObject({ creates: [next(1)] });
  });

  it('takes a check at its word: settled is not enough where it is unhealthy', () => {
    const checked = deploying(2, { maxSurge: 1, maxUnavailable: 0 }, { healthcheck: { probe: { type: 'tcp', port: 80 }, intervalMs: 1, timeoutMs: 1, healthyThreshold: 1, unhealthyThreshold: 1, onUnhealthy: 'mark' } });
    const deployment = [...underWay, oneMore, progressed(1, 1, 0)];
    const told = (health: 'unhealthy' | 'healthy') => plan({ service: checked, deployment, observed: [...old, { ...settled(1, 2), health }] }).step;
    expect(told('unhealthy')).toBeNull();
    expect(told('healthy')).toMatchObject({ stops: [{ replicaId: 'rep_1_1' }] });
  });

  it('orders the successor beside the one that it replaces, and stops that one when it is prepared', () => {
    const lacking = deploying(2, { maxSurge: 0, maxUnavailable: 1 });
    expect(plan({ service: lacking, deployment: underWay, observed: old }).step).toMatchObject({ creates: [next(1, { replaces: 'rep_1_1' })], stops: [] });
    const ordered = [...underWay, took({ creates: [next(1, { replaces: 'rep_1_1' })] })];
    expect(plan({ service: lacking, deployment: ordered, observed: [...old, seen(1, { state: 'PREPARING' }, 2)] }).step).toBeNull();
    expect(plan({ service: lacking, deployment: ordered, observed: [...old, prepared(1)] }).step).toMatchObject({ stops: [{ replicaId: 'rep_1_1' }] });
    expect(plan({ service: lacking, deployment: ordered, observed: [settled(1), seen(2), prepared(1)] }).step).toBeNull();
  });

  it('stops first where the successor may not run on the same node', () => {
    const elsewhere = deploying(2, { maxSurge: 0, maxUnavailable: 1 }, { constraints: ['node.labels.zone==b'] });
    expect(plan({ service: elsewhere, deployment: underWay, observed: old }).step).toMatchObject({ creates: [], stops: [{ replicaId: 'rep_1_1' }] });
  });

  it('takes a replica that has done its work for one that is there', () => {
    const done = { ...seen(1, { state: 'COMPLETED', final: true, finished: 'COMPLETED', run: 1 }, 2) };
    const ordered = [...underWay, took({ creates: [next(1), next(2)], stops: [{ replicaId: 'rep_1_1', reason }, { replicaId: 'rep_2_1', reason }] })];
    expect(plan({ service, deployment: ordered, observed: [gone(1), gone(2), done, settled(2, 2)] }).close).toMatchObject({ outcome: 'SUCCEEDED' });
  });
});

describe('the watch', () => {
  const service = deploying(1, { monitorMs: 15_000 });
  const replaced = took({ creates: [next(1)], stops: [{ replicaId: 'rep_1_1', reason }] });
  const watching = [...underWay, replaced, over('replace', 'SUCCEEDED'), began('monitor', 0, 15_000)];

  it('begins when all are there', () =>
    expect(plan({ service, deployment: [...underWay, replaced], observed: [settled(1), settled(1, 2)] }).beginStage).toMatchObject({ stage: 'monitor', deadlineAt: at(15_000) }));

  it('is over after its time, when the nodes have said that all is well since', () => {
    const observed = [gone(1), settled(1, 2)];
    expect(plan({ service, deployment: watching, observed, ms: 14_000 })).toEqual(only({ wakeInMs: 1_000 }));
    expect(plan({ service, deployment: watching, observed, ms: 15_000, fresh: false }).close).toBeNull();
    expect(plan({ service, deployment: watching, observed, ms: 15_000 }).close).toMatchObject({ outcome: 'SUCCEEDED' });
  });

  it('takes one that does not stay up for a failure', () => {
    const lapsed = seen(1, { state: 'STARTING', run: 2, everSettled: true, everFailed: true, failure: crashed }, 2);
    expect(plan({ service, deployment: watching, observed: [gone(1), lapsed], ms: 5_000 }).failures).toEqual([{ replicaId: 'rep_1_2', slot: 1, reason: crashed }]);
  });

  it('does not succeed before the containers of before are gone', () => expect(plan({ service, deployment: watching, observed: [settled(1), settled(1, 2)], ms: 15_000 }).close).toBeNull());
});

describe('a hook', () => {
  const service = deploying(2, { preDeploy: HOOK });
  const before = plan({ service, deployment: [opened, began('pre_deploy', 0, null)], observed: old });

  it('is begun in the log, then created as a job of the new release', () => {
    expect(plan({ service, deployment: [opened], observed: old }).beginStage).toMatchObject({ stage: 'pre_deploy', jobId: 'job_pre_deploy', deadlineAt: null });
    expect(before.startHook).toMatchObject({ jobId: 'job_pre_deploy', trigger: { type: 'pre_deploy', deploymentId: 'dep_2' }, spec: { image: 'docker.io/a/b:d' } });
  });

  it('holds up everything while it runs, but for what the service lost meanwhile', () => {
    const deployment = [opened, began('pre_deploy', 0, null)];
    expect(plan({ service, deployment, observed: old, hook: hookJobOf(before, null), ms: 9_000_000 })).toEqual(only({}));
    expect(plan({ service, deployment, observed: [settled(1), gone(2)], hook: hookJobOf(before, null) }).step).toMatchObject({ creates: [order(2, 2)] });
  });

  it('touches nothing of a roll that its deployment took over half done', () => {
    const third = deploymentEvents('dep_3', 3);
    const halfDone: DockerServiceEvent[] = [
      ...deploying(2, { maxSurge: 1 }),
      ended('SUPERSEDED', [next(1)], { deploymentId: 'dep_2', toRelease: 2 }),
      { type: 'ReleaseCut', data: { release: 3, spec: SPEC } },
      { type: 'DeploymentStarted', data: { deploymentId: 'dep_3', kind: 'deploy', fromRelease: 1, toRelease: 3, settings: { ...SETTINGS, preDeploy: HOOK }, supersedes: null } },
    ];
    const told = { service: halfDone, deployment: [third.opened, third.began('pre_deploy', 0, null)] };
    const hook = hookJobOf(plan({ ...told, observed: [...old, up(1, 2)] }), null);
    expect(plan({ ...told, hook, observed: [...old, up(1, 2)] })).toEqual(only({}));
    expect(plan({ ...told, hook, observed: [settled(1), gone(2), up(1, 2)] }).step).toBeNull();
    expect(plan({ ...told, hook, observed: [settled(1), gone(2), gone(1, false, 2)] }).step).toMatchObject({ creates: [order(2, 2)], stops: [] });
  });

  it('that succeeds lets it go on, with a time that counts from then', () =>
    expect(plan({ service, deployment: [opened, began('pre_deploy', 0, null)], observed: old, hook: hookJobOf(before, 'SUCCEEDED'), ms: 50_000 }).beginStage).toMatchObject({ stage: 'prepare', deadlineAt: at(650_000) }));

  it('that fails is why the stage fails', () =>
    expect(plan({ service, deployment: [opened, began('pre_deploy', 0, null)], observed: old, hook: hookJobOf(before, 'FAILED') }).endStage).toMatchObject({
      result: 'FAILED',
      reason: { code: 'pre_deploy_failed', message: 'the pre_deploy hook ended FAILED: exit code 3' },
    }));

  it.each([
    ['a cancel', [cancelled], 'cancelled'],
    ['a newer deployment', superseding, 'superseded'],
    ['a stop', [{ type: 'DockerServiceStopped', data: {} } as const], 'docker_service_stopped'],
  ])('is taken back by %s, and its end is waited for', (_, what, code) => {
    const told = { service: [...service, ...what], deployment: [opened, began('pre_deploy', 0, null)], observed: old };
    expect(plan({ ...told, hook: { status: 'absent' } }).cancelHook).toMatchObject({ definition: { jobId: 'job_pre_deploy' }, reason: { code } });
    const open = hookJobOf(before, null);
    expect(plan({ ...told, hook: { ...open, cancel: { reason, requestedAt: at(0) } } as typeof open })).toEqual(only({}));
    const { close, endStage } = plan({ ...told, hook: hookJobOf(before, 'FAILED') });
    expect(close ?? endStage).toMatchObject({ reason: { code } });
  });

  it('is taken back when too many replicas fail beside it, and they are why the stage fails', () => {
    const hooked = deploying(1, { postDeploy: HOOK });
    const deployment = [...underWay, oneMore, over('replace', 'SUCCEEDED'), began('post_deploy', 0, null), failed(1, crashed, 2)];
    const told = { service: hooked, deployment, observed: [gone(1), seen(1, { state: 'FAILED', final: true, failure: crashed, reason: crashed }, 2)] };
    const begun = plan({ ...told, deployment: deployment.slice(0, -1), observed: [gone(1), settled(1, 2)], hook: { status: 'absent' } });
    const open = hookJobOf(begun, null);
    expect(plan({ ...told, hook: open })).toMatchObject({ endStage: null, cancelHook: { definition: begun.startHook, reason: { code: 'deployment_failed' } } });
    expect(plan({ ...told, hook: { ...open, cancel: { reason, requestedAt: at(0) } } as typeof open })).toEqual(only({}));
    expect(plan({ ...told, hook: hookJobOf(begun, 'FAILED') }).endStage).toMatchObject({ stage: 'post_deploy', result: 'FAILED', reason: crashedIn(1) });
  });
});

describe('a way that ended badly', () => {
  const setback = [...underWay, oneMore, failed(1, crashed, 2), over('replace', 'FAILED', crashed)];
  const observed = [...old, seen(1, { state: 'FAILED', final: true, failure: crashed, reason: crashed }, 2)];

  it('leads back to the stable release, for the reason that it failed', () => expect(plan({ service: deploying(2), deployment: setback, observed }).beginStage).toMatchObject({ stage: 'return', reason: crashed }));

  it('leads nowhere where that is not wanted: what it ordered is stopped, then it is over', () => {
    const service = deploying(2, { autoRollback: false });
    const { step } = plan({ service, deployment: setback, observed });
    expect(step).toMatchObject({ creates: [], stops: [{ replicaId: 'rep_1_2', reason: crashed }] });
    expect(plan({ service, deployment: [...setback, took(step!)], observed }).close).toEqual({ outcome: 'FAILED', reason: crashed });
  });

  it('stops what a restart ordered, too, and nothing of what was there', () => {
    const restarting: DockerServiceEvent = { type: 'DeploymentStarted', data: { deploymentId: 'dep_2', kind: 'restart', fromRelease: 1, toRelease: 1, settings: { ...SETTINGS, autoRollback: false }, supersedes: null } };
    const ordered = [...underWay, took({ creates: [order(1, 2)] }), failed(1, crashed, 2), over('replace', 'FAILED', crashed)];
    expect(plan({ service: [...stable(2), restarting], deployment: ordered, observed }).step).toMatchObject({ stops: [{ replicaId: 'rep_1_2' }] });
  });

  it('is back when every slot has its stable replica and nothing else is left', () => {
    const back = [...setback, began('return')];
    expect(plan({ service: deploying(2), deployment: back, observed }).progress).toMatchObject({ running: 2, settled: 2 });
    expect(plan({ service: deploying(2), deployment: [...back, progressed(2, 2, 0)], observed }).step).toMatchObject({ creates: [], stops: [{ replicaId: 'rep_1_2' }] });
    const stopped = [...back, progressed(2, 2, 0), took({ stops: [{ replicaId: 'rep_1_2', reason }] })];
    expect(plan({ service: deploying(2), deployment: stopped, observed }).close).toBeNull();
    expect(plan({ service: deploying(2), deployment: stopped, observed: [...old, gone(1, false, 2)] }).close).toEqual({ outcome: 'ROLLED_BACK', reason });
    expect(plan({ service: [...deploying(2), cancelled], deployment: stopped, observed: [...old, gone(1, false, 2)] }).close).toMatchObject({ outcome: 'CANCELLED' });
  });

  it('halts where it can not come back in time, and nothing is returned from', () => {
    const lost = [...setback, began('return'), progressed(1, 1, 0), took({ stops: [{ replicaId: 'rep_1_2', reason }], forgets: ['rep_2_1'] })];
    const late = plan({ service: deploying(2), deployment: lost, observed: [settled(1)], ms: 600_000 });
    expect(late.endStage).toMatchObject({ stage: 'return', result: 'FAILED', reason: { code: 'progress_deadline' } });
    const given = plan({ service: deploying(2), deployment: [...lost, over('return', 'FAILED', crashed)], observed: [settled(1)] });
    expect(given.close).toEqual({ outcome: 'FAILED', reason: { code: 'exited', message: 'it could not return to release 1: it ended with exit code 1' } });
  });
});

describe('between two stages, after the last one or in a log that was put back to the middle of an append', () => {
  const between = [opened, began('prepare'), over('prepare', 'SUCCEEDED'), took({ creates: [next(1)] })];
  const observed = [...old, up(1, 2)];

  it('a failure leads back at once: there is no stage to be ended', () =>
    expect(plan({ service: deploying(2), deployment: [...between, failed(1, crashed, 2)], observed })).toMatchObject({ endStage: null, beginStage: { stage: 'return', reason: { code: 'exited' } } }));

  it('a time without progress does too', () =>
    expect(plan({ service: deploying(2), deployment: [opened, began('prepare'), over('prepare', 'SUCCEEDED')], observed: old, ms: 600_000 }).beginStage).toMatchObject({ stage: 'return', reason: { code: 'progress_deadline' } }));

  it('a return that has come back is closed as one', () => {
    const back = [...between, over('prepare', 'FAILED', crashed), began('return'), over('return', 'SUCCEEDED'), took({ creates: [], stops: [{ replicaId: 'rep_1_2', reason }] })];
    expect(plan({ service: deploying(2), deployment: back, observed: [...old, gone(1, true, 2)] }).close).toMatchObject({ outcome: 'ROLLED_BACK' });
  });
});

describe('a deployment that is taken over from', () => {
  it('is closed and hands over before the newer one begins', () => {
    const service = [...deploying(2), ...superseding];
    expect(plan({ service, deployment: [...underWay, oneMore], observed: old }).close).toMatchObject({ outcome: 'SUPERSEDED', reason: { code: 'superseded' } });
    const closed = [...underWay, oneMore, deploymentEvents('dep_2', 2).closed('SUPERSEDED')];
    expect(plan({ service, deployment: closed, observed: old }).endDeployment).toMatchObject({ deploymentId: 'dep_2', outcome: 'SUPERSEDED', ordered: [next(1)] });
  });

  it('has no orphan: the newer one replaces what it had ordered', () => {
    const handedOver: DockerServiceEvent = { type: 'DeploymentEnded', data: { deploymentId: 'dep_2', outcome: 'SUPERSEDED', reason, toRelease: 2, ordered: [next(1)], stopped: [], forgotten: [] } };
    const service = [...deploying(2), ...superseding, handedOver];
    const { opened: begun, began: at3, over: over3 } = deploymentEvents('dep_3', 3);
    const { step } = plan({ service, deployment: [begun, at3('prepare'), over3('prepare', 'SUCCEEDED'), at3('replace')], observed: [...old, up(1, 2)] });
    expect(step).toMatchObject({ stops: [{ replicaId: 'rep_1_1' }] });
  });
});

describe('a paused service', () => {
  const paused: DockerServiceEvent = { type: 'DockerServicePaused', data: {} };

  it('keeps what has a container, and orders nothing', () => {
    expect(plan({ service: [...stable(2), paused], observed: [seen(1, { state: 'STOPPED', run: 1 }), gone(2)] })).toEqual(only({}));
    expect(plan({ service: [...stable(2), paused], observed: [settled(1), seen(2, { nodeId: null })] }).step).toMatchObject({ creates: [], stops: [{ replicaId: 'rep_2_1' }] });
  });

  it('that is stopped keeps nothing', () =>
    expect(plan({ service: [...stable(2), { type: 'DockerServiceStopped', data: {} }], observed: old }).step).toMatchObject({ creates: [], stops: [{ replicaId: 'rep_2_1' }, { replicaId: 'rep_1_1' }] }));
});

describe('a slot outside deployments', () => {
  const replacing = { restartPolicy: { ...SPEC.restartPolicy, name: 'on-failure', maxRetries: 1, onExhausted: 'replace' } } as const;
  const spent = seen(2, { state: 'FAILED', final: true, failure: crashed, reason: crashed, run: 2 });

  it('that is done with its work wants nobody else, even when the container was removed', () => {
    const done = seen(2, { state: 'COMPLETED', final: true, finished: 'COMPLETED', run: 1 });
    expect(plan({ service: stable(2), observed: [settled(1), done] })).toEqual(only({}));
    expect(plan({ service: stable(2), observed: [settled(1), { ...gone(2, true), finished: 'COMPLETED' }] })).toEqual(only({}));
  });

  it('that was done forgets that for a newer replica, which a deployment had ordered before it was taken over', () => {
    const ordered: DockerServiceEvent = { type: 'ServiceStepTaken', data: { creates: [order(2, 2)], stops: [], forgets: [], reason } };
    const stopped = { ...gone(2, true), finished: 'STOPPED' } as const;
    const newer = { ...settled(2), order: order(2, 2) };
    expect(plan({ service: [...stable(2), ordered], observed: [settled(1), stopped, newer] }).step).toMatchObject({ creates: [], stops: [], forgets: ['rep_2_1'] });
    expect(plan({ service: [...stable(2), ordered], observed: [settled(1), stopped, { ...newer, finished: 'STOPPED', gone: true, released: true }] }).step).toMatchObject({ creates: [], stops: [], forgets: ['rep_2_1'] });
    expect(plan({ service: [...stable(2), ordered], observed: [settled(1), stopped, { ...newer, gone: true, released: true }] }).step).toMatchObject({ creates: [], forgets: ['rep_2_2'] });
  });

  it('whose retries are spent gets another replica, the first at once, then later and later', () => {
    const service = stable(2, {}, replacing);
    expect(plan({ service, observed: [settled(1), spent] }).step).toMatchObject({ creates: [], stops: [{ replicaId: 'rep_2_1', reason: { code: 'replica_failed' } }] });
    const stopped: DockerServiceEvent = { type: 'ServiceStepTaken', data: { creates: [], stops: [{ replicaId: 'rep_2_1', reason: { code: 'replica_failed', message: '' } }], forgets: [], reason } };
    const again = plan({ service: [...service, stopped], observed: [settled(1), gone(2)], ms: 1_000 }).step!;
    expect(again.creates).toEqual([{ ...order(2, 2), orderedAt: at(1_000), tries: 1 }]);
    const retried = [...service, stopped, { type: 'ServiceStepTaken', data: again } as const];
    const spentAgain = { ...spent, order: again.creates[0]! };
    expect(plan({ service: retried, observed: [settled(1), gone(2), spentAgain], ms: 2_000 })).toEqual(only({ wakeInMs: 29_000 }));
    expect(plan({ service: retried, observed: [settled(1), gone(2), spentAgain], ms: 31_000 }).step).toMatchObject({ stops: [{ replicaId: 'rep_2_2' }] });
  });

  it('stays as it is under a policy that does not replace', () => expect(plan({ service: stable(2), observed: [settled(1), spent] })).toEqual(only({})));
});

describe('what an image was found to mean', () => {
  const digest = `sha256:${'a'.repeat(64)}`;

  it('is pinned once, by the registry\'s word before an image id', () => {
    const image = { imageId: 'sha256:id', digest: null };
    expect(plan({ service: stable(2), observed: [{ ...settled(1), image }, settled(2)] }).pin).toEqual({ release: 1, reference: 'sha256:id', digest: null, imageId: 'sha256:id' });
    expect(plan({ service: stable(2), observed: [{ ...settled(1), image }, { ...settled(2), image: { ...image, digest } }] }).pin).toEqual({ release: 1, reference: `docker.io/a/b@${digest}`, digest, imageId: 'sha256:id' });
    const pinned: DockerServiceEvent = { type: 'ReleaseImagePinned', data: { release: 1, reference: 'x', digest: null, imageId: 'x' } };
    expect(plan({ service: [...stable(2), pinned], observed: [{ ...settled(1), image }, settled(2)] }).pin).toBeNull();
  });
});
