const SHARDS = 64;

/** A map of which a fold makes the next one with each event, and that grows to ten thousands: the next one shares with it all but one part in 64, instead of
 *  being a copy of everything; a stream of n events then costs little more than n, where copies cost n². Its entries come part by part, by no order that
 *  means anything. */
export class LargeMap<Key extends string, Value> implements ReadonlyMap<Key, Value> {
  private constructor(
    private readonly shards: readonly ReadonlyMap<Key, Value>[],
    readonly size: number,
  ) {}

  static empty<Key extends string, Value>(): LargeMap<Key, Value> {
    return new LargeMap<Key, Value>(new Array(SHARDS).fill(new Map()), 0);
  }

  /** The same with this entry. */
  with(key: Key, value: Value): LargeMap<Key, Value> {
    return this.changed(key, (shard) => shard.set(key, value));
  }

  /** The same without this key; itself where there is none. */
  without(key: Key): LargeMap<Key, Value> {
    return this.has(key) ? this.changed(key, (shard) => shard.delete(key)) : this;
  }

  get(key: Key): Value | undefined {
    return this.shards[shardOf(key)]!.get(key);
  }

  has(key: Key): boolean {
    return this.shards[shardOf(key)]!.has(key);
  }

  forEach(callback: (value: Value, key: Key, map: ReadonlyMap<Key, Value>) => void): void {
    for (const [key, value] of this) callback(value, key, this);
  }

  *entries(): MapIterator<[Key, Value]> {
    for (const shard of this.shards) yield* shard;
  }

  *keys(): MapIterator<Key> {
    for (const shard of this.shards) yield* shard.keys();
  }

  *values(): MapIterator<Value> {
    for (const shard of this.shards) yield* shard.values();
  }

  [Symbol.iterator](): MapIterator<[Key, Value]> {
    return this.entries();
  }

  private changed(key: Key, change: (shard: Map<Key, Value>) => unknown): LargeMap<Key, Value> {
    const at = shardOf(key);
    const shard = new Map(this.shards[at]);
    change(shard);
    return new LargeMap(this.shards.with(at, shard), this.size + shard.size - this.shards[at]!.size);
  }
}

/** FNV-1a over the end of the key: ids and names differ there. http://www.isthe.com/chongo/tech/comp/fnv/ */
function shardOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let index = Math.max(0, key.length - 8); index < key.length; index += 1) hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  return (hash >>> 16) % SHARDS;
}
