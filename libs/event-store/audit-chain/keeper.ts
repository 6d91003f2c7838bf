import { scheduler } from 'node:timers/promises';
import type { Clock, Logger } from '#contracts';
import { PLATFORM, schemaOf, streamOf, type Actor } from '#domain';
import { eventIdOf } from '../event-id.ts';
import { Conflict, type EventStore, type NewEvent, type Position, type Raw } from '../port.ts';
import { headIn, signHead, type FoundHead, type HeadKey } from './head.ts';
import { CHAIN_STREAMS, chainBegin, chainOf, linked, type ChainTip } from './link.ts';
import { readHeads } from './read-heads.ts';

export interface ChainKeeperParts {
  readonly store: EventStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly key: HeadKey;
  /** Told of every head in the store, this keeper's or another's, in order; again after a start. A head that it throws at is told again. */
  readonly onHead: (head: FoundHead) => Promise<void>;
  /** A chain gets a head after so many events, */
  readonly most?: number;
  /** or when nothing new has come for so long, */
  readonly quietMs?: number;
  /** or when its first event without one is so old. */
  readonly longestMs?: number;
  /** Between two looks at a log that doesn't grow. */
  readonly pollMs?: number;
}

const MOST = 1_000;
const QUIET_MS = 2_000;
const LONGEST_MS = 30_000;
const POLL_MS = 1_000;
const PAGE = 500;
const LONGEST_BACKOFF_MS = 30_000;

interface Chain {
  tip: ChainTip;
  /** Of its events under a head. */
  sealed: number;
  /** Of its stream of heads; null where there is none. */
  revision: bigint | null;
  /** Where the log's last event before the first one without a head stands; null: at the beginning. */
  before: Position | null;
  /** Of the first and the last event without a head, by the monotonic clock. */
  since: number;
  lastAt: number;
}

/** Follows the log and chains the events of every project, and those of none, each by themselves; from time to time it appends what a chain
 *  has come to, signed, to the stream of that chain. It only ever reads what is written already, so no append waits for it. Several keepers
 *  may run on one store: they come to the same hashes, and the revision of the stream settles whose head stands. */
export class ChainKeeper {
  readonly #chains = new Map<string, Chain>();
  #read: Position | null = null;
  /** The event of the log that was looked at last. */
  #last: Position | null = null;
  #sealedTo: Position | null = null;

  constructor(private readonly parts: ChainKeeperParts) {}

