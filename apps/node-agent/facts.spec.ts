import { factsOf, publishAddressOf, readCapacity, type NodeSettings } from './facts.ts';

const GIB = 1024 ** 3;
const engine = { engineVersion: '20.10.24', architecture: 'amd64', cpus: 4, memoryBytes: 8 * GIB, hostname: 'inside', dataRoot: '/var/lib/docker' };
const settings: NodeSettings = { name: 'host-1', address: '10.0.0.1', labels: { zone: 'a' }, capacity: { cpuMillis: null, memoryBytes: null } };

it('promises all cores, and the memory but for what the system needs', () => {
  expect(factsOf(engine, settings)).toEqual({
    name: 'host-1', address: '10.0.0.1', architecture: 'amd64', engineVersion: '20.10.24', labels: { zone: 'a' },
    capacity: { cpuMillis: 4_000, memoryBytes: 8 * GIB - Math.ceil(8 * GIB * 0.05) },
  });
  expect(factsOf({ ...engine, memoryBytes: GIB }, settings).capacity.memoryBytes).toBe(768 * 1024 ** 2);
});

it('promises what an operator says instead', () => {
  const capacity = readCapacity({ WAYBILL_NODE_CPU_MILLIS: '1500', WAYBILL_NODE_MEMORY_BYTES: '' });
  expect(factsOf(engine, { ...settings, capacity }).capacity).toEqual({ cpuMillis: 1_500, memoryBytes: expect.any(Number) });
  expect(() => readCapacity({ WAYBILL_NODE_MEMORY_BYTES: '8G' })).toThrow('WAYBILL_NODE_MEMORY_BYTES is "8G"');
});

it('publishes beyond the host only where the node is reached from there', () => {
  expect(['127.0.0.1', '10.0.0.1', 'host-1.example.com'].map(publishAddressOf)).toEqual(['127.0.0.1', '0.0.0.0', '0.0.0.0']);
});
