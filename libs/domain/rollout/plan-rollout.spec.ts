import { DEFAULT_DEPLOY_SETTINGS } from '../docker-service/deploy-settings.ts';
import { deployment as deploymentDecider } from '../deployment/decide.ts';
import type { DeploymentEvent } from '../deployment/events.ts';
import { dockerService } from '../docker-service/decide.ts';
import type { ContainerSpec, DockerServiceEvent, ReplicaOrder, Step } from '../docker-service/events.ts';
import { fold } from '../kernel/decider.ts';
import { unseen, type ObservedReplica } from './observed.ts';
import { planRollout } from './plan-rollout.ts';
import { NOTHING_TO_DO, type RolloutPlan } from './rollout-plan.ts';

const T0 = Date.parse('2030-01-01T00:00:00.000Z');
const at = (ms: number) => new Date(T0 + ms).toISOString();
const reason = { code: 'test', message: 'for the test' };
const crashed = { code: 'exited', message: 'it ended with exit code 1' };
const ref = { deploymentId: 'dep_1', dockerServiceId: 'svc_1', projectId: 'prj_1' } as const;
const replicaIdOf = (slot: number, generation: number) => `rep_${slot}_${generation}` as const;
const order = (slot: number, generation = 1): ReplicaOrder => ({ replicaId: replicaIdOf(slot, generation), slot, generation, release: 1 });
const step = (parts: Partial<Step>): Step => ({ creates: [], stops: [], forgets: [], reason, ...parts });

const created = (replicas: number, maxFailures = 0): DockerServiceEvent[] => [
  {
    type: 'DockerServiceCreated',
    data: {
      ...ref,
      environmentId: 'env_1',
      networkId: 'net_1',
      name: 'api',
      hostname: 'api.production.shop.internal',
      kind: 'worker',
      replicas,
      deploy: { ...DEFAULT_DEPLOY_SETTINGS, minHealthyMs: 10_000, healthyDeadlineMs: 300_000, progressDeadlineMs: 600_000, maxFailures },
    },
  },
  { type: 'ReleaseCut', data: { release: 1, spec: {} as ContainerSpec } },
  { type: 'DeploymentStarted', data: { deploymentId: 'dep_1', kind: 'create', fromRelease: null, toRelease: 1, settings: DEFAULT_DEPLOY_SETTINGS, supersedes: null } },
];
const opened: DeploymentEvent = { type: 'DeploymentOpened', data: { ...ref, toRelease: 1, startedAt: at(0), progressDeadlineMs: 600_000 } };
const took = (parts: Partial<Step>): DeploymentEvent => ({ type: 'DeploymentStepTaken', data: { ...ref, ...step(parts) } });
const failed = (slot: number, why = crashed): DeploymentEvent => ({ type: 'DeploymentReplicaFailed', data: { ...ref, replicaId: replicaIdOf(slot, 1), slot, reason: why } });
const progressed = (running: number, settled: number, ms: number): DeploymentEvent => ({
  type: 'DeploymentProgressed',
  data: { ...ref, running, settled, wanted: 2, deadlineAt: at(ms + 600_000) },
});
const ended = (outcome: 'SUCCEEDED' | 'FAILED', ordered: ReplicaOrder[]): DockerServiceEvent => ({
  type: 'DeploymentEnded',
  data: { deploymentId: 'dep_1', outcome, reason: outcome === 'FAILED' ? crashed : reason, toRelease: 1, ordered, stopped: [], forgotten: [] },
});
const scaled = (from: number, to: number): DockerServiceEvent => ({ type: 'DockerServiceScaled', data: { from, to } });
const deletionRequested: DockerServiceEvent = { type: 'DockerServiceDeletionRequested', data: {} };
const serviceTook = (parts: Partial<Step>): DockerServiceEvent => ({ type: 'ServiceStepTaken', data: step(parts) });

const seen = (slot: number, parts: Partial<ObservedReplica> = {}, generation = 1): ObservedReplica => ({ ...unseen(order(slot, generation)), exists: true, ...parts });
const up = (slot: number, generation = 1) => seen(slot, { state: 'RUNNING', run: 1 }, generation);
const settled = (slot: number, generation = 1) => seen(slot, { state: 'SETTLED', settled: true, run: 1 }, generation);
const givenUp = (slot: number) => seen(slot, { state: 'FAILED', final: true, everFailed: true, run: 5, reason: crashed });
const gone = (slot: number, released = false) => seen(slot, { state: 'GONE', final: true, gone: true, released, run: 1 });

