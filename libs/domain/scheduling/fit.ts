import { slotKey } from '../node/node.ts';
import type { Candidate, NodeForPlacement } from './candidate.ts';
import { filters, refusals, withoutSlot } from './filters.ts';
import { freeShare, type Rankable, siblingsOn } from './score.ts';
import type { NodeVerdict } from './verdict.ts';

/** What a node is to a replica, before it is ranked among the others. */
export interface Fit extends Rankable {
  /** Every filter that refuses it. */
  readonly reasons: NodeVerdict['reasons'];
}

/** Looks at nodes for one replica. Nearly all of it is the same for each replica of a release, and nodes are never changed, only replaced: what was found of
 *  one is found again for the next replica, as long as nothing has happened on it. A thousand nodes are looked at for every replica. */
export function fitsFor(candidate: Candidate): (on: NodeForPlacement) => Fit {
  const kind = kindOf(candidate);
  if (kind === null) return (on) => look(candidate, on, refusals(candidate, on));
  const slot = slotKey(candidate);
  return (on) => {
    const { entries, settled } = on.node;
    if (entries.has(candidate.replicaId)) return look(candidate, on, refusals(candidate, on));
    const fit = alike(on, kind, candidate);
    const latest = settled.get(slot);
    return !latest || latest.generation <= candidate.generation ? fit : superseded(fit, candidate, on);
  };
}

/** The same for all candidates that differ in nothing but their slot and generation. Null for those that ask for something of their own. */
function kindOf({ owner, projectId, request, ports, constraints, volumes, image = {}, volumeNeeds = [], replaces }: Candidate): string | null {
  if (replaces !== null || image.onlyOn || volumeNeeds.length > 0) return null;
  return JSON.stringify([owner.type, owner.id, projectId, request, ports, constraints, volumes ?? [], image.architectures ?? null]);
}

function look(candidate: Candidate, on: NodeForPlacement, reasons: Fit['reasons']): Fit {
  return { reasons, siblings: siblingsOn(candidate, on), free: reasons.length === 0 ? freeShare(candidate, on) : 0 };
}

/** What is remembered of one node; it is begun anew where so many releases have looked at a node on which nothing happens. */
const KINDS = 64;
const looked = new WeakMap<NodeForPlacement, Map<string, Fit>>();

function alike(on: NodeForPlacement, kind: string, candidate: Candidate): Fit {
  const kinds = looked.get(on) ?? new Map<string, Fit>();
  const known = kinds.get(kind);
  if (known) return known;
  const fit = look(candidate, on, refusals(candidate, on, withoutSlot));
  if (kinds.size >= KINDS) kinds.clear();
  looked.set(on, kinds.set(kind, fit));
  return fit;
}

function superseded(fit: Fit, candidate: Candidate, on: NodeForPlacement): Fit {
  const detail = filters.superseded(candidate, on);
  if (detail === null || fit.reasons[0]?.filter === 'removed') return fit;
  return { ...fit, reasons: [{ filter: 'superseded', detail }, ...fit.reasons], free: 0 };
}