  /** Until aborted. Trouble is waited out with a growing pause, and begun again from what stands in the store. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.parts;
    let backoff = 100;
    while (!signal.aborted) {
      try {
        await this.#goOn(signal);
        await this.#follow(signal, () => (backoff = 100));
      } catch (error) {
        if (signal.aborted) return;
        logger.error('audit chain is held up', { position: this.#read, error });
        await clock.sleep(backoff, signal);
        backoff = Math.min(backoff * 2, LONGEST_BACKOFF_MS);
      }
    }
    await this.#finish();
  }

  /** Whoever is told to stop leaves nothing unsigned that stands in the log by then. */
  async #finish(): Promise<void> {
    try {
      while ((await this.#takePage()) !== 'end');
      for (const [name, chain] of this.#chains) if (chain.tip.events > chain.sealed) await this.#seal(name, chain);
    } catch (error) {
      this.parts.logger.warn('the last events of the audit chain have no signed head yet', { position: this.#read, error });
    }
  }

  async #takePage(): Promise<'end' | 'full' | 'some'> {
    const { events, next } = await this.parts.store.readRaw(this.#read, { limit: PAGE });
    for (const event of events) {
      await this.#take(event);
      this.#last = event.position;
    }
    const isEnd = next === this.#read;
    this.#read = next;
    if (isEnd) return 'end';
    return events.length === PAGE ? 'full' : 'some';
  }

  /** From the heads that stand: only what came after them is read again. */
  async #goOn(signal: AbortSignal): Promise<void> {
    this.#chains.clear();
    this.#sealedTo = null;
    for await (const found of readHeads(this.parts.store)) {
      signal.throwIfAborted();
      if ('storeId' in found) await this.#hear(found);
      else this.#passOver(found);
    }
    this.#read = this.#sealedTo;
    this.#last = this.#sealedTo;
  }

  async #follow(signal: AbortSignal, wentWell: () => void): Promise<void> {
    const { clock, pollMs = POLL_MS } = this.parts;
    while (!signal.aborted) {
      const begun = clock.monotonic();
      const page = await this.#takePage();
      for (const [name, chain] of this.#chains) if (this.#isDue(chain)) await this.#seal(name, chain);
      this.#moveSealedTo();
      wentWell();
      if (page === 'end') await clock.sleep(pollMs, signal);
      // Others in this process have the same claim to its time.
      else if (page === 'full') await clock.sleep(Math.max(1, clock.monotonic() - begun), signal);
      else await scheduler.yield();
    }
  }

  async #take(event: Raw): Promise<void> {
    if (event.stream.startsWith(CHAIN_STREAMS)) {
      const head = headIn(event);
      return head ? this.#hear(head) : this.#passOver(event);
    }
    const { chain: name } = chainOf(event);
    const chain = this.#chainOf(name);
    // It stands under a head already: other chains were further behind.
    if (chain.tip.position !== null && event.position <= chain.tip.position) return;
    const now = this.parts.clock.monotonic();
    if (chain.tip.events <= chain.sealed) Object.assign(chain, { since: now, before: this.#last });
    chain.lastAt = now;
    chain.tip = linked(chain.tip, event);
  }

  /** A head that stands. One that is further than this keeper gives it the way there. */
  async #hear(head: FoundHead): Promise<void> {
    const chain = this.#chainOf(head.chain);
    const revision = BigInt(head.revision);
    if (chain.revision === null || revision > chain.revision) {
      chain.revision = revision;
      chain.sealed = head.events;
      if (head.events > chain.tip.events) chain.tip = { events: head.events, position: head.position, hash: head.hash };
    }
    if (head.sealedTo !== null && (this.#sealedTo === null || head.sealedTo > this.#sealedTo)) this.#sealedTo = head.sealedTo;
    await this.parts.onHead(head);
  }

  /** Somebody has had a hand on it, as a verifier will say. The next head stands behind it all the same. */
  #passOver({ stream, revision, position }: Raw): void {
    this.parts.logger.error('a head of the audit chain is unreadable', { stream, position });
    const chain = this.#chainOf(stream.slice(CHAIN_STREAMS.length));
    if (chain.revision === null || revision > chain.revision) chain.revision = revision;
  }

  #chainOf(name: string): Chain {
    const known = this.#chains.get(name);
    if (known) return known;
    const made: Chain = { tip: chainBegin(this.parts.store.storeId, name), sealed: 0, revision: null, before: null, since: 0, lastAt: 0 };
    this.#chains.set(name, made);
    return made;
  }

  /** Up to the first event of any chain that has no head. */
  #moveSealedTo(): void {
    let to = this.#read;
    for (const { tip, sealed, before } of this.#chains.values()) if (tip.events > sealed && (to === null || before === null || before < to)) to = before;
    if (to !== null && (this.#sealedTo === null || to > this.#sealedTo)) this.#sealedTo = to;
  }

  #isDue({ tip, sealed, since, lastAt }: Chain): boolean {
    const { clock, most = MOST, quietMs = QUIET_MS, longestMs = LONGEST_MS } = this.parts;
    const now = clock.monotonic();
    return tip.events > sealed && (tip.events - sealed >= most || now - lastAt >= quietMs || now - since >= longestMs);
  }

  async #seal(name: string, chain: Chain): Promise<void> {
    const { store, clock, key } = this.parts;
    const { events, position, hash } = chain.tip;
    const stream = streamOf('audit_chain', name);
    const head = signHead(key, { storeId: store.storeId, chain: name, events, position: position!, hash, sealedTo: this.#sealedTo });
    try {
      const { revision } = await store.append(stream, chain.revision ?? 'no-stream', [signedEvent(head, stream, clock)]);
      chain.revision = revision;
      chain.sealed = events;
    } catch (error) {
      // Another keeper was first. Its head is heard as the log is read on.
      if (!(error instanceof Conflict)) throw error;
    }
  }
}

const KEEPER: Actor = { type: 'system', id: 'api-gateway' };

/** Named by what it says, so that the same head, appended once more, stands once. */
function signedEvent(head: ReturnType<typeof signHead>, stream: string, clock: Clock): NewEvent {
  const type = 'AuditHeadSigned';
  const id = eventIdOf(`${type}|${head.hash}`, stream, 0);
  const tenantId = head.chain.startsWith('prj_') ? head.chain : PLATFORM;
  const metadata = { commandId: id, tenantId, actor: KEEPER, originId: null, correlationId: id, causationId: null, at: new Date(clock.now()).toISOString(), schema: schemaOf(type) };
  return { id, type, data: head, metadata };
}
