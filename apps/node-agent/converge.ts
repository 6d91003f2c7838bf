import type { Assignment, Clock, Logger, Passed, ProbeWord, Random } from '#contracts';
import { containerName, EngineError, type ContainerRuntime, type ContainerState, type Host, type Intervention } from '#docker';
import type { Observation, ReplicaId } from '#domain';
import { WorkQueue } from '#reconcile';
import type { AppliedSet } from './applied-set.ts';
import { Cleaner } from './clean.ts';
import { FormerLife } from './former-life.ts';
import type { GivenValues } from './given-values.ts';
import { HealthWatch } from './health.ts';
import type { HostFiles } from './host-files.ts';
import type { Journal } from './journal.ts';
import type { Output } from './output.ts';
import { Networks, SubnetTaken } from './networks.ts';
import { planConvergence } from './plan-convergence.ts';
import { hasLeft, replacedBy } from './plan-preparation.ts';
import { Preparer } from './prepare.ts';
import type { Probing } from './probing.ts';
import { firstMemory, type Memories, type ReplicaMemory } from './replica-memory.ts';
import { retryDelayMs } from './retry-delay.ts';
import { runIsOpen, type Step, type Surroundings, type Telling } from './step.ts';
import { Teller } from './tell.ts';
import { Turns } from './turns.ts';
import type { Volumes } from './volumes.ts';

/** What converging needs to know of its engine. */
export interface EngineHost extends Host {
  readonly architecture: string;
}

export interface ConvergerOptions {
  readonly runtime: ContainerRuntime;
  readonly host: EngineHost;
  readonly applied: AppliedSet;
  readonly memories: Memories;
  readonly journal: Journal;
  readonly output: Output;
  readonly probing: Probing;
  readonly volumes: Volumes;
  readonly given: GivenValues;
  readonly files: HostFiles;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Stops wait for their containers, and one slow image must not hold up the others. */
const CONCURRENCY = 32;

/** How many containers are made or started at once, for each core: an engine that is asked for all at once gets none ready before
 *  the others, and on a busy host takes longer for all of them together (test/bench). */
const STARTS_PER_CORE = 4;

/** More steps than any way from one rest to the next has. */
const STEPS = 20;

/** Brings the engine to what the applied set says, one replica at a time and one step after the other, each of which may be
 *  repeated. Level-triggered: a key says that something may have changed, never what. */
export class Converger {
  readonly #queue: WorkQueue<string>;
  readonly #preparer: Preparer;
  readonly #teller: Teller;
  readonly #health: HealthWatch;
  readonly #cleaner: Cleaner;
  readonly #starts: Turns;
  readonly #networks: Networks;
  readonly #stopping = new AbortController();
  readonly #formerLife: FormerLife;
  /** Whose container an id is, as far as one was seen. */
  readonly #owners = new Map<string, ReplicaId>();

  constructor(private readonly options: ConvergerOptions) {
    const { clock, random, logger, host } = options;
    this.#starts = new Turns(STARTS_PER_CORE * host.cpus);
    this.#teller = new Teller(options);
    this.#formerLife = new FormerLife({ ...options, teller: this.#teller, containerOf: (replicaId) => this.#containerOf(replicaId) });
    this.#networks = new Networks(options);
    this.#preparer = new Preparer({ ...options, networks: this.#networks, teller: this.#teller, starts: this.#starts });
    this.#health = new HealthWatch({ ...options, onChange: (replicaId) => this.#queue.add(replicaId) });
    this.#cleaner = new Cleaner(options);
    this.#queue = new WorkQueue({ name: 'replicas', clock, random, logger, concurrency: CONCURRENCY, reconcile: (key) => this.#reconcile(key) });
  }

  start(): void {
    this.#queue.start();
  }

  /** Begins nothing more; containers run on. @returns when what was begun has ended. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#preparer.stop();
    this.#health.stop();
    await this.#queue.stop();
  }

  /** Nothing to do at the moment. For specs. */
  idle(): Promise<void> {
    return this.#queue.idle();
  }

  /** How far the pulls are that replicas wait for. */
  get pulling(): Preparer['pulling'] {
    return this.#preparer.pulling;
  }

