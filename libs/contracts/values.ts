import type { ConfigId, NodeId, ReplicaId, SecretId } from '#domain';

/** An agent asks for one value that its assignment of a replica speaks of, when it makes the container or pulls its image. */
export interface ValueRequest {
  readonly nodeId: NodeId;
  readonly replicaId: ReplicaId;
  readonly id: SecretId | ConfigId;
  /** As the assignment has it; null: the latest. */
  readonly version: number | null;
  /** 16 random bytes in hex: the answer is bound to them, so that an older one doesn't pass for it. */
  readonly nonce: string;
}

/** Why a value isn't given; `transient`: asking again may help. */
export interface ValueRefusal {
  readonly code: string;
  readonly message: string;
  readonly transient: boolean;
}

/** `sealed`: to the key that the node was registered with; nobody else on the bus can open it. */
export type ValueReply = { readonly sealed: string } | { readonly refused: ValueRefusal };

/** What a sealed answer is bound to: just this question. */
export const questionOf = ({ nodeId, replicaId, id, version, nonce }: ValueRequest): string => [nodeId, replicaId, id, version ?? 'latest', nonce].join('|');