interface World {
  service: DockerServiceEvent[];
  deployment?: DeploymentEvent[];
  observed?: ObservedReplica[];
  ms?: number;
  fresh?: boolean;
}
function plan({ service, deployment = [], observed = [], ms = 0, fresh = true }: World): RolloutPlan {
  const folded = fold(dockerService, service);
  if (folded.status !== 'present') throw new Error('no service in this history');
  return planRollout({ service: folded, deployment: fold(deploymentDecider, deployment), observed, observationsFresh: fresh, now: T0 + ms, replicaIdOf });
}
const only = (parts: Partial<RolloutPlan>): RolloutPlan => ({ ...NOTHING_TO_DO, ...parts });
const deploying = { code: 'deployment', message: 'the service moves to release 1' };
const both = took({ creates: [order(1), order(2)] });

describe('a first deployment', () => {
  const service = created(2);

  it('is opened, and its deadline counts from then', () =>
    expect(plan({ service, ms: 5 })).toEqual(only({ openDeployment: { ...ref, toRelease: 1, startedAt: at(5), progressDeadlineMs: 600_000 } })));

  it('orders one replica for each slot', () =>
    expect(plan({ service, deployment: [opened], ms: 1000 })).toEqual(only({ step: step({ creates: [order(1), order(2)], reason: deploying }), wakeInMs: 599_000 })));

  it('waits for what it ordered, until the deadline', () =>
    expect(plan({ service, deployment: [opened, both], observed: [seen(1)], ms: 1000 })).toEqual(only({ wakeInMs: 599_000 })));

  it('records that more replicas are up, which moves the deadline', () =>
    expect(plan({ service, deployment: [opened, both], observed: [up(1), settled(2)], ms: 1000 })).toEqual(
      only({ progress: { running: 2, settled: 1, wanted: 2, deadlineAt: at(601_000) } }),
    ));

  it('takes a replica that starts again for no progress', () =>
    expect(plan({ service, deployment: [opened, both, progressed(2, 1, 1000)], observed: [up(1), settled(2)], ms: 2000 })).toEqual(only({ wakeInMs: 599_000 })));

  it('has succeeded when all wanted replicas are settled', () =>
    expect(plan({ service, deployment: [opened, both], observed: [settled(1), settled(2)] })).toEqual(
      only({ close: { outcome: 'SUCCEEDED', reason: { code: 'settled', message: '2 of 2 replicas have stayed up for 10000 ms' } } }),
    ));

  it('has not succeeded while a settled replica is on a node that is not heard from', () =>
    expect(plan({ service, deployment: [opened, both, progressed(2, 2, 0)], observed: [settled(1), { ...settled(2), nodeUnreachable: true }] })).toEqual(only({ wakeInMs: 600_000 })));

  it('of no replicas has succeeded at once', () =>
    expect(plan({ service: created(0), deployment: [opened] })).toEqual(only({ close: { outcome: 'SUCCEEDED', reason: { code: 'nothing_wanted', message: 'no replica is wanted' } } })));

  it("is closed in its own stream first, then ended in the service's with all that it ordered", () => {
    const stop = { replicaId: 'rep_2_1', reason } as const;
    const closed: DeploymentEvent = { type: 'DeploymentClosed', data: { ...ref, outcome: 'SUCCEEDED', reason } };
    expect(plan({ service, deployment: [opened, both, took({ stops: [stop] }), took({ forgets: ['rep_2_1'] }), closed], observed: [settled(1)] })).toEqual(
      only({
        endDeployment: { deploymentId: 'dep_1', toRelease: 1, outcome: 'SUCCEEDED', reason, ordered: [order(1), order(2)], stopped: [stop], forgotten: ['rep_2_1'] },
      }),
    );
  });

  it('makes good a container that was removed behind its back, and counts it against nothing', () =>
    expect(plan({ service, deployment: [opened, both, progressed(2, 0, 0)], observed: [up(1), gone(2)] })).toEqual(
      only({ step: step({ creates: [order(2, 2)], reason: { code: 'slot_empty', message: 'slot 2 lost its replica' } }), wakeInMs: 600_000 }),
    ));

  it('forgets what has ended and was released', () =>
    expect(plan({ service, deployment: [opened, both, took({ creates: [order(2, 2)] })], observed: [seen(1), gone(2, true), seen(2, {}, 2)] })).toEqual(
      only({ step: step({ forgets: ['rep_2_1'], reason: { code: 'over', message: 'ended, and released by their nodes' } }), wakeInMs: 600_000 }),
    ));
});

