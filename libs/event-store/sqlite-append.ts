import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { scheduler } from 'node:timers/promises';
import type { Clock, Random } from '#contracts';
import { Conflict, OutcomeUnknown, type Appended, type Expected, type NewEvent } from './port.ts';
import { CommitFailed, inTransaction, whileBusy } from './sqlite-file.ts';
import { positionText } from './sqlite-position.ts';

interface Waiting {
  readonly stream: string;
  readonly expected: Expected;
  readonly events: readonly { id: string; type: string; data: string; metadata: string }[];
  resolve(appended: Appended): void;
  reject(error: unknown): void;
}

/** One flush to the disk costs the same for one append as for a hundred. */
const LARGEST_GROUP = 200;

/** Takes appends one after the other; those that arrive while one is on its way go to the disk together with one flush.
 *  Each is judged by itself, in the order of arrival, as if it were alone. */
export class SqliteAppender {
  private readonly waiting: Waiting[] = [];
  private working: Promise<void> | null = null;
  private readonly statements: ReturnType<typeof prepare>;

  constructor(
    private readonly db: DatabaseSync,
    private readonly clock: Clock,
    private readonly random: Random,
    private readonly onCommitted: () => void,
  ) {
    this.statements = prepare(db);
  }

  /** @throws as `EventStore.append`; RangeError for no events or an id given twice; DuplicateEvent. */
  append(stream: string, expected: Expected, events: readonly NewEvent[]): Promise<Appended> {
    if (new Set(events.map((event) => event.id)).size !== events.length || events.length === 0)
      return Promise.reject(new RangeError(`an append to ${stream} needs events, each with its own id`));
    // Encoded here, so that what can't be encoded fails its own caller and not the group.
    const encoded = events.map(({ id, type, data, metadata }) => ({ id, type, data: JSON.stringify(data), metadata: JSON.stringify(metadata) }));
    return new Promise((resolve, reject) => {
      this.waiting.push({ stream, expected, events: encoded, resolve, reject });
      this.working ??= this.work();
    });
  }

  /** Resolves once all appends so far are answered. */
  async drained(): Promise<void> {
    await this.working;
  }

  private async work(): Promise<void> {
    while (this.waiting.length > 0) {
      // Lets the input that is ready now be handled first: its appends join this group.
      await scheduler.yield();
      await this.writeGroup(this.waiting.splice(0, LARGEST_GROUP));
    }
    // In the same breath as the look that found nothing waiting: an append between the two would be forgotten.
    this.working = null;
  }

  private async writeGroup(group: readonly Waiting[]): Promise<void> {
    try {
      const verdicts = await whileBusy(this.clock, this.random, () => inTransaction(this.db, () => group.map((one) => this.write(one))));
      group.forEach((one, index) => {
        const verdict = verdicts[index]!;
        if (verdict instanceof Error) one.reject(verdict);
        else one.resolve(verdict);
      });
      this.onCommitted();
    } catch (error) {
      const unknown = error instanceof CommitFailed;
      for (const one of group) one.reject(unknown ? new OutcomeUnknown(`append to ${one.stream}: ${error.message}`, { cause: error }) : error);
    }
  }

  /** Inside the transaction. A refusal is returned, not thrown: the others of the group are still written. */
  private write({ stream, expected, events }: Waiting): Appended | Conflict | DuplicateEvent {
    const known = events.map(({ id }) => this.statements.byId.get(id) as unknown as Standing | undefined);
    const standing = sameAppend(stream, expected, known);
    if (standing) return { revision: BigInt(standing.revision), position: positionText(standing.position) };

    const actual = this.revisionOf(stream);
    if (!fits(expected, actual)) return new Conflict(stream, expected, actual === null ? null : BigInt(actual));
    const taken = known.findIndex(Boolean);
    if (taken >= 0) return new DuplicateEvent(events[taken]!.id, known[taken]!.stream, BigInt(known[taken]!.revision));
    return this.insert(stream, actual === null ? 0 : actual + 1, events);
  }

  private insert(stream: string, first: number, events: Waiting['events']): Appended {
    const category = stream.split('-', 1)[0]!;
    const { head } = this.statements.head.get() as { head: number };
    events.forEach(({ id, type, data, metadata }, index) =>
      this.statements.insert.run(head + 1 + index, stream, first + index, category, id, type, data, metadata),
    );
    const written = events.map((_, index) => positionText(head + 1 + index));
    return { revision: BigInt(first + events.length - 1), position: written.at(-1)!, written };
  }

  private revisionOf(stream: string): number | null {
    return (this.statements.revision.get(stream) as { revision: number | null }).revision;
  }
}

/** An event id is taken by another event: ids derive from command, stream and index, so this is a bug of the caller. */
export class DuplicateEvent extends Error {
  constructor(
    readonly eventId: string,
    readonly stream: string,
    readonly revision: bigint,
  ) {
    super(`event id ${eventId} stands already in ${stream} at ${revision}`);
  }
}

interface Standing {
  readonly stream: string;
  readonly revision: number;
  readonly position: number;
}

/** The last of the events if they all stand already, in this order and where `expected` said: then the append was made before. */
function sameAppend(stream: string, expected: Expected, known: readonly (Standing | undefined)[]): Standing | null {
  const first = known[0];
  if (!first || !known.every((it, index) => it?.stream === stream && it.revision === first.revision + index)) return null;
  return fits(expected, first.revision === 0 ? null : first.revision - 1) ? known.at(-1)! : null;
}

function fits(expected: Expected, actual: number | null): boolean {
  if (expected === 'any') return true;
  if (expected === 'no-stream') return actual === null;
  if (expected === 'exists') return actual !== null;
  return actual !== null && BigInt(actual) === expected;
}

function prepare(db: DatabaseSync): Record<'revision' | 'byId' | 'head' | 'insert', StatementSync> {
  return {
    revision: db.prepare('SELECT max(revision) AS revision FROM events WHERE stream = ?'),
    byId: db.prepare('SELECT stream, revision, position FROM events WHERE id = ?'),
    head: db.prepare('SELECT coalesce(max(position), 0) AS head FROM events'),
    insert: db.prepare('INSERT INTO events (position, stream, revision, category, id, type, data, metadata) VALUES (?, ?, ?, ?, ?, ?, ?, ?)'),
  };
}
