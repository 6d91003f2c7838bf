import type { NodeId } from '../kernel/ids.ts';
import type { Node } from '../node/node.ts';
import type { Placeable, ReplicaRef } from '../replica/events.ts';
import type { VolumeBackend } from '../volume/mount.ts';

/** What is known of an image before it is pulled. Each is null, or left out, where it isn't known: it then refuses no node. */
export interface ImageFacts {
  /** As engines name them: `amd64`. */
  readonly architectures?: readonly string[] | null;
  /** One that no registry gave, or that may not be pulled: what it is called, and the nodes that have it. */
  readonly onlyOn?: { readonly reference: string; readonly nodes: readonly NodeId[] } | null;
}

/** A volume that it mounts, and where that is. */
export interface VolumeNeed {
  readonly name: string;
  readonly backend: VolumeBackend;
  /** Null: on no node yet, so on any that has its backend. */
  readonly nodeId: NodeId | null;
  /** What people call that node. */
  readonly nodeName?: string;
  /** Where what is left of it has yet to be removed. */
  readonly clearedFrom?: ReadonlySet<NodeId>;
}

/** A replica that looks for a node. */
export interface Candidate extends ReplicaRef, Placeable {
  readonly image?: ImageFacts;
  /** Of the volumes among its mounts; left out where nothing is known of them: then they refuse no node. */
  readonly volumeNeeds?: readonly VolumeNeed[];
  /** Nodes where its release has failed so often of late that they rank last. */
  readonly troubledOn?: readonly NodeId[];
}

/** A node that may be looked at: the fold of its stream. */
export interface NodeForPlacement {
  readonly nodeId: NodeId;
  readonly node: Node;
}
