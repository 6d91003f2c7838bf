import { subjects, type AgentStand, type AssignmentSet, type Bus, type ChunkReply, type Clock, type Logger, type LogsReply, type LogsRequest, type Random, type SetChunk } from '#contracts';
import type { ContainerRuntime, EngineInfo } from '#docker';
import { SetAssembler } from '#messaging';
import { AppliedSet } from './applied-set.ts';
import { Converger } from './converge.ts';
import type { Disk } from './disk.ts';
import { factsOf, publishAddressOf, type NodeSettings } from './facts.ts';
import { loadIdentity, type Identity } from './identity.ts';
import { Journal, JournalSender } from './journal.ts';
import { Output } from './output.ts';
import { Registration } from './registration.ts';
import { Memories } from './replica-memory.ts';
import { Reporter } from './report.ts';
import { retryDelayMs } from './restart-delay.ts';

export interface AgentOptions {
  readonly runtime: ContainerRuntime;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly disk: Disk;
  readonly installation: string;
  readonly settings: NodeSettings;
  /** Where a new key pair comes from; default the system's. */
  readonly entropy?: (bytes: number) => Uint8Array;
}

/** The engine is looked at whole this often, whatever its events said. */
const RESYNC_MS = 30_000;
const WATCH_RETRY_MS = 1_000;
const PRUNE_MS = 3_600_000;
const MAX_LOG_LINES = 10_000;

/** All that runs on one Docker host: takes the node's set, converges the engine to it, and says what it sees. Everything it
 *  needs is handed in; ending it leaves every container as it is. */
export class Agent {
  readonly #aborter = new AbortController();
  readonly #ends: (() => void)[] = [];
  readonly #running: Promise<void>[] = [];
  #parts: Parts | null = null;

  private constructor(
    private readonly options: AgentOptions,
    readonly identity: Identity,
    private readonly applied: AppliedSet,
    private readonly memories: Memories,
    private readonly journal: Journal,
  ) {}

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

  /** Begins as soon as the engine answers: a node without one is of no use, and isn't heard of. Returns at once. */
  start(): void {
    this.#running.push(this.#begin());
  }

  /** Ends everything but the containers. */
  async stop(): Promise<void> {
    this.#aborter.abort();
    for (const end of this.#ends.splice(0).reverse()) end();
    await this.#parts?.output.close();
    await this.#parts?.converger.stop();
    await Promise.all(this.#running);
  }

  get stand(): AgentStand {
    return this.applied.stand;
  }

  /** Whether the engine answered and a monitor has taken the node in. */
  get ready(): { readonly engine: boolean; readonly registered: boolean } {
    return { engine: this.#parts !== null, registered: this.#parts?.registration.registered ?? false };
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
    this.#ends.push(parts.sender.start(), parts.registration.start(), parts.reporter.start(), ...this.#serve(parts));
    this.#running.push(this.#watch(parts), this.#resync(parts), this.#prune(parts));
    this.options.logger.info('agent started', { node_id: this.identity.nodeId, engine: engine.engineVersion, applied_revision: this.stand.applied?.revision ?? null });
  }

  /** Asks until it answers. @returns null when stopped before that. */
  async #engine(): Promise<EngineInfo | null> {
    const { runtime, clock, random, logger } = this.options;
    for (let attempt = 1; !this.#aborter.signal.aborted; attempt += 1) {
      try {
        return await runtime.info();
      } catch (error) {
        logger.warn('the engine does not answer, trying on', { error });
        await clock.sleep(Math.min(retryDelayMs(attempt, random()), 10_000), this.#aborter.signal);
      }
    }
    return null;
  }

  #assemble(engine: EngineInfo): Parts {
    const { bus, clock, random, logger, settings, installation } = this.options;
    const { applied, memories, journal } = this;
    const output = new Output(this.options);
    const host = { installation, cpus: engine.cpus, architecture: engine.architecture, publishOn: publishAddressOf(settings.address) };
    const sender = new JournalSender({ journal, nodeId: this.identity.nodeId, bus, clock, random, logger });
    return {
      output,
      sender,
      converger: new Converger({ ...this.options, host, applied, memories, journal, output }),
      registration: new Registration({ request: { ...this.identity, facts: factsOf(engine, settings) }, bus, clock, random, logger }),
      reporter: new Reporter({ applied, memories, sender, bus, clock, logger }),
    };
  }

  #serve({ output, converger, reporter }: Parts): (() => void)[] {
    const { bus } = this.options;
    const { nodeId } = this.identity;
    const assembler = new SetAssembler();
    // One set after the other: the second is judged by what the first has left.
    let turn: Promise<unknown> = Promise.resolve();
    const offer = (set: AssignmentSet): Promise<AgentStand> => {
      const taken = turn.then(() => this.applied.offer(set));
      turn = taken.then(() => converger.onApplied(), () => undefined);
      return taken;
    };
    return [
      bus.subscribe<SetChunk>(subjects.set(nodeId), async (chunk): Promise<ChunkReply> => {
        const set = assembler.take(chunk);
        if (set === null) return { stand: null };
        const before = this.stand;
        const stand = await offer(set);
        if (before.applied?.eventId !== stand.applied?.eventId) reporter.heartbeat();
        return { stand };
      }),
      bus.subscribe<LogsRequest>(subjects.logs(nodeId), ({ replicaId, tail }): Promise<LogsReply> => output.read(replicaId, Math.min(tail, MAX_LOG_LINES))),
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

  async #prune({ output }: Parts): Promise<void> {
    const { clock, logger } = this.options;
    const { signal } = this.#aborter;
    for (; !signal.aborted; await clock.sleep(PRUNE_MS, signal)) {
      await output.prune((replicaId) => this.applied.find(replicaId) !== null).catch((error: unknown) => logger.warn('old output not removed', { error }));
    }
  }

  async #lookAtAll(converger: Converger): Promise<void> {
    if (this.#aborter.signal.aborted) return;
    await converger.lookAtAll().catch((error: unknown) => this.options.logger.warn('the engine could not be looked at', { error }));
  }
}

interface Parts {
  readonly output: Output;
  readonly sender: JournalSender;
  readonly converger: Converger;
  readonly registration: Registration;
  readonly reporter: Reporter;
}
