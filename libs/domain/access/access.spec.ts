import { given } from '../kernel/given.ts';
import { project, type ProjectCommand } from '../project/decide.ts';
import type { ProjectEvent } from '../project/events.ts';
import { MAX_MEMBERS } from './members.ts';
import { isAtLeast, type ProjectRole } from './roles.ts';
import { MAX_TOKENS, TOKEN_LIFE } from './tokens.ts';

const AT = Date.UTC(2026, 0, 1);
const HOUR = 3_600_000;
const projectId = 'prj_1';
const created: ProjectEvent[] = [
  { type: 'ProjectCreated', data: { projectId, name: 'shop' } },
  { type: 'EnvironmentCreated', data: { environmentId: 'env_p', projectId, name: 'production', networkId: 'net_p' } },
];
const put = (userId: `usr_${string}`, role: ProjectRole): ProjectCommand => ({ type: 'PutMember', data: { userId, role } });
const remove = (userId: `usr_${string}`): ProjectCommand => ({ type: 'RemoveMember', data: { userId } });
const added = (userId: `usr_${string}`, role: ProjectRole): ProjectEvent => ({ type: 'MemberAdded', data: { projectId, userId, role } });

describe('members of a project', () => {
  it('are added once, change their role, and go', () => {
    given(project, created).when(put('usr_a', 'viewer')).then([added('usr_a', 'viewer')]);
    const history = [...created, added('usr_a', 'viewer')];
    given(project, history).when(put('usr_a', 'viewer')).then([]);
    given(project, history).when(put('usr_a', 'owner')).then([{ type: 'MemberRoleChanged', data: { projectId, userId: 'usr_a', from: 'viewer', to: 'owner' } }]);
    given(project, history).when(remove('usr_a')).then([{ type: 'MemberRemoved', data: { projectId, userId: 'usr_a', role: 'viewer' } }]);
    given(project, history).when(remove('usr_b')).then([]);
  });

  it('keep one owner where they have had any', () => {
    const history = [...created, added('usr_a', 'owner'), added('usr_b', 'developer')];
    given(project, history).when(remove('usr_a')).rejects('member.last_owner', { userId: 'usr_a' });
    given(project, history).when(put('usr_a', 'viewer')).rejects('member.last_owner', { userId: 'usr_a' });
    given(project, [...history, added('usr_c', 'owner')]).when(remove('usr_a')).then([{ type: 'MemberRemoved', data: { projectId, userId: 'usr_a', role: 'owner' } }]);
    given(project, history).when(put('usr_b', 'owner')).then([{ type: 'MemberRoleChanged', data: { projectId, userId: 'usr_b', from: 'developer', to: 'owner' } }]);
  });

  it('have a role that there is, in a project that stands', () => {
    given(project, created).when(put('usr_a', 'admin' as ProjectRole)).rejects('member.role_unknown', { pointer: '/role' });
    given(project, []).when(put('usr_a', 'owner')).rejects('project.not_found');
    given(project, [...created, { type: 'ProjectDeleted', data: { projectId, name: 'shop' } }]).when(put('usr_a', 'owner')).rejects('project.deleted');
  });

  it('are not more than a fold can hold', () => {
    const many = Array.from({ length: MAX_MEMBERS }, (_, each) => added(`usr_${each}`, 'viewer'));
    given(project, [...created, ...many]).when(put('usr_more', 'viewer')).rejects('member.too_many');
    given(project, [...created, ...many]).when(put('usr_0', 'viewer')).then([]);
  });
});

type Issue = Extract<ProjectCommand, { type: 'IssueToken' }>['data'];
const issue = (over: Partial<Issue> = {}): ProjectCommand => ({ type: 'IssueToken', data: { tokenId: 'tok_1', role: 'developer', scope: null, at: AT, expiresInMs: HOUR, issuer: null, ...over } });
const issued = (tokenId: `tok_${string}`, over: Partial<Extract<ProjectEvent, { type: 'TokenIssued' }>['data']> = {}): ProjectEvent => ({
  type: 'TokenIssued',
  data: { projectId, tokenId, role: 'developer', scope: null, expiresAt: new Date(AT + HOUR).toISOString(), ...over },
});
const scope = (over: object) => ({ environmentId: null, dockerServiceId: null, actions: null, ...over });

