/** What a chain has come to: all of its events up to `position`, in the order of the log. */
export interface AuditHead {
  /** Of the event store: the head of one history says nothing of another. */
  readonly storeId: string;
  /** A project, or `platform` for what belongs to none. */
  readonly chain: string;
  /** How many events it has. */
  readonly events: number;
  /** Where the last of them stands. */
  readonly position: string;
  /** SHA-256 (hex) of the last of them and the hash before it. */
  readonly hash: string;
  /** When it was signed, the events of every chain up to here stood under heads: where a follower goes on. Null: nothing did yet. */
  readonly sealedTo: string | null;
}

export type AuditChainEvent =
  /** `keyId` names the Ed25519 key; `signature` is base64, over the fields of the head, one a line. */
  { type: 'AuditHeadSigned'; data: AuditHead & { keyId: string; signature: string } };