  /** The last probes of the replicas that aren't well. */
  get probes(): readonly ProbeWord[] {
    return this.#health.words();
  }

  /** The applied set is another one: look at everything in it or left over from before, and pull nothing in vain. */
  onApplied(): void {
    this.#preparer.giveUpUnwanted();
    this.#addKnown();
    this.#queue.add(VOLUMES);
  }

  /** The log has later words of these than this life of the agent: what runs goes on in another run. */
  onPassed(passed: readonly Passed[], told: readonly Observation[]): void {
    this.#formerLife.learn(passed, told);
    for (const { replicaId } of passed) this.#queue.add(replicaId);
  }

  /** Something happened to a container. One that was never seen may be anybody's. */
  onEvent(containerId: string): void {
    const replicaId = this.#owners.get(containerId);
    if (replicaId) this.#queue.add(replicaId);
    else this.#addKnown();
  }

  /** Looks at all there is, wanted, remembered or on the engine: after a start, a break in its events, and now and then.
   *  @throws EngineError when the engine can't be asked. */
  async lookAtAll(): Promise<void> {
    const containers = await this.options.runtime.listContainers();
    this.#addKnown();
    for (const replicaId of [...this.#cleaner.replicasOf(containers), ...(await this.options.files.list())]) this.#queue.add(replicaId);
    this.#queue.add(NETWORKS);
    this.#queue.add(VOLUMES);
  }

  #addKnown(): void {
    for (const { replicaId } of this.options.applied.entries ?? []) this.#queue.add(replicaId);
    for (const replicaId of this.options.memories.ids()) this.#queue.add(replicaId);
  }

  async #reconcile(key: string): Promise<void | { againInMs: number }> {
    if (key === NETWORKS) return this.#cleaner.removeUnusedNetworks();
    if (key === VOLUMES) return this.options.volumes.settle();
    const replicaId = key as ReplicaId;
    for (let step = 0; step < STEPS; step += 1) {
      if (this.#stopping.signal.aborted) return;
      const assignment = this.options.applied.find(replicaId);
      if (assignment === null) {
        this.#health.forget(replicaId);
        if (await this.#cleaner.removeLeftOver(replicaId)) this.#queue.add(NETWORKS);
        return;
      }
      const again = await this.#step(assignment);
      if (again !== GO_ON) return again === null ? undefined : { againInMs: again };
    }
    throw new Error(`${replicaId} comes to no rest`);
  }

  /** Takes the next step. @returns in how many milliseconds to look again, null: when something changes. */
  async #step(assignment: Assignment): Promise<number | null | typeof GO_ON> {
    const { memories } = this.options;
    const memory = await this.#formerLife.passOn(assignment, memories.get(assignment.replicaId) ?? firstMemory(assignment));
    const around = await this.#lookAround(assignment, memory);
    this.#watchHealth(assignment, memory, around.container);
    const step = planConvergence(assignment, memory, around);
    if (step.do === 'rest') return step.forMs;
    try {
      await this.#take(step, assignment, memory, around.container);
    } catch (error) {
      if (!(error instanceof EngineError) || error.code === 'engine_unreachable' || !('tell' in step) || !step.tell) throw error;
      await this.#refused(error, step.tell, assignment);
    }
    return GO_ON;
  }

  #containerOf(replicaId: ReplicaId): Promise<ContainerState | null> {
    const { runtime, host } = this.options;
    return runtime.inspectContainer(containerName(host.installation, replicaId));
  }

