import { subjects, type AgentStand, type Assignment, type AssignmentSet, type Heartbeat, type ObservationBatch, type Report, type ReportReply } from '#contracts';
import type { ContainerPlan, ContainerRuntime } from '#docker';
import { NO_RESTART, type ContainerSpec, type Observation } from '#domain';
import { chunkSet } from '#messaging';
import { aContainerSpec, MemoryBroker, MemoryLogger, MemoryRuntime, seededRandom, VirtualClock, type ImageScript, type MemoryBus } from '#testing';
import { Agent } from './agent.ts';
import { MemoryDisk } from './memory-disk.ts';
import { MemoryStorage } from './memory-storage.ts';
import { MemoryFiles } from './memory-files.ts';

const IMAGES = {
  web: {},
  stubborn: { run: () => ({ ignoresTerm: true }) },
  crashing: { run: () => ({ exitAfterMs: 100, exitCode: 3, lines: ['oh no'] }) },
  'good later': { run: (start: number) => (start < 3 ? { exitAfterMs: 100, exitCode: 1 } : {}) },
  'long runs': { run: () => ({ exitAfterMs: 650_000, exitCode: 1 }) },
  task: { run: () => ({ exitAfterMs: 2_000, exitCode: 0, lines: ['one', 'two'] }) },
  slow: { pullMs: 60_000, bytes: 100 * 1024 ** 2, repoDigests: [`slow@sha256:${'d'.repeat(64)}`] },
  stalled: { pullMs: 600_000, isSilent: true },
  private: { pull: 'image_pull_denied' as const },
  unreachable: { pull: 'registry_unreachable' as const },
  arm: { architecture: 'arm64' },
  forgotten: { run: () => ({ isLost: true }) },
};

/** One that is to run. */
export const entry = (replicaId: `rep_${string}`, image: string, { of = {}, ...change }: Partial<Assignment> & { of?: Partial<ContainerSpec> } = {}): Assignment => ({
  replicaId, owner: { type: 'docker_service', id: 'svc_a' }, projectId: 'prj_a', environmentId: 'env_a', slot: 1, generation: 1, release: 1, wanted: 'run', replaces: null,
  networks: [{ networkId: 'net_a', name: 'default', subnet: '10.192.0.0/24', aliases: [] }], spec: aContainerSpec({ image, ...of }), minHealthyMs: 1_000, healthyDeadlineMs: 60_000,
  timeoutMs: null, graceMs: 5_000, last: null, ...change,
});
/** What makes one a job's. */
export const job = (image: string) => ({ owner: { type: 'job', id: 'job_a' }, spec: aContainerSpec({ image, restartPolicy: NO_RESTART }), healthyDeadlineMs: null, timeoutMs: 30_000 }) as const;

/** A process: it may die after any of the things that it does to its disk and its engine, and hears nothing of it then. */
export class Life {
  deeds = 0;
  killAfter = Infinity;
  readonly #death = Promise.withResolvers<null>();

  /** Resolves when it has died. */
  get death(): Promise<null> {
    return this.#death.promise;
  }

  get dead(): boolean {
    return this.deeds >= this.killAfter;
  }

  bound<T extends object>(target: T): T {
    const never = new Promise<never>(() => undefined);
    // What isn't a deed.
    const free = new Set<string | symbol>(['logs', 'watch', 'backendsWith']);
    return new Proxy<T>(target, {
      get: (_target, key) => {
        const value = Reflect.get(target, key, target) as unknown;
        if (typeof value !== 'function' || free.has(key)) return typeof value === 'function' ? (value.bind(target) as unknown) : value;
        return (...args: unknown[]) => {
          if (this.dead) return never;
          this.deeds += 1;
          const dies = this.dead;
          if (dies) this.#death.resolve(null);
          const done = (value as (...a: unknown[]) => Promise<unknown>).apply(target, args);
          return dies ? done.then(() => never) : done.then((result) => (this.dead ? never : result));
        };
      },
    });
  }
}

/** A crash between two steps may say a thing again. */
export const seenOnce = (words: readonly string[]): string[] => words.filter((word, i) => word !== words[i - 1]);

const inShort = ({ run, state, final, reason, subnet, health }: Observation): string =>
  [`${run} ${state}`, final ? 'final' : '', health === 'unknown' ? '' : health, reason?.code, subnet].filter(Boolean).join(' ');

/** One node under virtual time: a monitor that writes down what it hears, and an agent that can be restarted. */
export class NodeUnderTest {
  readonly clock = new VirtualClock();
  readonly runtime: MemoryRuntime;
  disk = new MemoryDisk(this.clock);
  readonly files = new MemoryFiles();
  readonly broker = new MemoryBroker(this.clock);
  readonly monitor = this.broker.bus('monitor');
  readonly said: { replicaId: string; at: number; text: string; seen: Observation }[] = [];
  readonly reports: Report[] = [];
  readonly beats: Heartbeat[] = [];
  readonly syncs: AgentStand[] = [];
  readonly created: string[] = [];
  introductions = 0;
  agent!: Agent;
  bus!: MemoryBus;
  life = new Life();
  onReport: () => ReportReply | Promise<ReportReply> = () => ({ taken: true });
  #revision = 0;
  readonly #starts = new Map<string, number>();

