import fc from 'fast-check';
import { given } from '../kernel/given.ts';
import { project, type ProjectCommand } from '../project/decide.ts';
import type { ProjectEvent } from '../project/events.ts';
import { addAmounts, isWithin, NO_AMOUNTS, type QuotaAmounts } from './amounts.ts';
import { heldRoom } from './holding.ts';
import { NO_QUOTA, type Quota } from './quota.ts';

const created: ProjectEvent[] = [
  { type: 'ProjectCreated', data: { projectId: 'prj_1', name: 'shop' } },
  { type: 'EnvironmentCreated', data: { environmentId: 'env_p', name: 'production', networkId: 'net_p', projectId: 'prj_1' } },
];
const replicas = (number: number): QuotaAmounts => ({ ...NO_AMOUNTS, cpuMillis: number * 100, replicas: number });
const allowing = (to: Partial<Quota>): ProjectEvent => ({ type: 'ProjectQuotaChanged', data: { from: NO_QUOTA, to: { ...NO_QUOTA, ...to } } });
const room = (number: number, at = 3, holder = 'svc_1' as const) => ({ holder, countsFor: holder, at, amounts: replicas(number) });
const reserve = (number: number, commandId: string, at = 3): ProjectCommand => ({ type: 'ReserveRoom', data: { ...room(number, at), commandId } });
const reserved = (number: number, commandId: string, at = 3): ProjectEvent => ({ type: 'RoomReserved', data: { ...room(number, at), commandId } });
const settled = (number: number, at: number): ProjectEvent => ({ type: 'RoomSettled', data: room(number, at) });
const settle = (number: number, at: number, isFound = false): ProjectCommand => ({ type: 'SettleRoom', data: { ...room(number, at), isFound } });

describe('a quota', () => {
  it('lets through what there is room for, and refuses the rest with what is used, asked and allowed', () => {
    const history = [...created, allowing({ replicas: 5 }), settled(3, 2)];
    given(project, history).when(reserve(5, 'cmd')).then([reserved(5, 'cmd'), expect.objectContaining({ type: 'QuotaWarningRaised' }) as never]);
    given(project, history).when(reserve(6, 'cmd')).rejects('quota.exceeded', { quota: 'project', id: 'prj_1', limitName: 'max_replicas', used: 3, asked: 3, limit: 5 });
  });

  it('that is lowered below what is reserved takes nothing away, and stops growth', () => {
    const warned: ProjectEvent = { type: 'QuotaWarningRaised', data: { scope: 'project', id: 'prj_1', resource: 'replicas', measure: 'reserved', level: 95, amount: 5, limit: 3 } };
    const lowering: ProjectCommand = { type: 'ChangeProjectQuota', data: { quota: { ...NO_QUOTA, replicas: 3 } } };
    given(project, [...created, settled(5, 2)]).when(lowering).then([allowing({ replicas: 3 }), warned]);
    const history = [...created, settled(5, 2), allowing({ replicas: 3 }), warned];
    given(project, history).when(reserve(5, 'cmd')).then([reserved(5, 'cmd')]);
    given(project, history).when(reserve(6, 'cmd')).rejects('quota.exceeded', { quota: 'project', id: 'prj_1', limitName: 'max_replicas', used: 5, asked: 1, limit: 3 });
  });

  it('of a service holds it, and the volumes that were made for it', () => {
    const own: ProjectEvent = { type: 'ServiceQuotaChanged', data: { dockerServiceId: 'svc_1', from: NO_QUOTA, to: { ...NO_QUOTA, volumesBytes: 100 } } };
    const claim = (bytes: number, holder: string): ProjectCommand => ({
      type: 'ClaimName',
      data: { scope: 'volume', environmentId: 'env_p', name: holder.replace('_', '-'), holder, commandId: 'cmd', room: { amounts: { ...NO_AMOUNTS, volumesBytes: bytes }, countsFor: 'svc_1' } },
    });
    given(project, [...created, own]).when(claim(101, 'vol_1')).rejects('quota.exceeded', { quota: 'docker_service', id: 'svc_1', limitName: 'max_volumes_bytes', used: 0, asked: 101, limit: 100 });
  });

  it('of a service is at most its project’s', () => {
    const command: ProjectCommand = { type: 'ChangeServiceQuota', data: { dockerServiceId: 'svc_1', quota: { ...NO_QUOTA, cpuMillis: 2_000 } } };
    given(project, [...created, allowing({ cpuMillis: 1_000 })]).when(command).rejects('quota.above_project', { pointer: '/max_cpu_millis', limit: 1_000 });
    given(project, created).when(command).then([{ type: 'ServiceQuotaChanged', data: { dockerServiceId: 'svc_1', from: NO_QUOTA, to: { ...NO_QUOTA, cpuMillis: 2_000 } } }]);
  });
});