  async #lookAround(assignment: Assignment, memory: ReplicaMemory): Promise<Surroundings> {
    const { runtime, host, clock, random } = this.options;
    const askedAt = clock.monotonic();
    const container = await this.#containerOf(assignment.replicaId);
    if (container) this.#owners.set(container.id, assignment.replicaId);
    const prepares = container === null && memory.containerId === null && assignment.wanted === 'run';
    const waitsFor = memory.phase === 'preparing' && assignment.wanted === 'run' ? assignment.replaces : null;
    return {
      container,
      image: prepares ? await runtime.findImage(assignment.spec.image) : null,
      architecture: host.architecture,
      replacedGone: waitsFor === null || (await this.#haveLeft(assignment)),
      successorBegan: prepares && (await this.#hasSuccessor(assignment)),
      health: this.#health.of(assignment.replicaId, memory.run),
      interventions: await this.#interventions(assignment, memory, container),
      askedAt,
      now: clock.monotonic(),
      wall: clock.now(),
      jitter: random(),
    };
  }

  /** By one set: the next one names somebody else where that one has left, and no longer tells whom it was waiting for. */
  async #haveLeft({ replicaId }: Assignment): Promise<boolean> {
    const { applied, memories } = this.options;
    const place = applied.find(replicaId);
    if (!place) return false;
    for (const replaced of replacedBy(place, applied.entries ?? [])) {
      const container = await this.#containerOf(replaced);
      if (!hasLeft({ isListed: applied.find(replaced) !== null, memory: memories.get(replaced) ?? null, container })) return false;
    }
    return true;
  }

  /** Nobody begins before those have left that he waits for. */
  async #hasSuccessor({ replicaId }: Assignment): Promise<boolean> {
    const entries = this.options.applied.entries ?? [];
    for (const entry of entries) {
      if (!entry.replaces || !replacedBy(entry, entries).includes(replicaId)) continue;
      const container = await this.#containerOf(entry.replicaId);
      if (container && container.startedAt !== null) return true;
    }
    return false;
  }

