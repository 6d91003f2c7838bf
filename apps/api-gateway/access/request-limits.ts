import type { Clock } from '#contracts';
import { Buckets, type Rate } from './buckets.ts';
import { countedAs } from './counted-as.ts';

/** Too much at once: HTTP 429 with Retry-After. */
export class TooManyRequests extends Error {
  constructor(
    readonly code: string,
    detail: string,
    readonly retryAfterMs: number,
  ) {
    super(detail);
  }
}

/** How many requests a second a principal and an address may send; 0: as many as they like. */
export interface RequestRates {
  /** Reads of one thing; other requests count for so many of these as `costOf` says. */
  readonly perPrincipal: number;
  readonly perAddress: number;
}

/** Ten seconds' worth at once: a page of a console asks for much in a moment. */
const rateOf = (perSecond: number): Rate => ({ perSecond, burst: perSecond * 10 });

/** So many seconds' worth of a principal's may be under way at once, streams that are open too: of all that is asked for at a moment, nobody else waits for more. */
const UNDER_WAY_SECONDS = 2;
/** When it is worth trying again what others of one's own are in the way of. */
const SOON_MS = 1_000;

/** Keeps one tenant from taking what all share. The operator's own token isn't counted. */
export class RequestLimits {
  readonly #principals: Buckets | null;
  readonly #addresses: Buckets | null;
  readonly #mostUnderWay: number;
  /** What the requests of a principal cost together that aren't over yet. */
  readonly #underWay = new Map<string, number>();

  constructor(clock: Clock, { perPrincipal, perAddress }: RequestRates) {
    this.#principals = perPrincipal > 0 ? new Buckets(clock, rateOf(perPrincipal)) : null;
    this.#addresses = perAddress > 0 ? new Buckets(clock, rateOf(perAddress)) : null;
    this.#mostUnderWay = perPrincipal * UNDER_WAY_SECONDS;
  }

  /** @throws TooManyRequests */
  ofAddress(address: string): void {
    refuse(this.#addresses?.take(countedAs(address)) ?? 0, 'this address');
  }

  /** One that costs more than may be under way at all goes alone. @param held what of its cost is under way until it is over @returns to be called, once, when the request is over, however it ended. @throws TooManyRequests */
  ofPrincipal(id: string, { cost, held }: { readonly cost: number; readonly held: number }): () => void {
    if (!this.#principals) return () => undefined;
    const before = this.#underWay.get(id) ?? 0;
    if (before > 0 && before + held > this.#mostUnderWay) {
      throw new TooManyRequests('request.rate_limited', 'this token or user has too many requests and streams under way at once: let some of them end first', SOON_MS);
    }
    refuse(this.#principals.take(id, cost), 'this token or user');
    this.#underWay.set(id, before + held);
    return () => this.#over(id, held);
  }

  #over(id: string, held: number): void {
    const left = (this.#underWay.get(id) ?? 0) - held;
    if (left > 0) this.#underWay.set(id, left);
    else this.#underWay.delete(id);
  }
}

function refuse(waitMs: number, who: string): void {
  if (waitMs > 0) throw new TooManyRequests('request.rate_limited', `${who} sends more than it may: wait as long as Retry-After says`, waitMs);
}

/** Ten tries at an account at once and then one a minute, thirty from an address and then one in twenty seconds: what succeeds isn't counted. */
const ACCOUNT: Rate = { perSecond: 1 / 60, burst: 10 };
const ADDRESS: Rate = { perSecond: 1 / 20, burst: 30 };

/** Slows down whoever tries passwords. An account that there isn't is counted like one that there is. */
export class SignInLimits {
  readonly #accounts: Buckets;
  readonly #addresses: Buckets;

  constructor(clock: Clock) {
    this.#accounts = new Buckets(clock, ACCOUNT);
    this.#addresses = new Buckets(clock, ADDRESS);
  }

  /** Before a try: so many at once can't slip past. @throws TooManyRequests */
  begin(login: string, address: string): void {
    const wait = this.#addresses.take(countedAs(address)) || this.#accounts.take(login);
    if (wait > 0) throw new TooManyRequests('session.too_many_failures', 'too many tries with a wrong password: wait as long as Retry-After says', wait);
  }

  succeeded(login: string, address: string): void {
    this.#addresses.giveBack(countedAs(address));
    this.#accounts.giveBack(login);
  }
}
