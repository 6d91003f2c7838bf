import { ALWAYS, DEFAULT_TARGETS } from '#domain';
import type { Assignment } from '#contracts';
import { containerPlanOf, networkPlansOf, openDockerRuntime, type ContainerRuntime, type ContainerState } from '#docker';
import { freePort, importBusybox, startEngine, startRegistry, type TestEngine } from '#testing';
import { runtimeContract } from './runtime-contract.ts';

const IMAGE = 'waybill/runtime-contract:1';
const logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

runtimeContract('Docker Engine', async () => {
  const engine = await startEngine();
  const registry = await startRegistry(engine.hostAddress).catch(stopping(engine));
  const closed = await startRegistry(engine.hostAddress, { isPrivate: true }).catch(stopping(registry, engine));
  const commands = {
    stays: 'trap "exit 143" TERM; echo ready; while :; do sleep 0.1; done',
    stubborn: 'trap "" TERM; echo ready; while :; do sleep 0.1; done',
    fails: 'echo ready; sleep 0.2; exit 3',
    speaks: 'echo one; echo two',
  };
  for (const [image, command] of Object.entries(commands)) {
    await importBusybox(engine.host, `waybill/${image}:1`, [`CMD ${JSON.stringify(['sh', '-c', command])}`]).catch(stopping(closed, registry, engine));
  }
  const present = `${registry.host}/present:1`;
  for (const args of [['tag', 'waybill/stays:1', present], ['push', present], ['rmi', present]]) await engine.docker(...args).catch(stopping(closed, registry, engine));
  return {
    runtime: openDockerRuntime({ host: engine.host, installation: 'mine', logger }),
    images: {
      stays: 'waybill/stays:1', stubborn: 'waybill/stubborn:1', fails: 'waybill/fails:1', speaks: 'waybill/speaks:1',
      present, unknown: `${registry.host}/unknown:1`, private: `${closed.host}/private:1`,
      away: `${engine.hostAddress}:${await freePort()}/away:1`,
    },
    lose: () => engine.kill(),
    recover: () => engine.restart(),
    close: async () => {
      await closed.stop();
      await registry.stop();
      await engine.stop();
    },
  };
});

/** For a start that fails half-way: nobody else would stop what it started. */
const stopping = (...started: { stop(): Promise<void> }[]) => async (error: unknown): Promise<never> => {
  for (const each of started) await each.stop();
  throw error;
};

let engine: TestEngine;
let runtime: ContainerRuntime;
let count = 0;

beforeAll(async () => {
  engine = await startEngine();
  await importBusybox(engine.host, IMAGE);
  runtime = openDockerRuntime({ host: engine.host, installation: 'mine', logger });
}, 120_000);
afterAll(() => engine?.stop(), 60_000);

const assign = (script: string, change: Partial<Assignment> = {}, spec: Partial<Assignment['spec']> = {}): Assignment => ({
  replicaId: `rep_${(count += 1)}`,
  owner: { type: 'docker_service', id: 'svc_a' },
  projectId: 'prj_a',
  environmentId: 'env_a',
  slot: 1,
  generation: 1,
  release: 1,
  wanted: 'run',
  replaces: null,
  networks: [{ networkId: 'net_a', name: 'default', subnet: '10.192.7.0/24', aliases: ['api'] }],
  spec: {
    image: IMAGE, pullPolicy: 'missing', command: ['sh', '-c', script], args: null, env: { GREETING: 'hi there' }, ports: [], plan: null,
    resources: { request: { cpuMillis: 100, memoryBytes: 16 << 20 }, limit: { cpuMillis: 200, memoryBytes: 32 << 20 } }, labels: {}, constraints: [], restartPolicy: ALWAYS, healthcheck: null, ...DEFAULT_TARGETS,
    ...spec,
  },
  minHealthyMs: 0, healthyDeadlineMs: null, timeoutMs: null, graceMs: 1000, last: null,
  ...change,
});
const planOf = (assignment: Assignment, installation = 'mine') => containerPlanOf(assignment, { installation, cpus: 2, publishOn: '0.0.0.0' });

