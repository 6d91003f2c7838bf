import { serviceStatus, type ReplicaFacts, type ServiceFacts } from './status.ts';

const replica = (slot: number, parts: Partial<ReplicaFacts> = {}): ReplicaFacts => ({
  slot,
  release: 1,
  state: 'SETTLED',
  health: 'unknown',
  final: false,
  everFailed: false,
  stopping: false,
  silent: false,
  reason: null,
  ...parts,
});
const facts = (replicas: ReplicaFacts[], parts: Partial<ServiceFacts> = {}): ServiceFacts => ({
  lifecycle: 'ACTIVE',
  paused: null,
  desired: 2,
  replacesExhausted: false,
  currentRelease: 1,
  halted: null,
  deploymentActive: false,
  replicas,
  ...parts,
});
const noRoom = { code: 'no_node_fits', message: 'no node has 256 MiB free' };
const crashed = { code: 'exited', message: 'it ended with exit code 1' };

describe('the status of a service', () => {
  it('is RUNNING when the wanted number runs, with nothing to explain', () =>
    expect(serviceStatus(facts([replica(1), replica(2)]))).toEqual({
      status: 'RUNNING',
      reason: null,
      degraded: false,
      counts: { desired: 2, running: 2, healthy: 2, starting: 0, failed: 0, finished: 0 },
    }));

  it('is RUNNING as soon as all are up, though the deployment still watches them', () =>
    expect(serviceStatus(facts([replica(1, { state: 'RUNNING' }), replica(2, { state: 'RUNNING' })], { deploymentActive: true }))).toMatchObject({ status: 'RUNNING' }));

  it('is PENDING before anything is ordered', () =>
    expect(serviceStatus(facts([], { deploymentActive: true }))).toEqual({
      status: 'PENDING',
      reason: { code: 'starting', message: "0 of 2 replicas run; the others aren't ordered yet" },
      degraded: false,
      counts: { desired: 2, running: 0, healthy: 0, starting: 0, failed: 0, finished: 0 },
    }));

  it('is PENDING and degraded while some serve, and says why the others do not', () =>
    expect(serviceStatus(facts([replica(1), replica(2, { state: 'PENDING', reason: noRoom })]))).toEqual({
      status: 'PENDING',
      reason: { code: 'no_node_fits', message: '1 of 2 replicas run; slot 2: no node has 256 MiB free' },
      degraded: true,
      counts: { desired: 2, running: 1, healthy: 1, starting: 1, failed: 0, finished: 0 },
    }));

  it('never says RUNNING of a crash loop: who failed once counts as starting until it has stayed up', () => {
    const looping = replica(2, { state: 'RUNNING', everFailed: true });
    expect(serviceStatus(facts([replica(1), looping]))).toMatchObject({
      status: 'PENDING',
      reason: { code: 'failed_before', message: '1 of 2 replicas run; slot 2: it runs again, and counts once it has stayed up' },
      counts: { running: 1, starting: 1 },
    });
    expect(serviceStatus(facts([replica(1), { ...looping, state: 'SETTLED' }]))).toMatchObject({ status: 'RUNNING' });
  });

  it('takes replicas on silent nodes out of running, and says that nothing is replaced before the node is removed', () =>
    expect(serviceStatus(facts([replica(1), replica(2, { silent: true })]))).toEqual({
      status: 'PENDING',
      reason: { code: 'node_unreachable', message: "1 of 2 replicas run; slot 2: its node isn't heard from; it is made good elsewhere once the node is removed" },
      degraded: true,
      counts: { desired: 2, running: 1, healthy: 1, starting: 0, failed: 0, finished: 0 },
    }));

  it('is FAILED when a replica of a stable service was given up', () =>
    expect(serviceStatus(facts([replica(1), replica(2, { state: 'FAILED', final: true, everFailed: true, reason: crashed })]))).toEqual({
      status: 'FAILED',
      reason: { code: 'exited', message: '1 of 2 replicas run; slot 2: it ended with exit code 1' },
      degraded: true,
      counts: { desired: 2, running: 1, healthy: 1, starting: 0, failed: 1, finished: 0 },
    }));

  it('is PENDING while the agent tries again, or a deployment has yet to judge a failure', () => {
    const failing = replica(2, { state: 'FAILED', everFailed: true, reason: crashed });
    expect(serviceStatus(facts([replica(1), failing]))).toMatchObject({ status: 'PENDING', reason: { code: 'exited' }, counts: { starting: 1, failed: 0 } });
    expect(serviceStatus(facts([replica(1), { ...failing, final: true }], { deploymentActive: true }))).toMatchObject({ status: 'PENDING', counts: { failed: 1 } });
  });

  it('is FAILED when the service is halted, for the reason that halted it', () =>
    expect(serviceStatus(facts([replica(1, { stopping: true })], { halted: crashed, currentRelease: null }))).toEqual({
      status: 'FAILED',
      reason: crashed,
      degraded: false,
      counts: { desired: 2, running: 0, healthy: 0, starting: 0, failed: 0, finished: 0 },
    }));

  it('counts neither those that are being stopped nor those that are gone', () =>
    expect(serviceStatus(facts([replica(1), replica(2), replica(3, { stopping: true }), replica(2, { state: 'GONE', final: true })]))).toMatchObject({
      status: 'RUNNING',
      counts: { desired: 2, running: 2, starting: 0, failed: 0, finished: 0 },
    }));

  it('wants the current release, though another one serves', () =>
    expect(serviceStatus(facts([replica(1), replica(2)], { currentRelease: 2, deploymentActive: true }))).toMatchObject({
      status: 'PENDING',
      degraded: false,
      counts: { running: 0 },
    }));

  it('is not RUNNING while one of before is still to give way, though all new ones run', () => {
    const old = replica(2, { release: 0 });
    expect(serviceStatus(facts([replica(1), replica(2), old], { deploymentActive: true }))).toMatchObject({
      status: 'PENDING',
      reason: { code: 'replacing', message: '2 of 2 replicas run; slot 2: it runs release 0 still' },
      counts: { running: 2, healthy: 2, starting: 0 },
    });
    expect(serviceStatus(facts([replica(1), replica(2), { ...old, stopping: true }], { deploymentActive: true }))).toMatchObject({ status: 'RUNNING' });
  });

  it('counts a slot once, also while it holds the next one beside the one that serves', () =>
    expect(serviceStatus(facts([replica(1), replica(1, { state: 'STARTING' }), replica(2)], { deploymentActive: true }))).toMatchObject({
      status: 'RUNNING',
      counts: { running: 2, healthy: 2, starting: 0 },
    }));

  it('wants a replica with a check to be healthy', () => {
    const checked = (health: 'starting' | 'healthy' | 'unhealthy') => serviceStatus(facts([replica(1, { health: 'healthy' }), replica(2, { state: 'RUNNING', health })]));
    expect(checked('healthy')).toMatchObject({ status: 'RUNNING', counts: { running: 2, healthy: 2 } });
    expect(checked('starting')).toMatchObject({ status: 'PENDING', degraded: true, reason: { code: 'health_starting' }, counts: { running: 1, healthy: 1, starting: 1 } });
    expect(checked('unhealthy')).toMatchObject({ status: 'PENDING', degraded: true, reason: { code: 'unhealthy', message: '1 of 2 replicas run; slot 2: its check fails' }, counts: { running: 2, healthy: 1 } });
  });

  it('wants neither those that are done nor those that were stopped by hand, and says so', () => {
    const done = replica(1, { state: 'COMPLETED', final: true });
    const byHand = replica(2, { state: 'STOPPED', final: true, reason: { code: 'stopped_by_hand', message: 'somebody stopped it' } });
    expect(serviceStatus(facts([done, replica(2)]))).toMatchObject({ status: 'RUNNING', degraded: false, counts: { desired: 2, running: 1, finished: 1 } });
    expect(serviceStatus(facts([done, replica(2, { state: 'STARTING' })]))).toMatchObject({ status: 'PENDING', reason: { message: '0 of 2 replicas run, 1 is finished; slot 2: it is STARTING' } });
    expect(serviceStatus(facts([done, byHand]))).toMatchObject({ status: null, reason: { code: 'finished' }, counts: { finished: 2, failed: 0 } });
    expect(serviceStatus(facts([done, replica(2)], { currentRelease: 2, deploymentActive: true }))).toMatchObject({ status: 'PENDING', counts: { finished: 0 } });
  });

  it('is PENDING where another node is tried for what was given up', () =>
    expect(serviceStatus(facts([replica(1), replica(2, { state: 'FAILED', final: true, everFailed: true, reason: crashed })], { replacesExhausted: true }))).toMatchObject({ status: 'PENDING', counts: { failed: 1 } }));

  it.each([
    ['held', { code: 'paused', message: 'it is paused: its containers are stopped and kept' }],
    ['removed', { code: 'stopped', message: 'it is stopped: its containers are removed' }],
  ] as const)('is null where it is PAUSED with its containers %s', (paused, reason) =>
    expect(serviceStatus(facts([replica(1)], { lifecycle: 'PAUSED', paused }))).toMatchObject({ status: null, reason, degraded: false }));

  it.each([
    ['DELETING', 2, { code: 'deleting', message: 'it is being deleted: 1 of its replicas are left' }],
    ['DELETED', 2, { code: 'deleted', message: 'it was deleted, and its containers are gone' }],
    ['ACTIVE', 0, { code: 'nothing_wanted', message: 'it is scaled to 0 replicas' }],
  ] as const)('is null where nothing is wanted: %s with %d replicas', (lifecycle, desired, reason) =>
    expect(serviceStatus(facts([replica(1, { stopping: true })], { lifecycle, desired }))).toMatchObject({ status: null, reason, degraded: false }),
  );
});
