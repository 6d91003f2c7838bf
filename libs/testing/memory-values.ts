import { Terminal } from '#contracts';
import { Vault, type KeptValue, type KeyProvider, type ValueRef, type ValueStore, type WrappedKey } from '#secrets';

/** Values in memory: the contract's third adapter. */
export class MemoryValueStore implements ValueStore {
  readonly #values = new Map<string, KeptValue>();

  async insert(value: KeptValue): Promise<KeptValue> {
    const key = keyOf(value);
    const standing = this.#values.get(key);
    if (!standing) this.#values.set(key, value);
    return standing ?? value;
  }

  async find(ref: ValueRef): Promise<KeptValue | null> {
    return this.#values.get(keyOf(ref)) ?? null;
  }

  async remove(ref: ValueRef): Promise<void> {
    this.#values.delete(keyOf(ref));
  }

  async removeAll(id: string): Promise<void> {
    for (const [key, value] of this.#values) if (value.id === id) this.#values.delete(key);
  }

  async wrappedOtherwise(kek: string, limit: number): Promise<readonly KeptValue[]> {
    return [...this.#values.values()].filter((value) => value.kek !== kek).slice(0, limit);
  }

  async rewrap(ref: ValueRef, from: string, to: WrappedKey): Promise<boolean> {
    const value = this.#values.get(keyOf(ref));
    if (value?.kek !== from) return false;
    this.#values.set(keyOf(ref), { ...value, ...to });
    return true;
  }

  async keksInUse(): Promise<readonly string[]> {
    return [...new Set([...this.#values.values()].map(({ kek }) => kek))];
  }

  async close(): Promise<void> {
    return undefined;
  }
}

const keyOf = ({ id, version, valueId }: ValueRef): string => `${id}.${version}.${valueId}`;

/** Hides nothing: for a house whose memory is read by nobody. A key that is unwrapped for something else than it was wrapped for is refused all the same. */
class OpenKeys implements KeyProvider {
  async wrap(dataKey: Buffer, context: string): Promise<WrappedKey> {
    return { kek: 'kek_open', wrapped: Buffer.concat([dataKey, Buffer.from(context)]) };
  }

  async unwrap({ wrapped }: WrappedKey, context: string): Promise<Buffer> {
    if (wrapped.subarray(32).toString() !== context) throw new Terminal('value.key_wrong', 'system', 'it was wrapped for something else');
    return wrapped.subarray(0, 32);
  }

  async current(): Promise<string> {
    return 'kek_open';
  }
}

/** A vault of a test's own. */
export const memoryVault = (store: ValueStore = new MemoryValueStore()): Vault => new Vault(new OpenKeys(), store);
