import type { Clock } from '#contracts';

/** How often something may happen: `perSecond` on the whole, `burst` at once. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

interface Bucket {
  left: number;
  /** Monotonic, when `left` was counted. */
  at: number;
}

/** So many keys are told apart; those that were idle longest are forgotten first, and begin with a full bucket again. */
const KEYS = 20_000;

/** A token bucket for each key (https://en.wikipedia.org/wiki/Token_bucket). In memory, so each gateway counts for itself. */
export class Buckets {
  readonly #buckets = new Map<string, Bucket>();

  constructor(
    private readonly clock: Clock,
    private readonly rate: Rate,
  ) {}

  /** Takes one, or `cost`. More than a bucket holds is given out of a full one, and owed from then on. @returns 0 where there was so much, else how long to wait for it,
   *  milliseconds. */
  take(key: string, cost = 1): number {
    const bucket = this.#filled(key);
    const needed = Math.min(cost, this.rate.burst);
    if (bucket.left < needed) return Math.ceil(((needed - bucket.left) / this.rate.perSecond) * 1_000);
    bucket.left -= cost;
    return 0;
  }

  /** Gives one back: it wasn't needed after all. */
  giveBack(key: string): void {
    const bucket = this.#filled(key);
    bucket.left = Math.min(this.rate.burst, bucket.left + 1);
  }

  #filled(key: string): Bucket {
    const now = this.clock.monotonic();
    const { left, at } = this.#buckets.get(key) ?? { left: this.rate.burst, at: now };
    const bucket = { left: Math.min(this.rate.burst, left + ((now - at) / 1_000) * this.rate.perSecond), at: now };
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    if (this.#buckets.size > KEYS) this.#buckets.delete(this.#buckets.keys().next().value!);
    return bucket;
  }
}
