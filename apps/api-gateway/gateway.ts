import type { FastifyReply } from 'fastify';
import { Transient, type Bus, type Clock, type Logger, type Random } from '#contracts';
import { Rejection } from '#domain';
import type { AggregateStore, EventStore, Position } from '#event-store';
import { queryAt, type ReadModelStore, type Reads } from '#read-models';
import type { IdentityStore, Sessions } from '#identity';
import type { Vault } from '#secrets';
import type { AuditChain } from './audit/audit-chain.ts';
import { Origins } from './access/origins.ts';
import { Principals } from './access/principals.ts';
import type { RequestRates } from './access/request-limits.ts';
import { stamp } from './edge/mutation.ts';
import type { OperatorToken } from './edge/operator-token.ts';
import type { PlatformFigures } from './metrics/platform-figures.ts';
import { KeptAnswers } from './kept-answers.ts';
import type { HeardNodes } from './nodes/heard-nodes.ts';
import type { NodeIndex } from './nodes/node-index.ts';
import type { Projections, ViewName } from './projections/projections.ts';

/** What a gateway is made of. `main.ts` opens the real parts, specs bring their own. */
export interface GatewayParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly bus: Bus;
  readonly store: EventStore;
  readonly aggregates: AggregateStore;
  /** Secrets and configs, encrypted. */
  readonly vault: Vault;
  /** Names, logins, hashes and addresses. */
  readonly identities: IdentityStore;
  readonly sessions: Sessions;
  readonly rates: RequestRates;
  /** Addresses and ranges whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly string[];
  readonly models: ReadModelStore;
  readonly projections: Projections;
  readonly heard: HeardNodes;
  readonly nodes: NodeIndex;
  readonly figures: PlatformFigures;
  readonly auditChain: AuditChain;
  readonly token: OperatorToken;
  /** Aborted when the process begins to end: open streams are closed then. */
  readonly stopping: AbortSignal;
}

/** How long a read waits for what this gateway itself wrote or showed. */
const OWN_MS = 5_000;
/** How long a read waits for the `min_position` that it named. */
const MIN_POSITION_MS = 10_000;

/** The parts, as controllers are given them, and the rule that every answer follows: who was told of a change finds it. */
export class Gateway {
  /** What every query reads from. */
  readonly reads: Reads;
  /** For what is asked for again and again. */
  readonly kept: KeptAnswers;
  readonly principals: Principals;
  readonly origins: Origins;
  #acknowledged: Position | null = null;

  constructor(readonly parts: GatewayParts) {
    this.reads = { models: parts.models, liveness: parts.heard };
    this.kept = new KeptAnswers(this.reads);
    this.principals = new Principals(this);
    this.origins = new Origins(parts.identities);
  }

  /** Says in the answer where the change stands, and makes every later read here wait for it. */
  accept(reply: FastifyReply, at: { readonly revision: bigint; readonly position: Position }): void {
    stamp(reply, at);
    if (this.#acknowledged === null || at.position > this.#acknowledged) this.#acknowledged = at.position;
  }

  /** Waits until these views know all that this gateway has acknowledged, and all up to `minPosition`. The audit tells why others are as they
   *  are: with it among them, they know whatever any view of this gateway may have shown before.
   *  @returns false when they don't know so much yet: what is read now may be older.
   *  @throws Transient `read_model.behind` when `minPosition` isn't reached in time; Rejection `request.position_unknown` when the log ends before it. */
  async fresh(views: readonly ViewName[], minPosition?: Position): Promise<boolean> {
    const { projections } = this.parts;
    const shown = views.includes('audit') ? projections.furthest() : null;
    const own = later(this.#acknowledged, shown);
    const know = (position: Position | null | undefined): boolean => position == null || views.every((view) => projections.knows(view, position));
    // Nearly always there is nothing to wait for.
    if (know(minPosition) && know(own)) return true;
    const reached = async (position: Position, deadlineMs: number): Promise<boolean> =>
      (await Promise.all(views.map((view) => projections.reached(view, position, deadlineMs)))).every(Boolean);
    if (minPosition !== undefined && !(await reached(minPosition, 0))) {
      if (await this.#isBeyondTheLog(views, minPosition)) throw unknownPosition();
      if (!(await reached(minPosition, MIN_POSITION_MS))) throw (await this.#isBeyondTheLog(views, minPosition)) ? unknownPosition() : behind();
    }
    return own === null || (await reached(own, OWN_MS));
  }

  /** What a change answered is in the log by then: where a view knows all of the log and not this, nobody was ever told it. */
  async #isBeyondTheLog(views: readonly ViewName[], position: Position): Promise<boolean> {
    const wanted: ReadonlySet<string> = new Set(views);
    const known = this.parts.projections.status().filter(({ name, position: at }) => wanted.has(name) && (at === null || at < position));
    const ahead = await Promise.all(known.map(({ position: at }) => this.parts.store.readAll(at, { limit: 1 })));
    return ahead.some(({ events }) => events.length === 0);
  }

  /** Reads one thing. @throws what `notFound` makes; Transient `read_model.behind` when it may only not be known yet. */
  async one<T>(views: readonly ViewName[], minPosition: Position | undefined, read: () => Promise<T | null>, notFound: () => Rejection): Promise<T> {
    const known = await this.fresh(views, minPosition);
    const found = await read();
    if (found !== null) return found;
    throw known ? notFound() : behind();
  }

  /** Reads one thing, or what belongs to it, as of an instant (RFC 3339). @throws what `notFound` makes */
  async past<T>(instant: string, id: string, read: (reads: Reads) => Promise<T | null>, notFound: () => Rejection): Promise<T> {
    await this.fresh(['audit', 'deployments', 'services', 'jobs']);
    const found = await queryAt(this.parts, id, instant, read);
    if (found === null) throw notFound();
    return found;
  }
}

const later = (one: Position | null, other: Position | null): Position | null => (one === null || (other !== null && other > one) ? other : one);

const unknownPosition = () => new Rejection('invalid', 'request.position_unknown', 'the log ends before this position: send a Waybill-Position that a change answered here', { pointer: '?min_position' });
const behind = () => new Transient('read_model.behind', 'the views are behind the log: try again, or look at /v1/projections');
