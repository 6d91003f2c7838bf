import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Position, Raw, Recorded } from './port.ts';
import { positionNumber, positionText } from './sqlite-position.ts';

/** An array, not an object: the log is read by the hundred thousand, and an object a row is a third of what that takes. */
type Row<Text> = readonly [position: number, stream: string, revision: number, id: string, type: string, data: Text, metadata: Text];

/** How an event is taken out of its row. */
export interface Reading<Event, Text = never> {
  readonly columns: string;
  readonly of: (row: Row<Text>) => Event;
}

/** Reads single pages, each by one look at the file: readers never wait for writers. */
export class SqliteReader<Event, Text> {
  private readonly head: StatementSync;
  private readonly stream: StatementSync;
  private readonly everything: StatementSync;
  private readonly category: StatementSync;
  private readonly range: StatementSync;

  constructor(
    db: DatabaseSync,
    private readonly reading: Reading<Event, Text>,
  ) {
    const columns = `SELECT ${reading.columns} FROM events`;
    const page = 'position > ? AND position <= ? ORDER BY position LIMIT ?';
    this.head = db.prepare('SELECT coalesce(max(position), 0) AS head FROM events');
    this.stream = db.prepare(`${columns} WHERE stream = ? AND revision >= ? ORDER BY revision LIMIT ?`);
    this.everything = db.prepare(`${columns} WHERE ${page}`);
    this.category = db.prepare(`${columns} INDEXED BY events_by_category WHERE category = ? AND ${page}`);
    // Few streams begin with a prefix that says more than the category: their index is walked, and only their rows are sorted.
    this.range = db.prepare(`${columns} WHERE stream >= ? AND stream < ? AND +${page}`);
    for (const statement of [this.stream, this.everything, this.category, this.range]) statement.setReturnArrays(true);
  }

  streamPage(stream: string, from: bigint, limit: number): Event[] {
    return rows<Text>(this.stream.all(stream, from, limit)).map(this.reading.of);
  }

  /** At most `limit` events after `after`. A page that isn't full was read up to the log's end, and `next` is that end. */
  page(after: Position | null, prefixes: readonly string[] | undefined, limit: number): { events: Event[]; next: Position | null } {
    const from = positionNumber(after);
    // Read first and kept to: the queries of several prefixes then see the same log, though others go on writing to it.
    const { head } = this.head.get() as { head: number };
    const found = this.matching(from, head, prefixes, limit);
    if (found.length >= limit) return { events: found.map(this.reading.of), next: positionText(found.at(-1)![0]) };
    return { events: found.map(this.reading.of), next: head > from ? positionText(head) : after };
  }

  private matching(from: number, head: number, prefixes: readonly string[] | undefined, limit: number): Row<Text>[] {
    if (head <= from) return [];
    if (!prefixes || prefixes.includes('')) return rows<Text>(this.everything.all(from, head, limit));
    const pages = withoutCovered(prefixes).map((prefix) =>
      isCategory(prefix)
        ? rows<Text>(this.category.all(prefix.slice(0, -1), from, head, limit))
        : rows<Text>(this.range.all(prefix, endOf(prefix), from, head, limit)),
    );
    if (pages.length === 1) return pages[0]!;
    return pages
      .flat()
      .sort(([a], [b]) => a - b)
      .slice(0, limit);
  }
}

const rows = <Text>(result: unknown): Row<Text>[] => result as Row<Text>[];

/** As events are read. */
export const RECORDED: Reading<Recorded, string> = {
  columns: 'position, stream, revision, id, type, data, metadata',
  of: ([position, stream, revision, id, type, data, metadata]) => ({
    id,
    type,
    data: JSON.parse(data),
    metadata: JSON.parse(metadata),
    stream,
    revision: BigInt(revision),
    position: positionText(position),
  }),
};

/** As they lie in the file: as texts, bytes that are none would come out as others. */
export const RAW: Reading<Raw, Uint8Array> = {
  columns: 'position, stream, revision, id, type, CAST(data AS BLOB), CAST(metadata AS BLOB)',
  of: ([position, stream, revision, id, type, data, metadata]) => ({ stream, revision: BigInt(revision), position: positionText(position), id, type, data, metadata }),
};

/** `replica-`: all that is before the first dash. */
const isCategory = (prefix: string): boolean => prefix.indexOf('-') === prefix.length - 1;

/** The first text after all those that begin with `prefix`. */
const endOf = (prefix: string): string => prefix.slice(0, -1) + String.fromCodePoint(prefix.codePointAt(prefix.length - 1)! + 1);

/** Each event once, though prefixes may overlap. */
const withoutCovered = (prefixes: readonly string[]): string[] =>
  [...new Set(prefixes)].filter((prefix, _, all) => !all.some((other) => other !== prefix && prefix.startsWith(other)));