describe('a deployment whose replica was given up', () => {
  it('records the failure first', () =>
    expect(plan({ service: created(2), deployment: [opened, both], observed: [settled(1), givenUp(2)] })).toEqual(only({ failures: [{ replicaId: 'rep_2_1', slot: 2, reason: crashed }] })));

  it('has failed when more failed than may, and the cause is that of the first', () => {
    const pull = { code: 'image_not_found', message: 'docker.io/myorg/api:v9 is in no registry' };
    expect(plan({ service: created(2), deployment: [opened, both, failed(2, pull), failed(1)], observed: [givenUp(1), givenUp(2)] })).toEqual(
      only({ close: { outcome: 'FAILED', reason: { code: 'image_not_found', message: 'slot 2: docker.io/myorg/api:v9 is in no registry (2 replicas failed)' } } }),
    );
  });

  it('stops it while no more failed than may, so that its slot can be tried again', () =>
    expect(plan({ service: created(2, 1), deployment: [opened, both, progressed(1, 1, 0), failed(2)], observed: [settled(1), givenUp(2)] })).toEqual(
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
    expect(plan({ service: created(2), deployment: [opened, both], observed: [seen(1), { ...givenUp(2), final: false }] })).toEqual(only({ wakeInMs: 600_000 })));
});

describe('the progress deadline', () => {
  const service = created(2);
  const noRoom = { code: 'no_node_fits', message: 'no node has 64 GiB free' };
  const observed = [seen(1, { reason: noRoom }), seen(2)];

  it('ends the deployment, and says what was waited for', () =>
    expect(plan({ service, deployment: [opened, both], observed, ms: 600_000 })).toEqual(
      only({ close: { outcome: 'FAILED', reason: { code: 'progress_deadline', message: 'nothing went forward for 600000 ms; slot 1 is PENDING: no node has 64 GiB free' } } }),
    ));

  it('is not judged before everything is known: it asks to be woken', () =>
    expect(plan({ service, deployment: [opened, both], observed, ms: 600_000, fresh: false })).toEqual(only({ wakeInMs: 1000 })));

  it('gives way to progress that was seen but not recorded yet', () =>
    expect(plan({ service, deployment: [opened, both], observed: [up(1)], ms: 700_000 })).toEqual(only({ progress: { running: 1, settled: 0, wanted: 2, deadlineAt: at(1_300_000) } })));

  it('says that the outcome is unknown where a node is not heard from', () =>
    expect(plan({ service, deployment: [opened, both, progressed(2, 1, 0)], observed: [settled(1), { ...up(2), nodeUnreachable: true }], ms: 600_000 })).toEqual(
      only({
        close: {
          outcome: 'FAILED',
          reason: { code: 'node_unreachable', message: "nothing went forward for 600000 ms; slot 2: its node isn't heard from; outcome: unknown" },
        },
      }),
    ));
});

describe('a scale during the deployment', () => {
  it('up orders the new slots', () =>
    expect(plan({ service: [...created(2), scaled(2, 3)], deployment: [opened, both], observed: [seen(1), seen(2)] }).step).toEqual(step({ creates: [order(3)], reason: deploying })));

  it('down stops the highest slots first', () =>
    expect(plan({ service: [...created(3), scaled(3, 1)], deployment: [opened, took({ creates: [order(1), order(2), order(3)] })], observed: [seen(1), up(2), seen(3)] }).step).toEqual(
      step({
        stops: [
          { replicaId: 'rep_3_1', reason: { code: 'scaled', message: 'scaled to 1' } },
          { replicaId: 'rep_2_1', reason: { code: 'scaled', message: 'scaled to 1' } },
        ],
        reason: { code: 'scaled', message: 'scaled to 1' },
      }),
    ));

  it('down to what is settled already lets it succeed', () =>
    expect(plan({ service: [...created(2), scaled(2, 1)], deployment: [opened, both], observed: [settled(1), seen(2)] }).close).toMatchObject({ outcome: 'SUCCEEDED' }));
});

describe('a stable service', () => {
  const stable = [...created(2), ended('SUCCEEDED', [order(1), order(2)])];

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
  const stable = [...created(1), ended('SUCCEEDED', [order(1)])];
  const why = { code: 'docker_service_deleted', message: 'the service is being deleted' };

  it('ends an active deployment without a return, once that was opened', () => {
    const service = [...created(1), deletionRequested];
    expect(plan({ service })).toEqual(only({ openDeployment: { ...ref, toRelease: 1, startedAt: at(0), progressDeadlineMs: 600_000 } }));
    expect(plan({ service, deployment: [opened, took({ creates: [order(1)] })], observed: [settled(1)] })).toEqual(only({ close: { outcome: 'CANCELLED', reason: why } }));
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
