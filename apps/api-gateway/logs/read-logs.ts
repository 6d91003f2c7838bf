import { Transient, type Bus, type OutputFilter } from '#contracts';
import type { NodeId, ReplicaId } from '#domain';
import { beginAtTail } from './find-tail.ts';
import { cursorText, placeKey, placeText, type LogCursor } from './log-cursor.ts';
import { ReplicaReader, lineAnswer, type LogLineAnswer, type ReadReplica } from './replica-reader.ts';

/** What is said beside the lines. */
export interface LogNotice {
  readonly code: 'cut' | 'node_silent' | 'node_heard' | 'end';
  readonly message: string;
  readonly replica_id: ReplicaId | null;
  readonly node_id: NodeId | null;
}

/** `id`: where a reader goes on behind the line. */
export type LogItem = { readonly line: LogLineAnswer; readonly id: string } | { readonly notice: LogNotice };

/** Which part of the output is wanted. */
export interface Wanted extends OutputFilter {
  /** null: from the oldest line. Looked at without a cursor only. */
  readonly tail: number | null;
  readonly cursor: LogCursor | null;
}

/** Pages of all replicas together, and a batch of lines on its way to a client, are about this much. */
const HELD_BYTES = 4 * 1024 * 1024;
const BATCH_BYTES = 256 * 1024;
const SMALLEST_PAGE = 16 * 1024;
const LARGEST_PAGE = 256 * 1024;

/** A node that doesn't answer is asked so often before its lines count as missing. */
const ATTEMPTS = 2;

/** The output of some replicas as one text: what was written before, by time, page after page. Holds a few MiB at most, however
 *  much there is and however slowly it is taken. */
export class LogReading {
  readonly readers: ReplicaReader[] = [];
  /** Parts of the cursor, by reader. A replica that was followed by another in its slot falls out when both were read. */
  readonly #places = new Map<string, string>();
  readonly #told = new Set<string>();

  /** @param knownUntil see `LogCursor` */
  constructor(
    private readonly bus: Bus,
    replicas: readonly ReadReplica[],
    readonly wanted: Wanted,
    readonly knownUntil: string | null,
  ) {
    for (const replica of replicas) this.add(replica);
  }

  /** Reads one more, from its oldest line or where the cursor says. */
  add(replica: ReadReplica): void {
    const reader = new ReplicaReader(this.bus, replica);
    const key = placeKey(replica);
    reader.beginAfter(this.wanted.cursor?.places.get(key) ?? null);
    this.readers.push(reader);
    this.#places.set(key, placeText(key, reader.after));
  }

