import { formatImageReference, parseImageReference } from '../image/reference.ts';
import type { ObservedReplica } from './observed.ts';
import type { RolloutInput, RolloutPlan } from './rollout-plan.ts';

/** What the first replica of a release that wasn't pinned yet was made from. The registry's word comes before an image id, so that of two
 *  nodes that pulled at the same time the log decides. */
export function planPin({ service, observed }: Pick<RolloutInput, 'service' | 'observed'>): RolloutPlan['pin'] {
  const unpinned = observed.filter(({ order, image }) => image !== null && service.releases.has(order.release) && !service.pins.has(order.release));
  const told = unpinned.find(({ image }) => image!.digest !== null) ?? unpinned[0];
  return told ? pinOf(told, service.releases.get(told.order.release)!.image) : null;
}

function pinOf({ order, image }: ObservedReplica, reference: string): RolloutPlan['pin'] {
  const { imageId, digest } = image!;
  const pinned = digest === null ? imageId : formatImageReference({ ...parseImageReference(reference), tag: null, digest });
  return { release: order.release, reference: pinned, digest, imageId };
}
