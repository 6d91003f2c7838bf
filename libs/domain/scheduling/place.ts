import type { NodeId } from '../kernel/ids.ts';
import type { Reason } from '../kernel/reason.ts';
import { replacedHere } from '../node/node.ts';
import type { Candidate, NodeForPlacement } from './candidate.ts';
import { type Fit, fitsFor } from './fit.ts';
import { score, scoreInWords } from './score.ts';
import type { FilterName, NodeVerdict } from './verdict.ts';

/** Where a replica goes, or why nowhere, with what was found of every node. */
export type PlacementDecision = { readonly nodeId: NodeId | null; readonly nodes: readonly NodeVerdict[]; readonly reason: Reason };

/** How many nodes a decision speaks of: it stands in the log once for every replica, and of a thousand nodes nobody reads on. */
export const NODES_TOLD = 50;

/** Chooses the best of the nodes that no filter refuses; the lowest id breaks ties, so that the same input gives the same node.
 *  @returns `nodes` in the order of rank, the first fifty: those that fit first. Without a fitting node `reason.code` is `no_nodes`, the one
 *  filter that refused everywhere, or `no_node_fits`. */
export function place(asked: Candidate, nodes: readonly NodeForPlacement[]): PlacementDecision {
  const candidate = withReplaced(asked, nodes);
  const { weighed, fitting } = weigh(candidate, nodes);
  // Where one fits, nobody asks for those that aren't told of.
  const ranked = fitting > 0 ? firstOf(weighed, NODES_TOLD) : weighed.sort(byRank);

  const verdict = ({ on, fit, points }: Weighed): NodeVerdict => ({ ...verdictOf(on, fit.reasons), score: points < 0 ? null : points });
  const told = ranked.slice(0, NODES_TOLD).map(verdict);
  const [best] = ranked;
  if (!best || best.points < 0) return { nodeId: null, nodes: told, reason: whyNowhere(ranked.map(verdict)) };
  return { nodeId: best.on.nodeId, nodes: told, reason: whyThere(told[0]!, scoreInWords(candidate, best.on, best.fit), fitting) };
}

/** One that takes another's place goes where that one is; once nobody holds that one any more, it goes anywhere. */
function withReplaced(candidate: Candidate, nodes: readonly NodeForPlacement[]): Candidate {
  if (candidate.replaces === null) return candidate;
  const replaces = nodes.map(({ node }) => replacedHere(node, candidate)).find((standing) => standing !== null) ?? null;
  return { ...candidate, replaces };
}

interface Weighed {
  readonly on: NodeForPlacement;
  readonly fit: Fit;
  /** Its score; below 0 where it doesn't fit. */
  points: number;
}

/** Every node that there is or was, and how many of them fit. */
function weigh(candidate: Candidate, nodes: readonly NodeForPlacement[]): { readonly weighed: Weighed[]; readonly fitting: number } {
  const fitOf = fitsFor(candidate);
  const weighed: Weighed[] = [];
  let [fitting, fewest] = [0, Infinity];
  for (const on of nodes) {
    if (on.node.status === 'unknown') continue;
    const fit = fitOf(on);
    weighed.push({ on, fit, points: -1 });
    if (fit.reasons.length > 0) continue;
    fitting += 1;
    fewest = Math.min(fewest, fit.siblings);
  }
  for (const one of weighed) if (one.fit.reasons.length === 0) one.points = score(candidate, one.on, one.fit, fewest);
  return { weighed, fitting };
}

/** No two are alike. */
const byRank = (a: Weighed, b: Weighed): number => b.points - a.points || (a.on.nodeId < b.on.nodeId ? -1 : 1);

/** What sorting by rank begins with. A thousand nodes are weighed for every replica, and sorting them all would cost more than that. */
function firstOf(weighed: readonly Weighed[], count: number): Weighed[] {
  const first: Weighed[] = [];
  for (const one of weighed) {
    if (first.length === count && byRank(one, first.at(-1)!) > 0) continue;
    let [from, to] = [0, first.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (byRank(first[middle]!, one) < 0) from = middle + 1;
      else to = middle;
    }
    first.splice(from, 0, one);
    if (first.length > count) first.pop();
  }
  return first;
}

/** Says in one sentence why none of these nodes will do, each by its name. Codes: see `place`. */
export function whyNowhere(verdicts: readonly NodeVerdict[]): Reason {
  const standing = verdicts.filter(({ reasons }) => reasons[0]?.filter !== 'removed');
  if (standing.length === 0) return { code: 'no_nodes', message: 'no node is registered' };
  const everywhere = standing.map(({ reasons }) => new Set(reasons.map(({ filter }) => filter))).reduce((a, b) => a.intersection(b));
  const [code] = everywhere;
  const words = standing.map(({ name, reasons }) => `${name}: ${reasons.map(({ detail }) => detail).join('; ')}`);
  const told = words.slice(0, NODES_TOLD).join(' | ');
  const untold = words.length > NODES_TOLD ? `, and ${words.length - NODES_TOLD} more` : '';
  return { code: code ?? 'no_node_fits', message: `no node fits (${told}${untold})` };
}

function whyThere({ name, score: points }: NodeVerdict, detail: string, fitting: number): Reason {
  return fitting === 1
    ? { code: 'only_fit', message: `${name} is the only node that fits: ${detail}` }
    : { code: 'best_score', message: `${name} ranks first of ${fitting} nodes that fit, at ${points}: ${detail}` };
}

/** What one node was found to be, before it is ranked. */
export const verdictOf = ({ nodeId, node }: NodeForPlacement, reasons: readonly { readonly filter: FilterName; readonly detail: string }[]): NodeVerdict => ({
  nodeId,
  name: node.facts?.name ?? nodeId,
  fits: reasons.length === 0,
  reasons,
  score: null,
});