  /** @param images beside those that every spec has */
  constructor(images: Readonly<Record<string, ImageScript>> = {}, readonly storage = new MemoryStorage()) {
    this.runtime = new MemoryRuntime(this.clock, {
      images: { ...IMAGES, ...images },
      onChange: ({ name }, action) => action === 'start' && this.#starts.set(name, (this.#starts.get(name) ?? 0) + 1),
    });
    this.monitor.subscribe<ObservationBatch>(subjects.observations('*'), ({ observations }) => {
      for (const seen of observations) this.said.push({ replicaId: seen.replicaId, at: this.clock.monotonic(), text: inShort(seen), seen });
      return { acknowledged: observations.map(({ seq }) => seq) };
    });
    this.monitor.subscribe(subjects.register('*'), () => {
      this.introductions += 1;
      return { registered: true, refused: null };
    });
    this.monitor.subscribe<Report>(subjects.report('*'), (report) => {
      this.reports.push(report);
      return this.onReport();
    });
    this.monitor.subscribe<Heartbeat>(subjects.heartbeat('*'), (beat) => void this.beats.push(beat));
    this.monitor.subscribe<AgentStand>(subjects.sync('*'), (stand) => void this.syncs.push(stand));
  }

  async start(): Promise<this> {
    this.bus = this.broker.bus('agent');
    const agent = await Promise.race([this.life.death, Agent.open({
      runtime: this.life.bound(this.#counted()), bus: this.bus, clock: this.clock, random: seededRandom(1), logger: new MemoryLogger(), disk: this.life.bound(this.disk), storage: this.life.bound(this.storage), files: this.files, installation: 'mine',
      settings: { name: 'host-1', address: '127.0.0.1', labels: {}, capacity: { cpuMillis: null, memoryBytes: null } }, entropy: () => new Uint8Array(32),
    })]);
    if (agent === null) return this;
    this.agent = agent;
    this.agent.start();
    await this.clock.advance(10);
    return this;
  }

  async stop(): Promise<void> {
    const stopped = this.agent.stop();
    await this.clock.advance(1);
    await stopped;
    await this.bus.close();
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Its agent comes back without its folder, but for the key that it is known by. */
  async loseFolder(): Promise<void> {
    await this.stop();
    const seed = await this.disk.read('node.seed');
    this.disk = new MemoryDisk(this.clock);
    await this.disk.write('node.seed', seed!);
    await this.start();
  }

  async offer(change: Partial<AssignmentSet>): Promise<AgentStand> {
    this.#revision += 1;
    const { nodeId } = this.agent.identity;
    const set: AssignmentSet = { storeId: 'store', nodeId, head: { revision: String(this.#revision), eventId: `e${this.#revision}` }, base: this.agent.stand.applied, adoption: null, entries: [], ...change };
    const answers = chunkSet(set).map((chunk) => this.monitor.request<{ stand: AgentStand | null }>(subjects.set(nodeId), chunk, 5_000));
    await this.clock.settle();
    const { stand } = (await answers.at(-1))!;
    await this.clock.advance(1);
    return stand!;
  }

  async apply(...entries: Assignment[]): Promise<void> {
    expect((await this.offer({ entries })).refusing).toBeNull();
  }

  /** What was said of it, in short: `2 FAILED final exited`. */
  told(replicaId: string): string[] {
    return this.said.filter((each) => each.replicaId === replicaId).map(({ text }) => text);
  }

  async linesOf(replicaId: string): Promise<string[]> {
    const asked = this.monitor.request<{ lines: { line: string }[] }>(subjects.logs(this.agent.identity.nodeId), { replicaId, after: null, maxBytes: 2 ** 18, waitMs: 0 }, 5_000);
    await this.clock.settle();
    return (await asked).lines.map(({ line }) => line);
  }

  /** How often its container was started, by the engine's own count. */
  started(replicaId: string): number {
    return this.#starts.get(`wb-mine-${replicaId}`) ?? 0;
  }

  get running(): string[] {
    return this.runtime.running.map((name) => name.replace('wb-mine-', ''));
  }

  /** The engine, with every container that is really made written down. */
  #counted(): ContainerRuntime {
    const { runtime, created } = this;
    return new Proxy<ContainerRuntime>(runtime, {
      get(target, key) {
        if (key === 'createContainer') {
          return async (plan: ContainerPlan) => {
            if ((await target.inspectContainer(plan.name)) === null) created.push(plan.name);
            return target.createContainer(plan);
          };
        }
        const value = Reflect.get(target, key, target) as unknown;
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  }
}
