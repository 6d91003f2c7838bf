import type { NodeId } from '#domain';

/** A node where a release failed so often within so long ranks last for it. A replica that its agent gave up counts for all of them. */
const OFTEN = 5;
const WITHIN_MS = 300_000;

/** Where releases have failed of late, kept in memory from the log. */
export class RecentFailures {
  /** When, by owner, release and node; the latest last, and no more than matter. */
  readonly #times = new Map<string, Map<NodeId, number[]>>();

  /** Takes a failed run in.
   *  @param at milliseconds since the epoch, as the log says */
  take({ ownerId, release, nodeId, isFinal }: { readonly ownerId: string; readonly release: number | null; readonly nodeId: NodeId; readonly isFinal: boolean }, at: number): void {
    const nodes = this.#times.get(keyOf(ownerId, release)) ?? new Map<NodeId, number[]>();
    const added = Array.from({ length: isFinal ? OFTEN : 1 }, () => at);
    nodes.set(nodeId, [...(nodes.get(nodeId) ?? []), ...added].slice(-OFTEN));
    this.#times.set(keyOf(ownerId, release), nodes);
  }

  /** The nodes that rank last for a release. */
  troubledOn(ownerId: string, release: number | null, now: number): readonly NodeId[] {
    const nodes = [...(this.#times.get(keyOf(ownerId, release)) ?? [])];
    return nodes.filter(([, times]) => times.length === OFTEN && times[0]! > now - WITHIN_MS).map(([nodeId]) => nodeId);
  }

  /** The owner is over. */
  forget(ownerId: string): void {
    for (const key of this.#times.keys()) if (key.startsWith(`${ownerId}|`)) this.#times.delete(key);
  }
}

const keyOf = (ownerId: string, release: number | null): string => `${ownerId}|${release}`;
