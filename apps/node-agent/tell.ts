import type { Clock, Logger } from '#contracts';
import type { ContainerState } from '#docker';
import type { Observation } from '#domain';
import { sameWord, type Journal } from './journal.ts';
import { observationOf } from './observation.ts';
import type { ReplicaMemory } from './replica-memory.ts';
import type { Telling } from './step.ts';

/** Puts what is seen of replicas into the journal. */
export class Teller {
  constructor(private readonly options: { readonly journal: Journal; readonly clock: Clock; readonly logger: Logger }) {}

  /** Journals it unless it was the last word on the replica already. @returns what is to be remembered of that */
  async tell(telling: Telling, memory: ReplicaMemory, container: ContainerState | null): Promise<Pick<ReplicaMemory, 'observed' | 'untold'>> {
    const { journal, clock, logger } = this.options;
    const observation: Observation = observationOf(telling, memory, container, { wall: clock.now(), now: clock.monotonic() });
    const { observed, untold } = memory;
    if (observed && sameWord(observed, observation)) return { observed, untold };
    await journal.append(observation);
    const { replicaId, run, state, final, health, reason } = observation;
    logger.info('replica observed', { replica_id: replicaId, run, state, final, health, reason: reason?.code ?? null });
    return { observed: observation, untold: null };
  }
}