async function run(assignment: Assignment): Promise<{ id: string; name: string }> {
  for (const plan of networkPlansOf(assignment, 'mine')) await runtime.ensureNetwork(plan);
  const plan = planOf(assignment);
  const id = await runtime.createContainer(plan);
  await runtime.startContainer(id);
  return { id, name: plan.name };
}

async function ended(name: string): Promise<ContainerState> {
  for (;;) {
    const state = await runtime.inspectContainer(name);
    if (state?.status === 'exited') return state;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function linesOf(id: string, since: string | null = null): Promise<{ at: string; stream: string; line: string }[]> {
  const lines = [];
  for await (const line of runtime.logs(id, since, new AbortController().signal)) lines.push(line);
  return lines;
}

it('tells what the engine has', async () => {
  expect(await runtime.info()).toEqual({ engineVersion: expect.any(String), architecture: expect.stringMatching(/^(amd64|arm64)$/), cpus: expect.any(Number), memoryBytes: expect.any(Number), hostname: expect.any(String), dataRoot: expect.stringMatching(/^\//) });
});

it('runs a container under its limits, with few capabilities, and adopts it when asked again', async () => {
  const assignment = assign('grep -E "^(CapEff|NoNewPrivs)" /proc/self/status; trap "exit 3" TERM; echo $GREETING; while :; do sleep 0.1; done');
  const { id, name } = await run(assignment);
  expect(await runtime.createContainer(planOf(assignment))).toBe(id);
  const state = await runtime.inspectContainer(name);
  expect(state).toMatchObject({ id, name, status: 'running', exitCode: null, address: expect.stringMatching(/^10\.192\.7\./), startedAt: expect.any(String), finishedAt: null });
  const [inspected] = JSON.parse(await engine.docker('inspect', id)) as [{ HostConfig: Record<string, unknown>; Config: { Env: string[] } }];
  expect(inspected.HostConfig).toMatchObject({ Memory: 32 << 20, MemorySwap: 32 << 20, NanoCpus: 200_000_000, PidsLimit: 1024, CapDrop: ['ALL'], Privileged: false, Binds: null, RestartPolicy: { Name: 'no' } });
  expect(inspected.Config.Env).toContain('GREETING=hi there');

  // Before its shell has set the trap, the first process of a container ignores SIGTERM.
  for await (const { line } of runtime.logs(id, null, new AbortController().signal)) if (line === 'hi there') break;
  await runtime.stopContainer(id, 5000);
  expect(await ended(name)).toMatchObject({ exitCode: 3, oomKilled: false, finishedAt: expect.any(String) });
  // CHOWN 0, DAC_OVERRIDE 1, FOWNER 3, KILL 5, SETGID 6, SETUID 7, NET_BIND_SERVICE 10: these bits and no other.
  expect((await linesOf(id)).map((line) => line.line)).toEqual(['CapEff:\t00000000000004eb', 'NoNewPrivs:\t1', 'hi there']);
  await runtime.removeContainer(id);
  expect(await runtime.inspectContainer(name)).toBeNull();
}, 30_000);

it('gives all output once, streams apart, long lines whole, and goes on from an instant', async () => {
  const long = 'x'.repeat(40_000);
  const { id, name } = await run(assign(`echo one; echo two >&2; sleep 0.1; printf '%040000d\\n' 0 | tr 0 x; printf last`));
  await ended(name);
  const lines = await linesOf(id);
  const said = (stream: string) => lines.filter((line) => line.stream === stream).map(({ line }) => (line === long ? 'the long line' : line));
  expect(said('stdout')).toEqual(['one', 'the long line', 'last']);
  expect(said('stderr')).toEqual(['two']);
  const later = await linesOf(id, lines.find(({ line }) => line === long)!.at);
  expect(later.map(({ line }) => line.length)).toEqual([40_000, 4]);
  await runtime.removeContainer(id);
}, 30_000);

it('follows output live and ends silently when aborted', async () => {
  const { id } = await run(assign('while :; do echo tick; sleep 0.1; done'));
  const aborter = new AbortController();
  let ticks = 0;
  for await (const { line } of runtime.logs(id, null, aborter.signal)) {
    expect(line).toBe('tick');
    if ((ticks += 1) === 3) aborter.abort();
  }
  expect(ticks).toBeGreaterThanOrEqual(3);
  await runtime.removeContainer(id);
}, 30_000);

it('tells of what happens to its own containers only', async () => {
  const aborter = new AbortController();
  const seen: { containerId: string; action: string }[] = [];
  const watching = (async () => {
    for await (const event of runtime.watch(aborter.signal)) seen.push(event);
  })();
  const own = new Set<string>();
  const runOne = async (): Promise<string> => {
    const { id, name } = await run(assign('exit 7'));
    own.add(id);
    expect(await ended(name)).toMatchObject({ exitCode: 7 });
    await runtime.removeContainer(id);
    return id;
  };
  // The engine doesn't say when it has begun to tell.
  while (seen.length === 0) await runOne();
  await engine.docker('run', '--rm', '--network', 'none', IMAGE, 'true');
  const last = await runOne();
  const told = (): string[] => seen.filter(({ containerId }) => containerId === last).map(({ action }) => action);
  while (!told().includes('destroy')) await new Promise((resolve) => setTimeout(resolve, 20));
  aborter.abort();
  await watching;
  expect(seen.filter(({ containerId }) => !own.has(containerId))).toEqual([]);
  expect(told()).toEqual(expect.arrayContaining(['create', 'start', 'die', 'destroy']));
}, 30_000);

it('sees, starts, stops and removes nothing of anybody else', async () => {
  const foreign = (await engine.docker('run', '-d', '--network', 'none', '--name', 'theirs', IMAGE, 'sleep', '100')).trim();
  const other = openDockerRuntime({ host: engine.host, installation: 'other', logger });
  const { id } = await run(assign('sleep 100'));
  expect((await runtime.listContainers()).map((state) => state.id)).toEqual([id]);
  expect(await other.listContainers()).toEqual([]);
  for (const [from, target] of [[runtime, foreign], [other, id]] as const) {
    expect(await from.inspectContainer(target)).toBeNull();
    await from.stopContainer(target, 0);
    await from.removeContainer(target);
    await expect(from.startContainer(target)).rejects.toMatchObject({ code: 'not_found' });
  }
  expect((await engine.docker('ps', '-q', '--no-trunc')).trim().split('\n').sort()).toEqual([foreign, id].sort());
  await runtime.removeContainer(id);
  await engine.docker('rm', '-f', 'theirs');
}, 30_000);

it('says whether a container ran out of memory', async () => {
  const { id, name } = await run(assign('head -c 200m /dev/zero | tail'));
  // The kernel ends `tail`; the shell passes that on.
  expect(await ended(name)).toMatchObject({ exitCode: 137, oomKilled: true });
  await runtime.removeContainer(id);
}, 30_000);

it('tells a command that can’t be run from an engine that isn’t there', async () => {
  await expect(run(assign('', {}, { command: ['/no/such/file'] }))).rejects.toMatchObject({ code: 'invalid_config', transient: false });
  for (const { id } of await runtime.listContainers()) await runtime.removeContainer(id);
  const gone = openDockerRuntime({ host: 'unix:///nowhere/docker.sock', installation: 'mine', logger });
  await expect(gone.info()).rejects.toMatchObject({ code: 'engine_unreachable', transient: true });
}, 30_000);

it('gives a network the subnet wanted, and neither takes nor removes anybody else’s', async () => {
  const plan = { name: 'wb-mine-net_n', networkId: 'net_n', subnet: '10.192.8.0/24' };
  const subnet = async () => (await engine.docker('network', 'inspect', '-f', '{{(index .IPAM.Config 0).Subnet}}', plan.name)).trim();
  await runtime.ensureNetwork(plan);
  expect(await subnet()).toBe('10.192.8.0/24');
  await runtime.ensureNetwork({ ...plan, subnet: '10.192.9.0/24' });
  expect(await subnet()).toBe('10.192.9.0/24');
  await runtime.removeNetwork(plan.name);
  await engine.docker('network', 'create', '--subnet', '10.199.0.0/24', 'theirs');
  await expect(runtime.ensureNetwork({ ...plan, subnet: '10.199.0.0/25' })).rejects.toMatchObject({ code: 'subnet_taken' });
  await runtime.removeNetwork('theirs');
  expect(await engine.docker('network', 'ls', '--format', '{{.Name}}')).toMatch(/theirs/);
}, 30_000);
