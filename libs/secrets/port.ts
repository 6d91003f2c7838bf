/** Which value: a version of a secret or a config of a project. All of it but the `valueId` is bound to the ciphertext. */
export interface ValueRef {
  readonly projectId: string;
  /** `sec_…` or `cfg_…` */
  readonly id: string;
  readonly version: number;
  /** Names who wrote it: of two that were about to be the same version, one became it. */
  readonly valueId: string;
}

/** A data key, encrypted by a key-encryption key. */
export interface WrappedKey {
  /** Which key-encryption key. */
  readonly kek: string;
  readonly wrapped: Buffer;
}

/** A value as it is kept. */
export interface KeptValue extends ValueRef, WrappedKey {
  readonly ciphertext: Buffer;
}

/** Where key-encryption keys are: a file (`key-file.ts`), or a service that never gives them out. */
export interface KeyProvider {
  /** Wraps by the present key, bound to `context`. */
  wrap(dataKey: Buffer, context: string): Promise<WrappedKey>;
  /** @throws Terminal `value.key_unknown` where there is no such key, `value.key_wrong` where it doesn't open with it and this context. */
  unwrap(key: WrappedKey, context: string): Promise<Buffer>;
  /** The id of the present key. */
  current(): Promise<string>;
}

/** Ciphertexts and nothing else; a store of its own, apart from events and read models. Every method throws Transient `value_store.unavailable`
 *  while it can't be used. Adapters pass one contract suite (`contract.ts`). */
export interface ValueStore {
  /** Keeps it, durably, unless something stands under its name. @returns what stands then. */
  insert(value: KeptValue): Promise<KeptValue>;
  find(ref: ValueRef): Promise<KeptValue | null>;
  remove(ref: ValueRef): Promise<void>;
  /** All versions. Silent when there are none. */
  removeAll(id: string): Promise<void>;
  /** Up to `limit` values whose data keys are wrapped by another key than this one. */
  wrappedOtherwise(kek: string, limit: number): Promise<readonly KeptValue[]>;
  /** Exchanges the wrapped data key, where it is still wrapped by `from`. @returns whether it was. */
  rewrap(ref: ValueRef, from: string, to: WrappedKey): Promise<boolean>;
  /** The key-encryption keys in use. */
  keksInUse(): Promise<readonly string[]>;
  close(): Promise<void>;
}
