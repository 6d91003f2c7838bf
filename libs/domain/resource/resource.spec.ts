import fc from 'fast-check';
import { given } from '../kernel/given.ts';
import type { ResourceEvent, ResourceKind, ResourceSettings } from './events.ts';
import { resource } from './resource.ts';
import { isAddress, settingsViolations } from './resource-rules.ts';

const settings = (over: Partial<ResourceSettings> = {}): ResourceSettings => ({ hostname: 'main-db', host: '10.0.0.5', port: 5432, user: null, database: null, password: null, dockerServiceId: null, ...over });
const data = { resourceId: 'res_a', projectId: 'prj_a', environmentId: 'env_a', name: 'main-db', kind: 'postgres', settings: settings() } as const;
const created: ResourceEvent = { type: 'ResourceCreated', data };
const changed: ResourceEvent = { type: 'ResourceChanged', data: { resourceId: 'res_a', version: 2, from: settings(), to: settings({ port: 5433 }) } };
const deleted: ResourceEvent = { type: 'ResourceDeleted', data: { resourceId: 'res_a', projectId: 'prj_a', environmentId: 'env_a', name: 'main-db' } };
const flaws = (over: Partial<ResourceSettings>, kind: ResourceKind = 'postgres') => settingsViolations(kind, settings(over)).map(({ pointer, code }) => `${pointer} ${code}`);

describe('a resource', () => {
  it('is created once', () => {
    given(resource, []).when({ type: 'CreateResource', data }).then([created]);
    given(resource, [created]).when({ type: 'CreateResource', data }).rejects('resource.exists');
  });

  it('counts the ways that it was reached, and is silent where nothing changes', () => {
    given(resource, [created]).when({ type: 'ChangeResource', data: { settings: settings({ port: 5433 }) } }).then([changed]);
    given(resource, [created, changed]).when({ type: 'ChangeResource', data: { settings: settings({ port: 5433 }) } }).then([]);
    given(resource, [created, changed]).when({ type: 'ChangeResource', data: { settings: settings() } }).then([{ type: 'ResourceChanged', data: { resourceId: 'res_a', version: 3, from: settings({ port: 5433 }), to: settings() } }]);
  });

  it('is deleted once, and changed no more', () => {
    given(resource, [created]).when({ type: 'DeleteResource', data: {} }).then([deleted]);
    given(resource, [created, deleted]).when({ type: 'DeleteResource', data: {} }).then([]);
    given(resource, [created, deleted]).when({ type: 'ChangeResource', data: { settings: settings({ port: 1 }) } }).rejects('resource.deleted');
    given(resource, []).when({ type: 'DeleteResource', data: {} }).rejects('resource.not_found');
  });
});

describe('how a resource is reached', () => {
  it('is a host elsewhere or a service, one of them', () => {
    expect(flaws({})).toEqual([]);
    expect(flaws({ host: null, dockerServiceId: 'svc_a', port: null })).toEqual([]);
    expect(flaws({ host: null })).toEqual(['/host required']);
    expect(flaws({ dockerServiceId: 'svc_a' })).toEqual(['/host exclusive']);
    expect(flaws({ port: null }, 'generic')).toEqual(['/port required']);
    expect(flaws({ port: 70_000 })).toEqual(['/port out_of_range']);
  });

  it('is an address that is called by the hostname, or a name that is called by itself', () => {
    expect(flaws({ host: 'db.example.com', hostname: 'db.example.com' })).toEqual([]);
    expect(flaws({ host: 'db.example.com', hostname: 'other' })).toEqual(['/hostname exclusive']);
    expect(flaws({ host: 'fd00::5' })).toEqual([]);
    for (const host of ['http://db', 'db:5432', 'a b', 'localhost', '', '1.2.3', '300.1.1.1', '1::2::3']) expect(flaws({ host }).map((flaw) => flaw.split(' ')[0])).toContain('/host');
    for (const host of ['127.0.0.1', '127.9.9.9', '0.0.0.0', '::1', '::']) expect(flaws({ host })).toEqual(['/host invalid']);
    for (const hostname of ['localhost', 'a:b', 'a b', '', '-a']) expect(flaws({ hostname })).toEqual(['/hostname invalid']);
  });

  it('takes a user, a database and a password, each within its bounds', () => {
    expect(flaws({ user: 'app', database: 'shop', password: { secretId: 'sec_a', version: 2 } })).toEqual([]);
    for (const database of ['.', '..']) expect(flaws({ database })).toEqual(['/database invalid']);
    expect(flaws({ user: '', database: 'a\nb', password: { secretId: 'sec_a', version: 0 } })).toEqual(['/user out_of_range', '/database invalid', '/password/version out_of_range']);
  });

  it('takes every IP address for one, and no name', () => {
    fc.assert(fc.property(fc.oneof(fc.ipV4(), fc.ipV6().filter((text) => !text.includes('.'))), (address) => isAddress(address)));
    fc.assert(fc.property(fc.domain(), (name) => !isAddress(name)));
  });
});
