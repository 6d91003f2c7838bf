import type { ContainerState } from '#docker';
import type { Observation } from '#domain';
import type { Telling } from './step.ts';
import { UNKNOWN_CONTAINER, type ReplicaMemory } from './replica-memory.ts';

const IS_UP: ReadonlySet<Observation['state']> = new Set(['RUNNING', 'SETTLED']);
const HAS_ENDED: ReadonlySet<Observation['state']> = new Set(['COMPLETED', 'FAILED', 'STOPPED', 'GONE']);

/** What is told, filled in from the container; where there is none any more, from what was last seen of the same run.
 *  @param now milliseconds since the epoch. */
export function observationOf(telling: Telling, memory: ReplicaMemory, container: ContainerState | null, now: number): Observation {
  const before = memory.observed?.run === telling.run ? memory.observed : null;
  return {
    replicaId: memory.replicaId,
    ...telling,
    ...whichOf(memory, container),
    ...(telling.reason?.code === 'subnet_taken' && memory.trouble ? { subnet: memory.trouble.subnet } : {}),
    ...(HAS_ENDED.has(telling.state) ? exitOf(container ?? before) : NO_EXIT),
    health: 'unknown',
    address: IS_UP.has(telling.state) ? (container?.address ?? null) : null,
    at: new Date(now).toISOString(),
  };
}

function whichOf(memory: ReplicaMemory, container: ContainerState | null): Pick<Observation, 'containerId' | 'imageId'> {
  if (container) return { containerId: container.id, imageId: container.imageId };
  return { containerId: memory.containerId === UNKNOWN_CONTAINER ? null : memory.containerId, imageId: memory.imageId };
}

const NO_EXIT = { exitCode: null, oomKilled: false } as const;

const exitOf = (seen: Pick<Observation, 'exitCode' | 'oomKilled'> | null): Pick<Observation, 'exitCode' | 'oomKilled'> =>
  seen ? { exitCode: seen.exitCode, oomKilled: seen.oomKilled } : NO_EXIT;
