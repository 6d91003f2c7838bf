import type { Clock } from '#contracts';
import { Buckets, type Rate } from './buckets.ts';

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
  readonly perPrincipal: number;
  readonly perAddress: number;
}

/** Ten seconds' worth at once: a page of a console asks for much in a moment. */
const rateOf = (perSecond: number): Rate => ({ perSecond, burst: perSecond * 10 });

/** Keeps one tenant from taking what all share. The operator's own token isn't counted. */
export class RequestLimits {
  readonly #principals: Buckets | null;
  readonly #addresses: Buckets | null;

  constructor(clock: Clock, { perPrincipal, perAddress }: RequestRates) {
    this.#principals = perPrincipal > 0 ? new Buckets(clock, rateOf(perPrincipal)) : null;
    this.#addresses = perAddress > 0 ? new Buckets(clock, rateOf(perAddress)) : null;
  }

  /** @throws TooManyRequests */
  ofAddress(address: string): void {
    refuse(this.#addresses?.take(address) ?? 0, 'this address');
  }

  /** @throws TooManyRequests */
  ofPrincipal(id: string): void {
    refuse(this.#principals?.take(id) ?? 0, 'this token or user');
  }
}

function refuse(waitMs: number, who: string): void {
  if (waitMs > 0) throw new TooManyRequests('request.rate_limited', `${who} sends more requests than it may: wait as long as Retry-After says`, waitMs);
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
    const wait = this.#addresses.take(address) || this.#accounts.take(login);
    if (wait > 0) throw new TooManyRequests('session.too_many_failures', 'too many tries with a wrong password: wait as long as Retry-After says', wait);
  }

  succeeded(login: string, address: string): void {
    this.#addresses.giveBack(address);
    this.#accounts.giveBack(login);
  }
}
