import fc from 'fast-check';
import { dockerService } from '../docker-service/decide.ts';
import type { DockerServiceEvent } from '../docker-service/events.ts';
import { fold } from '../kernel/decider.ts';
import { created, deploying, ended, order, SPEC, stable } from '../rollout/given.ts';
import { isWithin, NO_AMOUNTS } from './amounts.ts';
import { jobRoom, serviceRoom, settledRoom, type HeldReplica } from './service-room.ts';

const serviceAfter = (events: readonly DockerServiceEvent[]) => {
  const service = fold(dockerService, events);
  if (service.status !== 'present') throw new Error('absent');
  return service;
};
const held = (slot: number, more: Partial<HeldReplica> = {}): HeldReplica => ({ ...order(slot), isStopped: false, isNew: false, ...more });
const { cpuMillis, memoryBytes } = SPEC.resources.limit;
const containers = (number: number, replicas: number) => ({ ...NO_AMOUNTS, cpuMillis: number * cpuMillis, memoryBytes: number * memoryBytes, replicas });
const large = { resources: { request: SPEC.resources.request, limit: { cpuMillis: 4 * cpuMillis, memoryBytes } } };
const hook = { overrides: {}, timeoutMs: 1_000, retries: 0 };

describe('what a service may need', () => {
  it('is what it is created with, and no surge: nothing is there before', () => expect(serviceRoom(serviceAfter(created(3)), [])).toEqual(containers(3, 3)));

  it('is its replicas while no deployment moves it', () => expect(serviceRoom(serviceAfter(stable(3)), [1, 2, 3].map((slot) => held(slot)))).toEqual(containers(3, 3)));

  it('is the surge and the larger of two hooks beside, as long as a deployment moves it; replicas count as they are wanted', () => {
    expect(serviceRoom(serviceAfter(deploying(4)), [])).toEqual(containers(5, 4));
    expect(serviceRoom(serviceAfter(deploying(4, { preDeploy: hook, postDeploy: hook })), [])).toEqual(containers(6, 4));
    expect(serviceRoom(serviceAfter(deploying(4, { strategy: 'recreate' })), [])).toEqual(containers(4, 4));
  });

  it('is what its slots need without it, too: a deployment may end at any step, and slots are filled beside what still leaves others', () => {
    const leftOver = [held(1), { ...held(1, { isStopped: true }), replicaId: 'rep_left' } as const, held(3)];
    expect(serviceRoom(serviceAfter(deploying(3, { maxSurge: 0, maxUnavailable: 1 })), leftOver)).toEqual(containers(4, 3));
  });

  it('is the way there and back, whichever release is the larger', () => {
    expect(serviceRoom(serviceAfter(deploying(2, { maxSurge: 1, maxUnavailable: 0 }, large)), []).cpuMillis).toBe(2 * 4 * cpuMillis + cpuMillis);
    expect(serviceRoom(serviceAfter([...stable(2, {}, large), ...deploying(2, { maxSurge: 1, maxUnavailable: 0 }).slice(-2)]), []).cpuMillis).toBe(2 * 4 * cpuMillis + cpuMillis);
  });

  it('is held while it is paused, and given back when it is stopped or deleted, as far as nothing is left of it', () => {
    const both = [held(1), held(2)];
    expect(serviceRoom(serviceAfter([...stable(2), { type: 'DockerServicePaused', data: {} }]), both)).toEqual(containers(2, 2));
    for (const type of ['DockerServiceStopped', 'DockerServiceDeletionRequested'] as const) {
      const service = serviceAfter([...stable(2), { type, data: {} }]);
      expect(serviceRoom(service, both)).toEqual(containers(2, 2));
      expect(serviceRoom(service, [held(2)])).toEqual(containers(1, 1));
      expect(serviceRoom(service, [])).toEqual(NO_AMOUNTS);
    }
    expect(serviceRoom(serviceAfter([...stable(2), { type: 'DockerServiceStopped', data: {} }, { type: 'DockerServiceStarted', data: {} }]), [])).toEqual(containers(2, 2));
  });

  it('is nothing new while it is halted', () => expect(serviceRoom(serviceAfter([...created(2), ended('FAILED', [order(1), order(2)])]), [held(1, { isStopped: true })])).toEqual(containers(1, 1)));

  it('is the larger of what a slot has and is to have: it is filled again when that has ended', () => {
    const scaled = serviceAfter([...stable(5), { type: 'DockerServiceScaled', data: { from: 5, to: 2 } }]);
    const leaving = [1, 2, 3, 4, 5].map((slot) => held(slot, { isStopped: slot > 2 }));
    expect(serviceRoom(scaled, leaving)).toEqual(containers(5, 5));
    expect(serviceRoom(scaled, leaving.slice(0, 3))).toEqual(containers(3, 3));
    expect(serviceRoom(serviceAfter([...stable(2)]), [held(1), held(2), { ...held(2, { isStopped: true }), replicaId: 'rep_left' }])).toEqual(containers(3, 2));
  });

  it('counts one of a row in which each waits for the end of the one before', () => {
    const row = [held(1), { ...held(1), replicaId: 'rep_next', replaces: held(1).replicaId } as const];
    expect(serviceRoom(serviceAfter([...stable(1), { type: 'DockerServiceStopped', data: {} }]), row)).toEqual(containers(1, 1));
  });

  it('is one container and one replica for a job', () => expect(jobRoom(SPEC)).toEqual(containers(1, 1)));
});

describe('what a service is settled at', () => {
  const service = serviceAfter([...stable(3), { type: 'DockerServiceScaled', data: { from: 3, to: 1 } }]);
  const all = [held(1), held(2, { isStopped: true }), held(3, { isStopped: true })];

  it('keeps what its nodes have not released, and gives it back when they have', () => {
    expect(settledRoom(service, containers(3, 3), { running: all.slice(0, 1), lingering: all })).toEqual(containers(3, 3));
    expect(settledRoom(service, containers(3, 3), { running: all.slice(0, 1), lingering: all.slice(0, 2) })).toEqual(containers(2, 2));
  });

  it('never takes more for what only lingers', () => {
    fc.assert(
      fc.property(fc.nat(5), fc.nat(3), (before, lingering) => {
        const settled = settledRoom(service, containers(before, before), { running: all.slice(0, 1), lingering: all.slice(0, lingering) });
        expect(isWithin(settled, containers(Math.max(1, before), Math.max(1, before)))).toBe(true);
        expect(isWithin(containers(1, 1), settled)).toBe(true);
      }),
    );
  });
});
