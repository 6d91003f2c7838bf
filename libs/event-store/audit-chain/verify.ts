import type { KeyObject } from 'node:crypto';
import { scheduler } from 'node:timers/promises';
import type { Position, Raw } from '../port.ts';
import { isSignedBy, keyIdOf, type FoundHead } from './head.ts';
import { CHAIN_STREAMS, chainBegin, chainOf, linked, type ChainTip } from './link.ts';
import { rawPages, readHeads, type RawLog } from './read-heads.ts';

export interface VerifyChains {
  readonly log: RawLog;
  /** Heads that were kept outside the store: without them a store that lost its last events and their heads is as good as a shorter one. */
  readonly exported?: AsyncIterable<FoundHead> | Iterable<FoundHead>;
  /** Who may have signed; none: signatures aren't looked at. */
  readonly keys?: readonly KeyObject[];
  readonly signal?: AbortSignal;
}

/** What was found of one chain. */
export interface VerifiedChain {
  readonly chain: string;
  readonly events: number;
  /** Of them under a head: those after the last head nobody answers for yet. */
  readonly sealed: number;
  /** The hash of the last head; null where there is none. */
  readonly head: string | null;
  /** The first thing that is wrong; null where all is right. */
  readonly broken: Break | null;
}

/** What is wrong lies between two places of the log, both included. */
export interface Break {
  readonly at: Position;
  readonly upTo: Position;
  readonly reason: string;
}

/** Chains every event of the store anew and holds the result against every head, in the store or exported. Reads all of the log, a page at
 *  a time; holds the heads in memory, not the events. @throws what the store throws where it can't be read at all */
export async function verifyChains({ log, exported = [], keys, signal }: VerifyChains): Promise<VerifiedChain[]> {
  const chains = new Map<string, ChainCheck>();
  const checkOf = (name: string): ChainCheck => {
    const known = chains.get(name) ?? new ChainCheck(log.storeId, name, keys);
    chains.set(name, known);
    return known;
  };
  for await (const head of exported) checkOf(head.chain).export(head);
  for await (const found of readHeads(log)) {
    signal?.throwIfAborted();
    if ('storeId' in found) checkOf(found.chain).hold(found);
    else checkOf(found.stream.slice(CHAIN_STREAMS.length)).breaks({ at: found.position, upTo: found.position, reason: 'this event of the chain is no head that can be read' });
  }
  const heads = [...chains.values()].flatMap((check) => check.begin());
  const sealedTo = heads.reduce<Position | null>((furthest, head) => (head.sealedTo !== null && (furthest === null || head.sealedTo > furthest) ? head.sealedTo : furthest), null);
  for await (const { events } of rawPages(log, null)) {
    signal?.throwIfAborted();
    for (const event of events) {
      if (event.stream.startsWith(CHAIN_STREAMS)) continue;
      const { chain, readable } = chainOf(event);
      checkOf(chain).link(event, readable);
    }
    await scheduler.yield();
  }
  return [...chains.values()].map((check) => check.end(sealedTo)).sort((a, b) => (a.chain < b.chain ? -1 : 1));
}

/** One chain, while the log is gone through. */
class ChainCheck {
  readonly #exported: FoundHead[] = [];
  readonly #held: FoundHead[] = [];
  #heads: readonly FoundHead[] = [];
  #next = 0;
  #tip: ChainTip;
  /** The first event after the last head that was right. */
  #first: Position | null = null;
  #sealed = 0;
  #broken: Break | null = null;

  constructor(
    private readonly storeId: string,
    private readonly chain: string,
    private readonly keys: readonly KeyObject[] | undefined,
  ) {
    this.#tip = chainBegin(storeId, chain);
  }

  export(head: FoundHead): void {
    this.#exported.push(head);
  }

  hold(head: FoundHead): void {
    this.#held.push(head);
  }

  /** The break that lies first in the log is told, unless a later one says more closely what is wrong there. */
  breaks(found: Break): void {
    const known = this.#broken;
    if (known === null || (found.at < known.at && found.upTo < known.upTo)) this.#broken = found;
  }

  /** Judges the heads by themselves, before any event is looked at. What is no head of this chain says nothing of its events.
   *  @returns those that are */
  begin(): readonly FoundHead[] {
    const judge = (wrong: string | null, { headPosition: at }: FoundHead): boolean => {
      if (wrong) this.breaks({ at, upTo: at, reason: wrong });
      return wrong === null;
    };
    for (const [index, head] of this.#held.entries()) judge(head.revision === index ? null : `the stream of heads has no head ${index} before this one`, head);
    const own = [...this.#held, ...this.#exported].filter((head) => judge(this.#wrongWith(head), head));
    for (const head of this.#exported) judge(this.#missing(head), head);
    this.#heads = own.sort((a, b) => a.events - b.events);
    return this.#heads;
  }

  link(event: Raw, readable: boolean): void {
    this.#tip = linked(this.#tip, event);
    this.#first ??= event.position;
    if (!readable) this.breaks({ at: event.position, upTo: event.position, reason: `event ${event.id} of ${event.stream} is no JSON any more` });
    for (let head = this.#heads[this.#next]; head && head.events <= this.#tip.events; head = this.#heads[this.#next]) this.#meet(head);
  }

  /** @param sealedTo up to here every chain stood under heads when some head was signed, be it of another chain */
  end(sealedTo: Position | null): VerifiedChain {
    const head = this.#heads.at(-1) ?? null;
    if (this.#next < this.#heads.length) this.#breakAtTail(this.#heads[this.#next]!, head!);
    else if (this.#first !== null && sealedTo !== null && this.#first <= sealedTo) this.#breakUnsealed(this.#first, sealedTo);
    return { chain: this.chain, events: this.#tip.events, sealed: this.#sealed, head: head?.hash ?? null, broken: this.#broken };
  }

  #meet(head: FoundHead): void {
    this.#next += 1;
    if (head.events === this.#tip.events && head.hash === this.#tip.hash) {
      this.#sealed = head.events;
      this.#first = null;
      return;
    }
    const at = this.#first ?? head.position;
    const upTo = head.position > at ? head.position : at;
    this.breaks({ at, upTo, reason: `the first ${head.events} events have not the hash that head ${head.revision} was signed for: one of these was changed, added, moved or removed` });
  }

  #breakAtTail(first: FoundHead, last: FoundHead): void {
    const at = this.#first ?? first.position;
    const upTo = last.position > at ? last.position : at;
    this.breaks({ at, upTo, reason: `there are ${this.#tip.events} events, and head ${last.revision} was signed for ${last.events}: the rest is gone` });
  }

  /** Heads of one chain that went, and not those of others. */
  #breakUnsealed(first: Position, sealedTo: Position): void {
    this.breaks({ at: first, upTo: sealedTo, reason: `this stood under a head of its chain, as heads of other chains say of all up to ${sealedTo}, and that head is gone` });
  }

  #wrongWith(head: FoundHead): string | null {
    if (head.storeId !== this.storeId) return `head ${head.revision} is of another store: ${head.storeId}`;
    if (this.keys === undefined) return null;
    const key = this.keys.find((each) => keyIdOf(each) === head.keyId);
    if (!key) return `head ${head.revision} is signed with the key ${head.keyId}, which is not known here`;
    return isSignedBy(key, head) ? null : `head ${head.revision} does not bear the signature of its key`;
  }

  #missing(head: FoundHead): string | null {
    const held = this.#held[head.revision];
    if (!held) return `head ${head.revision} was exported, and is not in the store any more`;
    return held.hash === head.hash && held.signature === head.signature ? null : `head ${head.revision} is another one than was exported`;
  }
}