  /** Reads it no more. */
  drop(reader: ReplicaReader): void {
    this.readers.splice(this.readers.indexOf(reader), 1);
    const { slot, generation } = reader.replica;
    const isFollowed = [...this.#places.keys()].some((key) => key.startsWith(`${slot}.`) && Number(key.split('.')[1]) > generation);
    if (isFollowed) this.#places.delete(placeKey(reader.replica));
  }

  /** The place behind all that was given. */
  get id(): string {
    return cursorText(this.knownUntil, this.#places.values());
  }

  /** Bytes that one replica's page may have, so that all of them together stay within bounds. */
  get pageBytes(): number {
    return Math.min(LARGEST_PAGE, Math.max(SMALLEST_PAGE, Math.floor(HELD_BYTES / Math.max(1, this.readers.length))));
  }

  /** What was written until now, the oldest first, in batches. What a node that doesn't answer keeps is left out, and said.
   *  @param goesOn they are asked again later. Otherwise: @throws Transient `logs.unreachable` when no node answers at all. */
  async *past(goesOn: boolean): AsyncGenerator<readonly LogItem[]> {
    const { tail, cursor } = this.wanted;
    if (cursor === null && tail !== null) {
      await beginAtTail(this.readers, tail, this.wanted);
      for (const reader of this.readers) this.#note(reader);
    }
    // Who didn't say where the tail begins isn't read from the beginning instead.
    await this.#fill(this.readers.filter(({ trouble }) => trouble === null));
    if (!goesOn) this.#throwWhereNobodyAnswers();
    yield* this.notices();
    for (let batch = await this.#batch(); batch.length > 0; batch = await this.#batch()) yield batch;
    yield* this.notices();
  }

  /** What changed of the readers and wasn't told yet. */
  *notices(): Generator<readonly LogItem[]> {
    const news = this.readers.flatMap((reader) => this.#newsOf(reader));
    if (news.length > 0) yield news.map((notice) => ({ notice }));
  }

  /** The lines that are at hand, by time, in batches. */
  *atHand(): Generator<readonly LogItem[]> {
    for (let batch = this.#takeBatch(false); batch.length > 0; batch = this.#takeBatch(false)) yield batch;
  }

  async #batch(): Promise<readonly LogItem[]> {
    const items: LogItem[] = [];
    for (let bytes = 0; bytes < BATCH_BYTES; ) {
      await this.#fill(this.readers.filter((reader) => reader.head === null && !reader.atEnd && reader.trouble === null));
      const taken = this.#takeBatch(true);
      if (taken.length === 0) break;
      items.push(...taken);
      bytes += taken.reduce((sum, item) => sum + ('line' in item ? item.line.line.length : 0) + 100, 0);
    }
    return items;
  }

  /** Takes the earliest line again and again. `needsAll`: until a reader has nothing at hand of which more is to come. */
  #takeBatch(needsAll: boolean): LogItem[] {
    const items: LogItem[] = [];
    for (let bytes = 0; bytes < BATCH_BYTES; ) {
      const reader = earliest(this.readers);
      if (!reader) break;
      const line = lineAnswer(reader.replica.replica_id, reader.head!);
      reader.take();
      this.#note(reader);
      items.push({ line, id: this.id });
      bytes += line.line.length + 100;
      if (needsAll && reader.head === null && !reader.atEnd) break;
    }
    return items;
  }

  /** Pages for readers that have none, each asked for twice where its node doesn't answer. */
  async #fill(readers: readonly ReplicaReader[]): Promise<void> {
    if (readers.length === 0) return;
    await Promise.all(
      readers.map(async (reader) => {
        for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
          // A page may be empty and not the last.
          do await reader.pull(this.wanted, this.pageBytes, 0);
          while (reader.trouble === null && reader.head === null && !reader.atEnd);
          if (reader.trouble === null) break;
        }
        this.#note(reader);
      }),
    );
  }

  #note(reader: ReplicaReader): void {
    const key = placeKey(reader.replica);
    this.#places.set(key, placeText(key, reader.after));
  }

  #throwWhereNobodyAnswers(): void {
    const trouble = this.readers.map((reader) => reader.trouble);
    if (trouble.length > 0 && !trouble.includes(null)) throw new Transient('logs.unreachable', `no node that keeps these lines answers: ${trouble[0]}`);
  }

  #newsOf(reader: ReplicaReader): LogNotice[] {
    const { replica_id, node_id } = reader.replica;
    const about = { replica_id, node_id };
    const [silent, cut] = [`silent ${replica_id}`, `cut ${replica_id}`];
    const news: LogNotice[] = [];
    if (reader.trouble !== null && !this.#told.has(silent)) news.push({ code: 'node_silent', message: `its node doesn't answer, so that lines of it may be missing: ${reader.trouble}`, ...about });
    if (reader.trouble === null && this.#told.has(silent)) news.push({ code: 'node_heard', message: 'its node answers again', ...about });
    if (reader.cut && !this.#told.has(cut)) news.push({ code: 'cut', message: 'older lines of it are kept no longer', ...about });
    if (reader.trouble === null) this.#told.delete(silent);
    else this.#told.add(silent);
    if (reader.cut) this.#told.add(cut);
    return news;
  }
}

function earliest(readers: readonly ReplicaReader[]): ReplicaReader | null {
  let first: ReplicaReader | null = null;
  for (const reader of readers) if (reader.head && (first === null || reader.head.at < first.head!.at)) first = reader;
  return first;
}