  /** Asked only where the answer matters: of an end that is new, under the policy that heeds a stop by hand. */
  async #interventions({ wanted, spec }: Assignment, memory: ReplicaMemory, container: ContainerState | null): Promise<readonly Intervention[]> {
    const mayBeTheirs = wanted === 'run' && spec.restartPolicy.name === 'unless-stopped' && !memory.stopOrdered && memory.observed?.final !== true;
    if (!mayBeTheirs || container?.status !== 'exited' || container.startedAt === null || !runIsOpen(memory, container)) return [];
    return this.options.runtime.interventions(container.id, container.startedAt, this.options.clock.now());
  }

  /** Whatever runs and has a check is probed; nothing else is. */
  #watchHealth(assignment: Assignment, memory: ReplicaMemory, container: ContainerState | null): void {
    const runs = container?.status === 'running' && memory.phase === 'running' && container.startedAt === memory.startedAt && memory.stopping === null;
    if (!runs || assignment.wanted !== 'run') return this.#health.forget(assignment.replicaId);
    this.#health.watch(assignment, memory.run, container, memory.observed?.run === memory.run ? memory.observed.health : 'unknown');
  }

  /** Tells, then remembers, then does: a crash in between leads to the same step again. */
  async #take(step: Deed, assignment: Assignment, memory: ReplicaMemory, container: ContainerState | null): Promise<void> {
    const { output, memories } = this.options;
    const { replicaId } = assignment;
    if (step.do === 'note' && step.drain) await output.drain(replicaId, container?.id ?? null, memory.run);
    const tell = toBeTold(step);
    const told = tell ? await this.#teller.tell(tell, memory, container) : {};
    const next: ReplicaMemory = { ...memory, ...told, ...('remember' in step ? step.remember : {}) };
    await memories.save(next);
    if (step.do === 'note' && container && next.phase === 'running') output.follow(replicaId, container.id, next.run);
    if (next.observed?.state === 'GONE') await this.#afterGone(replicaId);
    if (step.do === 'pull') await this.#preparer.pull(assignment);
    if (step.do === 'make') await this.#make(assignment, next);
    if (step.do === 'start') await this.options.given.beforeStart(assignment);
    if (container) await this.#handle(step.do, container, assignment, next, memory);
  }

  async #make(assignment: Assignment, memory: ReplicaMemory): Promise<void> {
    this.#owners.set(await this.#preparer.make(assignment, memory), assignment.replicaId);
    // What was made for it is to be told.
    if (assignment.spec.volumes?.length) this.#queue.add(VOLUMES);
  }

  async #handle(what: Deed['do'], container: ContainerState, assignment: Assignment, memory: ReplicaMemory, before: ReplicaMemory): Promise<void> {
    const { runtime, output, volumes } = this.options;
    const { replicaId, graceMs } = assignment;
    if (what === 'start') await volumes.ensure(assignment);
    if (what === 'start') await this.#networks.join(assignment, container.id);
    // Ahead of those that are yet to be made: the first are to run before the last are there.
    if (what === 'start') await this.#starts.take(() => this.#start(assignment, memory, container), true);
    if (what === 'stop' && !(await runtime.stopContainer(container.id, graceMs))) await this.#hadEnded(before, memory);
    if (what !== 'remove') return;
    await output.drain(replicaId, container.id, memory.run);
    await runtime.removeContainer(container.id);
  }

  /** It was to be stopped for what it did, and had ended by itself or by somebody's hand when the engine was told so for the first time: then that is its end. */
  async #hadEnded(before: ReplicaMemory, memory: ReplicaMemory): Promise<void> {
    if (before.stopOrdered || memory.stopping === null) return;
    await this.options.memories.save({ ...memory, stopOrdered: false, stopping: null });
  }

  /** A job's command runs once: where the engine went away in the middle of its start, and knows of none when it is back, the command may have run all the same. */
  async #start({ owner }: Assignment, memory: ReplicaMemory, container: ContainerState): Promise<void> {
    const { runtime, memories } = this.options;
    if (memory.cutOff) throw new EngineError('start_lost', false, 'it went away meanwhile, and does not know whether it began');
    try {
      await runtime.startContainer(container.id);
    } catch (error) {
      if (owner.type === 'job' && error instanceof EngineError && error.mayBeDone) await memories.save({ ...memory, cutOff: true });
      throw error;
    }
  }

  /** What may work later is told as the reason why it takes so long, and tried again; anything else is the end. */
  async #refused(error: EngineError, during: Telling, assignment: Assignment): Promise<void> {
    const { memories, clock, random, logger } = this.options;
    const memory = memories.get(assignment.replicaId) ?? firstMemory(assignment);
    const subnet = error instanceof SubnetTaken ? error.subnet : null;
    const reason = { code: error.code, message: subnet === null ? error.message : `${subnet} is in use on this host: ${error.message}` };
    logger.warn('the engine refused a step', { replica_id: assignment.replicaId, state: during.state, code: error.code, reason: error.message });
    if (error.code === 'start_lost') return this.#giveUpContainer(memory, error);
    if (!error.transient) {
      const told = await this.#teller.tell({ ...during, state: 'FAILED', final: true, reason }, memory, null);
      return memories.save({ ...memory, ...told, phase: 'ended' });
    }
    const times = (memory.trouble?.times ?? 0) + 1;
    const trouble = { reason, times, retryAt: clock.monotonic() + retryDelayMs(times, random()), subnet };
    const told = await this.#teller.tell({ ...during, reason }, { ...memory, trouble }, null);
    await memories.save({ ...memory, ...told, trouble });
  }

  /** Removed, not made anew: whether it ran, and so whether a job's command did, nobody can say. */
  async #giveUpContainer(memory: ReplicaMemory, error: EngineError): Promise<void> {
    const { runtime, memories } = this.options;
    if (memory.containerId) await runtime.removeContainer(memory.containerId);
    const reason = { code: error.code, message: `the engine lost track of it in the middle of its start: ${error.message}` };
    const told = await this.#teller.tell({ run: memory.run, state: 'GONE', final: true, reason }, memory, null);
    await memories.save({ ...memory, ...told, phase: 'ended' });
    await this.#afterGone(memory.replicaId);
  }

  /** Whoever replaces it may start now, and its network may have lost its last user. */
  async #afterGone(replicaId: ReplicaId): Promise<void> {
    const { applied, files } = this.options;
    await files.remove(replicaId);
    const entries = applied.entries ?? [];
    for (const entry of entries) if (entry.replaces && replacedBy(entry, entries).includes(replicaId)) this.#queue.add(entry.replicaId);
    this.#queue.add(NETWORKS);
    this.#queue.add(VOLUMES);
  }
}

type Deed = Exclude<Step, { do: 'rest' }>;

const toBeTold = (step: Deed): Telling | null => ('tell' in step && !('silent' in step && step.silent) ? step.tell : null);

const GO_ON = Symbol('go on');

/** No replicas' ids: the keys of all networks, and of all volumes. */
const NETWORKS = 'networks';
const VOLUMES = 'volumes';
