import { randomBytes } from 'node:crypto';
import { subjects, type AgentStand, type AssignmentSet, type Bus, type ChunkReply, type Clock, type ImageReply, type ImageRequest, type Logger, type LogsRequest, type LogsTailRequest, type SamplesRequest, type Random, type SetChunk, type VolumeUsageRequest } from '#contracts';
import { EngineError, type ContainerRuntime, type EngineInfo } from '#docker';
import { SetAssembler } from '#messaging';
import { AppliedSet } from './applied-set.ts';
import { Converger } from './converge.ts';
import type { Disk } from './disk.ts';
import { factsOf, publishAddressOf, storageFacts, type NodeSettings } from './facts.ts';
import { GivenValues } from './given-values.ts';
import type { HostFiles } from './host-files.ts';
import { loadIdentity, type Identity } from './identity.ts';
import { Journal, JournalSender } from './journal.ts';
import { Output } from './output.ts';
import { DirectProbing, type Probing } from './probing.ts';
import { Registration } from './registration.ts';
import { Memories } from './replica-memory.ts';
import { Reporter } from './report.ts';
import { retryDelayMs } from './retry-delay.ts';
import { Sampler } from './sampler.ts';
import { engineOnly, type Storage } from './storage.ts';
import { Volumes } from './volumes.ts';
import { ValueClient } from './value-client.ts';

export interface AgentOptions {
  readonly runtime: ContainerRuntime;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly disk: Disk;
  /** Where containers are given files from. */
  readonly files: HostFiles;
  readonly installation: string;
  readonly settings: NodeSettings;
  /** How replicas are asked whether they are well; default over the network, by their own addresses. */
  readonly probing?: Probing;
  /** What of the host volumes are kept in; default what the engine does by itself. */
  readonly storage?: Storage;
  /** Where a new key pair and nonces come from; default the system's. */
  readonly entropy?: (bytes: number) => Uint8Array;
}

/** The engine is looked at whole this often, whatever its events said. */
const RESYNC_MS = 30_000;
const WATCH_RETRY_MS = 1_000;
const PRUNE_MS = 3_600_000;

/** All that runs on one Docker host: takes the node's set, converges the engine to it, and says what it sees. Everything it
 *  needs is handed in; ending it leaves every container as it is. */
export class Agent {
  readonly #aborter = new AbortController();
  readonly #ends: (() => void)[] = [];
  readonly #running: Promise<void>[] = [];
  readonly #output: Output;
  readonly #sender: JournalSender;
  readonly #reporter: Reporter;
  readonly #sampler: Sampler;
  readonly #volumes: Volumes;
  /** What needs the engine's own word first. */
  #parts: Parts | null = null;
  /** Why the engine doesn't answer; null while it does. */
  #engineTrouble: string | null = 'it has not answered yet';

