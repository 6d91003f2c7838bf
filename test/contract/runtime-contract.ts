import { setTimeout as pause } from 'node:timers/promises';
import type { Assignment } from '#contracts';
import { containerPlanOf, networkPlansOf, type ContainerPlan, type ContainerRuntime, type ContainerState } from '#docker';
import type { PullProgress } from '#domain';
import { aContainerSpec } from '#testing';

/** What the images of the contract do when they run … */
type Running = 'stays' | 'stubborn' | 'fails' | 'speaks';
/** … and what their registry says. */
type Pulled = 'present' | 'unknown' | 'private' | 'away';

/** An engine to test. */
export interface EngineUnderTest {
  /** Of installation `mine`. */
  readonly runtime: ContainerRuntime;
  /** `stays` ends with 143 when asked to; `stubborn` doesn't end then; `fails` ends by itself with 3; `speaks` says "one", "two" and
   *  ends with 0. These are there from the beginning, and each says a line once it behaves so. */
  readonly images: Readonly<Record<Running | Pulled, string>>;
  /** Takes the engine away, its containers running on, and brings it back. */
  readonly lose: () => Promise<void>;
  readonly recover: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** What every `ContainerRuntime` must do, and refuse, as a Jest suite: the one in memory stands for the real one in the specs
 *  of the agent, which goes by an error's code and by whether it is transient. */
export function runtimeContract(name: string, start: () => Promise<EngineUnderTest>): void {
  describe(`container engine: ${name}`, () => {
    let engine: EngineUnderTest | undefined;
    beforeAll(async () => {
      engine = await start();
    }, 120_000);
    afterAll(() => engine?.close(), 60_000);
    afterEach(async () => {
      const { runtime } = engine!;
      for (const { id } of await runtime.listContainers()) await runtime.removeContainer(id);
      for (const network of await runtime.listNetworks()) await runtime.removeNetwork(network.name);
      for (const volume of await runtime.listVolumes()) await runtime.removeVolume(volume.name);
    }, 30_000);

    const given = (): EngineUnderTest => engine!;
    describe('containers', () => containers(given));
    describe('commands', () => commands(given));
    describe('what others do to a container', () => interventions(given));
    describe('images', () => images(given));
    describe('networks', () => networks(given));
    describe('volumes', () => volumes(given));
    describe('an engine that goes away', () => goingAway(given));
  });
}

type Given = () => EngineUnderTest;

function commands(given: Given): void {
  const never = new AbortController().signal;

  it.each([[['true'], 0], [['sh', '-c', 'echo much; exit 7'], 7]] as const)('runs %j inside, and tells its exit code', async (command, code) => {
    const { runtime, images } = given();
    const id = await running(runtime, assignment(images.stays));
    expect(await runtime.exec(id, command, never)).toBe(code);
  }, 30_000);

  it('waits for one until told otherwise', async () => {
    const { runtime, images } = given();
    const id = await running(runtime, assignment(images.stays));
    const enough = new AbortController();
    const waiting = runtime.exec(id, ['sleep', '1000'], enough.signal).catch((error: unknown) => error);
    expect(await Promise.race([waiting, pause(500, 'waits')])).toBe('waits');
    enough.abort();
    expect(await waiting).toMatchObject({ code: 'engine_unreachable', transient: true });
  }, 30_000);

  it('has nothing to run in where the container doesn’t, or ends meanwhile', async () => {
    const { runtime, images } = given();
    const away = { code: 'not_found', transient: true };
    const id = await runtime.createContainer(await prepared(runtime, assignment(images.stays)));
    await expect(runtime.exec(id, ['true'], never)).rejects.toMatchObject(away);
    await expect(runtime.exec('wb-mine-rep_never', ['true'], never)).rejects.toMatchObject(away);
    await runtime.startContainer(id);
    const waiting = runtime.exec(id, ['sleep', '1000'], never).catch((error: unknown) => error);
    await pause(300);
    await runtime.stopContainer(id, 5_000);
    // Killed with all else in it, or never heard of again: nothing that a command says of itself.
    expect([137, 'not_found']).toContain(await waiting.then((ended) => (ended as { code?: string }).code ?? ended));
    await expect(runtime.exec(id, ['true'], never)).rejects.toMatchObject(away);
  }, 30_000);
}

function interventions(given: Given): void {
  const since = async (runtime: ContainerRuntime, id: string) => {
    const { startedAt } = (await runtime.inspectContainer(id))!;
    return (await runtime.interventions(id, startedAt!, Date.now() + 1)).map(({ signal }) => signal);
  };

  it('are a stop, with the signals that it took', async () => {
    const { runtime, images } = given();
    const [gentle, hard] = [await running(runtime, assignment(images.stays)), await running(runtime, assignment(images.stubborn))];
    expect(await since(runtime, gentle)).toEqual([]);
    await Promise.all([runtime.stopContainer(gentle, 5_000), runtime.stopContainer(hard, 1_000)]);
    await untilSo(async () => (await since(runtime, hard)).length > 2);
    expect(await since(runtime, gentle)).toEqual([15, null]);
    expect(await since(runtime, hard)).toEqual([15, 9, null]);
  }, 30_000);

  it('are none where it ends by itself, and none of an earlier run', async () => {
    const { runtime, images } = given();
    const alone = await running(runtime, assignment(images.fails));
    await ended(runtime, alone);
    expect(await since(runtime, alone)).toEqual([]);
    const again = await running(runtime, assignment(images.stays));
    await runtime.stopContainer(again, 5_000);
    await runtime.startContainer(again);
    expect(await since(runtime, again)).toEqual([]);
  }, 30_000);
}

function containers(given: Given): void {
  it('makes a container once by its name, and finds it by name and by id', async () => {
    const { runtime, images } = given();
    const plan = await prepared(runtime, assignment(images.stays));
    const id = await runtime.createContainer(plan);
    expect(await runtime.createContainer(plan)).toBe(id);
    const created = { id, name: plan.name, status: 'created', exitCode: null, oomKilled: false, startedAt: null, finishedAt: null, address: null };
    expect(await runtime.inspectContainer(plan.name)).toMatchObject(created);
    expect(await runtime.inspectContainer(id)).toMatchObject(created);
    expect(await runtime.listContainers()).toMatchObject([created]);
    expect(await runtime.inspectContainer('wb-mine-rep_never')).toBeNull();
  }, 30_000);

  it('tells the environment that it was made with', async () => {
    const { runtime, images } = given();
    const wanted = assignment(images.stays);
    for (const plan of networkPlansOf(wanted, 'mine')) await runtime.ensureNetwork(plan);
    const id = await runtime.createContainer(containerPlanOf(wanted, { installation: 'mine', cpus: 1, publishOn: '0.0.0.0' }, { env: { DB_PASS: 'a value' }, mounts: [] }));
    expect(await runtime.environment(id)).toContain('DB_PASS=a value');
    expect(await runtime.environment('wb-mine-rep_none')).toEqual([]);
  }, 30_000);

  it('starts, stops and removes it, and minds no repetition', async () => {
    const { runtime, images } = given();
    const id = await running(runtime, assignment(images.stays));
    await runtime.startContainer(id);
    expect(await runtime.inspectContainer(id)).toMatchObject({ status: 'running', exitCode: null, startedAt: expect.any(String), address: expect.any(String) });
    expect([await runtime.stopContainer(id, 10_000), await runtime.stopContainer(id, 10_000)]).toEqual([true, false]);
    expect(await runtime.inspectContainer(id)).toMatchObject({ status: 'exited', exitCode: 143, oomKilled: false, finishedAt: expect.any(String), address: null });
    await runtime.removeContainer(id);
    await runtime.removeContainer(id);
    expect(await runtime.stopContainer(id, 10_000)).toBe(false);
    expect(await runtime.listContainers()).toEqual([]);
  }, 30_000);

  it('removes one that runs', async () => {
    const { runtime, images } = given();
    const id = await running(runtime, assignment(images.stays));
    await runtime.removeContainer(id);
    expect(await runtime.inspectContainer(id)).toBeNull();
  }, 30_000);

  it('kills one that doesn’t end when asked to, after the grace', async () => {
    const { runtime, images } = given();
    const id = await running(runtime, assignment(images.stubborn));
    const asked = performance.now();
    await runtime.stopContainer(id, 1_000);
    expect(performance.now() - asked).toBeGreaterThanOrEqual(990);
    expect(await runtime.inspectContainer(id)).toMatchObject({ status: 'exited', exitCode: 137 });
  }, 30_000);

  it('starts the same one again after its end', async () => {
    const { runtime, images } = given();
    const id = await running(runtime, assignment(images.fails));
    const first = await ended(runtime, id);
    expect(first).toMatchObject({ exitCode: 3, oomKilled: false });
    await runtime.startContainer(id);
    await untilSo(async () => (await runtime.inspectContainer(id))!.startedAt! > first.startedAt!);
    const second = await ended(runtime, id);
    expect(second.exitCode).toBe(3);
    expect(second.finishedAt! > second.startedAt! && second.startedAt! >= first.finishedAt!).toBe(true);
  }, 30_000);

  it('gives the lines of a run and ends with it, and goes on from an instant, that one included', async () => {
    const { runtime, images } = given();
    const id = await running(runtime, assignment(images.speaks));
    const said = await all(runtime.logs(id, null, new AbortController().signal));
    expect(said.map(({ line }) => line)).toEqual(['one', 'two']);
    const again = await all(runtime.logs(id, said[1]!.at, new AbortController().signal));
    expect(again.map(({ line }) => line)).toEqual(said.filter(({ at }) => at >= said[1]!.at).map(({ line }) => line));
    expect(await ended(runtime, id)).toMatchObject({ exitCode: 0 });
  }, 30_000);

  it('says what those that run take, and leaves out those that don’t', async () => {
    const { runtime, images } = given();
    const stays = await running(runtime, assignment(images.stays));
    const fails = await running(runtime, assignment(images.fails));
    await ended(runtime, fails);
    const [usage, ...more] = await runtime.usage([stays, fails, 'c0ffee']);
    expect(more).toEqual([]);
    expect(usage).toMatchObject({ id: stays, at: expect.stringMatching(/^\d{4}-/) });
    expect(usage!.memoryBytes).toBeGreaterThan(0);
    expect(usage!.workingSetBytes).toBeLessThanOrEqual(usage!.memoryBytes);
    await untilSo(async () => (await runtime.usage([stays]))[0]!.cpuNanos >= usage!.cpuNanos);
  }, 30_000);

  it('tells what happens to them, in its order', async () => {
    const { runtime, images } = given();
    const enough = new AbortController();
    const seen: { containerId: string; action: string }[] = [];
    const watching = (async () => {
      for await (const event of runtime.watch(enough.signal)) seen.push(event);
    })();
    // The engine doesn't say when it has begun to tell: one after the other is made until something is heard.
    await untilSo(async () => {
      await runtime.removeContainer(await running(runtime, assignment(images.stays)));
      return seen.some(({ action }) => action === 'create');
    });
    const id = await running(runtime, assignment(images.fails));
    await ended(runtime, id);
    await runtime.removeContainer(id);
    const told = () => seen.filter(({ containerId }) => containerId === id).map(({ action }) => action);
    await untilSo(() => told().includes('destroy'));
    enough.abort();
    await watching;
    expect(told().filter((action) => ['create', 'start', 'die', 'destroy'].includes(action))).toEqual(['create', 'start', 'die', 'destroy']);
  }, 30_000);

  it('refuses what isn’t there, as something to look at again', async () => {
    const { runtime, images } = given();
    await expect(runtime.startContainer('wb-mine-rep_never')).rejects.toMatchObject({ code: 'not_found', transient: true });
    const plan = await prepared(runtime, assignment(images.unknown));
    await expect(runtime.createContainer(plan)).rejects.toMatchObject({ code: 'image_not_found', transient: true });
  }, 30_000);

  it('refuses a host port that somebody has, and takes it once it is free', async () => {
    const { runtime, images } = given();
    const first = await running(runtime, assignment(images.stays, { hostPort: 18_080 }));
    const second = await runtime.createContainer(await prepared(runtime, assignment(images.stays, { hostPort: 18_080 })));
    await expect(runtime.startContainer(second)).rejects.toMatchObject({ code: 'host_port_taken', transient: true });
    expect((await runtime.inspectContainer(second))?.status).not.toBe('running');
    await runtime.removeContainer(first);
    await runtime.startContainer(second);
    expect(await runtime.inspectContainer(second)).toMatchObject({ status: 'running' });
  }, 30_000);
}

function images(given: Given): void {
  it('pulls what a registry has', async () => {
    const { runtime, images } = given();
    expect(await runtime.findImage(images.present)).toBeNull();
    const far: PullProgress[] = [];
    await runtime.pullImage(images.present, new AbortController().signal, (progress) => far.push(progress));
    expect(await runtime.findImage(images.present)).toMatchObject({ id: expect.stringMatching(/^sha256:/), architecture: 'amd64', repoDigests: [expect.stringMatching(/@sha256:[0-9a-f]{64}$/)] });
    expect(far.length).toBeGreaterThan(0);
    expect(far.every(({ doneBytes, totalBytes }) => doneBytes <= totalBytes)).toBe(true);
  }, 30_000);

  it.each([
    ['unknown', 'image_not_found', false],
    ['private', 'image_pull_denied', false],
    ['away', 'registry_unreachable', true],
  ] as const)('says of a pull: %s is %s', async (image, code, transient) => {
    const { runtime, images } = given();
    await expect(runtime.pullImage(images[image], new AbortController().signal)).rejects.toMatchObject({ code, transient });
    expect(await runtime.findImage(images[image])).toBeNull();
  }, 30_000);

  it('gives up a pull when told to', async () => {
    const { runtime, images } = given();
    await expect(runtime.pullImage(images.present, AbortSignal.abort())).rejects.toMatchObject({ code: 'engine_unreachable', transient: true });
  }, 30_000);
}

function volumes(given: Given): void {
  const plan = { name: 'wb-mine-vol_v', volumeId: 'vol_v', folder: null };

  it('makes a volume once, and removes it once', async () => {
    const { runtime } = given();
    const path = await runtime.ensureVolume(plan);
    expect(await runtime.ensureVolume(plan)).toBe(path);
    expect(await runtime.listVolumes()).toEqual([{ name: plan.name, volumeId: 'vol_v', path }]);
    await runtime.removeVolume(plan.name);
    await runtime.removeVolume(plan.name);
    expect(await runtime.listVolumes()).toEqual([]);
  }, 30_000);

  it('makes none where one was made before and is gone', async () => {
    const { runtime } = given();
    expect(await runtime.ensureVolume({ ...plan, made: true })).toBeNull();
    expect(await runtime.listVolumes()).toEqual([]);
    const path = await runtime.ensureVolume(plan);
    expect(await runtime.ensureVolume({ ...plan, made: true })).toBe(path);
    await runtime.removeVolume(plan.name);
  }, 30_000);

  it('never takes another one for it', async () => {
    const { runtime } = given();
    await runtime.ensureVolume({ ...plan, folder: '/tmp' });
    await runtime.ensureVolume({ ...plan, folder: '/tmp' });
    await expect(runtime.ensureVolume(plan)).rejects.toMatchObject({ code: 'engine_failed', transient: true });
  }, 30_000);

  it('keeps one that a container has, running or not', async () => {
    const { runtime, images } = given();
    await runtime.ensureVolume(plan);
    const asked = assignment(images.stays);
    const id = await running(runtime, { ...asked, spec: { ...asked.spec, volumes: [{ type: 'volume', volumeId: 'vol_v', name: 'v', mountPath: '/data', readOnly: false }] } });
    await expect(runtime.removeVolume(plan.name)).rejects.toMatchObject({ code: 'engine_failed', transient: true });
    await runtime.stopContainer(id, 5_000);
    await expect(runtime.removeVolume(plan.name)).rejects.toMatchObject({ code: 'engine_failed' });
    await runtime.removeContainer(id);
    expect(await runtime.listVolumes()).toHaveLength(1);
    await runtime.removeVolume(plan.name);
    expect(await runtime.listVolumes()).toEqual([]);
  }, 30_000);
}

function networks(given: Given): void {
  const plan = { name: 'wb-mine-net_n', networkId: 'net_n', subnet: '10.192.8.0/24' };
  const other = { name: 'wb-mine-net_o', networkId: 'net_o', subnet: '10.192.9.0/24' };

  it('makes a network once, and removes it once', async () => {
    const { runtime } = given();
    await Promise.all([runtime.ensureNetwork(plan), runtime.ensureNetwork(plan)]);
    await runtime.ensureNetwork(plan);
    expect(await runtime.listNetworks()).toEqual([{ id: expect.any(String), name: plan.name, networkId: 'net_n', containers: 0 }]);
    await runtime.removeNetwork(plan.name);
    await runtime.removeNetwork(plan.name);
    expect(await runtime.listNetworks()).toEqual([]);
  }, 30_000);

  it.each(['10.192.8.0/24', '10.192.8.128/25', '10.192.0.0/20'])('refuses %s, which overlaps with another one’s, as something that another subnet helps', async (subnet) => {
    const { runtime } = given();
    await runtime.ensureNetwork(plan);
    await expect(runtime.ensureNetwork({ ...other, subnet })).rejects.toMatchObject({ code: 'subnet_taken', transient: true });
    await runtime.ensureNetwork(other);
    expect((await runtime.listNetworks()).map(({ name }) => name).sort()).toEqual([plan.name, other.name]);
  }, 30_000);

  it('remakes one for another subnet while nobody is in it, and gives up its old one', async () => {
    const { runtime } = given();
    await runtime.ensureNetwork(plan);
    await runtime.ensureNetwork({ ...plan, subnet: '10.192.10.0/24' });
    await runtime.ensureNetwork({ ...other, subnet: plan.subnet });
    expect(await runtime.listNetworks()).toHaveLength(2);
  }, 30_000);

  it('keeps one that somebody is in, whatever it is asked', async () => {
    const { runtime, images } = given();
    const id = await running(runtime, assignment(images.stays));
    const [before] = await runtime.listNetworks();
    expect(before).toMatchObject({ networkId: 'net_a', containers: 1 });
    await expect(runtime.removeNetwork(before!.name)).rejects.toMatchObject({ code: 'engine_failed', transient: true });
    await runtime.ensureNetwork({ name: before!.name, networkId: 'net_a', subnet: '10.192.30.0/24' });
    expect(await runtime.listNetworks()).toEqual([before]);
    await runtime.stopContainer(id, 5_000);
    await runtime.removeNetwork(before!.name);
    expect(await runtime.listNetworks()).toEqual([]);
  }, 30_000);

  it('puts a container into further ones before it starts, those that it lacks, however often it is asked', async () => {
    const { runtime, images } = given();
    const id = await runtime.createContainer(await prepared(runtime, assignment(images.stays)));
    await runtime.ensureNetwork(plan);
    await runtime.ensureNetwork(other);
    await runtime.joinNetworks(id, [{ name: plan.name, aliases: ['db'] }]);
    await runtime.joinNetworks(id, [{ name: plan.name, aliases: ['db'] }, { name: other.name, aliases: [] }]);
    await runtime.startContainer(id);
    expect((await runtime.listNetworks()).map(({ networkId, containers }) => [networkId, containers]).sort()).toEqual([['net_a', 1], ['net_n', 1], ['net_o', 1]]);
    await runtime.stopContainer(id, 5_000);
    await runtime.startContainer(id);
    expect((await runtime.listNetworks()).map(({ containers }) => containers)).toEqual([1, 1, 1]);
    await expect(runtime.joinNetworks('wb-mine-rep_never', [{ name: plan.name, aliases: [] }])).rejects.toMatchObject({ code: 'not_found', transient: true });
  }, 30_000);

  it('tells the address of a container in the first of its networks', async () => {
    const { runtime, images } = given();
    const first = { networkId: 'net_z', name: 'default', subnet: '10.192.11.0/24', aliases: [] } as const;
    const id = await runtime.createContainer(await prepared(runtime, { ...assignment(images.stays), networks: [first] }));
    await runtime.ensureNetwork(plan);
    await runtime.joinNetworks(id, [{ name: plan.name, aliases: [] }]);
    await runtime.startContainer(id);
    expect((await runtime.inspectContainer(id))!.address).toMatch(/^10\.192\.(11|0)\./);
  }, 30_000);

  it('starts nothing in one that is gone, and does when that is there again', async () => {
    const { runtime, images } = given();
    const wanted = assignment(images.stays);
    const id = await runtime.createContainer(await prepared(runtime, wanted));
    await runtime.ensureNetwork(plan);
    await runtime.joinNetworks(id, [{ name: plan.name, aliases: [] }]);
    await runtime.removeNetwork(plan.name);
    await expect(runtime.startContainer(id)).rejects.toMatchObject({ code: 'not_found', transient: true });
    await runtime.ensureNetwork(plan);
    await runtime.startContainer(id);
    expect((await runtime.inspectContainer(id))!.status).toBe('running');
  }, 30_000);
}

function goingAway(given: Given): void {
  it('fails every call, ends its watchers, and finds its containers running when it is back', async () => {
    const engine = given();
    const { runtime, images } = engine;
    const id = await running(runtime, assignment(images.stays));
    const watching = all(runtime.watch(new AbortController().signal)).catch((error: unknown) => error);
    await engine.lose();
    try {
      const unreachable = { code: 'engine_unreachable', transient: true };
      expect(await watching).toMatchObject(unreachable);
      await expect(runtime.info()).rejects.toMatchObject(unreachable);
      await expect(runtime.listContainers()).rejects.toMatchObject(unreachable);
      await expect(runtime.startContainer(id)).rejects.toMatchObject(unreachable);
      await expect(runtime.pullImage(images.unknown, new AbortController().signal)).rejects.toMatchObject(unreachable);
    } finally {
      await engine.recover();
    }
    expect(await runtime.listContainers()).toMatchObject([{ id, status: 'running' }]);
    expect(await runtime.info()).toEqual({ engineVersion: expect.any(String), architecture: expect.any(String), cpus: expect.any(Number), memoryBytes: expect.any(Number), hostname: expect.any(String), dataRoot: expect.any(String) });
  }, 60_000);
}

let count = 0;

function assignment(image: string, { hostPort }: { hostPort?: number } = {}): Assignment {
  count += 1;
  const ports = hostPort ? [{ containerPort: 80, protocol: 'tcp' as const, hostPort }] : [];
  return {
    replicaId: `rep_${count}`, owner: { type: 'docker_service', id: 'svc_a' }, projectId: 'prj_a', environmentId: 'env_a', slot: 1, generation: 1, release: 1,
    wanted: 'run', replaces: null, networks: [{ networkId: 'net_a', name: 'default', subnet: '10.192.7.0/24', aliases: ['api'] }], spec: aContainerSpec({ image, ports }),
    minHealthyMs: 0, healthyDeadlineMs: null, timeoutMs: null, graceMs: 1_000, last: null,
  };
}

async function prepared(runtime: ContainerRuntime, wanted: Assignment): Promise<ContainerPlan> {
  for (const plan of networkPlansOf(wanted, 'mine')) await runtime.ensureNetwork(plan);
  return containerPlanOf(wanted, { installation: 'mine', cpus: 1, publishOn: '0.0.0.0' });
}

/** Starts it and waits for its first line: what has just started doesn't heed SIGTERM yet. */
async function running(runtime: ContainerRuntime, wanted: Assignment): Promise<string> {
  const id = await runtime.createContainer(await prepared(runtime, wanted));
  await runtime.startContainer(id);
  const heard = new AbortController();
  for await (const _line of runtime.logs(id, null, heard.signal)) break;
  heard.abort();
  return id;
}

async function ended(runtime: ContainerRuntime, id: string): Promise<ContainerState> {
  await untilSo(async () => (await runtime.inspectContainer(id))?.status === 'exited');
  return (await runtime.inspectContainer(id))!;
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const taken: T[] = [];
  for await (const item of items) taken.push(item);
  return taken;
}

async function untilSo(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const until = performance.now() + 20_000; !(await condition()); await pause(20)) {
    if (performance.now() > until) throw new Error('not so within 20 s');
  }
}
