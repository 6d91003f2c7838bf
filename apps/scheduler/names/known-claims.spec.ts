import { streamOf, type DomainEvent } from '#domain';
import { KnownClaims } from './known-claims.ts';

const PROJECT = 'prj_1';
const on = (claims: KnownClaims, stream: string, ...events: readonly (readonly [type: DomainEvent['type'], data?: object])[]): void => {
  for (const [type, data = {}] of events) claims.take({ type, data } as DomainEvent, { stream });
};
const named = (claims: KnownClaims, ...holders: readonly string[]): void => on(claims, streamOf('project', PROJECT), ...holders.map((holder) => ['NameClaimed', { scope: 'docker_service', environmentId: 'env_1', name: holder, holder }] as const));
const freed = (claims: KnownClaims, holder: string): void => on(claims, streamOf('project', PROJECT), ['NameReleased', { holder }]);

describe('names that are taken', () => {
  it('are known with the project that they were taken in, until they are given back', () => {
    const claims = new KnownClaims();
    named(claims, 'svc_1');
    expect(claims.get('svc_1')).toEqual({ holder: 'svc_1', projectId: PROJECT, key: 'docker_service|env_1|svc_1' });
    freed(claims, 'svc_1');
    expect([claims.has('svc_1'), claims.get('svc_1'), ...claims.unborne()]).toEqual([false, undefined]);
  });

  it.each([
    ['docker_service', 'svc_1', 'DockerService'],
    ['volume', 'vol_1', 'Volume'],
    ['network', 'net_1', 'Network'],
    ['project', 'prj_2', 'Project'],
    ['secret', 'sec_1', 'Secret'],
    ['config', 'cfg_1', 'Config'],
    ['resource', 'res_1', 'Resource'],
  ] as const)('are borne by a %s from its creation to its end', (category, id, thing) => {
    const claims = new KnownClaims();
    named(claims, id, 'svc_other');
    expect([...claims.unborne()]).toEqual([id, 'svc_other']);
    on(claims, streamOf(category, id), [`${thing}Created`]);
    expect([...claims.unborne()]).toEqual(['svc_other']);
    expect([claims.isBorne(id), claims.isBorne('svc_other')]).toEqual([true, false]);
    on(claims, streamOf(category, id), [`${thing}Deleted`]);
    expect([...claims.unborne()]).toEqual([id, 'svc_other']);
  });

  it('are not taken for borne by a request that was voided, nor for free by the beginning of a deletion', () => {
    const claims = new KnownClaims();
    named(claims, 'svc_1', 'svc_2');
    on(claims, streamOf('docker_service', 'svc_1'), ['ReservationVoided']);
    on(claims, streamOf('docker_service', 'svc_2'), ['DockerServiceCreated'], ['DockerServiceDeletionRequested']);
    expect([...claims.unborne()]).toEqual(['svc_1']);
  });
});
