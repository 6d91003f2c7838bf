import { config } from '../config/config.ts';
import { given } from '../kernel/given.ts';
import { Rejection } from '../kernel/rejection.ts';
import type { SecretEvent } from './events.ts';
import { latestVersion, rolledVersion, type ExistingValue } from './held-value.ts';
import { secret } from './secret.ts';

const created: SecretEvent = { type: 'SecretCreated', data: { secretId: 'sec_a', projectId: 'prj_a', environmentId: null, name: 'db', valueId: 'v1' } };
const added = (version: number, apply: 'now' | 'next_deploy' = 'now'): SecretEvent => ({ type: 'SecretVersionAdded', data: { secretId: 'sec_a', version, valueId: `v${version}`, apply } });
const deleted: SecretEvent = { type: 'SecretDeleted', data: { secretId: 'sec_a', projectId: 'prj_a', environmentId: null, name: 'db' } };
const add = (version: number) => ({ type: 'AddSecretVersion', data: { version, valueId: `v${version}`, apply: 'now' } }) as const;

describe('a secret', () => {
  it('is created once, with its version 1', () => {
    given(secret, []).when({ type: 'CreateSecret', data: created.data as never }).then([created]);
    given(secret, [created]).when({ type: 'CreateSecret', data: created.data as never }).rejects('secret.exists');
  });

  it('counts its versions without a gap: of two at once the second is told the next number', () => {
    given(secret, [created]).when(add(2)).then([added(2)]);
    given(secret, [created, added(2)]).when(add(2)).rejects('secret.version_taken', { next: 3 });
    given(secret, [created]).when(add(7)).rejects('secret.version_taken', { next: 2 });
  });

  it('takes no version before it is created, and none after it was deleted', () => {
    given(secret, []).when(add(2)).rejects('secret.not_found');
    given(secret, [created, deleted]).when(add(2)).rejects('secret.deleted');
  });

  it('is deleted once', () => {
    given(secret, [created, added(2)]).when({ type: 'DeleteSecret', data: {} }).then([deleted]);
    given(secret, [created, deleted]).when({ type: 'DeleteSecret', data: {} }).then([]);
    given(secret, []).when({ type: 'DeleteSecret', data: {} }).rejects('secret.not_found');
  });

  it('knows which version is the latest, and to which its followers are rolled', () => {
    const state = [created, added(2), added(3, 'next_deploy')].reduce(secret.evolve, secret.initial) as ExistingValue<'sec_a'>;
    expect([latestVersion(state), rolledVersion(state)]).toEqual([3, 2]);
    const later = secret.evolve(state as never, added(4)) as ExistingValue<'sec_a'>;
    expect(rolledVersion(later)).toBe(4);
  });

  it('of which a config is the like, under names of its own', () => {
    const data = { configId: 'cfg_a', projectId: 'prj_a', environmentId: 'env_a', name: 'app', valueId: 'v1' } as const;
    given(config, []).when({ type: 'CreateConfig', data }).then([{ type: 'ConfigCreated', data }]);
    expect(() => config.decide(config.initial, { type: 'DeleteConfig', data: {} })).toThrow(Rejection);
    given(config, [{ type: 'ConfigCreated', data }]).when({ type: 'AddConfigVersion', data: { version: 2, valueId: 'v2', apply: 'next_deploy' } }).then([{ type: 'ConfigVersionAdded', data: { configId: 'cfg_a', version: 2, valueId: 'v2', apply: 'next_deploy' } }]);
  });
});
