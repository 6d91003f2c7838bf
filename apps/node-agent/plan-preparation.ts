import type { Assignment } from '#contracts';
import { digestIn, type ContainerState } from '#docker';
import { isImageId, restartDelayMs, type ContainerSpec, type Reason, type ReplicaId } from '#domain';
import type { ReplicaMemory } from './replica-memory.ts';
import { retryDelayMs } from './retry-delay.ts';
import { giveUp, restUntil, say, type Step, type Surroundings, type Telling } from './step.ts';

/** The way to a container that may be started: its image, its network, itself. Nothing of the replica that it `replaces` is touched:
 *  what can go wrong on this way goes wrong while that one still serves. */
export function planPreparation(wanted: Assignment, memory: ReplicaMemory, around: Surroundings): Step {
  const preparing: Telling = { run: memory.run, state: 'PREPARING', final: false, reason: memory.trouble?.reason ?? null };
  const { spec } = wanted;
  const { image, now } = around;
  if (memory.observed === null || memory.preparingSince === null) return { do: 'note', tell: memory.observed === null ? preparing : null, remember: { preparingSince: now } };
  const late = wanted.timeoutMs === null ? Infinity : memory.preparingSince + JOB_PREPARATION_MS;
  if (now >= late) return giveUp(memory, tooLate(memory));
  const wait = waitOf(wanted, memory, around);
  if (wait > 0) return restUntil(Math.min(now + wait, late), now);
  if (image === null && mayNotPull(spec)) {
    return giveUp(memory, say('image_not_found', isImageId(spec.image) ? `no registry gives an image by its id, and ${spec.image} isn't on this node` : `${spec.image} isn't on this node, and its pull policy is "never"`));
  }
  if (image === null || isPulledAnyway(spec, memory)) return { do: 'pull', tell: preparing };
  if (!runsOn(image.architecture, around.architecture)) {
    return giveUp(memory, say('image_architecture', `${spec.image} is made for ${image.architecture}, this node is ${around.architecture}`));
  }
  return { do: 'make', tell: preparing, remember: { imageDigest: digestIn(spec.image, image.repoDigests) } };
}

/** A job has no deployment that would give it up: one whose image doesn't come has failed after this. */
const JOB_PREPARATION_MS = 600_000;

const tooLate = ({ trouble }: ReplicaMemory): Reason =>
  say('preparation_deadline', `it could not be prepared within ${JOB_PREPARATION_MS / 60_000} min${trouble ? `: ${trouble.reason.message}` : ''}`);

const mayNotPull = ({ pullPolicy, image }: ContainerSpec): boolean => pullPolicy === 'never' || isImageId(image);

/** What is named by its digest can't have become another since it was pulled. */
const isPulledAnyway = ({ pullPolicy, image }: ContainerSpec, { pulled }: ReplicaMemory): boolean =>
  pullPolicy === 'always' && !pulled && !isImageId(image) && !image.includes('@sha256:');

/** 64-bit processors run their 32-bit images too; an image that names no architecture gets the benefit of the doubt. */
const runsOn = (image: string, node: string): boolean => image === '' || image === node || (node === 'amd64' && image === '386') || (node === 'arm64' && image === 'arm');

/** Whether a replica has left for good, so that whoever replaces it may start: no container of it is there, and none will be made. One that is still on the
 *  list may be about to get its own, until it was said to be GONE. */
export const hasLeft = (replaced: { readonly isListed: boolean; readonly memory: ReplicaMemory | null; readonly container: ContainerState | null }): boolean =>
  replaced.container === null && (!replaced.isListed || replaced.memory?.observed?.state === 'GONE');

/** What a node's list says of a replica's place. */
type Place = Pick<Assignment, 'replicaId' | 'owner' | 'slot' | 'generation' | 'replaces'>;

/** The replicas that have to leave before this one may start: the one that it replaces, and, where that one was still waiting itself, what it was
 *  waiting for; and whoever was to come in their place before it, and may have begun though nobody has heard of it. The first is the nearest. A node's
 *  list names what is replaced only while it stands there: a chain ends with the list. */
export function replacedBy({ owner, slot, generation, replaces }: Place, list: readonly Place[]): readonly ReplicaId[] {
  const listed = new Map(list.map((place) => [place.replicaId, place]));
  const chain = new Set<ReplicaId>();
  for (let id = replaces; id && !chain.has(id); id = listed.get(id)?.replaces ?? null) chain.add(id);
  const before = list.filter((other) => other.owner.id === owner.id && other.slot === slot && other.generation < generation);
  for (const other of before) if (other.replaces && chain.has(other.replaces)) chain.add(other.replicaId);
  return [...chain];
}

/** Made, it says so and waits for the end of the one that it replaces. Null: it may start. The removal is heard of; looking again is for
 *  a word that got lost. */
export function planWaitForReplaced(memory: ReplicaMemory, around: Surroundings, container: ContainerState): Step | null {
  if (around.replacedGone || memory.phase !== 'preparing' || container.startedAt !== null) return null;
  if (memory.observed?.state === 'PREPARED') return { do: 'rest', forMs: 1_000 };
  return { do: 'note', tell: { run: memory.run, state: 'PREPARED', final: false, reason: null }, remember: { trouble: null } };
}

/** Milliseconds until the next attempt; 0: now. Never longer than such a wait is: a wall clock that was set back while the agent was
 *  away would make it so. */
export function waitOf(wanted: Assignment, memory: ReplicaMemory, around: Surroundings): number {
  const { trouble, notBefore, ends } = memory;
  const isHeld = trouble !== null && (trouble.reason.code !== 'subnet_taken' || wanted.networks.some(({ subnet }) => subnet === trouble.subnet));
  const held = isHeld ? Math.min(trouble.retryAt - around.now, retryDelayMs(trouble.times, 0)) : 0;
  const restart = notBefore === null ? 0 : Math.min(notBefore - around.now, restartDelayMs(wanted.spec.restartPolicy, ends, 0));
  return Math.ceil(Math.max(0, held, restart));
}
