import type { ReportReply } from '#contracts';
import { aContainerSpec } from '#testing';
import { entry, job, NodeUnderTest } from './under-test.ts';

describe('a replica', () => {
  it('is pulled, made, started and settles; when it is gone, its network goes too', async () => {
    const node = await new NodeUnderTest().start();
    await node.apply(entry('rep_a', 'web'));
    await node.clock.advance(2_000);
    expect(node.told('rep_a')).toEqual(['1 PREPARING', '1 STARTING', '1 RUNNING', '1 SETTLED']);
    await node.apply(entry('rep_a', 'web', { wanted: 'gone' }));
    await node.clock.advance(100);
    expect(node.told('rep_a').slice(4)).toEqual(['1 STOPPED final stopped', '1 GONE final removed']);
    expect(await node.runtime.listNetworks()).toEqual([]);
    await node.stop();
    expect(node.clock.pending).toBe(0);
  });

  it.each([
    ['no registry knows its image', 'nope', '1 FAILED final image_not_found'],
    ['its registry gives it to nobody', 'private', '1 FAILED final image_pull_denied'],
    ['its image is for another architecture', 'arm', '1 FAILED final image_architecture'],
  ])('is given up at once when %s', async (_title, image, expected) => {
    const node = await new NodeUnderTest().start();
    await node.apply(entry('rep_a', image));
    await node.clock.advance(100);
    expect(node.told('rep_a')).toEqual(['1 PREPARING', expected]);
    expect(node.said.at(-1)!.seen.reason!.message).toContain(image);
    expect(node.created).toEqual([]);
    await node.stop();
  });

  it('says once why it takes so long while its registry can’t be reached, and is gone at once when it is to be', async () => {
    const node = await new NodeUnderTest().start();
    await node.apply(entry('rep_a', 'unreachable'));
    await node.clock.advance(300_000);
    expect(node.told('rep_a')).toEqual(['1 PREPARING', '1 PREPARING registry_unreachable']);
    await node.apply(entry('rep_a', 'unreachable', { wanted: 'gone' }));
    await node.clock.advance(100);
    expect(node.told('rep_a').at(-1)).toBe('1 GONE final removed');
    await node.stop();
  });

  it('gives up a pull that nobody waits for any more', async () => {
    const node = await new NodeUnderTest().start();
    await node.apply(entry('rep_a', 'slow'), entry('rep_b', 'slow', { slot: 2 }));
    await node.clock.advance(1_000);
    await node.apply(entry('rep_a', 'slow', { wanted: 'gone' }), entry('rep_b', 'slow', { slot: 2 }));
    await node.clock.advance(100);
    expect(node.told('rep_a').at(-1)).toBe('1 GONE final removed');
    await node.clock.advance(60_000);
    expect(node.running).toEqual(['rep_b']);
    await node.stop();
  });

  it('says why it doesn’t start while something else has its port, and gives up at its deadline', async () => {
    const node = await new NodeUnderTest().start();
    node.runtime.takePort('8080/tcp');
    await node.apply(entry('rep_a', 'web', { spec: aContainerSpec({ image: 'web', ports: [{ containerPort: 80, protocol: 'tcp', hostPort: 8080 }] }) }));
    await node.clock.advance(5_000);
    expect(node.told('rep_a')).toEqual(['1 PREPARING', '1 STARTING', '1 STARTING host_port_taken']);
    await node.clock.advance(60_000);
    expect(node.told('rep_a').slice(3)).toEqual(['1 FAILED final healthy_deadline']);
    await node.stop();
  });

  it('removes a container that the engine lost track of in the middle of a start, and says that it is gone', async () => {
    const node = await new NodeUnderTest().start();
    await node.apply(entry('rep_a', 'forgotten'), entry('rep_j', 'forgotten', { ...job('forgotten'), slot: 0 }));
    await node.clock.advance(5_000);
    for (const replicaId of ['rep_a', 'rep_j']) expect(node.told(replicaId)).toEqual(['1 PREPARING', '1 STARTING', '1 GONE final start_lost']);
    expect(await node.runtime.listContainers()).toEqual([]);
    await node.stop();
  });

  it('does not start a job again whose start the engine was killed in: the command may have run', async () => {
    const node = await new NodeUnderTest().start();
    for (const replicaId of ['rep_a', 'rep_j'] as const) node.runtime.cutOffStart(`wb-mine-${replicaId}`);
    await node.apply(entry('rep_a', 'web'), entry('rep_j', 'web', { ...job('web'), slot: 0 }));
    await node.clock.advance(5_000);
    expect(node.told('rep_a').slice(0, 3)).toEqual(['1 PREPARING', '1 STARTING', '1 RUNNING']);
    expect(node.told('rep_j')).toEqual(['1 PREPARING', '1 STARTING', '1 GONE final start_lost']);
    expect(node.running).toEqual(['rep_a']);
    await node.stop();
  });

  it('names the subnet that its host uses otherwise, each once, and starts with one that is free', async () => {
    const node = await new NodeUnderTest().start();
    const taken = ['10.192.0.0/24', '10.192.1.0/24'];
    for (const subnet of taken) node.runtime.takeSubnet(subnet);
    for (const subnet of [...taken, '10.192.2.0/24']) {
      await node.apply(entry('rep_a', 'web', { networks: [{ networkId: 'net_a', name: 'default', subnet, aliases: [] }] }));
      await node.clock.advance(5_000);
    }
    expect(node.told('rep_a')).toEqual([
      '1 PREPARING', '1 PREPARING subnet_taken 10.192.0.0/24', '1 PREPARING subnet_taken 10.192.1.0/24', '1 STARTING', '1 RUNNING', '1 SETTLED',
    ]);
    await node.stop();
  });

  it('is made beside the one that it replaces, and starts when that one is gone', async () => {
    const node = await new NodeUnderTest().start();
    const spec = aContainerSpec({ image: 'stubborn', ports: [{ containerPort: 80, protocol: 'tcp', hostPort: 8080 }] });
    await node.apply(entry('rep_a', 'stubborn', { spec }));
    await node.clock.advance(2_000);
    await node.apply(entry('rep_a', 'stubborn', { spec, wanted: 'gone' }), entry('rep_b', 'stubborn', { spec, generation: 2, replaces: 'rep_a' }));
    await node.clock.advance(3_000);
    expect(node.told('rep_b')).toEqual(['1 PREPARING', '1 PREPARED']);
    expect(node.running).toEqual(['rep_a']);
    await node.clock.advance(2_500);
    expect(node.running).toEqual(['rep_b']);
    expect(node.said.findIndex(({ replicaId, text }) => replicaId === 'rep_a' && text.includes('GONE'))).toBeLessThan(node.said.findIndex(({ replicaId, text }) => replicaId === 'rep_b' && text.includes('STARTING')));
    await node.stop();
  });

  it('waits for the end of what the one that it replaces was waiting for, though that one leaves first', async () => {
    const node = await new NodeUnderTest().start();
    const listed = (...goes: readonly number[]) => (['rep_a', 'rep_b', 'rep_c'] as const).map((id, i) =>
      entry(id, 'stubborn', { generation: i + 1, replaces: i === 0 ? null : (['rep_a', 'rep_b'] as const)[i - 1]!, wanted: goes.includes(i) ? 'gone' : 'run' }));
    await node.apply(listed()[0]!);
    await node.clock.advance(2_000);
    await node.apply(...listed().slice(0, 2));
    await node.clock.advance(1_000);
    await node.apply(...listed(0, 1));
    await node.clock.advance(3_000);
    expect(node.told('rep_b').at(-1)).toMatch('GONE');
    expect(node.told('rep_c')).toEqual(['1 PREPARING', '1 PREPARED']);
    expect(node.running).toEqual(['rep_a']);
    await node.clock.advance(2_500);
    expect(node.running).toEqual(['rep_c']);
    await node.stop();
  });

  it('waits for that too where another set comes while it looks, by which the one in between has left', async () => {
    const node = await new NodeUnderTest().start();
    const first = entry('rep_a', 'stubborn', { wanted: 'gone' });
    const second = entry('rep_b', 'web', { generation: 2, replaces: 'rep_a' });
    const third = entry('rep_c', 'web', { generation: 3, replaces: 'rep_b' });
    await node.apply({ ...first, wanted: 'run' });
    await node.clock.advance(2_000);
    await node.apply(first, second, third);
    await node.clock.advance(200);
    expect(node.told('rep_c').at(-1)).toBe('1 PREPARED');
    const inspect = node.runtime.inspectContainer.bind(node.runtime);
    const gate = Promise.withResolvers<void>();
    node.runtime.inspectContainer = async (name) => {
      if (name === 'wb-mine-rep_c') await gate.promise;
      return inspect(name);
    };
    await node.apply(first, { ...second, wanted: 'gone' }, third);
    await node.clock.advance(100);
    expect(node.told('rep_b').at(-1)).toBe('1 GONE final removed');
    await node.apply(first, { ...third, replaces: 'rep_a' });
    gate.resolve();
    await node.clock.advance(100);
    expect(node.running).toEqual(['rep_a']);
    await node.clock.advance(10_000);
    expect(node.running).toEqual(['rep_c']);
    await node.stop();
  });

  it('waits for the end of whoever was to come in that place before it, and has begun though nobody has heard of it', async () => {
    const node = await new NodeUnderTest().start();
    const [a, b, c] = [entry('rep_a', 'web'), entry('rep_b', 'stubborn', { generation: 2, replaces: 'rep_a' }), entry('rep_c', 'web', { generation: 3, replaces: 'rep_a' })];
    await node.apply(a);
    await node.clock.advance(2_000);
    await node.apply({ ...a, wanted: 'gone' }, b);
    await node.clock.advance(10_000);
    expect(node.running).toEqual(['rep_b']);
    await node.apply({ ...a, wanted: 'gone' }, { ...b, wanted: 'gone' }, c);
    await node.clock.advance(3_000);
    expect(node.running).toEqual(['rep_b']);
    expect(node.told('rep_c')).toEqual(['1 PREPARING', '1 PREPARED']);
    await node.clock.advance(10_000);
    expect(node.running).toEqual(['rep_c']);
    await node.stop();
  });

  it('is not made again by an agent that lost its folder, and the word that it is gone with it, beside whoever waited for that', async () => {
    const node = await new NodeUnderTest().start();
    const [a, b] = [entry('rep_a', 'web'), entry('rep_b', 'web', { generation: 2, replaces: 'rep_a' })];
    await node.apply(a, b);
    await node.clock.advance(2_000);
    node.runtime.removeOutside('wb-mine-rep_a');
    await node.clock.advance(2_000);
    expect(node.running).toEqual(['rep_b']);
    const before = node.said.length;
    await node.loseFolder();
    await node.apply({ ...a, last: { run: 1, state: 'PREPARING', final: false, at: '2026-01-01T00:00:00.000Z' } }, b);
    await node.clock.advance(5_000);
    expect(node.said.slice(before).filter(({ replicaId }) => replicaId === 'rep_a').map(({ text }) => text)).toEqual(['1 GONE final container_lost']);
    expect(node.running).toEqual(['rep_b']);
    await node.stop();
  });

  it('goes on in another run where the log has later words than its agent: those of an earlier life, which lost its folder', async () => {
    const node = await new NodeUnderTest().start();
    await node.apply(entry('rep_a', 'web'), entry('rep_j', 'web', { ...job('web'), slot: 0, timeoutMs: 600_000 }));
    await node.clock.advance(2_000);
    const before = node.said.length;
    node.onReport = () => ({ taken: true, passed: [{ replicaId: 'rep_a', run: 4 }, { replicaId: 'rep_j', run: 4 }] });
    await node.clock.advance(125_000);
    expect(node.said.slice(before).map(({ replicaId, text }) => `${replicaId} ${text}`)).toEqual(['rep_a 5 RUNNING', 'rep_a 5 SETTLED']);
    expect(node.running).toEqual(['rep_a', 'rep_j']);
    await node.stop();
  });

  it('heeds no such word on a run that has ended since', async () => {
    const node = await new NodeUnderTest().start();
    await node.apply(entry('rep_a', 'web'));
    await node.clock.advance(2_000);
    const late = Promise.withResolvers<ReportReply>();
    node.onReport = () => late.promise;
    await node.clock.advance(60_000);
    node.runtime.kill('wb-mine-rep_a');
    await node.clock.advance(2_000);
    node.onReport = () => ({ taken: true });
    late.resolve({ taken: true, passed: [{ replicaId: 'rep_a', run: 2 }] });
    await node.clock.advance(65_000);
    expect(node.told('rep_a').slice(-4)).toEqual(['1 FAILED exited', '2 STARTING', '2 RUNNING', '2 SETTLED']);
    await node.stop();
  });

  it('has ended in the last run of all, where an earlier life had told of later ones', async () => {
    const node = await new NodeUnderTest().start();
    await node.apply(entry('rep_a', 'web'));
    await node.clock.advance(2_000);
    await node.apply(entry('rep_a', 'web', { wanted: 'hold' }));
    await node.clock.advance(15_000);
    expect(node.told('rep_a').at(-1)).toBe('1 STOPPED stopped');
    node.onReport = () => ({ taken: true, passed: [{ replicaId: 'rep_a', run: 3 }] });
    await node.clock.advance(125_000);
    expect(node.told('rep_a').slice(-2)).toEqual(['1 STOPPED stopped', '3 STOPPED stopped']);
    await node.apply(entry('rep_a', 'web'));
    await node.clock.advance(2_000);
    expect(node.told('rep_a').at(-1)).toBe('4 SETTLED');
    await node.stop();
  });

  it('removes what an earlier life was killed in the middle of writing', async () => {
    const node = new NodeUnderTest();
    await node.disk.write('replicas/rep_x.json.new', '{"repl');
    await node.start();
    expect(await node.disk.list('replicas')).toEqual([]);
    await node.stop();
  });

  it('is restarted at once, then after ever longer waits, and its runs go on counting over a restart of the agent', async () => {
    const node = await new NodeUnderTest().start();
    await node.apply(entry('rep_a', 'crashing', { healthyDeadlineMs: null }));
    await node.clock.advance(8_500);
    await node.restart();
    await node.clock.advance(120_000);
    const starts = node.said.filter(({ text }) => text.includes('STARTING'));
    expect(starts.map(({ text }) => text)).toEqual(starts.map((_, i) => `${i + 1} STARTING`));
    const waits = starts.slice(1).map(({ at }, i) => at - starts[i]!.at - 100);
    [0, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000].forEach((full, i) => {
      expect(waits[i]).toBeLessThanOrEqual(full + 50);
      expect(waits[i]).toBeGreaterThanOrEqual(full * 0.8 - 50);
    });
    expect(node.created).toHaveLength(1);
    await node.stop();
  });

  it('begins to count its ends anew after ten minutes of running', async () => {
    const node = await new NodeUnderTest().start();
    await node.apply(entry('rep_a', 'long runs'));
    await node.clock.advance(650_000 * 4);
    const starts = node.said.filter(({ text }) => text.includes('STARTING')).map(({ at }) => at);
    starts.slice(1).forEach((at, i) => expect(at - starts[i]! - 650_000).toBeLessThan(100));
    expect(starts.length).toBeGreaterThanOrEqual(4);
    await node.stop();
  });

  it('that crashes until its deadline is stopped for good; one that settles in time isn’t', async () => {
    const node = await new NodeUnderTest().start();
    await node.apply(entry('rep_a', 'crashing'), entry('rep_b', 'good later', { slot: 2 }));
    await node.clock.advance(300_000);
    expect(node.told('rep_a').at(-1)).toMatch(/FAILED final healthy_deadline$/);
    expect(node.told('rep_b').at(-1)).toBe('3 SETTLED');
    expect(node.running).toEqual(['rep_b']);
    expect(node.said.find(({ text }) => text.includes('healthy_deadline'))?.at).toBeLessThan(62_000);
    await node.stop();
  });

  it('of a job ends once, with all of its output there by then; one that takes too long is ended', async () => {
    const node = await new NodeUnderTest().start();
    await node.apply(entry('rep_a', 'task', job('task')), entry('rep_b', 'stubborn', job('stubborn')));
    await node.clock.advance(2_500);
    expect(node.told('rep_a')).toEqual(['1 PREPARING', '1 STARTING', '1 RUNNING', '1 SETTLED', '1 COMPLETED final exited']);
    expect(await node.linesOf('rep_a')).toEqual(['one', 'two']);
    await node.clock.advance(28_000);
    expect(node.running).toEqual(['rep_b']);
    await node.clock.advance(5_100);
    expect(node.told('rep_b').at(-1)).toBe('1 FAILED final timeout');
    expect(node.running).toEqual([]);
    await node.clock.advance(100_000);
    expect(node.told('rep_a')).toHaveLength(5);
    await node.stop();
  });

  it('whose container somebody removed is lost, and is not made again', async () => {
    const node = await new NodeUnderTest().start();
    await node.apply(entry('rep_a', 'web'));
    await node.clock.advance(2_000);
    node.runtime.removeOutside('wb-mine-rep_a');
    await node.clock.advance(60_000);
    expect(node.told('rep_a').at(-1)).toBe('1 GONE final container_lost');
    expect(node.created).toHaveLength(1);
    await node.stop();
  });
});
