import { Terminal, Transient } from '#contracts';
import { Vault, type KeptValue, type KeyProvider, type ValueRef, type ValueStore, type WrappedKey } from '#secrets';
import { MemoryValueStore } from '#testing';
import type { Life } from './life.ts';

/** The store of values that all parts share, and its keys. A copy of it belongs to each state of the log: it is put back with that one. */
export class Values {
  /** Nothing answers. */
  down = false;
  #keys = new NumberedKeys();
  #store = new MemoryValueStore();
  /** What was kept and is gone, or not: with how long the log was as it came, and as it went. */
  readonly #lives: { value: KeptValue; from: number; until: number | null }[] = [];

  /** @param length how long the log is now */
  constructor(private readonly length: () => number) {}

  /** A process's way to it. */
  vaultOf(life: Life): Vault {
    return new Vault(this.#keys, new StoreOf(life, this));
  }

  get store(): MemoryValueStore {
    return this.#store;
  }

  /** As it was when the log had so many events. @param withLater what came since stays beside it: it is the store as it is, and what was forgotten since
   *  comes back from a copy. */
  async restore(length: number, withLater: boolean): Promise<void> {
    this.#store = new MemoryValueStore();
    for (const life of this.#lives) {
      if (life.from > length && !withLater) life.until ??= length;
      if (life.from <= length && life.until !== null && life.until > length) life.until = null;
      if (life.until !== null) continue;
      await this.#store.insert(life.value);
      // What came later is there from now on, whenever that was.
      life.from = Math.min(life.from, length);
    }
  }

  /** As `waybill-keys rotate` does: a new key, every data key wrapped by it, and keys that wrap nothing dropped: in no copy either. */
  async rotate(life: Life): Promise<void> {
    this.#keys.rotate();
    await this.vaultOf(life).rewrap();
    this.#keys.drop([...(await this.#store.keksInUse()), ...this.#lives.map(({ value }) => value.kek)]);
  }

  /** All that is kept at the moment. */
  kept(): Promise<readonly ValueRef[]> {
    return this.#store.list(null, Infinity);
  }

  noteKept(value: KeptValue): void {
    this.#lives.push({ value, from: this.length(), until: null });
  }

  /** It is wrapped by another key, in what is kept and in the copies of it. */
  noteRewrapped(ref: ValueRef, to: WrappedKey): void {
    for (const life of this.#lives) if (life.until === null && life.value.id === ref.id && life.value.version === ref.version && life.value.valueId === ref.valueId) life.value = { ...life.value, ...to };
  }

  noteGone(is: (value: ValueRef) => boolean): void {
    for (const life of this.#lives) if (life.until === null && is(life.value)) life.until = this.length();
  }
}

/** One process's way to the store: it may be away, or take its time. */
class StoreOf implements ValueStore {
  constructor(
    private readonly life: Life,
    private readonly values: Values,
  ) {}

  async insert(value: KeptValue): Promise<KeptValue> {
    await this.#pass();
    const standing = await this.values.store.insert(value);
    if (standing === value) this.values.noteKept(value);
    return standing;
  }
  async find(ref: ValueRef): Promise<KeptValue | null> {
    await this.#pass();
    return this.values.store.find(ref);
  }
  async remove(ref: ValueRef): Promise<void> {
    await this.#pass();
    await this.values.store.remove(ref);
    this.values.noteGone(({ id, version, valueId }) => id === ref.id && version === ref.version && valueId === ref.valueId);
  }
  async removeAll(id: string): Promise<void> {
    await this.#pass();
    await this.values.store.removeAll(id);
    this.values.noteGone((value) => value.id === id);
  }
  async list(after: ValueRef | null, limit: number): Promise<readonly ValueRef[]> {
    await this.#pass();
    return this.values.store.list(after, limit);
  }
  async wrappedOtherwise(kek: string, limit: number): Promise<readonly KeptValue[]> {
    await this.#pass();
    return this.values.store.wrappedOtherwise(kek, limit);
  }
  async rewrap(ref: ValueRef, from: string, to: WrappedKey): Promise<boolean> {
    await this.#pass();
    const isDone = await this.values.store.rewrap(ref, from, to);
    if (isDone) this.values.noteRewrapped(ref, to);
    return isDone;
  }
  async keksInUse(): Promise<readonly string[]> {
    await this.#pass();
    return this.values.store.keksInUse();
  }
  async close(): Promise<void> {}

  async #pass(): Promise<void> {
    await this.life.perhapsHop('values', 0.3, 20);
    if (this.values.down) throw new Transient('value_store.unavailable', 'the store of values is down');
  }
}

/** Keys without a secret: they hide nothing, and are told apart like those in a file. */
class NumberedKeys implements KeyProvider {
  #known = ['kek_1'];

  rotate(): void {
    this.#known = [`kek_${Number(this.#known[0]!.slice(4)) + 1}`, ...this.#known];
  }

  /** The present one stays, and the one before it. */
  drop(inUse: readonly string[]): void {
    this.#known = this.#known.filter((kek, age) => age < 2 || inUse.includes(kek));
  }

  async wrap(dataKey: Buffer, context: string): Promise<WrappedKey> {
    const kek = this.#known[0]!;
    return { kek, wrapped: Buffer.concat([dataKey, Buffer.from(`${context}|${kek}`)]) };
  }

  async unwrap({ kek, wrapped }: WrappedKey, context: string): Promise<Buffer> {
    if (!this.#known.includes(kek)) throw new Terminal('value.key_unknown', 'system', `there is no key ${kek} any more`);
    if (wrapped.subarray(32).toString() !== `${context}|${kek}`) throw new Terminal('value.key_wrong', 'system', 'it was wrapped for something else');
    return wrapped.subarray(0, 32);
  }

  async current(): Promise<string> {
    return this.#known[0]!;
  }
}
