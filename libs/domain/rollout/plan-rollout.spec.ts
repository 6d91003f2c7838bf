import type { DockerServiceEvent, ReplicaOrder, Step } from '../docker-service/events.ts';
import { at, crashed, created, deploymentEvents, ended, givenUp, gone, only, order, plan, reason, seen, settled, stable as stableService, step, up } from './given.ts';
import { NOTHING_TO_DO } from './rollout-plan.ts';

const { ref, underWay, took, failed, progressed, closed } = deploymentEvents('dep_1', 1);
const scaled = (from: number, to: number): DockerServiceEvent => ({ type: 'DockerServiceScaled', data: { from, to } });
const deletionRequested: DockerServiceEvent = { type: 'DockerServiceDeletionRequested', data: {} };
const serviceTook = (parts: Partial<Step>): DockerServiceEvent => ({ type: 'ServiceStepTaken', data: step(parts) });
const late = (ms: number, ...orders: ReplicaOrder[]): ReplicaOrder[] => orders.map((each) => ({ ...each, orderedAt: at(ms) }));

const moving = { code: 'deployment', message: 'the service moves to release 1' };
const both = took({ creates: [order(1), order(2)] });

describe('a first deployment', () => {
  const service = created(2);

  it('is opened, and its deadline counts from then', () =>
    expect(plan({ service, ms: 5 })).toEqual(only({ openDeployment: { ...ref, toRelease: 1, startedAt: at(5), progressDeadlineMs: 600_000 } })));

  it('orders one replica for each slot', () =>
    expect(plan({ service, deployment: underWay, ms: 1000 })).toEqual(only({ step: step({ creates: late(1000, order(1), order(2)), reason: moving }), wakeInMs: 599_000 })));

  it('waits for what it ordered, until the deadline', () =>
    expect(plan({ service, deployment: [...underWay, both], observed: [seen(1, { nodeId: null })], ms: 1000 })).toEqual(only({ wakeInMs: 599_000 })));

  it('gives a replica that was placed its own deadline', () =>
    expect(plan({ service, deployment: [...underWay, both], observed: [seen(1)], ms: 1000 })).toEqual(only({ wakeInMs: 299_000 })));

  it('records that more replicas are up, which moves the deadline', () =>
    expect(plan({ service, deployment: [...underWay, both], observed: [up(1), settled(2)], ms: 1000 })).toEqual(
      only({ progress: { running: 2, settled: 1, wanted: 2, deadlineAt: at(601_000) } }),
    ));

  it('takes a replica that starts again for no progress', () =>
    expect(plan({ service, deployment: [...underWay, both, progressed(2, 1, 1000)], observed: [up(1), settled(2)], ms: 2000 })).toEqual(only({ wakeInMs: 298_000 })));

  it('has succeeded when all wanted replicas are settled', () =>
    expect(plan({ service, deployment: [...underWay, both], observed: [settled(1), settled(2)] })).toEqual(
      only({ close: { outcome: 'SUCCEEDED', reason: { code: 'settled', message: '2 of 2 replicas have stayed up for 10000 ms' } } }),
    ));

  it('has not succeeded while a settled replica is on a node that is not heard from', () =>
    expect(plan({ service, deployment: [...underWay, both, progressed(2, 2, 0)], observed: [settled(1), { ...settled(2), nodeUnreachable: true }] })).toEqual(only({ wakeInMs: 300_000 })));

  it('of no replicas has succeeded at once', () =>
    expect(plan({ service: created(0), deployment: underWay })).toEqual(only({ close: { outcome: 'SUCCEEDED', reason: { code: 'nothing_wanted', message: 'no replica is wanted' } } })));

  it("is closed in its own stream first, then ended in the service's with all that it ordered", () => {
    const stop = { replicaId: 'rep_2_1', reason } as const;
    expect(plan({ service, deployment: [...underWay, both, took({ stops: [stop] }), took({ forgets: ['rep_2_1'] }), closed('SUCCEEDED')], observed: [settled(1)] })).toEqual(
      only({
        endDeployment: { deploymentId: 'dep_1', toRelease: 1, outcome: 'SUCCEEDED', reason, ordered: [order(1), order(2)], stopped: [stop], forgotten: ['rep_2_1'] },
      }),
    );
  });

  it('makes good a container that was removed behind its back, and counts it against nothing', () =>
    expect(plan({ service, deployment: [...underWay, both, progressed(2, 0, 0)], observed: [up(1), gone(2)] })).toEqual(
      only({ step: step({ creates: [order(2, 2)], reason: { code: 'slot_empty', message: 'slot 2 lost its replica' } }), wakeInMs: 300_000 }),
    ));

  it('forgets what has ended and was released', () =>
    expect(plan({ service, deployment: [...underWay, both, took({ creates: [order(2, 2)] })], observed: [seen(1), gone(2, true), seen(2, {}, 2)] })).toEqual(
      only({ step: step({ forgets: ['rep_2_1'], reason: { code: 'over', message: 'ended, and released by their nodes' } }), wakeInMs: 300_000 }),
    ));
});

