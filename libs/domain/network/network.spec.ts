import { fold } from '../kernel/decider.ts';
import { given } from '../kernel/given.ts';
import type { NetworkEvent } from './events.ts';
import { network, type NetworkCommand } from './network.ts';

const born = { networkId: 'net_1', projectId: 'prj_1', environmentId: 'env_1', name: 'default', driver: 'bridge', subnet: '10.192.0.0/24' } as const;
const reason = { code: 'subnet_taken', message: 'taken on host-1' };
const created: NetworkEvent = { type: 'NetworkCreated', data: born };
const changed: NetworkEvent = { type: 'NetworkSubnetChanged', data: { from: '10.192.0.0/24', to: '10.192.1.0/24', reason } };
const deleted: NetworkEvent = { type: 'NetworkDeleted', data: {} };
const create: NetworkCommand = { type: 'CreateNetwork', data: born };
const change: NetworkCommand = { type: 'ChangeSubnet', data: { to: '10.192.1.0/24', reason } };

describe("an environment's network", () => {
  it('is created once', () => {
    given(network, []).when(create).then([created]);
    given(network, [created]).when(create).then([]);
  });

  it('is not created again with another subnet, nor after its end', () => {
    given(network, [created, changed]).when(create).rejects('network.exists', { subnet: '10.192.1.0/24' });
    given(network, [created, deleted]).when(create).rejects('network.deleted');
  });

  it('changes its subnet, once', () => {
    given(network, [created]).when(change).then([changed]);
    given(network, [created, changed]).when(change).then([]);
  });

  it('changes nothing where it is not there', () => {
    given(network, []).when(change).rejects('network.not_found');
    given(network, [created, deleted]).when(change).rejects('network.deleted');
    expect(() => fold(network, [changed])).toThrow('never created');
  });

  it('is deleted once', () => {
    given(network, [created]).when({ type: 'DeleteNetwork', data: {} }).then([deleted]);
    given(network, [created, deleted]).when({ type: 'DeleteNetwork', data: {} }).then([]);
    given(network, []).when({ type: 'DeleteNetwork', data: {} }).then([]);
  });
});

describe('a network that somebody named', () => {
  const named = { ...born, name: 'backend', subnet: null };
  const allotted: NetworkEvent = { type: 'NetworkSubnetChanged', data: { from: null, to: '10.192.0.0/24', reason: { code: 'subnet_allotted', message: 'it was allotted' } } };

  it('is there before it has its subnet', () => {
    given(network, []).when({ type: 'CreateNetwork', data: named }).then([{ type: 'NetworkCreated', data: named }]);
    given(network, [{ type: 'NetworkCreated', data: named }]).when({ type: 'ChangeSubnet', data: { to: '10.192.0.0/24', reason: allotted.data.reason } }).then([allotted]);
    given(network, [{ type: 'NetworkCreated', data: named }, allotted]).when({ type: 'CreateNetwork', data: named }).rejects('network.exists', { subnet: '10.192.0.0/24' });
  });
});