describe('tokens of a project', () => {
  it('are issued once, until they expire, and revoked once', () => {
    given(project, created).when(issue()).then([issued('tok_1')]);
    given(project, [...created, issued('tok_1')]).when(issue()).then([]);
    const revoked: ProjectEvent = { type: 'TokenRevoked', data: { projectId, tokenId: 'tok_1' } };
    given(project, [...created, issued('tok_1')]).when({ type: 'RevokeToken', data: { tokenId: 'tok_1' } }).then([revoked]);
    given(project, [...created, issued('tok_1'), revoked]).when({ type: 'RevokeToken', data: { tokenId: 'tok_1' } }).then([]);
  });

  it.each([TOKEN_LIFE.least - 1, TOKEN_LIFE.most + 1, 1.5e5 + 0.5, Number.NaN, -1])('do not live %d ms', (expiresInMs) =>
    given(project, created).when(issue({ expiresInMs })).rejects('token.life_out_of_range', { pointer: '/expires_in_ms' }));

  it('are held to something of the project, if to anything', () => {
    given(project, created).when(issue({ scope: scope({ environmentId: 'env_p' }) })).then([issued('tok_1', { scope: scope({ environmentId: 'env_p' }) })]);
    given(project, created).when(issue({ scope: scope({ environmentId: 'env_other' }) })).rejects('environment.not_found', { pointer: '/scope/environment_id' });
    given(project, created).when(issue({ scope: scope({ actions: ['deploy'] }) })).rejects('token.scope_invalid', { pointer: '/scope' });
    given(project, created).when(issue({ role: 'owner', scope: scope({ environmentId: 'env_p' }) })).rejects('token.scope_invalid', { pointer: '/scope' });
    given(project, created).when(issue({ role: 'viewer', scope: scope({ dockerServiceId: 'svc_1', actions: ['deploy'] }) })).rejects('token.scope_invalid', { pointer: '/role' });
  });

  it('do not outlive the token that issued them', () => {
    const history = [...created, issued('tok_a', { role: 'owner' })];
    given(project, history).when(issue({ issuer: 'tok_a', expiresInMs: HOUR })).then([issued('tok_1')]);
    given(project, history).when(issue({ issuer: 'tok_a', expiresInMs: HOUR + 1 })).rejects('token.outlives_issuer', { pointer: '/expires_in_ms' });
  });

  it('are not too many at once; those that have expired leave room', () => {
    const many = Array.from({ length: MAX_TOKENS }, (_, each) => issued(`tok_m${each}`));
    given(project, [...created, ...many]).when(issue()).rejects('token.too_many');
    given(project, [...created, ...many]).when(issue({ at: AT + HOUR })).then([issued('tok_1', { expiresAt: new Date(AT + 2 * HOUR).toISOString() })]);
  });
});

it('a project that is deleted takes its members and tokens with it', () =>
  given(project, [...created, added('usr_a', 'owner'), issued('tok_1')]).when({ type: 'DeleteProject', data: {} }).then([
    { type: 'EnvironmentDeleted', data: { environmentId: 'env_p', projectId, name: 'production', networkId: 'net_p' } },
    { type: 'MemberRemoved', data: { projectId, userId: 'usr_a', role: 'owner' } },
    { type: 'TokenRevoked', data: { projectId, tokenId: 'tok_1' } },
    { type: 'ProjectDeleted', data: { projectId, name: 'shop' } },
  ]));

it('a role may what those below it may', () => {
  expect(isAtLeast('owner', 'viewer') && isAtLeast('developer', 'developer') && isAtLeast('owner', 'owner')).toBe(true);
  expect(isAtLeast('viewer', 'developer') || isAtLeast('developer', 'owner')).toBe(false);
});
