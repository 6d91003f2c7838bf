import { MemoryRuntime } from './memory-runtime.ts';
import type { ImageScript } from './memory-container.ts';
import { VirtualClock } from './virtual-clock.ts';

const images: Record<string, ImageScript> = {
  web: {},
  slow: { pullMs: 3_000 },
  stubborn: { run: () => ({ ignoresTerm: true }) },
  flaky: { run: (start) => (start === 1 ? { exitAfterMs: 500, exitCode: 3 } : {}) },
  chatty: { run: () => ({ lines: ['one', 'two'], exitAfterMs: 100 }) },
  secret: { pull: 'image_pull_denied' },
  arm: { architecture: 'arm64' },
};

const setUp = (local = ['web', 'stubborn', 'flaky', 'chatty', 'arm']) => {
  const clock = new VirtualClock();
  const runtime = new MemoryRuntime(clock, { images, local });
  const create = async (name: string, image: string, hostPort?: string) => {
    await runtime.ensureNetwork({ name: 'wb-net', networkId: 'net_a', subnet: '10.192.9.0/24' });
    return runtime.createContainer({
      name,
      config: { Image: image, Labels: { owner: 'x' }, HostConfig: { NetworkMode: 'wb-net', PortBindings: hostPort ? { '80/tcp': [{ HostPort: hostPort }] } : {} } },
    });
  };
  return { clock, runtime, create };
};

describe('a container engine in memory', () => {
  it('creates once by name, starts, stops and removes', async () => {
    const { clock, runtime, create } = setUp();
    const id = await create('a', 'web');
    expect(await create('a', 'web')).toBe(id);
    await runtime.startContainer(id);
    expect(await runtime.inspectContainer('a')).toMatchObject({ status: 'running', labels: { owner: 'x' }, startedAt: '2026-01-01T00:00:00.000000000Z' });
    await clock.advance(1_000);
    await runtime.stopContainer(id, 10_000);
    expect(await runtime.inspectContainer('a')).toMatchObject({ status: 'exited', exitCode: 143, finishedAt: '2026-01-01T00:00:01.000000000Z' });
    await runtime.removeContainer(id);
    await runtime.removeContainer(id);
    expect(await runtime.listContainers()).toEqual([]);
  });

  it('ends one that ignores SIGTERM after the grace', async () => {
    const { clock, runtime, create } = setUp();
    const id = await create('a', 'stubborn');
    await runtime.startContainer(id);
    void runtime.stopContainer(id, 10_000);
    await clock.advance(9_999);
    expect(runtime.running).toEqual(['a']);
    await clock.advance(1);
    expect(await runtime.inspectContainer('a')).toMatchObject({ status: 'exited', exitCode: 137 });
  });

  it('follows the image’s script, start by start', async () => {
    const { clock, runtime, create } = setUp();
    const id = await create('a', 'flaky');
    await runtime.startContainer(id);
    await clock.advance(500);
    expect(await runtime.inspectContainer('a')).toMatchObject({ status: 'exited', exitCode: 3 });
    await runtime.startContainer(id);
    await clock.advance(60_000);
    expect(runtime.running).toEqual(['a']);
  });

  it('pulls what a registry has, and says why not', async () => {
    const { clock, runtime } = setUp([]);
    const { signal } = new AbortController();
    expect(await runtime.findImage('slow')).toBeNull();
    const pulled = runtime.pullImage('slow', signal);
    await clock.advance(3_000);
    await pulled;
    expect(await runtime.findImage('slow')).toMatchObject({ architecture: 'amd64' });
    const refused = Promise.all([runtime.pullImage('none', signal), runtime.pullImage('secret', signal)].map((pull) => pull.catch((error: { code: string }) => error.code)));
    await clock.advance(1);
    expect(await refused).toEqual(['image_not_found', 'image_pull_denied']);
  });

  it('refuses a host port, or a subnet, that somebody has', async () => {
    const { runtime, create } = setUp();
    await runtime.startContainer(await create('a', 'web', '8080'));
    await expect(runtime.startContainer(await create('b', 'web', '8080'))).rejects.toMatchObject({ code: 'host_port_taken' });
    runtime.takePort('9090/tcp');
    await expect(runtime.startContainer(await create('c', 'web', '9090'))).rejects.toMatchObject({ code: 'host_port_taken' });
    runtime.takeSubnet('10.192.0.0/24');
    await expect(runtime.ensureNetwork({ name: 'n', networkId: 'net_a', subnet: '10.192.0.0/24' })).rejects.toMatchObject({ code: 'subnet_taken' });
  });

  it('tells its watchers what happens, also from outside, and ends them when it goes away', async () => {
    const { clock, runtime, create } = setUp();
    const seen: string[] = [];
    const watching = (async () => {
      for await (const { action } of runtime.watch(new AbortController().signal)) seen.push(action);
    })().catch((error: { code: string }) => error.code);
    await clock.settle();
    await runtime.startContainer(await create('a', 'web'));
    runtime.kill('a', { oomKilled: true });
    expect(await runtime.inspectContainer('a')).toMatchObject({ exitCode: 137, oomKilled: true });
    runtime.removeOutside('a');
    await clock.settle();
    expect(seen).toEqual(['create', 'start', 'die', 'destroy']);
    runtime.goDown();
    expect(await watching).toBe('engine_unreachable');
    await expect(runtime.listContainers()).rejects.toMatchObject({ code: 'engine_unreachable', transient: true });
    runtime.comeUp();
    expect(await runtime.listContainers()).toEqual([]);
  });

  it('keeps a network that somebody is in', async () => {
    const { runtime, create } = setUp();
    await runtime.ensureNetwork({ name: 'wb-net', networkId: 'net_a', subnet: '10.192.0.0/24' });
    const id = await create('a', 'web');
    await runtime.startContainer(id);
    expect(await runtime.listNetworks()).toMatchObject([{ name: 'wb-net', networkId: 'net_a', containers: 1 }]);
    await expect(runtime.removeNetwork('wb-net')).rejects.toMatchObject({ code: 'engine_failed' });
    await runtime.removeContainer(id);
    await runtime.removeNetwork('wb-net');
    expect(await runtime.listNetworks()).toEqual([]);
  });

  it('gives the lines of a run, and ends with it', async () => {
    const { clock, runtime, create } = setUp();
    const id = await create('a', 'chatty');
    await runtime.startContainer(id);
    const lines: string[] = [];
    const read = (async () => {
      for await (const { line } of runtime.logs(id, null, new AbortController().signal)) lines.push(line);
    })();
    await clock.advance(100);
    await read;
    expect(lines).toEqual(['one', 'two']);
  });
});