  private constructor(
    private readonly options: AgentOptions,
    readonly identity: Identity,
    private readonly applied: AppliedSet,
    private readonly memories: Memories,
    private readonly journal: Journal,
  ) {
    const { nodeId } = identity;
    this.#output = new Output(options);
    this.#sampler = new Sampler({ ...options, applied, memories });
    this.#volumes = new Volumes({ ...options, storage: this.#storage, host: options, applied });
    this.#sender = new JournalSender({ ...options, journal, nodeId });
    this.#reporter = new Reporter({
      ...options, applied, memories, sender: this.#sender,
      engineTrouble: () => this.#engineTrouble, pulling: () => this.#parts?.converger.pulling ?? [], probes: () => this.#parts?.converger.probes ?? [], onPassed: (...word) => this.#parts?.converger.onPassed(...word),
    });
  }

  /** Reads what an earlier life left in the node's folder. @throws Error when that can't be used. */
  static async open(options: AgentOptions): Promise<Agent> {
    const { disk, clock, logger } = options;
    const identity = await loadIdentity(disk, options.entropy);
    const applied = new AppliedSet({ nodeId: identity.nodeId, disk, logger });
    const memories = new Memories(disk, clock);
    const journal = new Journal(disk);
    await applied.load();
    await memories.load((name, error) => logger.error('a memory of a replica is unreadable', { name, error }));
    await journal.load();
    return new Agent(options, identity, applied, memories, journal);
  }

  /** Is heard from now on, and takes sets; converges, and introduces its host, as soon as the engine answers: only that one knows
   *  what the host is. Returns at once. */
  start(): void {
    this.#ends.push(this.#sender.start(), this.#reporter.start(), ...this.#serve());
    this.#running.push(this.#begin());
  }

  /** Ends everything but the containers. */
  async stop(): Promise<void> {
    this.#aborter.abort();
    for (const end of this.#ends.splice(0).reverse()) end();
    await this.#output.close();
    await this.#parts?.converger.stop();
    await Promise.all(this.#running);
  }

  get stand(): AgentStand {
    return this.applied.stand;
  }

  /** Why the engine doesn't answer, and whether a monitor has taken the node in. */
  get ready(): { readonly engineTrouble: string | null; readonly registered: boolean } {
    return { engineTrouble: this.#engineTrouble, registered: this.#parts?.registration.registered ?? false };
  }

  /** Nothing to do at the moment. For specs. */
  async idle(): Promise<void> {
    await this.#parts?.converger.idle();
  }

  async #begin(): Promise<void> {
    const engine = await this.#engine();
    if (engine === null) return;
    const parts = (this.#parts = this.#assemble(engine));
    parts.converger.start();
    this.#ends.push(parts.registration.start());
    this.#running.push(this.#watch(parts), this.#resync(parts), this.#prune(), this.#sampler.run(this.#aborter.signal));
    this.options.logger.info('agent started', { node_id: this.identity.nodeId, engine: engine.engineVersion, applied_revision: this.stand.applied?.revision ?? null });
  }

  /** Asks until it answers. @returns null when stopped before that. */
  async #engine(): Promise<EngineInfo | null> {
    const { runtime, clock, random, logger } = this.options;
    for (let attempt = 1; !this.#aborter.signal.aborted; attempt += 1) {
      try {
        const engine = await runtime.info();
        this.#heardOfEngine(null);
        return engine;
      } catch (error) {
        logger.warn('the engine does not answer, trying on', { error });
        this.#heardOfEngine((error as Error).message);
        await clock.sleep(Math.min(retryDelayMs(attempt, random()), 10_000), this.#aborter.signal);
      }
    }
    return null;
  }

  /** The first to know are those who hear this node: what it says of its containers is worth as much as its engine's word. */
  #heardOfEngine(trouble: string | null): void {
    const before = this.#engineTrouble;
    this.#engineTrouble = trouble;
    if ((before === null) === (trouble === null) || this.#aborter.signal.aborted) return;
    this.#reporter.heartbeat();
    if (trouble === null) void this.#reporter.report();
  }

  #assemble(engine: EngineInfo): Parts {
    const { settings, installation, bus, files, entropy = randomBytes } = this.options;
    const given = new GivenValues(new ValueClient({ bus, identity: this.identity, entropy }), files);
    const host = { installation, cpus: engine.cpus, architecture: engine.architecture, publishOn: publishAddressOf(settings.address) };
    const probing = this.options.probing ?? new DirectProbing(this.options);
    const { nodeId, publicKey } = this.identity;
    const request = { nodeId, publicKey, facts: { ...factsOf(engine, settings), ...storageFacts(this.#storage, engine) } };
    return {
      converger: new Converger({ ...this.options, host, applied: this.applied, memories: this.memories, journal: this.journal, output: this.#output, probing, volumes: this.#volumes, given }),
      registration: new Registration({ ...this.options, request }),
    };
  }

  get #storage(): Storage {
    return this.options.storage ?? engineOnly;
  }

  #serve(): (() => void)[] {
    const { bus } = this.options;
    const { nodeId } = this.identity;
    const assembler = new SetAssembler();
    // One set after the other: the second is judged by what the first has left.
    let turn: Promise<unknown> = Promise.resolve();
    const offer = (set: AssignmentSet): Promise<AgentStand> => {
      const taken = turn.then(() => this.applied.offer(set));
      turn = taken.then(() => this.#parts?.converger.onApplied(), () => undefined);
      return taken;
    };
    return [
      bus.subscribe<SetChunk>(subjects.set(nodeId), async (chunk): Promise<ChunkReply> => {
        const set = assembler.take(chunk);
        if (set === null) return { stand: null };
        const before = this.stand;
        const stand = await offer(set);
        if (before.applied?.eventId !== stand.applied?.eventId) this.#reporter.heartbeat();
        return { stand };
      }),
      bus.subscribe<LogsRequest>(subjects.logs(nodeId), (request) => this.#output.read(request)),
      bus.subscribe<ImageRequest>(subjects.image(nodeId), async ({ reference }): Promise<ImageReply> => ({ present: (await this.options.runtime.findImage(reference)) !== null })),
      bus.subscribe<SamplesRequest>(subjects.samples(nodeId), (request) => this.#sampler.page(nodeId, request)),
      bus.subscribe<VolumeUsageRequest>(subjects.volumeUsage(nodeId), (request) => this.#volumes.usage(request)),
      bus.subscribe<LogsTailRequest>(subjects.logsTail(nodeId), (request) => this.#output.readTail(request)),
    ];
  }

  /** Hears of containers as it happens; what was missed between two hearings is looked up. */
  async #watch({ converger }: Parts): Promise<void> {
    const { runtime, clock, logger } = this.options;
    const { signal } = this.#aborter;
    while (!signal.aborted) {
      // Once now, and once when the events are surely being heard.
      void this.#lookAtAll(converger);
      const cancelLook = clock.after(2 * WATCH_RETRY_MS, () => void this.#lookAtAll(converger));
      try {
        for await (const { containerId } of runtime.watch(signal)) converger.onEvent(containerId);
      } catch (error) {
        logger.warn('the engine tells no events, trying on', { error });
      }
      cancelLook();
      await clock.sleep(WATCH_RETRY_MS, signal);
    }
  }

  async #resync({ converger }: Parts): Promise<void> {
    const { clock } = this.options;
    const { signal } = this.#aborter;
    for (await clock.sleep(RESYNC_MS, signal); !signal.aborted; await clock.sleep(RESYNC_MS, signal)) await this.#lookAtAll(converger);
  }

  async #prune(): Promise<void> {
    const { clock, logger } = this.options;
    const { signal } = this.#aborter;
    for (; !signal.aborted; await clock.sleep(PRUNE_MS, signal)) {
      await this.#output.prune((replicaId) => this.applied.find(replicaId) !== null).catch((error: unknown) => logger.warn('old output not removed', { error }));
    }
  }

  async #lookAtAll(converger: Converger): Promise<void> {
    if (this.#aborter.signal.aborted) return;
    try {
      await converger.lookAtAll();
      this.#heardOfEngine(null);
    } catch (error) {
      this.options.logger.warn('the engine could not be looked at', { error });
      if (error instanceof EngineError && error.code === 'engine_unreachable') this.#heardOfEngine(error.message);
    }
  }
}

interface Parts {
  readonly converger: Converger;
  readonly registration: Registration;
}