describe('reserved room', () => {
  it('is found by a repeat of its command, and reserved anew where the holder has moved on', () => {
    const history = [...created, reserved(2, 'cmd')];
    given(project, history).when(reserve(2, 'cmd')).then([]);
    given(project, history).when(reserve(3, 'cmd', 5)).then([reserved(3, 'cmd', 5)]);
  });

  it('is taken in one append with the name, and goes with it', () => {
    const claim = { scope: 'docker_service', environmentId: 'env_p', name: 'api', holder: 'svc_1', commandId: 'cmd' } as const;
    const command: ProjectCommand = { type: 'ClaimName', data: { ...claim, room: { amounts: replicas(1), countsFor: 'svc_1' } } };
    const events: ProjectEvent[] = [{ type: 'NameClaimed', data: claim }, reserved(1, 'cmd', 0)];
    given(project, created).when(command).then(events);
    given(project, [...created, allowing({ replicas: 0 })]).when(command).rejects('quota.exceeded', { quota: 'project', id: 'prj_1', limitName: 'max_replicas', used: 0, asked: 1, limit: 0 });
    const { commandId: _, ...release } = claim;
    given(project, [...created, ...events]).when({ type: 'ReleaseName', data: release }).then([{ type: 'NameReleased', data: release }, { type: 'RoomReleased', data: { holder: 'svc_1' } }]);
  });

  it('counts until its holder is settled beyond it', () => {
    const history = [...created, settled(2, 2), reserved(5, 'cmd', 3)];
    given(project, history).when(settle(2, 3)).then([]);
    given(project, history).when(settle(2, 4)).then([settled(2, 4)]);
  });

  it('is settled by nobody who read the holder earlier', () => given(project, [...created, settled(5, 9)]).when(settle(2, 8)).then([]));

  it('is counted for what was there before there were quotas, but not for what is gone', () => {
    given(project, created).when(settle(2, 8)).then([]);
    given(project, created).when(settle(2, 8, true)).then([settled(2, 8)]);
    given(project, [...created, settled(2, 8)]).when({ type: 'ReleaseRoom', data: { holder: 'svc_1' } }).then([{ type: 'RoomReleased', data: { holder: 'svc_1' } }]);
    given(project, created).when({ type: 'ReleaseRoom', data: { holder: 'svc_1' } }).then([]);
  });
});

