import type { NodeId } from '../kernel/ids.ts';
import type { Node } from '../node/node.ts';
import type { Placeable, ReplicaRef } from '../replica/events.ts';

/** What is known of an image before it is pulled. Each is null, or left out, where it isn't known: it then refuses no node. */
export interface ImageFacts {
  /** As engines name them: `amd64`. */
  readonly architectures?: readonly string[] | null;
  /** One that no registry gave, or that may not be pulled: what it is called, and the nodes that have it. */
  readonly onlyOn?: { readonly reference: string; readonly nodes: readonly NodeId[] } | null;
}

/** A replica that looks for a node. */
export interface Candidate extends ReplicaRef, Placeable {
  readonly image?: ImageFacts;
  /** Nodes where its release has failed so often of late that they rank last. */
  readonly troubledOn?: readonly NodeId[];
}

/** A node that may be looked at: the fold of its stream. */
export interface NodeForPlacement {
  readonly nodeId: NodeId;
  readonly node: Node;
}