describe('a deployment whose replica was given up', () => {
  it('records the failure first', () =>
    expect(plan({ service: created(2), deployment: [...underWay, both], observed: [settled(1), givenUp(2)] })).toEqual(only({ failures: [{ replicaId: 'rep_2_1', slot: 2, reason: crashed }] })));

  it('has failed when more failed than may, and the cause is that of the first', () => {
    const pull = { code: 'image_not_found', message: 'docker.io/myorg/api:v9 is in no registry' };
    expect(plan({ service: created(2), deployment: [...underWay, both, failed(2, pull), failed(1)], observed: [givenUp(1), givenUp(2)] })).toEqual(
      only({ endStage: { stage: 'replace', result: 'FAILED', at: at(0), reason: { code: 'image_not_found', message: 'slot 2: docker.io/myorg/api:v9 is in no registry (2 replicas failed)' } } }),
    );
  });

  it('stops it while no more failed than may, so that its slot can be tried again', () =>
    expect(plan({ service: created(2, { maxFailures: 1 }), deployment: [...underWay, both, progressed(1, 1, 0), failed(2)], observed: [settled(1), givenUp(2)] })).toEqual(
      only({
        step: step({
          creates: [],
          stops: [{ replicaId: 'rep_2_1', reason: { code: 'replica_failed', message: 'another replica is tried in slot 2' } }],
          reason: { code: 'replica_failed', message: 'another replica is tried in slot 2' },
        }),
        wakeInMs: 600_000,
      }),
    ));

  it('leaves to the agent what still tries', () =>
    expect(plan({ service: created(2), deployment: [...underWay, both], observed: [seen(1), { ...givenUp(2), final: false }] })).toEqual(only({ wakeInMs: 300_000 })));
});

describe('the progress deadline', () => {
  const service = created(2);
  const noRoom = { code: 'no_node_fits', message: 'no node has 64 GiB free' };
  const observed = [seen(1, { reason: noRoom, nodeId: null }), seen(2, { nodeId: null })];

  it('ends the deployment, and says what was waited for', () =>
    expect(plan({ service, deployment: [...underWay, both], observed, ms: 600_000 })).toEqual(
      only({ endStage: { stage: 'replace', result: 'FAILED', at: at(600_000), reason: { code: 'progress_deadline', message: 'nothing went forward for 600000 ms; slot 1 is PENDING: no node has 64 GiB free' } } }),
    ));

  it('is not judged before everything is known: it asks to be woken', () =>
    expect(plan({ service, deployment: [...underWay, both], observed, ms: 600_000, fresh: false })).toEqual(only({ wakeInMs: 1000 })));

  it('gives way to progress that was seen but not recorded yet', () =>
    expect(plan({ service, deployment: [...underWay, both], observed: [{ ...up(1), nodeId: null }], ms: 700_000 })).toEqual(only({ progress: { running: 1, settled: 0, wanted: 2, deadlineAt: at(1_300_000) } })));

  it('says that the outcome is unknown where a node is not heard from', () =>
    expect(plan({ service, deployment: [...underWay, both, progressed(2, 1, 0)], observed: [settled(1), { ...up(2), nodeUnreachable: true, nodeId: null }], ms: 600_000 })).toEqual(
      only({
        endStage: {
          stage: 'replace',
          result: 'FAILED',
          at: at(600_000),
          reason: { code: 'node_unreachable', message: "nothing went forward for 600000 ms; slot 2: its node isn't heard from; outcome: unknown" },
        },
      }),
    ));
});