describe('a warning', () => {
  const about = { scope: 'project', id: 'prj_1', resource: 'replicas', measure: 'reserved', limit: 20 } as const;
  const raised = (level: 80 | 95, amount: number): ProjectEvent => ({ type: 'QuotaWarningRaised', data: { ...about, level, amount } });

  it('begins at 80%, rises at 95% and ends below', () => {
    const history = [...created, allowing({ replicas: 20 })];
    given(project, [...history, settled(15, 1)]).when(reserve(16, 'a')).then([reserved(16, 'a'), raised(80, 16)]);
    given(project, [...history, settled(16, 1), raised(80, 16)]).when(reserve(18, 'a')).then([reserved(18, 'a')]);
    given(project, [...history, settled(16, 1), raised(80, 16)]).when(reserve(19, 'a')).then([reserved(19, 'a'), raised(95, 19)]);
    given(project, [...history, settled(19, 1), raised(95, 19)]).when(settle(15, 4)).then([settled(15, 4), { type: 'QuotaWarningEnded', data: { ...about, amount: 15 } }]);
  });

  it('is given of what is measured, against the quota, or else what the containers are held to', () => {
    const use = (cpuMillis: number): ProjectCommand => ({ type: 'RecordUse', data: { scope: 'docker_service', id: 'svc_1', use: { cpuMillis, memoryBytes: 0 } } });
    const measured = { scope: 'docker_service', id: 'svc_1', resource: 'cpuMillis', measure: 'used', limit: 1_000 } as const;
    const history = [...created, settled(10, 1)];
    given(project, history).when(use(799)).then([]);
    given(project, history).when(use(800)).then([{ type: 'QuotaWarningRaised', data: { ...measured, level: 80, amount: 800 } }]);
    given(project, [...history, { type: 'QuotaWarningRaised', data: { ...measured, level: 80, amount: 800 } }]).when(use(100)).then([{ type: 'QuotaWarningEnded', data: { ...measured, amount: 100 } }]);
  });
});

describe('laws of quotas', () => {
  /** Requests for room, settlements and ends of a few holders, in any order. */
  const command = fc.oneof(
    fc.record({ do: fc.constant('reserve' as const), holder: fc.constantFrom('svc_1', 'svc_2', 'svc_3'), number: fc.nat(9), at: fc.nat(6), commandId: fc.constantFrom('a', 'b', 'c') }),
    fc.record({ do: fc.constant('settle' as const), holder: fc.constantFrom('svc_1', 'svc_2', 'svc_3'), share: fc.nat(100), at: fc.nat(8) }),
    fc.record({ do: fc.constant('release' as const), holder: fc.constantFrom('svc_1', 'svc_2', 'svc_3') }),
  );

  it('never give more than there is, and are left with nothing when all are gone', () => {
    fc.assert(
      fc.property(fc.nat(12), fc.array(command, { maxLength: 40 }), (limit, commands) => {
        let state = [...created, allowing({ replicas: limit })].reduce(project.evolve, project.initial);
        const carryOut = (each: ProjectCommand): void => {
          try {
            state = project.decide(state, each).reduce(project.evolve, state);
          } catch {
            // Refused: nothing has changed.
          }
        };
        for (const each of commands) {
          const countsFor = each.holder as `svc_${string}`;
          if (each.do === 'reserve') carryOut({ type: 'ReserveRoom', data: { holder: each.holder, countsFor, at: each.at, commandId: each.commandId, amounts: replicas(each.number) } });
          if (each.do === 'release') carryOut({ type: 'ReleaseRoom', data: { holder: each.holder } });
          // A holder is settled at what it needs, which is within what it holds.
          const held = state.quotas.holdings.get(each.holder);
          if (each.do === 'settle' && held) carryOut({ type: 'SettleRoom', data: { holder: each.holder, countsFor, at: each.at, isFound: false, amounts: replicas(Math.floor((heldRoom(held).replicas * each.share) / 100)) } });
          const { holdings, reserved } = state.quotas;
          expect([...holdings.values()].map(heldRoom).reduce(addAmounts, NO_AMOUNTS)).toEqual(reserved);
          expect(isWithin(reserved, { ...reserved, replicas: limit })).toBe(true);
        }
        for (const holder of ['svc_1', 'svc_2', 'svc_3']) carryOut({ type: 'ReleaseRoom', data: { holder } });
        expect(state.quotas.reserved).toEqual(NO_AMOUNTS);
        expect(state.quotas.warnings.size).toBe(0);
      }),
    );
  });
});
