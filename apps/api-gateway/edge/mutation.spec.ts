import type { TenantContext } from '#contracts';
import { PLATFORM } from '#domain';
import { Mutation } from './mutation.ts';

const person: TenantContext = { principal: { type: 'user', id: 'usr_ann' }, projects: ['prj_a', 'prj_b'], role: 'viewer', roles: new Map([['prj_a', 'developer'], ['prj_b', 'viewer']]) };
const change = (tenant: TenantContext = person) => new Mutation(tenant, 'cmd', 'hash of the body', undefined, 1, 'ori_a');

describe('what a change is written with', () => {
  it('is given out where the role is held that the gate let pass, and nowhere else', () => {
    const mutation = change();
    mutation.allow('developer');
    expect(mutation.metadata('prj_a')).toMatchObject({ tenantId: 'prj_a', actor: { type: 'user', id: 'usr_ann' }, originId: 'ori_a', bodyHash: 'hash of the body' });
    for (const elsewhere of ['prj_b', 'prj_c', PLATFORM]) expect(() => mutation.metadata(elsewhere)).toThrow(expect.objectContaining({ code: 'role.too_low' }));
  });

  it('is given out to nobody but operators where the gate said nothing', () => {
    expect(() => change().metadata('prj_a')).toThrow(expect.objectContaining({ code: 'role.too_low' }));
    expect(change({ principal: { type: 'token', id: 'tok_operator' }, projects: 'all', role: 'operator' }).metadata(PLATFORM)).toMatchObject({ tenantId: PLATFORM });
  });

  it('tells of a part of the body alone where the rest mustn’t be guessed', () => {
    const mutation = change();
    mutation.allow('developer');
    expect(mutation.telling('prj_a', { role: 'viewer' }).bodyHash).toMatch(/^[0-9a-f]{64}$/);
    expect(mutation.ofThemselves({})).toMatchObject({ tenantId: PLATFORM, actor: { id: 'usr_ann' } });
  });
});
