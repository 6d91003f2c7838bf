import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { subjects, type Assignment, type AssignmentSet, type ChunkReply, type LogsReply, type ObservationBatch } from '#contracts';
import { openDockerRuntime } from '#docker';
import { ALWAYS, NO_RESTART, type Observation, type RestartPolicy } from '#domain';
import { chunkSet } from '#messaging';
import { systemClock, systemRandom } from '#platform';
import { aContainerSpec, aResources, importBusybox, MemoryBroker, MemoryLogger, startEngine, type MemoryBus, type TestEngine } from '#testing';
import { Agent } from '../../apps/node-agent/agent.ts';
import { FolderDisk } from '../../apps/node-agent/disk.ts';
import { MemoryFiles } from '../../apps/node-agent/memory-files.ts';

const IMAGE = 'waybill/agent-contract:1';
const MIB = 1024 ** 2;

let engine: TestEngine;
let folder: string;
let bus: MemoryBus;
let broker: MemoryBroker;
let agent: Agent;
let agentBus: MemoryBus;
let seen: Observation[] = [];
let revision = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'waybill-agent-'));
  engine = await startEngine();
  await importBusybox(engine.host, IMAGE);
  broker = new MemoryBroker(systemClock);
  bus = broker.bus('monitor');
  bus.subscribe<ObservationBatch>(subjects.observations('*'), ({ observations }) => {
    seen.push(...observations);
    return { acknowledged: observations.map(({ seq }) => seq) };
  });
  bus.subscribe(subjects.register('*'), () => ({ registered: true, refused: null }));
  bus.subscribe(subjects.report('*'), () => ({ taken: true }));
  await startAgent();
}, 120_000);
afterAll(async () => {
  await agent?.stop();
  await engine?.stop();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

async function startAgent(): Promise<void> {
  agentBus = broker.bus('agent');
  const logger = new MemoryLogger();
  agent = await Agent.open({
    runtime: openDockerRuntime({ host: engine.host, installation: 'mine', logger }), bus: agentBus, clock: systemClock, random: systemRandom, logger,
    disk: new FolderDisk(folder), files: new MemoryFiles(), installation: 'mine',
    settings: { name: 'host-1', address: engine.address, labels: {}, capacity: { cpuMillis: null, memoryBytes: null } },
  });
  agent.start();
  await until(() => agent.ready.registered);
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 20_000;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`it never came to that; seen: ${JSON.stringify(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const entry = (replicaId: `rep_${string}`, script: string, { restartPolicy = ALWAYS, ...change }: Partial<Assignment> & { restartPolicy?: RestartPolicy } = {}): Assignment => ({
  replicaId, owner: { type: 'docker_service', id: 'svc_a' }, projectId: 'prj_a', environmentId: 'env_a', slot: 1, generation: 1, release: 1, wanted: 'run', replaces: null,
  network: { networkId: 'net_a', subnet: '10.192.3.0/24' }, aliases: ['api'],
  spec: aContainerSpec({ image: IMAGE, command: ['sh', '-c', script], resources: aResources({ limit: { cpuMillis: 500, memoryBytes: 64 * MIB } }), restartPolicy }),
  minHealthyMs: 300, healthyDeadlineMs: 60_000, timeoutMs: null, graceMs: 1_000, last: null,
  ...change,
});

async function apply(...entries: Assignment[]): Promise<void> {
  seen = [];
  const base = agent.stand.applied;
  revision += 1;
  const set: AssignmentSet = { storeId: 'store', nodeId: agent.identity.nodeId, head: { revision: String(revision), eventId: `e${revision}` }, base, adoption: null, entries };
  for (const chunk of chunkSet(set)) {
    const { stand } = await bus.request<ChunkReply>(subjects.set(agent.identity.nodeId), chunk, 5_000);
    if (stand) expect(stand).toMatchObject({ applied: set.head, refusing: null });
  }
}

/** All that is kept of it, page after page. */
async function outputOf(replicaId: string): Promise<LogsReply['lines']> {
  const lines: LogsReply['lines'][number][] = [];
  for (let after: string | null = null; ; ) {
    const page: LogsReply = await bus.request<LogsReply>(subjects.logs(agent.identity.nodeId), { replicaId, after, maxBytes: 2 ** 16, waitMs: 0 }, 5_000);
    lines.push(...page.lines);
    if (page.end) return lines;
    after = page.next;
  }
}

const told = (replicaId: string): string[] => seen.filter((each) => each.replicaId === replicaId).map(({ run, state, final }) => `${run} ${state}${final ? ' final' : ''}`);
const running = async (): Promise<string[]> => (await engine.docker('ps', '--format', '{{.Names}} {{.ID}}')).split('\n').filter(Boolean);
const SLEEP = 'trap "exit 0" TERM; echo up; while :; do sleep 0.1; done';

it('runs what it is told to, says each step, and takes it away again with its network', async () => {
  await apply(entry('rep_a', SLEEP));
  await until(() => told('rep_a').includes('1 SETTLED'));
  expect(told('rep_a')).toEqual(['1 PREPARING', '1 STARTING', '1 RUNNING', '1 SETTLED']);
  expect(seen.find(({ state }) => state === 'RUNNING')).toMatchObject({ address: expect.stringMatching(/^10\.192\.3\./), containerId: expect.any(String), imageId: expect.stringMatching(/^sha256:/) });
  expect(await running()).toEqual([expect.stringMatching(/^wb-mine-rep_a /)]);
  await apply(entry('rep_a', SLEEP, { wanted: 'gone' }));
  await until(() => told('rep_a').includes('1 GONE final'));
  expect(told('rep_a')).toEqual(['1 STOPPED final', '1 GONE final']);
  await apply();
  await until(async () => !(await engine.docker('network', 'ls', '--format', '{{.Name}}')).includes('wb-mine'));
  expect(await running()).toEqual([]);
}, 40_000);

it('restarts what ends, at once and then later, and counts the runs', async () => {
  await apply(entry('rep_b', 'exit 5'));
  await until(() => told('rep_b').includes('3 FAILED'));
  expect(told('rep_b').filter((each) => /FAILED|STARTING/.test(each)).slice(0, 6)).toEqual(['1 STARTING', '1 FAILED', '2 STARTING', '2 FAILED', '3 STARTING', '3 FAILED']);
  expect(seen.find(({ state }) => state === 'FAILED')).toMatchObject({ exitCode: 5, oomKilled: false, reason: { code: 'exited' } });
  await apply();
}, 40_000);

it('has all of a finished job’s output when it says that it has finished', async () => {
  const job = { owner: { type: 'job', id: 'job_a' }, restartPolicy: NO_RESTART, healthyDeadlineMs: null, timeoutMs: 30_000 } as const;
  let lines: LogsReply['lines'] | null = null;
  const end = bus.subscribe<ObservationBatch>(subjects.observations('*'), async ({ observations }) => {
    if (observations.some(({ state }) => state === 'COMPLETED')) lines ??= await outputOf('rep_c');
  });
  await apply(entry('rep_c', 'seq 1 3000; echo oops >&2', job));
  await until(() => lines !== null);
  end();
  expect(told('rep_c').at(-1)).toBe('1 COMPLETED final');
  const said = lines as unknown as LogsReply['lines'];
  expect(said.filter(({ stream }) => stream === 'stdout').map(({ line }) => line)).toEqual(Array.from({ length: 3000 }, (_, i) => String(i + 1)));
  expect(said.filter(({ stream }) => stream === 'stderr')).toMatchObject([{ line: 'oops', run: 1 }]);
}, 40_000);

it('ends a job that takes too long, first asking, then not', async () => {
  await apply(entry('rep_d', 'trap "" TERM; while :; do sleep 0.1; done', { restartPolicy: NO_RESTART, healthyDeadlineMs: null, timeoutMs: 500 }));
  await until(() => told('rep_d').includes('1 FAILED final'));
  expect(seen.at(-1)).toMatchObject({ exitCode: 137, reason: { code: 'timeout' } });
  await apply();
}, 40_000);

it('says why a command can’t be started, and doesn’t try again', async () => {
  await apply(entry('rep_e', '', { spec: aContainerSpec({ image: IMAGE, command: ['/no/such'] }) }));
  await until(() => told('rep_e').includes('1 FAILED final'));
  expect(seen.at(-1)?.reason).toEqual({ code: 'invalid_config', message: expect.stringContaining('/no/such') });
  await apply();
}, 40_000);

it('lets everything run while it is away, notices what ended meanwhile, and doubles neither containers nor lines', async () => {
  await apply(entry('rep_f', 'echo $$-begin; trap "exit 0" TERM; i=0; while :; do echo $i; i=$((i+1)); sleep 0.05; done'), entry('rep_g', SLEEP, { slot: 2 }));
  await until(() => told('rep_f').includes('1 SETTLED') && told('rep_g').includes('1 SETTLED'));
  const before = await running();
  seen = [];
  await agent.stop();
  await agentBus.close();
  expect(await running()).toEqual(before);
  await engine.docker('kill', 'wb-mine-rep_g');
  await startAgent();
  await until(() => told('rep_g').includes('2 SETTLED'));
  expect(told('rep_g')).toEqual(['1 FAILED', '2 STARTING', '2 RUNNING', '2 SETTLED']);
  expect(told('rep_f')).toEqual([]);
  expect((await running()).find((each) => each.includes('rep_f'))).toBe(before.find((each) => each.includes('rep_f')));
  const numbers = async () => {
    return (await outputOf('rep_f')).slice(1).map(({ line }) => Number(line));
  };
  await until(async () => (await numbers()).length > 60);
  const said = await numbers();
  expect(said).toEqual(said.map((_, i) => i));
}, 60_000);

it('calls a container that somebody else removed lost, and touches nothing that isn’t its own', async () => {
  await engine.docker('run', '-d', '--network', 'none', '--name', 'theirs', IMAGE, 'sleep', '1000');
  await apply(entry('rep_h', SLEEP));
  await until(() => told('rep_h').includes('1 SETTLED'));
  await engine.docker('rm', '-f', 'wb-mine-rep_h');
  await until(() => told('rep_h').includes('1 GONE final'));
  expect(seen.at(-1)?.reason?.code).toBe('container_lost');
  await apply();
  await until(async () => (await running()).length === 1);
  expect(await running()).toEqual([expect.stringMatching(/^theirs /)]);
}, 40_000);
