import type { NodeId } from '../kernel/ids.ts';

/** The rules that a node must pass, in the order of `filters.ts`. */
export type FilterName = 'superseded' | 'replaced' | 'liveness' | 'drained' | 'removed' | 'constraint' | 'architecture' | 'image' | 'volume' | 'host_path' | 'host_port' | 'spread' | 'capacity';

/** What one node was found to be for one replica: every filter that refused it, or the score that ranked it. */
export interface NodeVerdict {
  readonly nodeId: NodeId;
  readonly name: string;
  readonly fits: boolean;
  readonly reasons: readonly { readonly filter: FilterName; readonly detail: string }[];
  /** 0 to 100, higher is better; null where it doesn't fit. */
  readonly score: number | null;
}