describe('a scale during the deployment', () => {
  it('up orders the new slots', () =>
    expect(plan({ service: [...created(2), scaled(2, 3)], deployment: [...underWay, both], observed: [seen(1), seen(2)] }).step).toEqual(step({ creates: [order(3)], reason: moving })));

  it('down stops the highest slots first, and one that serves only when enough others do', () => {
    const service = [...created(3), scaled(3, 1)];
    const deployment = [...underWay, took({ creates: [order(1), order(2), order(3)] }), progressed(1, 0, 0)];
    const stop = (slot: number) => ({ replicaId: `rep_${slot}_1`, reason: { code: 'scaled', message: 'scaled to 1' } }) as const;
    expect(plan({ service, deployment, observed: [seen(1), up(2), seen(3)] }).step).toMatchObject({ stops: [stop(3)] });
    expect(plan({ service, deployment, observed: [up(1), up(2), seen(3)] }).step).toMatchObject({ stops: [stop(3), stop(2)] });
  });

  it('down to what is settled already lets it succeed, once the others are told to stop', () => {
    const deployment = [...underWay, both];
    const { step: taken } = plan({ service: [...created(2), scaled(2, 1)], deployment: [...deployment, progressed(1, 1, 0)], observed: [settled(1), seen(2)] });
    expect(taken).toMatchObject({ stops: [{ replicaId: 'rep_2_1' }] });
    const told = { service: [...created(2), scaled(2, 1)], deployment: [...deployment, progressed(1, 1, 0), took(taken!)] };
    expect(plan({ ...told, observed: [settled(1), seen(2)] }).close).toBeNull();
    expect(plan({ ...told, observed: [settled(1), gone(2)] }).close).toMatchObject({ outcome: 'SUCCEEDED' });
  });
});

describe('a stable service', () => {
  const stable = stableService(2);

  it('that has what it wants is left alone', () => expect(plan({ service: stable, observed: [settled(1), settled(2)] })).toEqual(NOTHING_TO_DO));

  it('scaled up orders the new slots', () =>
    expect(plan({ service: [...stable, scaled(2, 4)], observed: [settled(1), settled(2)] })).toEqual(
      only({ step: step({ creates: [order(3), order(4)], reason: { code: 'scaled', message: 'scaled to 4' } }) }),
    ));

  it('scaled down stops, then forgets what is gone and released', () => {
    const service = [...stable, scaled(2, 1)];
    const stop = { replicaId: 'rep_2_1', reason: { code: 'scaled', message: 'scaled to 1' } } as const;
    expect(plan({ service, observed: [settled(1), settled(2)] })).toEqual(only({ step: step({ stops: [stop], reason: stop.reason }) }));
    const stopped = [...service, serviceTook({ stops: [stop] })];
    expect(plan({ service: stopped, observed: [settled(1), settled(2)] })).toEqual(NOTHING_TO_DO);
    expect(plan({ service: stopped, observed: [settled(1), gone(2)] })).toEqual(NOTHING_TO_DO);
    expect(plan({ service: stopped, observed: [settled(1), gone(2, true)] }).step).toMatchObject({ creates: [], stops: [], forgets: ['rep_2_1'] });
  });

  it('scaled down and up again gives the slot its next generation once the stopped one has ended, never beside it', () => {
    const service = [...stable, scaled(2, 1), serviceTook({ stops: [{ replicaId: 'rep_2_1', reason }] }), scaled(1, 2)];
    expect(plan({ service, observed: [settled(1), settled(2)] }).step).toBeNull();
    expect(plan({ service, observed: [settled(1), { ...settled(2), state: 'GONE', final: true, settled: false, gone: true }] }).step).toMatchObject({ creates: [order(2, 2)], stops: [] });
  });

  it('replaces a container that is gone, but not by order', () =>
    expect(plan({ service: stable, observed: [settled(1), gone(2)] })).toEqual(
      only({ step: step({ creates: [order(2, 2)], reason: { code: 'slot_empty', message: 'slot 2 lost its replica' } }) }),
    ));

  it('replaces nothing on a node that is only not heard from', () =>
    expect(plan({ service: stable, observed: [settled(1), { ...settled(2), nodeUnreachable: true }] })).toEqual(NOTHING_TO_DO));

  it('leaves a replica that was given up as it is, for its reason to be seen', () =>
    expect(plan({ service: stable, observed: [settled(1), givenUp(2)] })).toEqual(NOTHING_TO_DO));

  it('goes on from the generations of replicas that it forgot', () => {
    const service = [...stable, serviceTook({ stops: [{ replicaId: 'rep_2_1', reason }] }), serviceTook({ forgets: ['rep_2_1'] })];
    expect(plan({ service, observed: [settled(1)] }).step).toMatchObject({ creates: [order(2, 2)] });
  });

  it('keeps the newest of a slot that has two', () => {
    const service = [...stable, serviceTook({ creates: [order(2, 2)] })];
    expect(plan({ service, observed: [settled(1), settled(2), settled(2, 2)] }).step).toMatchObject({
      creates: [],
      stops: [{ replicaId: 'rep_2_1', reason: { code: 'superseded', message: 'slot 2 has a newer replica' } }],
    });
  });
});

