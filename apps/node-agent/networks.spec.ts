import { containerName } from '#docker';
import { entry, Life, NodeUnderTest } from './under-test.ts';

const own = { networkId: 'net_a', name: 'default', subnet: '10.192.0.0/24', aliases: ['api'] } as const;
const backend = { networkId: 'net_b', name: 'backend', subnet: '10.192.1.0/24', aliases: ['api', 'db'] } as const;
const metrics = { networkId: 'net_c', name: 'metrics', subnet: '10.192.2.0/24', aliases: ['api'] } as const;
const user = (...networks: (typeof own | typeof backend | typeof metrics)[]) => entry('rep_a', 'web', { networks });

const names = async (node: NodeUnderTest): Promise<string[]> => (await node.runtime.listNetworks()).map(({ name }) => name).sort();
const joined = (node: NodeUnderTest) => node.runtime.networksOf(containerName('mine', 'rep_a'));
const ALL = { 'wb-mine-net_a': ['api'], 'wb-mine-net_b': ['api', 'db'], 'wb-mine-net_c': ['api'] };

describe('the networks of a node', () => {
  it('are made before whatever is in them, which answers in each to its names there', async () => {
    const node = await new NodeUnderTest().start();
    await node.apply(user(own, backend, metrics));
    await node.clock.advance(3_000);
    expect(node.told('rep_a').at(-1)).toBe('1 SETTLED');
    expect(await names(node)).toEqual(Object.keys(ALL));
    expect(joined(node)).toEqual(ALL);
    await node.stop();
  });

  it('may leave out that of the environment', async () => {
    const node = await new NodeUnderTest().start();
    await node.apply(user(backend));
    await node.clock.advance(3_000);
    expect([await names(node), joined(node)]).toEqual([['wb-mine-net_b'], { 'wb-mine-net_b': ['api', 'db'] }]);
    await node.stop();
  });

  it('go when no assignment speaks of them any more, and not before', async () => {
    const node = await new NodeUnderTest().start();
    await node.apply(user(own, backend), entry('rep_b', 'web', { slot: 2, networks: [own] }));
    await node.clock.advance(3_000);
    await node.apply(entry('rep_a', 'web', { networks: [own, backend], wanted: 'hold' }), entry('rep_b', 'web', { slot: 2, networks: [own] }));
    await node.clock.advance(60_000);
    expect(await names(node)).toEqual(['wb-mine-net_a', 'wb-mine-net_b']);
    await node.apply(entry('rep_a', 'web', { networks: [own, backend], wanted: 'gone' }), entry('rep_b', 'web', { slot: 2, networks: [own] }));
    await node.clock.advance(60_000);
    expect(await names(node)).toEqual(['wb-mine-net_a']);
    await node.stop();
  });

  it('are the reason why a container isn’t made while the host has something else there, by the subnet of the one that is', async () => {
    const node = await new NodeUnderTest().start();
    node.runtime.takeSubnet(backend.subnet);
    await node.apply(user(own, backend));
    await node.clock.advance(1_000);
    expect(node.said.at(-1)!.seen).toMatchObject({ state: 'PREPARING', subnet: backend.subnet, reason: { code: 'subnet_taken', message: expect.stringContaining(`${backend.subnet} is in use on this host`) } });
    await node.apply(entry('rep_a', 'web', { networks: [own, { ...backend, subnet: '10.192.9.0/24' }] }));
    await node.clock.advance(3_000);
    expect(node.told('rep_a').at(-1)).toBe('1 SETTLED');
    await node.stop();
  });

  it('are joined anew by one that was taken out of them while it was away', async () => {
    const node = await new NodeUnderTest().start();
    await node.apply(user(own, backend));
    await node.clock.advance(3_000);
    node.runtime.leaveOutside(containerName('mine', 'rep_a'), 'wb-mine-net_b');
    node.runtime.kill(containerName('mine', 'rep_a'));
    await node.clock.advance(5_000);
    expect([node.running, joined(node)]).toEqual([['rep_a'], { 'wb-mine-net_a': ['api'], 'wb-mine-net_b': ['api', 'db'] }]);
    await node.stop();
  });

  it('come to the same, and to nothing in the end, whatever the agent dies in the middle of', async () => {
    for (let deeds = 1; deeds < 50; deeds += 1) {
      const node = await new NodeUnderTest().start();
      node.life.killAfter = node.life.deeds + deeds;
      void node.apply(user(own, backend, metrics)).catch(() => null);
      await node.clock.advance(3_000);
      node.life = new Life();
      await node.bus.close();
      await node.start();
      await node.apply(user(own, backend, metrics));
      await node.clock.advance(30_000);
      expect([node.running, joined(node)]).toEqual([['rep_a'], ALL]);
      await node.apply();
      await node.clock.advance(60_000);
      expect([node.running, await names(node)]).toEqual([[], []]);
      await node.stop();
    }
  });

  it('are read from what an agent of before wrote down', async () => {
    const node = await new NodeUnderTest().start();
    await node.apply(user(own));
    await node.clock.advance(3_000);
    await node.stop();
    const held = JSON.parse((await node.disk.read('applied-set.json'))!);
    const [{ networks: _, ...before }] = held.entries;
    await node.disk.write('applied-set.json', JSON.stringify({ ...held, entries: [{ ...before, network: { networkId: own.networkId, subnet: own.subnet }, aliases: own.aliases }] }));
    await node.bus.close();
    await node.start();
    await node.clock.advance(60_000);
    expect([node.running, await names(node)]).toEqual([['rep_a'], ['wb-mine-net_a']]);
    await node.stop();
  });
});
