import type { Assignment } from '#contracts';
import type { ContainerState } from '#docker';
import type { ReplicaMemory } from './replica-memory.ts';
import { giveUp, say, type Step, type Surroundings, type Telling } from './step.ts';

/** The way to a container that may be started: its image, its network, itself. Nothing of the replica that it `replaces` is touched:
 *  what can go wrong on this way goes wrong while that one still serves. */
export function planPreparation(wanted: Assignment, memory: ReplicaMemory, around: Surroundings): Step {
  const preparing: Telling = { run: memory.run, state: 'PREPARING', final: false, reason: memory.trouble?.reason ?? null };
  const { spec } = wanted;
  if (memory.observed === null) return { do: 'note', tell: preparing, remember: {} };
  const wait = waitOf(wanted, memory, around);
  if (wait > 0) return { do: 'rest', forMs: wait };
  if (spec.pullPolicy === 'never' && around.image === null) return giveUp(memory, say('image_not_found', `${spec.image} isn't on this node, and its pull policy is "never"`));
  if ((spec.pullPolicy === 'always' && !memory.pulled) || around.image === null) return { do: 'pull', tell: preparing };
  if (!runsOn(around.image.architecture, around.architecture)) {
    return giveUp(memory, say('image_architecture', `${spec.image} is made for ${around.image.architecture}, this node is ${around.architecture}`));
  }
  return { do: 'make', tell: preparing };
}

/** 64-bit processors run their 32-bit images too; an image that names no architecture gets the benefit of the doubt. */
const runsOn = (image: string, node: string): boolean => image === '' || image === node || (node === 'amd64' && image === '386') || (node === 'arm64' && image === 'arm');

/** Made, it says so and waits for the end of the one that it replaces. Null: it may start. The removal is heard of; looking again is for
 *  a word that got lost. */
export function planWaitForReplaced(memory: ReplicaMemory, around: Surroundings, container: ContainerState): Step | null {
  if (around.replacedGone || memory.phase !== 'preparing' || container.startedAt !== null) return null;
  if (memory.observed?.state === 'PREPARED') return { do: 'rest', forMs: 1_000 };
  return { do: 'note', tell: { run: memory.run, state: 'PREPARED', final: false, reason: null }, remember: { trouble: null } };
}

/** Milliseconds until the next attempt; 0: now. */
export function waitOf(wanted: Assignment, memory: ReplicaMemory, around: Surroundings): number {
  const { trouble } = memory;
  const held = trouble !== null && (trouble.reason.code !== 'subnet_taken' || trouble.subnet === wanted.network.subnet) ? trouble.retryAt - around.now : 0;
  const restart = memory.notBefore === null ? 0 : memory.notBefore - around.now;
  return Math.ceil(Math.max(0, held, restart));
}
