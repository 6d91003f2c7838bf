import { type Amount, minus } from '../kernel/units.ts';
import { additionalRoom, freeRoom } from '../node/room.ts';
import type { Candidate, NodeForPlacement } from './candidate.ts';

/** What a node that fits is ranked by. */
export interface Rankable {
  readonly siblings: number;
  /** What stays free afterwards; 0 to 1, and 0 where it doesn't fit. */
  readonly free: number;
}

/** A band of the scale for each replica of the owner beyond the fewest; free room ranks within a band, and never beyond it. */
const BANDS = 10;
const BAND = 100 / BANDS;
const WITHIN_BAND = BAND - 0.01;

/** Ranks a node that fits: first where the owner has the fewest replicas, so that the loss of one node takes as few as
 *  possible, then where most room stays free. One where its release keeps failing is the last resort.
 *  @param fewest how many the owner has on the node where it has the fewest
 *  @returns 0 to 100, two decimals, higher is better */
export function score({ troubledOn }: Candidate, { nodeId }: NodeForPlacement, { siblings, free }: Rankable, fewest: number): number {
  if (troubledOn?.includes(nodeId)) return 0;
  const band = BANDS - 1 - Math.min(siblings - fewest, BANDS - 1);
  return Math.round((band * BAND + free * WITHIN_BAND) * 100) / 100;
}

/** What a score comes from, in words. */
export const scoreInWords = ({ owner, troubledOn }: Candidate, { nodeId }: NodeForPlacement, { siblings, free }: Rankable): string =>
  troubledOn?.includes(nodeId) ? 'its release has failed there too often of late' : `${siblings} of the same ${owner.type === 'job' ? 'job' : 'service'} there, ${Math.round(free * 100)}% free afterwards`;

/** How many replicas of the same owner the node holds, without the one that this replaces and those that are on their way out. */
export function siblingsOn({ owner, replaces }: Candidate, { node: { entries } }: NodeForPlacement): number {
  const replaced = replaces === null ? undefined : entries.get(replaces);
  const makesWay = replaced?.placement.owner.id === owner.id && replaced.wanted !== 'gone';
  return (ownersOf(entries).get(owner.id) ?? 0) - (makesWay ? 1 : 0);
}

type Entries = NodeForPlacement['node']['entries'];

/** How many of each owner a list holds, without those on their way out. A list is never changed, only replaced: it is counted once. */
function ownersOf(entries: Entries): ReadonlyMap<string, number> {
  const known = counts.get(entries);
  if (known) return known;
  const owners = new Map<string, number>();
  for (const { placement, wanted } of entries.values()) if (wanted !== 'gone') owners.set(placement.owner.id, (owners.get(placement.owner.id) ?? 0) + 1);
  counts.set(entries, owners);
  return owners;
}

const counts = new WeakMap<Entries, ReadonlyMap<string, number>>();

/** What stays free after it, of CPU or of memory, whichever is scarcer; 0 to 1. */
export function freeShare(candidate: Candidate, { node }: NodeForPlacement): number {
  const capacity = node.facts?.capacity;
  if (!capacity) return 0;
  const left = minus(freeRoom(node), additionalRoom(node, candidate));
  const share = (key: keyof Amount) => (capacity[key] > 0 ? left[key] / capacity[key] : 0);
  return Math.min(1, Math.max(0, Math.min(share('cpuMillis'), share('memoryBytes'))));
}
