import type { Assignment, Clock, Logger, ReplicaSample, SamplesReply, SamplesRequest } from '#contracts';
import type { ContainerRuntime, ContainerUsage } from '#docker';
import type { NodeId, ReplicaId } from '#domain';
import type { AppliedSet } from './applied-set.ts';
import type { Memories } from './replica-memory.ts';

const EVERY_MS = 10_000;
/** Two looks soon after the start, so that there is a rate before the next regular one. */
const SECOND_LOOK_MS = 1_000;
/** Of a run that began this long before the first look, the mean since its start is as good as a rate. */
const YOUNG_MS = 15_000;
/** Some hundred bytes each: a page stays far below what the bus takes. */
const PAGE = 1_000;

/** Looks every 10 s at what the running containers take, all in one pass, and keeps the last look. Samples are no events: who wants
 *  them asks. */
export class Sampler {
  #samples = new Map<ReplicaId, ReplicaSample>();

  constructor(
    private readonly options: {
      readonly runtime: ContainerRuntime;
      readonly applied: AppliedSet;
      readonly memories: Memories;
      readonly clock: Clock;
      readonly logger: Logger;
    },
  ) {}

  /** Samples until aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.options;
    for (let wait = SECOND_LOOK_MS; !signal.aborted; wait = EVERY_MS) {
      await this.look().catch((error: unknown) => logger.warn('containers not sampled', { error }));
      await clock.sleep(wait, signal);
    }
  }

  /** One pass. @throws EngineError when the engine doesn't answer; the samples before stay, with their times. */
  async look(): Promise<void> {
    const { runtime, applied, memories } = this.options;
    const running = new Map<string, Assignment>();
    for (const entry of applied.entries ?? []) {
      const memory = memories.get(entry.replicaId);
      if (memory?.phase === 'running' && memory.containerId) running.set(memory.containerId, entry);
    }
    const usages = await runtime.usage([...running.keys()]);
    this.#samples = new Map(
      usages.map((usage) => {
        const entry = running.get(usage.id)!;
        return [entry.replicaId, this.#sampleOf(entry, usage)];
      }),
    );
  }

  /** A page of what was seen last. */
  page(nodeId: NodeId, { ownerId, after }: SamplesRequest): SamplesReply {
    const wanted = [...this.#samples.values()]
      .filter(({ owner, replicaId }) => (ownerId === null || owner.id === ownerId) && (after === null || replicaId > after))
      .sort((a, b) => (a.replicaId < b.replicaId ? -1 : 1));
    const samples = wanted.slice(0, PAGE);
    return { nodeId, samples, next: wanted.length > PAGE ? samples.at(-1)!.replicaId : null };
  }

  #sampleOf({ replicaId, owner, projectId, environmentId, spec }: Assignment, usage: ContainerUsage): ReplicaSample {
    return {
      replicaId, owner, projectId, environmentId,
      image: spec.image,
      exported: spec.metricsTarget.type === 'prometheus',
      at: usage.at,
      cpuMillis: this.#cpuMillis(replicaId, usage),
      cpuSeconds: usage.cpuNanos / 1e9,
      memoryBytes: usage.memoryBytes,
      workingSetBytes: usage.workingSetBytes,
      memoryLimitBytes: spec.resources.limit.memoryBytes,
      cpuLimitMillis: spec.resources.limit.cpuMillis,
      receivedBytes: usage.receivedBytes,
      sentBytes: usage.sentBytes,
    };
  }

  /** A run that began between two looks has taken less than the one before it: it is measured from its own start. */
  #cpuMillis(replicaId: ReplicaId, { at, cpuNanos }: ContainerUsage): number | null {
    const before = this.#samples.get(replicaId);
    const startedAt = Date.parse(this.options.memories.get(replicaId)?.startedAt ?? '');
    const now = Date.parse(at);
    if (before && Date.parse(before.at) >= now) return before.cpuMillis;
    const isSameRun = before !== undefined && cpuNanos / 1e9 >= before.cpuSeconds && !(startedAt > Date.parse(before.at));
    if (isSameRun) return millis(cpuNanos / 1e9 - before.cpuSeconds, now - Date.parse(before.at));
    return now - startedAt <= YOUNG_MS ? millis(cpuNanos / 1e9, now - startedAt) : null;
  }
}

/** Thousandths of a core. */
const millis = (cpuSeconds: number, ms: number): number | null => (ms > 0 ? Math.round((cpuSeconds * 1e6) / ms) : null);
