import { type ConstrainedNode, holds, parseConstraint } from '../docker-service/constraint.ts';
import { additionalRoom, freeRoom, hostPortKeys, portConflicts } from '../node/room.ts';
import { slotKey } from '../node/node.ts';
import { shortage } from '../node/settle.ts';
import { hostPathsFor, hostPathsIn, isBelow } from '../volume/mount.ts';
import type { Candidate, NodeForPlacement, VolumeNeed } from './candidate.ts';
import type { FilterName, NodeVerdict } from './verdict.ts';

/** @returns why the node can't take the replica, in a sentence that names both sides; null when it can. */
export type Filter = (candidate: Candidate, on: NodeForPlacement) => string | null;

/** In this order: standing before wishes, wishes before room. */
export const filters: Readonly<Record<FilterName, Filter>> = {
  removed: (_, { node }) => (node.status === 'removed' ? 'it was removed' : null),

  /** It would refuse every attempt. */
  superseded(candidate, { node }) {
    const latest = node.settled.get(slotKey(candidate));
    return latest && latest.generation > candidate.generation ? `generation ${latest.generation} of its slot was settled there before` : null;
  },

  replaced: ({ replaces }, { node }) => (!replaces || node.entries.has(replaces) ? null : 'the replica that it replaces is on another node'),

  liveness: (_, { node }) => (node.reachable ? null : 'it is unreachable'),

  drained: (_, { node }) => (node.drained ? 'it is drained' : null),

  constraint({ constraints }, { nodeId, node: { facts } }) {
    const broken = constraints.filter((text) => !(facts && constraintHolds(text, { ...facts, nodeId })));
    return broken.length > 0 ? `${broken.join(' and ')} ${broken.length > 1 ? "don't" : "doesn't"} hold` : null;
  },

  architecture({ image }, { node: { facts } }) {
    const offered = image?.architectures;
    if (!offered || !facts || offered.includes(facts.architecture)) return null;
    return `needs ${offered.join(' or ')}, it is ${facts.architecture}`;
  },

  image({ image }, { nodeId }) {
    const only = image?.onlyOn;
    return !only || only.nodes.includes(nodeId) ? null : `it does not have the image ${only.reference}, which is not to be pulled`;
  },

  /** A volume that is on a node is on that one only; one that isn't yet can be made where its backend is. */
  volume({ volumeNeeds = [] }, on) {
    const against = volumeNeeds.flatMap((need) => volumeRefusal(need, on) ?? []);
    return against.length > 0 ? against.join(' and ') : null;
  },

  host_path({ volumes, projectId }, { node: { facts } }) {
    const allowed = hostPathsFor(projectId, facts?.hostPaths ?? []);
    const barred = hostPathsIn(volumes).filter((path) => !isBelow(path, allowed));
    return barred.length > 0 ? `its operator does not allow ${barred.join(' and ')}` : null;
  },

  host_port(candidate, { node }) {
    const taken = portConflicts(node, candidate).map(({ port }) => port);
    return taken.length > 0 ? `host port ${taken.join(', ')} is taken` : null;
  },

  /** Host ports or not the same release: a node answers for a service at most once. */
  spread({ owner, ports, replaces }, { node }) {
    if (hostPortKeys(ports).length === 0) return null;
    const siblings = [...node.entries.values()].filter(({ placement }) => placement.owner.id === owner.id && placement.replicaId !== replaces);
    return siblings.length > 0 ? 'it has a replica of the same service, and host ports are published once on a node' : null;
  },

  capacity: (candidate, { node }) => shortage(additionalRoom(node, candidate), freeRoom(node)),
};

function volumeRefusal({ name, backend, nodeId: bound, nodeName = bound ?? '', clearedFrom }: VolumeNeed, { nodeId, node: { facts } }: NodeForPlacement): string | null {
  if (bound !== null) return bound === nodeId ? null : `the volume ${name} is on ${nodeName}`;
  if (clearedFrom?.has(nodeId)) return `what was left of the volume ${name} is being removed`;
  return facts?.backends?.includes(backend) ? null : `it has no backend ${backend} for the volume ${name}`;
}

const ORDER = Object.keys(filters) as FilterName[];

/** All that say the same for every replica of a release. */
export const withoutSlot: readonly FilterName[] = ORDER.filter((name) => name !== 'superseded');

/** Every filter among `names` that refuses the node, with its words. Of a removed node nothing more is worth saying. */
export function refusals(candidate: Candidate, on: NodeForPlacement, names: readonly FilterName[] = ORDER): NodeVerdict['reasons'] {
  const found: NodeVerdict['reasons'][number][] = [];
  for (const filter of names) {
    const detail = filters[filter](candidate, on);
    if (detail !== null) found.push({ filter, detail });
  }
  return found[0]?.filter === 'removed' ? found.slice(0, 1) : found;
}

/** One that can't be read holds nowhere: it was refused at the door, so this is an older build's. */
function constraintHolds(text: string, node: ConstrainedNode): boolean {
  const constraint = parseConstraint(text);
  return constraint !== null && holds(constraint, node);
}
