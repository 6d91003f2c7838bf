import type { Assignment, Clock, Heartbeat } from '#contracts';
import { containerPlanOf, networkPlanOf, type ContainerRuntime, type Host } from '#docker';
import { formatBytes, quarterOf, type PullProgress, type ReplicaId } from '#domain';
import type { AppliedSet } from './applied-set.ts';
import type { GivenValues } from './given-values.ts';
import { Pulls } from './pulls.ts';
import type { Memories, ReplicaMemory } from './replica-memory.ts';
import type { Teller } from './tell.ts';
import type { Turns } from './turns.ts';
import type { Volumes } from './volumes.ts';

/** A pull is worth a word in the log once it has lasted this long, and for each further quarter, at most so often. The rest is for
 *  heartbeats. */
const FIRST_WORD_MS = 2_000;
const NEXT_WORD_MS = 5_000;

interface Waiting {
  readonly aborter: AbortController;
  readonly image: string;
  /** Whose credentials the registry is shown: pulls with others are others. */
  readonly name: string;
}

/** Brings an image and a container onto the node, and says how far that is. */
export class Preparer {
  readonly #pulls: Pulls;
  readonly #waiting = new Map<ReplicaId, Waiting>();
  readonly #stopping = new AbortController();

  constructor(
    private readonly options: {
      readonly runtime: ContainerRuntime;
      readonly host: Host;
      readonly applied: AppliedSet;
      readonly memories: Memories;
      readonly given: GivenValues;
      readonly teller: Teller;
      /** Shared with whoever starts them. */
      readonly starts: Turns;
      readonly clock: Clock;
      readonly volumes: Volumes;
    },
  ) {
    this.#pulls = new Pulls(options.runtime, options.clock);
  }

  /** Gives up whatever is being pulled. */
  stop(): void {
    this.#stopping.abort();
  }

  /** Gives up what no replica waits for any more. */
  giveUpUnwanted(): void {
    for (const [replicaId, { aborter }] of this.#waiting) if (!this.#isWanted(replicaId)) aborter.abort();
  }

  /** How far the pulls are that replicas wait for. */
  get pulling(): NonNullable<Heartbeat['pulling']> {
    return [...this.#waiting].map(([replicaId, { image, name }]) => ({ replicaId, image, ...(this.#pulls.progressOf(image, { name }) ?? NOTHING_YET) }));
  }

  /** @throws EngineError as a pull does, and as a value that can't be had */
  async pull(assignment: Assignment): Promise<void> {
    const { memories, given } = this.options;
    const { replicaId, spec: { image, registryCredentials } } = assignment;
    const as = { credentials: await given.credentialsOf(assignment), name: registryCredentials ? `${registryCredentials.secretId}@${registryCredentials.version}` : '' };
    const aborter = new AbortController();
    const waiting = { aborter, image, name: as.name };
    this.#waiting.set(replicaId, waiting);
    const ended = new AbortController();
    const words = this.#sayHowFar(replicaId, waiting, ended.signal);
    try {
      // The set may have changed since the plan was made.
      if (!this.#isWanted(replicaId)) return;
      const there = await this.#pulls.pull(image, AbortSignal.any([aborter.signal, this.#stopping.signal]), as);
      ended.abort();
      await words;
      if (there) await memories.save({ ...memories.get(replicaId)!, pulled: true, trouble: null });
    } finally {
      ended.abort();
      await words;
      this.#waiting.delete(replicaId);
    }
  }

  /** The network and the volumes, and the container in them. @returns the container's id. @throws EngineError */
  async make(assignment: Assignment, memory: ReplicaMemory): Promise<string> {
    const { runtime, host, memories, starts, volumes, given } = this.options;
    const values = await given.forMaking(assignment);
    const containerId = await starts.take(async () => {
      await volumes.ensure(assignment);
      await runtime.ensureNetwork(networkPlanOf(assignment, host.installation));
      return runtime.createContainer(containerPlanOf(assignment, host, values));
    });
    await memories.save({ ...memory, containerId, trouble: null });
    return containerId;
  }

  async #sayHowFar(replicaId: ReplicaId, { image, name }: Waiting, ended: AbortSignal): Promise<void> {
    const { clock, memories, teller } = this.options;
    let told = -1;
    for (await clock.sleep(FIRST_WORD_MS, ended); !ended.aborted; await clock.sleep(NEXT_WORD_MS, ended)) {
      const [memory, progress] = [memories.get(replicaId), this.#pulls.progressOf(image, { name })];
      if (memory === null || progress === null || quarterOf(progress) <= told) continue;
      // What went wrong before says more than that it is tried again.
      if (memory.trouble !== null && progress.doneBytes === 0) continue;
      told = quarterOf(progress);
      const reason = { code: 'pulling', message: sentence(image, progress) };
      await memories.save({ ...memory, ...(await teller.tell({ run: memory.run, state: 'PREPARING', final: false, reason, pull: progress }, memory, null)) });
    }
  }

  #isWanted(replicaId: ReplicaId): boolean {
    return this.options.applied.find(replicaId)?.wanted === 'run';
  }
}

const NOTHING_YET: PullProgress = { doneBytes: 0, totalBytes: 0 };

const sentence = (image: string, { doneBytes, totalBytes }: PullProgress): string =>
  totalBytes === 0 ? `pulling ${image}` : `pulling ${image}: ${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}`;
