import type { Clock } from '#contracts';
import type { LogItem, LogReading } from './read-logs.ts';
import type { ReadReplica, ReplicaReader } from './replica-reader.ts';

/** Whose output is followed, as it is known now. */
export interface FollowedOwner {
  /** The replicas that are being read, as they stand, and those that came since the reading began. */
  look(reading: LogReading): Promise<{ readonly known: ReadonlyMap<string, ReadReplica>; readonly joined: readonly ReadReplica[]; readonly isOver: boolean }>;
}

/** An agent holds a request for a line so long; a restart of it costs no more than this and its timeout. */
const WAIT_MS = 2_000;
const LOOK_MS = 1_000;
const RETRY_MS = 1_000;
/** An agent that is ending answers at once, with nothing. */
const BREATH_MS = 50;
/** A replica that is gone together with its node is asked for no longer. */
const GIVE_UP_AFTER = 5;

/** What is written from now on, as it comes; of each replica in its order, without gap or double. New replicas join, a node that
 *  doesn't answer is said and asked again. Ends when nothing more can come. Nothing is fetched while a batch isn't taken. */
export async function* followLogs(reading: LogReading, owner: FollowedOwner, clock: Clock, signal: AbortSignal): AsyncGenerator<readonly LogItem[]> {
  const pulls = new Pulls(reading, clock);
  let lookAt = -Infinity;
  let isOver = false;
  while (!signal.aborted) {
    if (clock.monotonic() >= lookAt) {
      isOver = await lookAgain(reading, owner);
      lookAt = clock.monotonic() + LOOK_MS;
    }
    pulls.begin();
    yield* reading.notices();
    yield* reading.atHand();
    pulls.dropFinished();
    if (isOver && reading.readers.length === 0) return yield [{ notice: { code: 'end', message: 'nothing more will come', replica_id: null, node_id: null } }];
    await pulls.next(pulls.restMs(LOOK_MS), signal);
  }
}

async function lookAgain(reading: LogReading, owner: FollowedOwner): Promise<boolean> {
  const { known, joined, isOver } = await owner.look(reading);
  for (const reader of reading.readers) reader.replica = known.get(reader.replica.replica_id) ?? reader.replica;
  for (const replica of joined) reading.add(replica);
  return isOver;
}

/** Requests that wait at the agents, at most one for each replica. */
class Pulls {
  readonly #under = new Set<ReplicaReader>();
  readonly #retryAt = new Map<ReplicaReader, number>();
  /** Read to its end after it was known to be over. */
  readonly #finished = new Set<ReplicaReader>();
  #bell = newBell();

  constructor(
    private readonly reading: LogReading,
    private readonly clock: Clock,
  ) {}

  begin(): void {
    for (const reader of this.reading.readers) {
      if (this.#under.has(reader) || this.#finished.has(reader) || reader.head !== null) continue;
      if (this.clock.monotonic() < (this.#retryAt.get(reader) ?? 0)) continue;
      this.#pull(reader).catch((error: unknown) => this.#bell.reject(error));
    }
  }

  /** How long nothing can be begun; at most `ms`. */
  restMs(ms: number): number {
    const waiting = this.reading.readers.filter((reader) => !this.#under.has(reader) && !this.#finished.has(reader));
    const due = waiting.map((reader) => (this.#retryAt.get(reader) ?? 0) - this.clock.monotonic());
    return Math.max(0, Math.min(ms, ...due));
  }

  /** Resolves when a page came since it was last awaited, and after `ms`. @throws what is no node's silence */
  async next(ms: number, signal: AbortSignal): Promise<void> {
    const enough = new AbortController();
    await Promise.race([this.#bell.promise, this.clock.sleep(ms, AbortSignal.any([enough.signal, signal]))]);
    enough.abort();
    this.#bell = newBell();
  }

  dropFinished(): void {
    for (const reader of this.#finished) if (reader.head === null) this.reading.drop(reader);
    for (const reader of [...this.#finished]) if (reader.head === null) this.#finished.delete(reader);
  }

  async #pull(reader: ReplicaReader): Promise<void> {
    const isFinal = reader.replica.final;
    this.#under.add(reader);
    await reader.pull(this.reading.wanted, this.reading.pageBytes, isFinal ? 0 : WAIT_MS);
    this.#under.delete(reader);
    // One without a node has nothing to wait for yet.
    const rests = reader.trouble !== null || reader.replica.node_id === null;
    if (rests || reader.head === null) this.#retryAt.set(reader, this.clock.monotonic() + (rests ? RETRY_MS : BREATH_MS));
    const isGivenUp = reader.trouble !== null && reader.failures >= GIVE_UP_AFTER;
    if (isFinal && ((reader.trouble === null && reader.atEnd) || isGivenUp)) this.#finished.add(reader);
    this.#bell.resolve();
  }
}

/** Nobody may be waiting when it fails: that is no failure of the process. */
function newBell(): PromiseWithResolvers<void> {
  const bell = Promise.withResolvers<void>();
  bell.promise.catch(() => undefined);
  return bell;
}