describe('a halted service', () => {
  const halted = [...created(2), ended('FAILED', [order(1), order(2)])];

  it('stops what its deployment left, for the reason that halted it', () =>
    expect(plan({ service: halted, observed: [settled(1), givenUp(2)] })).toEqual(
      only({ step: step({ stops: [{ replicaId: 'rep_2_1', reason: crashed }, { replicaId: 'rep_1_1', reason: crashed }], reason: crashed }) }),
    ));

  it('starts nothing, not even when it is scaled', () =>
    expect(plan({ service: [...halted, serviceTook({ stops: [{ replicaId: 'rep_1_1', reason }, { replicaId: 'rep_2_1', reason }] }), scaled(2, 5)], observed: [gone(1), gone(2)] })).toEqual(NOTHING_TO_DO));
});

describe('deleting', () => {
  const stable = stableService(1);
  const why = { code: 'docker_service_deleted', message: 'the service is being deleted' };

  it('ends an active deployment without a return, once that was opened', () => {
    const service = [...created(1), deletionRequested];
    expect(plan({ service })).toEqual(only({ openDeployment: { ...ref, toRelease: 1, startedAt: at(0), progressDeadlineMs: 600_000 } }));
    expect(plan({ service, deployment: [...underWay, took({ creates: [order(1)] })], observed: [settled(1)] })).toEqual(only({ close: { outcome: 'CANCELLED', reason: why } }));
  });

  it('stops everything', () =>
    expect(plan({ service: [...stable, deletionRequested], observed: [settled(1)] })).toEqual(only({ step: step({ stops: [{ replicaId: 'rep_1_1', reason: why }], reason: why }) })));

  it('is finished only when nothing is left that may have a container', () => {
    const stopped = [...stable, deletionRequested, serviceTook({ stops: [{ replicaId: 'rep_1_1', reason: why }] })];
    expect(plan({ service: stopped, observed: [settled(1)] })).toEqual(NOTHING_TO_DO);
    expect(plan({ service: stopped, observed: [{ ...settled(1), nodeUnreachable: true }] })).toEqual(NOTHING_TO_DO);
    expect(plan({ service: stopped, observed: [gone(1, true)] }).step).toMatchObject({ forgets: ['rep_1_1'] });
    expect(plan({ service: stopped, observed: [seen(1, { abandoned: true })] }).step).toMatchObject({ forgets: ['rep_1_1'] });
    expect(plan({ service: [...stopped, serviceTook({ forgets: ['rep_1_1'] })] })).toEqual(only({ finishDeletion: true }));
  });

  it('is over when it is done', () => {
    const deleted: DockerServiceEvent = { type: 'DockerServiceDeleted', data: { name: 'api', environmentId: 'env_1', projectId: 'prj_1' } };
    expect(plan({ service: [...stable, deletionRequested, serviceTook({ forgets: ['rep_1_1'] }), deleted] })).toEqual(NOTHING_TO_DO);
  });
});
