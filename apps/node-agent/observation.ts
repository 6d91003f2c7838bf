import type { ContainerState } from '#docker';
import type { Observation, RestartTally } from '#domain';
import { UNKNOWN_CONTAINER, type ReplicaMemory } from './replica-memory.ts';
import type { Untold } from './restart.ts';
import type { Telling } from './step.ts';

const IS_UP: ReadonlySet<Observation['state']> = new Set(['RUNNING', 'SETTLED']);
const HAS_ENDED: ReadonlySet<Observation['state']> = new Set(['COMPLETED', 'FAILED', 'STOPPED', 'GONE']);

/** What is told, filled in from the container; where there is none any more, from what was last seen of the same run.
 *  @param at the present, by both clocks */
export function observationOf(telling: Telling, memory: ReplicaMemory, container: ContainerState | null, at: { readonly wall: number; readonly now: number }): Observation {
  const before = memory.observed?.run === telling.run ? memory.observed : null;
  const { pull, ...told } = telling;
  return {
    replicaId: memory.replicaId,
    ...told,
    ...whichOf(memory, container),
    ...(telling.reason?.code === 'subnet_taken' && memory.trouble?.subnet ? { subnet: memory.trouble.subnet } : {}),
    ...(pull ? { pull } : {}),
    ...(HAS_ENDED.has(telling.state) ? exitOf(container ?? before) : NO_EXIT),
    ...healthOf(telling, before),
    ...(memory.untold ? { restarts: tallyOf(memory.untold, at) } : {}),
    address: IS_UP.has(telling.state) ? (container?.address ?? null) : null,
    at: new Date(at.wall).toISOString(),
  };
}

/** Its health stays what it was until something else is told; one that doesn't run has none. */
function healthOf(telling: Telling, before: Observation | null): Pick<Observation, 'health' | 'healthChange'> {
  const health = IS_UP.has(telling.state) ? (telling.health ?? before?.health ?? 'unknown') : 'unknown';
  const changes = (before?.healthChange ?? 0) + (before !== null && before.health !== 'unknown' && health !== 'unknown' && health !== before.health ? 1 : 0);
  return changes > 0 ? { health, healthChange: changes } : { health };
}

function tallyOf({ count, firstAt, lastAt, causes }: Untold, { wall, now }: { readonly wall: number; readonly now: number }): RestartTally {
  const time = (then: number): string => new Date(wall - (now - then)).toISOString();
  return { count, firstAt: time(firstAt), lastAt: time(lastAt), causes };
}

function whichOf(memory: ReplicaMemory, container: ContainerState | null): Pick<Observation, 'containerId' | 'imageId' | 'imageDigest'> {
  const digest = memory.imageDigest === null ? {} : { imageDigest: memory.imageDigest };
  if (container) return { containerId: container.id, imageId: container.imageId, ...digest };
  return { ...digest, containerId: memory.containerId === UNKNOWN_CONTAINER ? null : memory.containerId, imageId: memory.imageId };
}

const NO_EXIT = { exitCode: null, oomKilled: false } as const;

const exitOf = (seen: Pick<Observation, 'exitCode' | 'oomKilled'> | null): Pick<Observation, 'exitCode' | 'oomKilled'> =>
  seen ? { exitCode: seen.exitCode, oomKilled: seen.oomKilled } : NO_EXIT;
