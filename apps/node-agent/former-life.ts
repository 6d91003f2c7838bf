import type { Assignment, Passed } from '#contracts';
import type { ContainerState } from '#docker';
import type { Observation, ReplicaId } from '#domain';
import type { Output } from './output.ts';
import type { Memories, ReplicaMemory } from './replica-memory.ts';
import type { Teller } from './tell.ts';

export interface FormerLifeOptions {
  readonly memories: Memories;
  readonly output: Output;
  readonly teller: Teller;
  readonly containerOf: (replicaId: ReplicaId) => Promise<ContainerState | null>;
}

/** What the log knows of an agent that the agent does not: where it lost its folder it counts runs from what the log knew at its first set, and late words of its
 *  former life may have passed that since. */
export class FormerLife {
  /** The last run that the log knows of a replica, and the run that was told when the log answered so. */
  readonly #passed = new Map<ReplicaId, { readonly run: number; readonly told: number | undefined }>();

  constructor(private readonly options: FormerLifeOptions) {}

  /** Takes the answer to a report. @param told what was reported. */
  learn(passed: readonly Passed[], told: readonly Observation[]): void {
    for (const { replicaId, run } of passed) this.#passed.set(replicaId, { run, told: told.find((word) => word.replicaId === replicaId)?.run });
  }

  /** Brings a replica past the runs of the former life: whatever runs is begun anew, beyond those, or nothing that is said of it would ever be heard; and what has
   *  ended has ended in the last run of all. A job's has one run. @returns what is remembered of it from now on; the same, where the log has not passed it or it
   *  has gone on since that was told. A repeat changes nothing. */
  async passOn({ owner, replicaId }: Assignment, memory: ReplicaMemory): Promise<ReplicaMemory> {
    const passed = this.#passed.get(replicaId);
    this.#passed.delete(replicaId);
    if (!passed || passed.told !== memory.run || passed.run < memory.run || owner.type === 'job') return memory;
    if (memory.phase === 'running') return this.#beginAnew(memory, passed.run);
    return memory.phase === 'ended' ? this.#tellItsEnd(memory, passed.run) : memory;
  }

  async #beginAnew(memory: ReplicaMemory, run: number): Promise<ReplicaMemory> {
    const { memories, output } = this.options;
    const beyond: ReplicaMemory = { ...memory, run, phase: 'ended', startedAt: null };
    await memories.save(beyond);
    output.leave(memory.replicaId);
    return beyond;
  }

  async #tellItsEnd(memory: ReplicaMemory, run: number): Promise<ReplicaMemory> {
    if (memory.observed === null) return memory;
    const { memories, teller, containerOf } = this.options;
    const { state, final, reason } = memory.observed;
    const told = await teller.tell({ run, state, final, reason }, memory, await containerOf(memory.replicaId));
    const last: ReplicaMemory = { ...memory, ...told, run };
    await memories.save(last);
    return last;
  }
}
